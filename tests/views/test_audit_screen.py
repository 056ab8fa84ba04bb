"""The audit log on the screen: who did what, what it changed, and a file of it."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.cli.audit import sealing
from app.permissions import Role
from app.services.audit import seal_log
from app.tenancy import queue_scope, tenant_scope
from app.views.difference import changes_of


def visible(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL))


@pytest.fixture
def renamed(app: Any, world: Any) -> int:
    """The owner renamed the first hostel; the entry's number."""
    place = world.a.places[0]
    with tenant_scope(world.a.org_id, as_user=world.owner.user_id) as session:
        session.execute(text("UPDATE hostels SET name = 'Lake View' WHERE id = :id"), {"id": place.hostel_id})
    with tenant_scope(world.a.org_id) as session:
        return session.scalar(text("SELECT max(seq) FROM audit_log WHERE table_name = 'hostels'"))


def test_the_list_tells_who_did_what(browser: Any, world: Any, renamed: int) -> None:
    answer = browser(world.owner).get("/audit/list/")
    assert answer.status_code == 200
    assert f"{world.owner.name}" in visible(answer.text)
    assert "Changed Hostel Name" in visible(answer.text)


def test_nothing_of_another_organization_is_shown(browser: Any, world: Any, renamed: int) -> None:
    outside = browser(world.outsider)
    assert "Lake View" not in outside.get("/audit/list/").text
    assert outside.get(f"/audit/show/{renamed}").status_code == 404


def test_an_entry_shows_before_and_after(browser: Any, world: Any, renamed: int) -> None:
    page = visible(browser(world.owner).get(f"/audit/show/{renamed}").text)
    assert "Name Asha Homes 1 Lake View" in page
    assert "Not yet" in page


def test_an_entry_tells_that_it_is_sealed(browser: Any, world: Any, renamed: int, superuser: Engine) -> None:
    seal_log(queue_scope, *sealing())
    batch = superuser.connect().scalar(text("SELECT max(number) FROM audit_batches"))
    assert f"Sealed in batch {batch}" in visible(browser(world.owner).get(f"/audit/show/{renamed}").text)


def test_references_are_shown_by_name(browser: Any, world: Any, superuser: Engine) -> None:
    room = world.b.places[0].rooms[0]
    seq = superuser.connect().scalar(text("SELECT seq FROM audit_log WHERE table_name = 'rooms' AND row_id = :id"), {"id": str(room)})
    page = visible(browser(world.outsider).get(f"/audit/show/{seq}").text)
    assert "Floor First" in page
    assert "Hostel Banyan Stays 1" in page
    assert str(world.b.places[0].floor_id) not in page


def test_an_address_is_a_link_that_shows_no_identifier(app: Any, world: Any) -> None:
    link = f"/maintenance/requests/show/{world.a.org_id}"
    with app.test_request_context(), tenant_scope(world.a.org_id) as session:
        [[change], [elsewhere]] = changes_of(session, "notifications", [(None, {"link": link}), (None, {"link": "//elsewhere.example"})])
    assert change.after == f'<a href="{link}">/maintenance/requests/show/…</a>'
    assert "href" not in elsewhere.after


def test_codes_are_shown_in_words(browser: Any, world: Any, app: Any) -> None:
    with tenant_scope(world.b.org_id) as session:
        session.execute(text("UPDATE rooms SET kind = 'common' WHERE id = :id"), {"id": world.b.places[0].rooms[0]})
        seq = session.scalar(text("SELECT max(seq) FROM audit_log WHERE table_name = 'rooms'"))
    page = visible(browser(world.outsider).get(f"/audit/show/{seq}").text)
    assert "Changed: Room 101" in page
    assert "Kind Shared Common" in page


def test_other_entries_of_the_row_are_linked(browser: Any, world: Any, renamed: int) -> None:
    with tenant_scope(world.a.org_id) as session:
        session.execute(text("UPDATE hostels SET name = code || ' renamed again'"))
    page = browser(world.owner).get(f"/audit/show/{renamed}").text
    assert "What else happened to it" in page
    assert len(re.findall(r'href="/audit/show/\d+"', page)) == 1


@pytest.mark.parametrize(("query", "found"), [
    ("table=hostels", True), ("table=rooms", False), ("action=update", True), ("action=delete", False),
    ("at.from=2020-01-01", True), ("at.to=2020-01-01", False), ("person={owner}", True), ("person={staff}", False),
    ("row={hostel}&table=hostels", True), ("row={other}&table=hostels", False), ("action=account", False),
])
def test_filters_choose(browser: Any, world: Any, renamed: int, query: str, found: bool) -> None:
    query = query.format(owner=world.owner.user_id, staff=world.staff.user_id, hostel=world.a.places[0].hostel_id,
                         other=world.a.places[1].hostel_id)
    answer = browser(world.owner).get(f"/audit/list/?{query}")
    assert answer.status_code == 200
    assert (f'href="/audit/show/{renamed}"' in answer.text) is found


@pytest.mark.parametrize("query", ["table=pg_class", "action=x", "person=x", "person=99999999999", "at.from=yesterday",
                                   "row=%00", "sort=reason"])
def test_a_filter_that_cannot_be_is_refused_with_a_sentence(browser: Any, world: Any, query: str) -> None:
    assert browser(world.owner).get(f"/audit/list/?{query}").status_code == 400


@pytest.mark.parametrize("pk", ["x", "0", "-1", "9" * 30, "1.0"])
def test_an_entry_that_is_not_there_is_not_found(browser: Any, world: Any, pk: str) -> None:
    assert browser(world.owner).get(f"/audit/show/{pk}").status_code == 404


@pytest.mark.parametrize("role", [Role.HOSTEL_MANAGER, Role.ACCOUNTANT, Role.MAINTENANCE_STAFF, Role.RESIDENT])
def test_only_those_who_may_read_it_see_the_log(browser: Any, world: Any, role: Role) -> None:
    assert browser(world.a.people[role]).get("/audit/list/").status_code in {302, 403}


def test_people_are_offered_by_name(browser: Any, world: Any) -> None:
    options = browser(world.owner).get("/audit/people?q=plumb").get_json()["options"]
    assert options == []
    options = browser(world.owner).get("/audit/people?q=owner").get_json()["options"]
    assert options == [{"value": str(world.owner.user_id), "label": world.owner.name}]


def test_there_is_no_way_to_change_an_entry(browser: Any, world: Any, renamed: int) -> None:
    owner = browser(world.owner)
    for path in ("add", f"edit/{renamed}", f"delete/{renamed}", "action_post"):
        assert owner.post(f"/audit/{path}").status_code in {404, 405}


def test_the_file_holds_what_is_shown_and_taking_it_is_an_entry(browser: Any, world: Any, renamed: int) -> None:
    owner = browser(world.owner)
    answer = owner.post("/audit/export?table=hostels&action=update", buffered=True)
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [(row["entry"], row["who"], row["after"]) for row in rows] == [
        (str(renamed), world.owner.name, '{"name": "Lake View"}')]
    assert "Taken out as a file" in visible(owner.get("/audit/list/?action=export").text)


def test_a_spreadsheet_takes_no_cell_for_a_formula(browser: Any, world: Any, app: Any) -> None:
    with tenant_scope(world.a.org_id) as session:
        session.execute(text("SELECT app.note_event('=1+1', 'rooms', NULL, '@x')"))
    assert "'=1+1" in browser(world.owner).post("/audit/export", buffered=True).text


def test_the_list_takes_few_statements(app: Any, browser: Any, world: Any, renamed: int) -> None:
    from sqlalchemy import event

    from app.wiring import db

    owner = browser(world.owner)
    owner.get("/audit/list/")
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    owner.get(f"/audit/list/?person={world.owner.user_id}")
    assert len(statements) <= 6, statements


def test_the_command_writes_an_organizations_entries(app: Any, world: Any, renamed: int, tmp_path: Any) -> None:
    from app.cli.audit import export_command

    target = tmp_path / "log.jsonl"
    result = app.test_cli_runner().invoke(export_command, [
        "--org", "asha", "--format", "jsonl", "--from", "2020-01-01", "--output", str(target)])
    assert result.exit_code == 0, result.output
    lines = target.read_text().splitlines()
    assert f'"entry": {renamed}' in "\n".join(lines)
    assert '"action": "export"' in lines[-1]
