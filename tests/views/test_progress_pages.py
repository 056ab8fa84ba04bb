"""Long work on the screen: one's own, everybody's for administrators, nobody's of elsewhere; cancelled, and tried again."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from app.permissions import Role
from app.rules.progress import PAGE, TaskKind
from app.services import progress
from tests.imports import there, work
from tests.maintenance import first_hostel, moved, raised, scope, today
from tests.views.test_base_statements import statements


def started(person, **title):
    with scope(person) as session:
        return progress.start(session, TaskKind.REPORT, title={"hostel": "Lake House", "ending": "csv", **title})


def status(superuser, task_id):
    return there(superuser, "SELECT status FROM tasks WHERE id = :id", id=task_id)[0][0]


@pytest.fixture
def accountant(app, world):
    return world.a.people[Role.ACCOUNTANT]


def test_everybody_finds_their_own_and_administrators_find_all(world, browser, accountant):
    task_id = started(accountant)
    assert "Maintenance SLA of Lake House" in browser(accountant).get("/tasks/").text
    owner = browser(world.owner)
    assert "Lake House" not in owner.get("/tasks/").text
    everybody = owner.get("/tasks/?all=1").text
    assert "Lake House" in everybody
    assert accountant.name in everybody
    manager = browser(world.a.people[Role.HOSTEL_MANAGER])
    assert "Lake House" not in manager.get("/tasks/?all=1").text
    for person in (manager, browser(world.outsider), browser(world.staff)):
        for path in ("show", "state"):
            assert person.get(f"/tasks/{path}/{task_id}").status_code == 404
        for path in ("cancel", "retry"):
            assert person.post(f"/tasks/{path}/{task_id}").status_code == 404
    assert browser(accountant).get("/tasks/show/x").status_code == 404
    assert browser(world.resident).get("/tasks/").status_code == 403


def test_a_task_is_cancelled_and_says_so_and_not_twice(world, browser, accountant, superuser):
    task_id = started(accountant)
    person = browser(accountant)
    page = person.get(f"/tasks/show/{task_id}").text
    assert "Waiting to begin" in page
    assert person.post(f"/tasks/cancel/{task_id}").status_code == 303
    work()
    assert status(superuser, task_id) == "cancelled"
    answer = person.post(f"/tasks/cancel/{task_id}")
    assert (answer.status_code, "not possible any more" in answer.text) == (409, True)


def test_what_failed_says_why_and_is_tried_again(world, browser, accountant, superuser):
    with scope(accountant) as session:
        task_id = progress.start_bulk(session, "NowhereView", "claim", ["x"])
    work()
    person = browser(accountant)
    assert "There is no such action any more." in person.get("/tasks/").text
    assert person.post(f"/tasks/retry/{task_id}").status_code == 303
    assert status(superuser, task_id) == "queued"


def test_rows_that_were_refused_are_named_with_the_reason(app, world, browser):
    there_is, closed = raised(world.resident), raised(world.resident)
    moved(world.owner, closed, "reject", note="Not ours.")
    with scope(world.staff) as session:
        task_id = progress.start_bulk(session, "RequestView", "claim", [str(there_is), str(closed), str(uuid4())])
    work()
    page = browser(world.staff).get(f"/tasks/show/{task_id}").text
    assert "1 row changed, 2 rows left as they were" in re.sub(r"\s+", " ", page)
    assert f"/requests/show/{closed}" in page
    assert f"/requests/show/{there_is}" not in page
    assert "not found" in page


def test_the_top_bar_is_told_what_runs_and_what_has_ended_and_nothing_twice(world, browser, accountant):
    person = browser(accountant)
    task_id = started(accountant)
    answer = person.get("/tasks/summary")
    assert answer.json["label"] == "1 running"
    assert [one["id"] for one in answer.json["tasks"]] == [str(task_id)]
    again = {"If-None-Match": answer.headers["ETag"]}
    assert person.get("/tasks/summary", headers=again).status_code == 304
    person.post(f"/tasks/cancel/{task_id}")
    work()
    answer = person.get("/tasks/summary", headers=again)
    assert answer.json["running"] == 0
    assert [(one["end"], one["active"]) for one in answer.json["tasks"]] == [("Cancelled", False)]
    assert browser(world.owner).get("/tasks/summary").json["tasks"] == []


def test_the_list_costs_two_statements_and_goes_on_over_pages(world, browser, accountant, superuser):
    with superuser.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO tasks (org_id, kind, user_id, portal, title) SELECT %s, 'report', %s, 'portal_admin', "
            "jsonb_build_object('hostel', 'House ' || n, 'ending', 'pdf') FROM generate_series(1, %s) n",
            (str(accountant.org_id), accountant.user_id, PAGE + 2))
    person = browser(accountant)
    with statements() as seen:
        first = person.get("/tasks/").text
    assert len(seen) == 2
    older = re.search(r'href="(/tasks/\?before=[^"]+)"', first)[1].replace("&amp;", "&")
    rest = person.get(older).text
    names = [re.findall(r"SLA of House (\d+),", page.replace("\n", " ")) for page in (first, rest)]
    assert len(names[0]) >= PAGE
    assert not set(names[0]) & set(names[1])
    assert person.get("/tasks/?before=x").status_code == 400


# -- reports ------------------------------------------------------------------------------------------------------------


def test_a_large_report_is_made_as_long_work_and_found_again_with_its_file(world, browser, accountant, monkeypatch):
    monkeypatch.setattr("app.views.reports.AT_ONCE_REQUESTS", 1)
    for _ in range(2):
        raised(world.resident, place="Zed wing")
    person = browser(accountant)
    given = {"hostel": str(first_hostel(world.owner)), "first": str(today()), "last": str(today() + timedelta(days=1))}  # midnight may pass
    offer = person.get("/reports/maintenance-sla/csv", query_string=given)
    assert "This period has 2 requests" in offer.text
    once = re.search(r'name="_once" value="([^"]+)"', offer.text)[1]
    sent = [person.post("/reports/maintenance-sla/make", {**given, "ending": "csv", "_once": once}).headers["Location"] for _ in range(2)]
    assert sent[0] == sent[1]
    work()
    page = person.get(sent[0]).text
    link = re.search(r'href="(/files/[^"]+)"', page)[1].replace("&amp;", "&")
    answer = person.get(link)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="SLA Asha Homes 1')
    assert answer.text.count("Zed wing") == 2
    answer.close()
    assert browser(world.owner).get(link).status_code == 404
    assert "/files/" not in browser(world.owner).get("/tasks/").text


def test_a_large_report_of_a_wrong_period_or_of_a_hostel_of_others_is_refused(world, browser, accountant, superuser):
    person = browser(accountant)
    given = {"hostel": str(first_hostel(world.owner)), "first": "x", "last": str(today()), "ending": "pdf"}
    assert person.post("/reports/maintenance-sla/make", given).status_code == 422
    given = {**given, "hostel": str(first_hostel(world.outsider)), "first": str(today())}
    assert person.post("/reports/maintenance-sla/make", given).status_code == 404
    assert there(superuser, "SELECT count(*) FROM tasks") == [(0,)]


# -- many rows of a list --------------------------------------------------------------------------------------------------


def test_many_rows_of_a_list_are_changed_as_long_work_and_a_form_sent_twice_begins_it_once(app, world, browser, superuser, monkeypatch):
    monkeypatch.setattr("app.views.bulk.AT_ONCE_ROWS", 2)
    keys = [str(raised(world.resident)) for _ in range(3)]
    owner = browser(world.owner)
    form = {"action": "reject", "rowid": keys, "note": "Not ours.", "_once": str(uuid4())}
    sent = [owner.post("/maintenance/requests/action_post", form).headers["Location"] for _ in range(2)]
    assert sent[0] == sent[1]
    assert "Maintenance requests: Reject" in owner.get(sent[0]).text
    work()
    assert "3 rows changed" in owner.get(sent[0]).text
    assert there(superuser, "SELECT DISTINCT status FROM maintenance_requests") == [("rejected",)]
    assert there(superuser, "SELECT count(*) FROM tasks") == [(1,)]
    assert there(superuser, "SELECT count(*) FROM maintenance_status_history WHERE note = 'Not ours.'") == [(3,)]
    assert there(superuser, "SELECT asked FROM tasks") == [({},)]
