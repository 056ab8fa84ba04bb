"""Residents and present occupancy come in: encrypted, in silence, through the functions of beds, and out again (Y2)."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.models.residents import Resident
from app.permissions import Role
from app.rules.errors import Invalid
from app.services import imports
from app.services.people import invitations
from app.services.personal import reveal
from app.tenancy import auth_scope
from app.wiring import settings
from tests.imports import as_, checked, imported, ring, there, told, undone, uploaded, work

FILE = (b"Name,Email,Check-in date,Mobile,Guardian Phone,Aadhaar\n"
        b"Meera Joshi,meera@people.example,13/02/2025,98765 43210,9123456780,2345 6789 0124\n"
        b"Anil Pai,anil@people.example,14/02/2025,98765 43211,,\n"
        b"Nobody,not an address,14/02/2025,98765 43212,,\n")
SECRETS = ("9876543210", "98765 43210", "43211", "98765 43212", "9123456780", "234567890124", "6789 0124")
OPTIONS = {"kind": "residents", "zone": "Asia/Kolkata"}


KEPT_IN = ("import_rows", "import_runs", "outbox", "audit_log", "personal_values", "members", "residents", "tasks", "notifications")


def dump(superuser):
    """All that these tables hold."""
    return str([there(superuser, f"SELECT to_jsonb(t) FROM {table} t") for table in KEPT_IN])


def test_residents_come_in_encrypted_and_untold_and_go_out_again(world, app, superuser):
    boss = world.owner
    run_id = checked(boss, FILE, **OPTIONS)
    assert not [secret for secret in SECRETS if secret in dump(superuser)]
    with as_(boss) as session:
        imports.start(session, run_id)
    work()
    run, counts = told(boss, run_id)
    assert (run.status, counts.created, counts.refused) == ("done", 2, 1)
    assert not [secret for secret in SECRETS if secret in dump(superuser)]
    with as_(boss) as session:
        (row,) = imports.refused_rows(session, ring(), run)
        assert row.cells[3] == "98765 43212"
        person = there(superuser, "SELECT user_id FROM members WHERE email = 'meera@people.example'")[0][0]
        assert reveal(session, ring(), person, "identity_number", "To see that it came") == "234567890124"
        assert reveal(session, ring(), person, "parent_phone", "To see that it came") == "+919123456780"
    assert [tuple(map(str, row)) for row in there(superuser, """
        SELECT m.name, r.moved_in_on, s.status FROM residents r JOIN members m USING (org_id, user_id) JOIN memberships s USING (org_id, user_id)
        WHERE m.email LIKE '%@people.example' ORDER BY 1""")] == [("Anil Pai", "2025-02-14", "invited"), ("Meera Joshi", "2025-02-13", "invited")]
    assert not there(superuser, "SELECT 1 FROM outbox WHERE kind LIKE 'people.%' OR kind LIKE '%mail%'")
    assert there(superuser, "SELECT deleted_at IS NOT NULL FROM files WHERE id = :id", id=run.file_id) == [(True,)]

    undone(boss, run_id)
    assert told(boss, run_id)[1].hidden == 2
    with as_(boss) as session:
        assert not [one for one in session.query(Resident) if one.user_id == person]
    before = there(superuser, "SELECT number FROM residents WHERE user_id = :who", who=person)
    again = told(boss, imported(boss, FILE, **OPTIONS))[1]
    assert (again.restored, again.created) == (2, 0)
    assert there(superuser, "SELECT number FROM residents WHERE user_id = :who AND hidden_at IS NULL", who=person) == before


def test_a_file_that_begins_with_somebodys_row_is_refused_before_anything_is_kept(world, app, superuser):
    with pytest.raises(Invalid, match="looks like somebody's data"):
        uploaded(world.owner, FILE.partition(b"\n")[2], **OPTIONS)
    assert not there(superuser, "SELECT 1 FROM files")


def test_an_invitation_makes_an_imported_account_theirs_and_then_they_stay(world, app, superuser):
    boss = world.owner
    run_id = imported(boss, FILE, **OPTIONS)
    key, invitation, now = settings().secret_key, uuid4(), datetime.now(UTC)
    with as_(boss) as session:
        invitations.invite(session, key, invitation, invitations.Offer("meera@people.example", "Meera Joshi", Role.RESIDENT, world.a.places[0].hostel_id), now)
    expires = there(superuser, "SELECT expires_at FROM invitations WHERE id = :id", id=invitation)[0][0]
    with auth_scope() as session:
        invitations.accept_as_new(session, invitations.secret_of(key, invitation, expires), "Meera Joshi", "a long quiet password 7")
    assert there(superuser, "SELECT status FROM memberships s JOIN members m USING (org_id, user_id) WHERE m.email = 'meera@people.example'") == [("active",)]
    undone(boss, run_id)
    counts = told(boss, run_id)[1]
    assert (counts.hidden, counts.kept) == (1, 1)


def test_stays_begin_once_per_bed_and_are_taken_back(world, app, superuser):
    boss, place = world.owner, world.a.places[0]
    imported(boss, FILE, **OPTIONS)
    names = [f"{number}-{label}" for number, label in there(
        superuser, "SELECT r.number, b.label FROM beds b JOIN rooms r ON r.id = b.room_id WHERE b.hostel_id = :h ORDER BY b.id", h=place.hostel_id)]
    content = (f'Email,Bed,Start date,Rent\nmeera@people.example,{names[0]},2025-02-13,"Rs. 8,500"\nanil@people.example,{names[0]},2025-03-01,\n'
               f"anil@people.example,no-Z,2025-03-01,\nstranger@people.example,{names[1]},2025-03-01,\n").encode()
    run_id = imported(boss, content, kind="occupancy", zone="Asia/Kolkata")
    run, counts = told(boss, run_id)
    assert (counts.created, counts.refused) == (1, 3)
    with as_(boss) as session:
        reasons = [row.reason for row in imports.refused_rows(session, ring(), run)]
    assert [reason.split(":")[0] for reason in reasons] == [
        "This bed is not free on all of these days.", "There is no such bed here.", "There is no such resident here"]
    assert [tuple(map(str, row)) for row in there(superuser, "SELECT from_on, status, rent_paise FROM stays")] == [("2025-02-13", "current", "850000")]
    assert told(boss, imported(boss, content, kind="occupancy", zone="Asia/Kolkata"))[1].unchanged == 1
    undone(boss, run_id)
    assert told(boss, run_id)[1].hidden == 1
    assert not there(superuser, "SELECT 1 FROM bed_allocations WHERE state = 'active'")
    assert told(boss, imported(boss, content, kind="occupancy", zone="Asia/Kolkata"))[1].restored == 1
    assert there(superuser, "SELECT status FROM stays WHERE hidden_at IS NULL") == [("current",)]
