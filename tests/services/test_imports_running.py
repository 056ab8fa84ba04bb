"""How rows become requests, and what running twice, at once, stopped and killed imports leave behind."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from openpyxl import Workbook
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.rules.errors import Conflict, Invalid, NotFound
from app.rules.imports.runs import RUN
from app.rules.maintenance import REQUEST
from app.services import imports, lifecycle
from app.services.files import Upload
from app.services.imports import Progress
from app.tenancy import tenant_scope
from app.wiring import objects
from tests.imports import (
    as_,
    checked,
    imported,
    manager,
    ring,
    row,
    rows,
    there,
    told,
    undone,
    uploaded,
    work,
)

STEPS = ("SELECT h.event, h.to_status, h.event_at, h.note FROM maintenance_status_history h "
         "JOIN maintenance_requests m ON m.org_id = h.org_id AND m.id = h.request_id WHERE m.external_id = '1' ORDER BY h.seq")
CREATED, CLOSED = datetime(2018, 6, 26, 14, 58, 54, tzinfo=UTC), datetime(2018, 6, 26, 16, 50, 1, tzinfo=UTC)


@pytest.fixture
def boss(app, world):
    return manager(world)


def many(count, start=1):
    return rows(*(row(number) for number in range(start, start + count)))


# -- what goes in -------------------------------------------------------------------------------------------------


def test_a_closed_request_has_its_history_at_its_own_times(boss, superuser):
    imported(boss, many(1))
    assert [(to, at) for _, to, at, _ in there(superuser, STEPS)] == [
        ("submitted", CREATED), ("assigned", CLOSED), ("in_progress", CLOSED), ("resolved", CLOSED)]
    assert there(superuser, "SELECT raised_at, clock_started_at, resolved_at, resolution FROM maintenance_requests") == [
        (CREATED, CREATED, CLOSED, "It was mended.")]
    assert there(superuser, "SELECT outside_party, assigned_at FROM maintenance_assignments") == [("Imported", CLOSED)]


@pytest.mark.parametrize(("said", "state"), [
    ("Open", "submitted"), ("Assigned", "assigned"), ("In Progress", "in_progress"), ("On hold", "on_hold"),
    ("Escalated", "escalated"), ("Unassigned", "unassigned")])
def test_an_open_request_begins_its_clock_with_the_import(boss, superuser, said, state):
    before = datetime.now(UTC)
    imported(boss, rows(row(1, said)))
    ((status, raised, clock),) = there(superuser, "SELECT status, raised_at, clock_started_at FROM maintenance_requests")
    assert (status, raised) == (state, CREATED)
    assert before <= clock <= datetime.now(UTC)
    steps = there(superuser, STEPS)
    assert all(before <= at <= datetime.now(UTC) for _, _, at, _ in steps[1:])


def test_an_import_tells_nobody_anything_and_counts_against_no_daily_limit(boss, superuser):
    imported(boss, many(12))
    assert there(superuser, "SELECT count(*) FROM maintenance_requests") == [(12,)]
    assert there(superuser, "SELECT count(*) FROM outbox WHERE kind LIKE 'maintenance.%'") == [(0,)]
    assert there(superuser, "SELECT count(*) FROM notifications") == [(0,)]


def test_a_place_that_is_a_rooms_number_is_that_room_and_any_other_stays_text(boss, superuser, world):
    imported(boss, rows(row(1, place="101"), row(2, place="Room 999")))
    assert there(superuser, "SELECT room_id, place FROM maintenance_requests ORDER BY external_id") == [
        (world.a.places[0].rooms[0], ""), (None, "Room 999")]


def test_a_category_that_was_given_up_becomes_other(boss, superuser):
    with superuser.begin() as connection:
        connection.execute(text("UPDATE maintenance_categories SET deleted_at = now() WHERE code = 'plumber'"))
    imported(boss, many(1))
    assert there(superuser, "SELECT c.code FROM maintenance_requests m JOIN maintenance_categories c ON c.id = m.category_id") == [("other",)]


def test_the_import_is_the_work_of_who_started_it(boss, superuser):
    imported(boss, many(1))
    assert there(superuser, "SELECT DISTINCT actor_id FROM audit_log WHERE table_name = 'maintenance_requests'") == [(boss.user_id,)]


def test_a_workbook_with_dates_numbers_and_formulas_goes_in(boss, superuser):
    book, out = Workbook(), io.BytesIO()
    sheet = book.active
    sheet.append(["Ticket ID", "Created", "Closed", "Category", "Description", "Status", "Room"])
    opened, closed = datetime.fromisoformat("2018-06-26T10:58:54"), datetime.fromisoformat("2018-06-26T12:50:01")
    sheet.append([7.0, opened, closed, "Plumbing", "Tap 🚿", "Closed", 101])
    sheet.append([8, opened, None, "Plumbing", "=1+1", "Open", None])
    sheet.append([None] * 7)
    book.save(out)
    run_id = imported(boss, out.getvalue(), name="old.xlsx")
    assert told(boss, run_id)[1] == Progress(created=2)
    assert there(superuser, "SELECT external_id, raised_at, resolved_at, description FROM maintenance_requests ORDER BY 1") == [
        ("7", CREATED, CLOSED, "Tap 🚿"), ("8", CREATED, None, "Plumbing")]


# -- again, at once, stopped, killed --------------------------------------------------------------------------------


def test_more_rows_of_the_same_source_go_in_beside_those_that_are_here(boss):
    imported(boss, many(3))
    run_id = imported(boss, many(5))
    assert told(boss, run_id)[1] == Progress(created=2, unchanged=3)


def test_the_check_says_how_many_are_here_already(boss):
    imported(boss, many(3))
    assert told(boss, checked(boss, many(5)))[0].counts["here"] == 3


def test_the_same_file_given_in_by_two_at_once_goes_in_once(boss, world, superuser, app):
    runs = [(boss, checked(boss, many(60))), (world.owner, None)]
    owner = world.owner
    with as_(owner) as session:
        run = imports.upload(session, objects(), Upload("b.csv", "", io.BytesIO(many(60))), boss.hostel_id)
        imports.ask_for_check(session, run.id)
        runs[1] = (owner, run.id)
    work()

    def run_it(person, run_id):
        with app.app_context():
            with as_(person) as session:
                lifecycle.move(session, RUN, run_id, "start")
            handled = 1
            while handled:
                with as_(person) as session:
                    handled = imports.run_batch(session, ring(), run_id, 7)

    threads = [Thread(target=run_it, args=one) for one in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [told(person, run_id)[1] for person, run_id in runs]
    assert sum(one.created for one in found) == 60
    assert sum(one.unchanged for one in found) == 60
    assert there(superuser, "SELECT count(*), count(DISTINCT number) FROM maintenance_requests") == [(60, 60)]


def started(person, content):
    run_id = checked(person, content)
    with as_(person) as session:
        lifecycle.move(session, RUN, run_id, "start")
    return run_id


def test_a_batch_that_was_cut_off_leaves_nothing_and_the_next_goes_on_from_there(boss, superuser):
    run_id = started(boss, many(30))
    with as_(boss) as session:
        imports.run_batch(session, ring(), run_id, 10)
    with as_(boss) as session:
        assert imports.run_batch(session, ring(), run_id, 10) == 10
        session.rollback()  # what PostgreSQL makes of a connection that dies
    assert there(superuser, "SELECT count(*), max(number) FROM maintenance_requests") == [(10, 10)]
    with as_(boss) as session:
        lifecycle.move(session, RUN, run_id, "stop")
        imports.start(session, run_id)
    work()
    assert told(boss, run_id)[1] == Progress(created=30)
    assert there(superuser, "SELECT count(*), max(number) FROM maintenance_requests") == [(30, 30)]


def test_a_stopped_import_takes_in_no_more_until_it_goes_on(boss):
    run_id = started(boss, many(30))
    with as_(boss) as session:
        imports.run_batch(session, ring(), run_id, 10)
        imports.stop(session, run_id)
        assert imports.run_batch(session, ring(), run_id, 10) == 0
    work()
    run, progress = told(boss, run_id)
    assert (run.status, progress) == ("stopped", Progress(accepted=20, created=10))
    with as_(boss) as session:
        imports.start(session, run_id)
    work()
    run, progress = told(boss, run_id)
    assert (run.status, progress) == ("done", Progress(created=30))


def test_an_import_stops_with_the_reason_when_its_person_may_no_longer_import(boss, superuser):
    run_id = checked(boss, many(5))
    with as_(boss) as session:
        imports.start(session, run_id)
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("INSERT INTO permission_overrides (org_id, role, resource, action, allowed) "
                                "VALUES (:org, 'hostel_manager', 'imports', 'create', false)"), {"org": boss.org_id})
    work()
    run, progress = told(boss, run_id)
    assert (run.status, run.message, progress.created) == ("stopped", "Your role does not let you import here.", 0)


def test_a_row_that_no_longer_fits_when_it_comes_in_is_refused_and_the_others_go_in(boss, superuser):
    run_id = checked(boss, rows(row(1), row(2, place="101")))
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("DELETE FROM beds WHERE room_id IN (SELECT id FROM rooms WHERE number = '101')"))
        connection.execute(text("DELETE FROM rooms WHERE number = '101'"))
    with as_(boss) as session:
        imports.start(session, run_id)
    work()
    run, progress = told(boss, run_id)
    assert progress == Progress(created=1, refused=1)
    with as_(boss) as session:
        (refused,) = imports.refused_rows(session, ring(), run)
    assert (refused.number, refused.code, refused.cells[5]) == (3, "no_longer_fits", "101")


@pytest.mark.parametrize(("broken", "sentence"), [
    ('2,"never closed', "cannot be read at line 3"), ("2," + "x" * 200_000, "Line 3 has a cell of more than 131,072 characters"),
])
def test_a_file_that_breaks_far_down_comes_back_with_the_line(boss, monkeypatch, broken, sentence):
    monkeypatch.setattr("app.services.imports.choices.SAMPLE_ROWS", 1)
    run_id = checked(boss, rows(row(1), broken))
    run, progress = told(boss, run_id)
    assert (run.status, progress) == ("uploaded", Progress())
    assert sentence in run.message


# -- undoing ----------------------------------------------------------------------------------------------------------


def test_undoing_hides_requests_and_their_numbers_stay_taken(boss, superuser):
    undone(boss, imported(boss, many(3)))
    assert there(superuser, "SELECT count(*) FROM maintenance_requests WHERE deleted_at IS NOT NULL") == [(3,)]
    imported(boss, many(1, start=100))
    assert there(superuser, "SELECT number FROM maintenance_requests WHERE external_id = '100'") == [(4,)]


def test_undoing_leaves_what_people_have_worked_on_since_and_says_which(boss, superuser, world):
    run_id = imported(boss, rows(*(row(number, "Open") for number in range(1, 6))))
    ids = [one for (one,) in there(superuser, "SELECT id FROM maintenance_requests ORDER BY number")]
    with as_(world.staff) as session:
        lifecycle.move(session, REQUEST, ids[0], "claim")
    with as_(world.staff) as session:
        session.execute(text("INSERT INTO maintenance_comments (hostel_id, request_id, body) VALUES (:h, :r, 'On my way')"),
                        {"h": boss.hostel_id, "r": ids[1]})
    with as_(boss) as session:
        session.execute(text("UPDATE maintenance_requests SET description = 'A tap' WHERE id = :r"), {"r": ids[2]})
    with tenant_scope(world.a.org_id) as session:
        lifecycle.move(session, REQUEST, ids[3], "escalate")
    undone(boss, run_id)
    assert told(boss, run_id)[1] == Progress(created=5, hidden=2, kept=3)
    with as_(boss) as session:
        run = imports.find(session, run_id)
        reasons = [kept.reason for kept in imports.kept_rows(session, run, 10)]
    assert reasons == [f"MR-000{number} has been worked on since, so it stays." for number in (1, 2, 3)]


def test_a_request_that_somebody_removed_is_not_brought_back(boss, superuser):
    imported(boss, many(2))
    with as_(boss) as session:
        session.execute(text("UPDATE maintenance_requests SET deleted_at = now() WHERE external_id = '1'"))
    run_id = imported(boss, many(2))
    assert told(boss, run_id)[1] == Progress(unchanged=2)
    assert there(superuser, "SELECT external_id FROM maintenance_requests WHERE deleted_at IS NULL") == [("2",)]


def test_a_stopped_import_can_be_undone(boss, superuser):
    run_id = started(boss, many(20))
    with as_(boss) as session:
        imports.run_batch(session, ring(), run_id, 5)
        imports.stop(session, run_id)
    undone(boss, run_id)
    assert there(superuser, "SELECT count(*) FROM maintenance_requests WHERE deleted_at IS NULL") == [(0,)]


# -- who may ---------------------------------------------------------------------------------------------------------


def test_rows_of_an_import_are_written_by_the_database_alone(boss):
    run_id = checked(boss, many(1))
    for statement in ("INSERT INTO import_rows (run_id, hostel_id, number, outcome) VALUES (:run, :hostel, 9, 'accepted')",
                      "UPDATE import_rows SET outcome = 'created' WHERE run_id = :run", "DELETE FROM import_rows WHERE run_id = :run",
                      "UPDATE import_runs SET status = 'done' WHERE id = :run"):
        with pytest.raises(DBAPIError, match="permission denied"), as_(boss) as session:
            session.execute(text(statement), {"run": run_id, "hostel": boss.hostel_id})


def test_the_steps_of_the_product_are_not_a_persons_to_take(boss):
    run_id = uploaded(boss, many(1))
    with as_(boss) as session:
        imports.ask_for_check(session, run_id)
    with pytest.raises(DBAPIError, match="does not let you"), as_(boss) as session:
        lifecycle.move(session, RUN, run_id, "pass")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ACCOUNTANT, Role.MEMBER])
def test_roles_without_the_capability_run_nothing(boss, world, role):
    run_id = started(boss, many(1))
    for call in (imports.run_batch, imports.undo_batch):
        with pytest.raises(NotFound, match="no such import"), as_(world.a.people[role]) as session:
            call(session, ring(), run_id)


def test_another_organization_knows_nothing_of_it(boss, world):
    run_id = started(boss, many(1))
    with pytest.raises(NotFound, match="no such import"), as_(world.outsider) as session:
        imports.run_batch(session, ring(), run_id)


def test_choices_of_a_running_import_are_closed(boss):
    run_id = started(boss, many(1))
    with as_(boss) as session:
        run = imports.find(session, run_id)
        with imports.table_of(session, objects(), run) as (table, _), pytest.raises(Conflict, match="has begun"):
            imports.choose_columns(session, run, table, imports.Choices.load(run.mapping))


def test_a_check_far_in_the_past_does_not_date_what_comes_in_today(boss, superuser):
    run_id = checked(boss, rows(row(1, "On hold")))
    with superuser.begin() as connection:
        connection.execute(text("UPDATE clock SET shift = interval '10 days'"))
    with as_(boss) as session:
        imports.start(session, run_id)
    work()
    ((held,),) = there(superuser, "SELECT held_since FROM maintenance_requests")
    assert held - datetime.now(UTC) > timedelta(days=9)


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"x" * 100, b"PK\x03\x04" + b"\0" * 22 + b"\x0f\0\0\0xl/workbook.xml" + b"z" * 99])
def test_a_broken_workbook_is_refused_in_a_sentence(boss, content):
    with pytest.raises(Invalid) as refusal:
        uploaded(boss, content, name="old.xlsx")
    assert refusal.value.message.endswith(".")
