"""Requests are raised, moved, handed over and corrected by services, and the database has the last word (M1–M4, M9)."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.rules.errors import Conflict, Forbidden, Invalid, LimitReached, NotFound
from app.rules.maintenance import (
    ATTACHMENTS_PER_REQUEST,
    DAILY_REQUEST_LIMIT,
    DESCRIPTION_MAX,
    PLACE_MAX,
    REOPEN_WINDOW,
    REQUEST,
)
from app.rules.maintenance import RequestStatus as S
from app.services import maintenance
from tests.maintenance import at, category, first_hostel, found, moved, raised, refusal, scope

# --- raising ----------------------------------------------------------------------------------------------


def test_references_count_by_hostel(app, world):
    here, there = (place.hostel_id for place in world.a.places)
    ids = [raised(world.owner, hostel_id=hostel) for hostel in (here, here, there)]
    assert [found(world.owner, request).reference for request in ids] == ["MR-0001", "MR-0002", "MR-0001"]


def test_a_reference_has_more_digits_once_four_are_used_up(app, world, superuser):
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO number_counters VALUES (:org, 'maintenance', :hostel, 9999)"),
                           {"org": world.a.org_id, "hostel": first_hostel(world.owner)})
    assert found(world.owner, raised(world.owner)).reference == "MR-10000"


def test_a_request_that_is_refused_takes_no_number(app, world):
    assert isinstance(refusal(lambda: raised(world.resident, room_id=world.a.places[1].rooms[0])), Invalid)
    assert found(world.owner, raised(world.resident)).number == 1


def test_the_eleventh_request_of_a_resident_is_refused_until_midnight_at_the_hostel(app, world, superuser):
    with superuser.begin() as connection:  # noon in Kolkata
        connection.execute(text("UPDATE clock SET shift = '2026-03-10 06:30+00'::timestamptz - clock_timestamp()"))
    for _ in range(DAILY_REQUEST_LIMIT):
        raised(world.resident)
    refused = refusal(lambda: raised(world.resident))
    assert isinstance(refused, LimitReached)
    assert str(DAILY_REQUEST_LIMIT) in refused.message
    with superuser.begin() as connection:
        connection.execute(text("UPDATE clock SET shift = '2026-03-10 18:31+00'::timestamptz - clock_timestamp()"))
    raised(world.resident)


def test_staff_raise_as_many_as_there_are(app, world):
    for _ in range(DAILY_REQUEST_LIMIT + 1):
        raised(world.staff)


def test_staff_raise_for_a_resident_and_a_resident_for_nobody_else(app, world):
    for_resident = raised(world.staff, for_user=world.resident.user_id)
    own = raised(world.resident, for_user=world.owner.user_id)
    assert found(world.owner, for_resident).user_id == world.resident.user_id
    assert found(world.owner, own).user_id == world.resident.user_id


def test_a_form_sent_twice_makes_one_request(app, world):
    key = uuid4()
    assert raised(world.owner, id=key) == key
    assert isinstance(refusal(lambda: raised(world.owner, id=key)), Conflict)


def test_an_issue_type_of_another_category_is_refused(app, world):
    with scope(world.owner) as session:
        wrong = session.scalar(text("SELECT id FROM maintenance_issue_types WHERE category_id = :c LIMIT 1"),
                               {"c": category(session, "wifi")})
    refused = refusal(lambda: raised(world.owner, issue_type_id=wrong))
    assert (type(refused), refused.field) == (Invalid, "issue_type")


@pytest.mark.parametrize(("field", "value"), [("place", "x" * (PLACE_MAX + 1)), ("description", "x" * (DESCRIPTION_MAX + 1)),
                                              ("description", "a\x00b"), ("description", "a\x07b")])
def test_texts_that_do_not_fit_are_refused_at_their_field(app, world, field, value):
    assert refusal(lambda: raised(world.owner, **{field: value})).field == field


@pytest.mark.parametrize("words", ["😀 🚿", "مكيف الهواء لا يعمل", "<script>alert(1)</script>", "x" * DESCRIPTION_MAX])
def test_whatever_people_write_is_kept_as_it_is(app, world, words):
    assert found(world.owner, raised(world.resident, description=words)).description == words


@pytest.mark.parametrize("role", [Role.GUARD, Role.SALES_AGENT, Role.CANTEEN_STAFF, Role.PENDING_RESIDENT, Role.VIEWER,
                                  Role.BOT_TRAINER])
def test_those_who_may_not_raise_are_refused(app, world, role):
    person = world.a.people[role]
    with scope(world.owner) as session:
        plumber = category(session)

    def submit():
        with scope(person) as session:
            maintenance.submit(session, maintenance.NewRequest(first_hostel(world.owner), plumber))

    assert refusal(submit).status in (403, 404)


def test_staff_of_one_hostel_raise_nothing_in_another(app, world):
    assert isinstance(refusal(lambda: raised(world.staff, hostel_id=world.a.places[1].hostel_id)), NotFound)


# --- moving -----------------------------------------------------------------------------------------------


def test_a_request_runs_its_course(app, world):
    request = raised(world.resident)
    moved(world.staff, request, "claim", "start", "hold", "resume", "resolve")
    item = found(world.owner, request)
    assert (item.state, item.holder) == (S.RESOLVED, world.staff.name)
    assert item.resolved_at is not None


def test_every_move_leaves_a_line_of_history(app, world, superuser):
    request = raised(world.resident)
    moved(world.staff, request, "claim", "start", "hold")
    with superuser.connect() as connection:
        lines = connection.execute(text("SELECT from_status, to_status, event, changed_by, triggered_by "
                                        "FROM maintenance_status_history ORDER BY seq")).all()
    staff, resident = world.staff.user_id, world.resident.user_id
    assert [tuple(line) for line in lines] == [
        (None, "submitted", "submit", resident, "user"), ("submitted", "assigned", "claim", staff, "user"),
        ("assigned", "in_progress", "start", staff, "user"), ("in_progress", "on_hold", "hold", staff, "user")]


def test_history_cannot_be_changed_by_anybody(app, world, superuser):
    raised(world.resident)
    for change in ("UPDATE maintenance_status_history SET note = 'x'", "DELETE FROM maintenance_status_history",
                   "TRUNCATE maintenance_status_history CASCADE"):
        with pytest.raises(DBAPIError), superuser.begin() as connection:
            connection.execute(text(change))


def test_a_step_that_the_state_does_not_allow_is_refused_by_the_service(app, world):
    request = raised(world.resident)
    refused = refusal(lambda: moved(world.owner, request, "resolve"))
    assert isinstance(refused, Conflict)
    assert "submitted" in refused.message


def test_a_step_that_does_not_exist_is_refused(app, world):
    assert isinstance(refusal(lambda: moved(world.owner, raised(world.owner), "explode")), NotFound)


_LEGAL = {(source.value, target.value) for source, target in REQUEST.edges}
_ILLEGAL = sorted({(s.value, t.value) for s in S for t in S if s is not t} - _LEGAL)


@pytest.mark.parametrize("source", sorted({source for source, _ in _ILLEGAL}))
def test_moves_that_the_lifecycle_lacks_are_refused_to_the_superuser(app, world, superuser, source):
    request = raised(world.owner)
    for target in (target for from_state, target in _ILLEGAL if from_state == source):
        with superuser.connect() as connection, connection.begin() as transaction:
            # The only way into a state by force, so that the trigger is asked about the move out of it.
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("UPDATE maintenance_requests SET status = :s, resolved_at = now() WHERE id = :id"),
                               {"s": source, "id": request})
            connection.execute(text("SET LOCAL session_replication_role = origin"))
            with pytest.raises(DBAPIError, match="cannot go from"):
                connection.execute(text("UPDATE maintenance_requests SET status = :t WHERE id = :id"),
                                   {"t": target, "id": request})
            transaction.rollback()


def test_a_request_cannot_begin_in_another_state(app, world, superuser):
    raised(world.owner)
    with pytest.raises(DBAPIError, match="cannot begin as"), superuser.begin() as connection:
        connection.execute(text(
            "INSERT INTO maintenance_requests (org_id, hostel_id, number, category_id, status) "
            "SELECT org_id, hostel_id, 99, category_id, 'assigned' FROM maintenance_requests"))


@pytest.mark.parametrize("event", ["reject", "dispute"])
def test_reasons_are_insisted_on(app, world, event):
    request = raised(world.resident)
    if event == "dispute":
        moved(world.staff, request, "claim", "start", "resolve")
    person = world.resident if event == "dispute" else world.owner
    refused = refusal(lambda: moved(person, request, event, note="  "))
    assert (type(refused), refused.field) == (Invalid, "note")
    moved(person, request, event, note="Because")


def test_whoever_comes_second_is_told_who_was_first(app, world):
    request = raised(world.resident)
    moved(world.staff, request, "claim")
    refused = refusal(lambda: moved(world.a.people[Role.HOSTEL_MANAGER], request, "claim"))
    assert isinstance(refused, Conflict)
    assert world.staff.name in refused.message


def test_staff_change_only_what_is_theirs(app, world):
    manager = world.a.people[Role.HOSTEL_MANAGER]
    request = raised(world.resident)
    assert isinstance(refusal(lambda: moved(world.staff, request, "escalate")), Forbidden)
    moved(manager, request, "claim")
    assert isinstance(refusal(lambda: moved(world.staff, request, "start")), Forbidden)
    moved(world.owner, request, "start")


def test_staff_turn_nothing_down_and_assign_nobody(app, world):
    request = raised(world.resident)
    for event in ("reject", "assign", "mark_unassigned"):
        assert isinstance(refusal(lambda event=event: moved(world.staff, request, event, note="x")), Forbidden)


def test_what_is_given_back_is_nobodys(app, world):
    request = raised(world.resident)
    moved(world.staff, request, "claim", "release")
    item = found(world.owner, request)
    assert (item.state, item.holder) == (S.UNASSIGNED, "")
    moved(world.staff, request, "claim")


def test_a_resident_may_say_for_a_week_that_it_is_not_fixed(app, world, superuser):
    request = raised(world.resident)
    moved(world.staff, request, "claim", "start", "resolve")
    at(superuser, REOPEN_WINDOW - timedelta(minutes=1))
    moved(world.resident, request, "dispute", note="It drips")
    moved(world.staff, request, "resolve")
    at(superuser, 2 * REOPEN_WINDOW + timedelta(minutes=1))
    refused = refusal(lambda: moved(world.resident, request, "dispute", note="It drips"))
    assert isinstance(refused, Conflict)
    assert f"{REOPEN_WINDOW.days} days" in refused.message


def test_only_who_raised_it_may_dispute_it(app, world):
    request = raised(world.resident)
    moved(world.staff, request, "claim", "start", "resolve")
    assert isinstance(refusal(lambda: moved(world.owner, request, "dispute", note="x")), Forbidden)


@pytest.mark.parametrize("event", ["claim", "start", "escalate", "reject", "hold", "resolve"])
def test_residents_move_nothing_but_by_dispute(app, world, event):
    request = raised(world.resident)
    assert refusal(lambda: moved(world.resident, request, event, note="x")).status in (403, 409)


def test_a_request_of_another_organization_does_not_exist(app, world):
    request = raised(world.resident)
    for event in ("claim", "reject"):
        assert isinstance(refusal(lambda event=event: moved(world.outsider, request, event, note="x")), NotFound)


def test_a_request_of_another_hostel_does_not_exist_for_staff(app, world):
    request = raised(world.owner, hostel_id=world.a.places[1].hostel_id)
    assert isinstance(refusal(lambda: moved(world.staff, request, "claim")), NotFound)


# --- numbers that SQL repeats -----------------------------------------------------------------------------------


def test_the_database_repeats_the_numbers_of_the_rules(app, world, superuser):
    with superuser.connect() as connection:
        source = {name: connection.execute(text("SELECT prosrc FROM pg_proc WHERE proname = :name"), {"name": name}).scalar_one()
                  for name in ("submit_request", "limit_attachments", "on_request_move")}
    assert f"v_day, {DAILY_REQUEST_LIMIT})" in source["submit_request"]
    assert f"raised {DAILY_REQUEST_LIMIT} requests today" in source["submit_request"]
    assert f">= {ATTACHMENTS_PER_REQUEST} THEN" in source["limit_attachments"]
    assert f"interval '{REOPEN_WINDOW.days} days'" in source["on_request_move"]
