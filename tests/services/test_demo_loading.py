"""The demo is loaded once, is the same every time, and is as the product would have written it (issue 2, part 1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool
from werkzeug.security import check_password_hash

from app.permissions import Role
from app.rules.maintenance import CLOSED, REQUEST, Priority, RequestStatus, escalate_at
from app.services.demo import cast, history
from tests.conftest import KEPT

PASSWORD = "a few unrelated words"
UNTIL = datetime(2026, 3, 2, 9, tzinfo=UTC)


def run(app: Any, *words: str) -> str:
    """What `flask demo …` prints."""
    result = app.test_cli_runner().invoke(args=["demo", *words])
    assert result.exit_code == 0, result.output
    return str(result.output)


@pytest.fixture(scope="module")
def demo_app(app_object: Any) -> Iterator[Any]:
    before = app_object.config["SETTINGS"]
    app_object.config["SETTINGS"] = dataclasses.replace(before, demo=True, demo_password=PASSWORD)
    yield app_object
    app_object.config["SETTINGS"] = before


@pytest.fixture(scope="module")
def loaded(demo_app: Any, servers: Any, migrated: str, database_name: str) -> Iterator[Connection]:
    """A database with the demo as of UNTIL, seen by the superuser; the tests of this module only read it."""
    KEPT.close()
    servers.postgres.execute(
        f'DROP DATABASE IF EXISTS "{database_name}" WITH (FORCE)', f'CREATE DATABASE "{database_name}" TEMPLATE "{migrated}"')
    assert run(demo_app, "load", "--until", f"{UNTIL:%Y-%m-%dT%H:%M}") == "The demo is loaded.\n"
    engine = create_engine(servers.admin_url(database_name), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def rows(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(statement))]


def one(connection: Connection, statement: str) -> Any:
    return connection.scalar(text(statement))


def test_there_are_two_organizations_with_three_hostels_and_240_beds(loaded):
    found = rows(loaded, """
        SELECT o.slug, h.code, count(b.id) FROM organizations o JOIN hostels h ON h.org_id = o.id
        JOIN beds b ON b.org_id = o.id AND b.hostel_id = h.id GROUP BY 1, 2 ORDER BY 1, 2""")
    assert found == [("nandi", "KRM", 60), ("sahyadri", "KTH", 96), ("sahyadri", "VMN", 84)]


def test_every_role_is_held_by_somebody(loaded):
    held = {role for (role,) in rows(loaded, "SELECT role FROM memberships UNION SELECT role FROM platform_roles")}
    assert held == {role.value for role in Role}


def test_each_hostel_has_three_who_do_repairs(loaded):
    assert rows(loaded, """SELECT h.code, count(*) FROM memberships m JOIN hostels h ON h.org_id = m.org_id AND h.id = m.hostel_id
        WHERE m.role = 'maintenance_staff' GROUP BY 1 ORDER BY 1""") == [("KRM", 3), ("KTH", 3), ("VMN", 3)]


def test_everybody_can_sign_in_with_the_one_password_under_a_salt_of_their_own(loaded):
    hashes = [found for (found,) in rows(loaded, "SELECT password_hash FROM user_credentials")]
    assert len(set(hashes)) == len(cast.everybody()) == one(loaded, "SELECT count(*) FROM ab_user")
    assert check_password_hash(hashes[0], PASSWORD)
    assert check_password_hash(hashes[-1], PASSWORD)


def test_the_smaller_company_uses_all_the_people_its_plan_allows(loaded):
    assert one(loaded, "SELECT app.used(id, 'users') = app.limit_of(id, 'users') FROM organizations WHERE slug = 'nandi'")


def test_six_hundred_requests_stand_in_every_state_in_every_hostel(loaded):
    assert one(loaded, "SELECT count(*) FROM maintenance_requests") == 600
    states = rows(loaded, "SELECT hostel_id, status FROM maintenance_requests GROUP BY 1, 2")
    assert len(states) == 3 * len(RequestStatus)


def test_histories_follow_the_lifecycle_at_their_own_times(loaded):
    steps = rows(loaded, """SELECT request_id, event, from_status, to_status, event_at FROM maintenance_status_history
        ORDER BY request_id, seq""")
    at: dict[Any, datetime] = {}
    for request_id, event, before, after, moment in steps:
        if before is not None:
            assert REQUEST.find(event, RequestStatus(before)).to == after
        assert UNTIL - timedelta(days=history.DAYS) < moment <= UNTIL
        assert moment >= at.get(request_id, moment)
        at[request_id] = moment
    assert len(at) == 600


def test_who_did_a_step_is_known_but_for_what_the_product_did_itself(loaded):
    assert rows(loaded, """SELECT DISTINCT event FROM maintenance_status_history WHERE changed_by IS NULL ORDER BY 1"""
                ) == [("escalate",), ("mark_unassigned",)]


def test_what_is_open_has_been_escalated_if_its_time_had_passed(loaded):
    waiting = rows(loaded, f"""SELECT priority, clock_started_at, held FROM maintenance_requests
        WHERE status NOT IN ({', '.join(f"'{state}'" for state in CLOSED)}) AND held_since IS NULL AND escalated_at IS NULL""")
    assert waiting
    for priority, started_at, held in waiting:
        assert escalate_at(started_at, Priority(priority), held) > UNTIL - history.SWEEP


def test_some_requests_are_overdue_and_some_are_escalated(loaded):
    overdue = one(loaded, f"""SELECT count(*) FROM maintenance_requests
        WHERE status IN ('assigned', 'in_progress') AND resolve_by < '{UNTIL.isoformat()}'""")
    escalated = one(loaded, "SELECT count(*) FROM maintenance_requests WHERE status = 'escalated'")
    assert overdue >= 3
    assert escalated >= 6


def test_the_residents_whose_logins_are_printed_have_something_open_and_something_just_mended(loaded):
    found = rows(loaded, f"""SELECT m.email, bool_or(r.status = 'in_progress'), bool_or(r.resolved_at > '{UNTIL.isoformat()}'::timestamptz
        - interval '1 day') FROM maintenance_requests r JOIN members m ON m.org_id = r.org_id AND m.user_id = r.user_id GROUP BY 1""")
    told = {email: (working, mended) for email, working, mended in found}
    printed = [email for role, _, email in cast.logins() if role == "resident"]
    assert [told[email] for email in printed] == [(True, True)] * 3


def test_remarks_were_made_when_they_would_have_been(loaded):
    first, last, count = rows(loaded, "SELECT min(created_at), max(created_at), count(*) FROM maintenance_comments")[0]
    assert UNTIL - timedelta(days=history.DAYS) < first < last <= UNTIL
    assert count > 200


def test_photos_are_attached_by_those_who_raised_the_request(loaded):
    assert one(loaded, """SELECT count(*) FROM maintenance_attachments a
        JOIN maintenance_requests r ON r.org_id = a.org_id AND r.id = a.request_id AND r.user_id = a.user_id
        JOIN files f ON f.org_id = a.org_id AND f.id = a.file_id WHERE f.media_type = 'image/png'""") >= 20


def test_of_the_last_day_the_workers_will_tell(loaded):
    kinds = rows(loaded, "SELECT DISTINCT kind FROM outbox")
    assert {kind for kind, in kinds} == {"announcements.send", "approval.decided", "approval.mail", "billing.settlement", "canteen.moved", "events.cancelled",
                                         "inventory.low", "maintenance.moved", "moveout.moved", "onboarding.submitted", "wallet.proposed"}
    assert one(loaded, "SELECT count(*) FROM outbox") < 200, rows(loaded, "SELECT kind, count(*) FROM outbox GROUP BY kind ORDER BY 2 DESC")


def test_loading_again_changes_nothing_and_says_so(loaded, demo_app):
    def counts() -> list[Any]:
        return rows(loaded, "SELECT (SELECT count(*) FROM audit_log WHERE action <> 'service'), (SELECT count(*) FROM ab_user), "
                            "(SELECT max(password_hash) FROM user_credentials)")

    before = counts()
    assert run(demo_app, "load") == "The demo data is there already; nothing was changed.\n"
    loaded.rollback()
    assert counts() == before


def test_the_logins_name_every_role_and_the_password(demo_app):
    printed = run(demo_app, "logins")
    assert PASSWORD in printed
    for role in Role:
        assert f"{role.replace('_', ' ')} " in printed
    addresses = {person.email for person in cast.everybody()}
    assert {word for word in printed.split() if "@" in word} <= addresses


def test_without_demo_nothing_is_loaded(app_object, monkeypatch):
    monkeypatch.setitem(app_object.config, "SETTINGS", dataclasses.replace(app_object.config["SETTINGS"], demo=False))
    result = app_object.test_cli_runner().invoke(args=["demo", "load"])
    assert result.exit_code == 1
    assert "DEMO is off" in result.output


def test_the_same_stories_are_told_every_time():
    house = history.House(1, (2, 3), ((4, "101"), (5, "102")), ("101", "102"), ("MESS",))
    first, again = (history.Narrator(house, UNTIL, "KTH").tell(80) for _ in range(2))
    assert first == again
    assert [story.steps for story in first] != [story.steps for story in history.Narrator(house, UNTIL, "VMN").tell(80)]


def test_nobody_shares_an_address():
    assert len({person.email for person in cast.everybody()}) == len(cast.everybody())
