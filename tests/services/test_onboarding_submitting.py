"""What a newcomer types is kept, and becomes a submission all at once or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.rules.inquiries import Lead
from app.rules.onboarding import Step
from app.services import beds, inquiries, personal
from app.services.onboarding.submitting import Unfinished
from app.tenancy import tenant_scope
from jobs.onboarding import submitted
from tests.approval import claimed, decided
from tests.conftest import APPS
from tests.maintenance import scope as as_
from tests.onboarding import FILLED, choose, decide, fill, newcomer, ring, send, standing, type_in

TABLES = ("onboarding_submissions", "kyc_records", "resident_preferences", "onboarding_progress", "onboarding_drafts", "personal_values",
          "bed_holds", "bed_allocations", "outbox")


def refused(code):
    return pytest.raises(DBAPIError, check=lambda error: error.orig.pgcode == code)


def everything(superuser):
    with superuser.connect() as connection:
        return {table: sorted(map(str, connection.execute(text(f"SELECT to_jsonb(t) FROM {table} t")).scalars())) for table in TABLES}


@pytest.fixture
def me(app, world):
    return newcomer(world)


def test_what_is_typed_waits_on_every_device_and_what_is_sensitive_is_encrypted(me, superuser):
    type_in(me, Step.RESIDENTIAL, FILLED[Step.RESIDENTIAL])
    assert {**FILLED[Step.RESIDENTIAL]} == dict(standing(me).answers)
    with superuser.connect() as connection:
        kept = str(connection.execute(text("SELECT to_jsonb(d) FROM onboarding_drafts d")).all()
                   + connection.execute(text("SELECT to_jsonb(v) FROM personal_values v")).all())
    assert "Meera Joshi" in kept
    assert not [value for value in ("98765 43210", "9876543210", "12 Lake Road", "ABCPE1234F", "2005-03-04") if value in kept]


def test_what_was_said_when_asking_for_a_bed_is_filled_in_until_it_is_changed(me, world, superuser):
    asked, invited = uuid4(), uuid4()
    day = standing(me).house.today + timedelta(days=9)
    with as_(world.owner) as session:
        inquiries.add(session, ring(), me.org_id, me.hostel_id, asked, Lead("Meera Joshi", "+919876543210", move_in_on=day))
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("INSERT INTO invitations (org_id, id, email, name, role, expires_at, status, accepted_by) "
                                "VALUES (:org, :id, 'm@example.org', 'M', 'pending_resident', now(), 'accepted', :user)"),
                           {"org": me.org_id, "id": invited, "user": me.user_id})
        connection.execute(text("UPDATE inquiries SET invitation_id = :id"), {"id": invited})
    assert dict(standing(me).answers) == {"full_name": "Meera Joshi", "phone": "+91 98765 43210", "move_in_on": day.isoformat()}
    type_in(me, Step.RESIDENTIAL, {"full_name": "Meera A Joshi"})
    assert (standing(me).answers["full_name"], standing(me).answers["phone"]) == ("Meera A Joshi", "+91 98765 43210")
    type_in(me, Step.RESIDENTIAL, {"phone": ""})
    assert "phone" not in standing(me).answers


def test_of_two_devices_the_second_is_told(me):
    type_in(me, Step.PREFERENCES, {"food": "jain"}, version=0)
    with refused("VR409"):
        type_in(me, Step.PREFERENCES, {"food": "eggs"}, version=0)
    assert standing(me).answers["food"] == "jain"


def test_sent_it_is_all_there_once(me, world, superuser):
    fill(me, world.a.places[0].beds[0])
    one = uuid4()
    with ThreadPoolExecutor(4) as pool:  # an impatient finger
        assert set(pool.map(lambda _: in_context(me, one), range(4))) == {one}
    after = standing(me)
    assert (after.submission.round, after.submission.state, after.submission.lunchbox, after.submission.hold_id) == (1, "pending_review", True, after.hold.id)
    assert after.masked["phone"] == "•••• 3210"
    assert not {"phone", "identity_number"} & set(after.answers)
    with superuser.connect() as connection:
        assert connection.execute(text("SELECT kind, full_name FROM kyc_records ORDER BY kind")).all() == [
            ("parental", "Asha Joshi"), ("residential", "Meera Joshi")]
        assert connection.execute(text("SELECT onboarding_complete, last_completed_step FROM onboarding_progress")).all() == [(True, 5)]
        assert connection.execute(text("SELECT answers ->> 'food' FROM resident_preferences")).scalars().all() == ["jain"]
        asked = connection.execute(text("SELECT payload FROM outbox WHERE kind = 'onboarding.submitted'")).scalars().all()
    assert asked == [{"submission_id": str(one)}]
    with tenant_scope(me.org_id) as session:
        submitted(session, asked[0])
    with superuser.connect() as connection:
        told = set(connection.execute(text("SELECT user_id FROM notifications WHERE kind = 'onboarding.submitted'")).scalars())
    assert told == {world.a.people[role].user_id for role in (Role.OWNER, Role.ADMINISTRATOR, Role.HOSTEL_MANAGER)}
    with refused("VR409"):
        type_in(me, Step.PREFERENCES, {"food": "eggs"})


def in_context(me, one):
    with APPS[0].app_context():
        return send(me, one)


def test_nothing_is_sent_that_is_not_finished(me, world):
    fill(me, world.a.places[0].beds[0])
    type_in(me, Step.RESIDENTIAL, {"identity_number": "not a PAN"})
    with pytest.raises(Unfinished, check=lambda error: (error.step, error.field) == (Step.RESIDENTIAL, "identity_number")):
        send(me)
    type_in(me, Step.RESIDENTIAL, {"identity_number": "ABCPE1234F"})
    with as_(me) as session:
        beds.release(session, standing(me).hold.id)
    with pytest.raises(Unfinished, check=lambda error: (error.step, error.field) == (Step.ROOM, "bed")):
        send(me)


def test_a_hold_that_ran_out_is_chosen_again(me, world, superuser):
    fill(me, world.a.places[0].beds[0])
    with superuser.begin() as connection:
        connection.execute(text("UPDATE clock SET shift = '3 days'"))
    with pytest.raises(Unfinished, check=lambda error: error.field == "move_in_on"):
        send(me)
    type_in(me, Step.ROOM, {"move_in_on": standing(me).house.today.isoformat()})
    with pytest.raises(Unfinished, check=lambda error: error.field == "bed"):
        send(me)
    choose(me, world.a.places[0].beds[0])
    with superuser.begin() as connection:
        connection.execute(text("UPDATE bed_holds SET held_until = app.now() - interval '1 second' WHERE state = 'held'"))
    with refused("VR409"):  # nothing looks at it before
        send(me)
    choose(me, world.a.places[0].beds[0])
    send(me)


def test_a_revision_opens_what_was_objected_to_and_says_what_is_new(me, world, superuser):
    fill(me, world.a.places[0].beds[0])
    decide(superuser, send(me), "needs_revision", phone="Nobody answers", full_name="Not as on the card")
    now = standing(me)
    assert now.open == {"phone", "full_name", "agreed"}
    assert now.next_step is Step.RESIDENTIAL
    type_in(me, Step.RESIDENTIAL, {"phone": "98765 00000", "full_name": "Meera A Joshi", "address": "Elsewhere"})
    type_in(me, Step.PREFERENCES, {"food": "eggs"})
    send(me)
    again = standing(me).submission
    assert (again.round, again.changed, again.answers["food"]) == (2, ["full_name", "phone"], "jain")
    with as_(me) as session:
        clear = personal.reveal_all(session, ring(), me.user_id, ["phone", "address"], "their own data")
    assert clear == {"phone": "+919876500000", "address": "12 Lake Road"}


def test_after_a_rejection_all_is_open(me, world, superuser):
    fill(me, world.a.places[0].beds[0])
    decide(superuser, send(me), "rejected")
    assert {"phone", "bed", "food", "document.identity"} <= standing(me).open
    type_in(me, Step.PREFERENCES, {"food": "eggs"})
    send(me)
    assert standing(me).submission.changed == ["food"]


def test_who_comes_again_begins_again(me, world, superuser):
    fill(me, world.a.places[0].beds[0])
    first = send(me)
    claimed(world.owner, first)
    decided(world.owner, first)
    with superuser.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("UPDATE memberships SET role = 'pending_resident' WHERE user_id = :me"), {"me": me.user_id})
    assert (standing(me).state, standing(me).holding) == (None, False)
    with pytest.raises(Unfinished, match="choose a bed"):
        send(me)
    choose(me, world.a.places[0].beds[1])
    send(me)
    with superuser.connect() as connection:
        rounds = connection.execute(text("SELECT round, state FROM onboarding_submissions WHERE user_id = :me ORDER BY 1"), {"me": me.user_id}).all()
    assert [tuple(row) for row in rounds] == [(1, "approved"), (2, "pending_review")]


def test_nobody_else_comes_this_way(app, world):
    for person in (world.resident, world.owner):
        with refused("VR403") if person is world.resident else pytest.raises(DBAPIError):
            standing(person)


def test_who_is_forgotten_is_forgotten_here(me, world, superuser):
    fill(me, world.a.places[0].beds[0])
    send(me)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE person_keys SET token = NULL, destroyed_at = now()"))
    assert "Joshi" not in str(everything(superuser))
    with superuser.connect() as connection:
        assert "Joshi" not in str(connection.execute(text("SELECT to_jsonb(l) FROM audit_log l WHERE table_name IN "
                                                          "('kyc_records', 'onboarding_submissions', 'onboarding_drafts')")).all())
