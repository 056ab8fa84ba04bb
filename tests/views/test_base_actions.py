"""Actions on selected rows: each through its service, one refusal undoes no other, a summary tells."""

from __future__ import annotations

import re
import uuid

import pytest

from app.permissions import Action
from tests.views.conftest import ORG_A, ORG_B, owner_of
from tests.views.toy import State


def act(workshop, *rows, name="close", where="", **more):
    return workshop.post(f"/tickets/action_post?{where}", {"action": name, "rowid": [str(row) for row in rows], **more},
                         follow_redirects=True)


def test_a_summary_tells_what_became_of_the_rows(workshop):
    rows = [workshop.ticket("One"), workshop.ticket("Two"), workshop.ticket("Three", state=State.CLOSED)]
    page = act(workshop, *rows)
    assert "Close: 2 rows." in page.text
    assert "Close: 1 row left as it was." in page.text
    assert re.search(rf'<strong>Already closed</strong> <a href="/tickets/show/{rows[2]}"[^>]*>Three</a>', page.text)
    assert {ticket.state for ticket in workshop.tickets()} == {State.CLOSED}


def test_rows_of_others_and_unknown_ids_are_not_found(workshop):
    foreign = workshop.ticket(org=ORG_B)
    page = act(workshop, foreign, uuid.uuid4(), "nonsense")
    assert "Close: 3 rows left as they were." in page.text
    assert "<strong>not found</strong>" in page.text
    assert str(foreign) not in page.text
    assert workshop.only().state is State.OPEN


def test_what_fails_at_commit_saves_nothing(workshop):
    rows = [workshop.ticket("One"), workshop.ticket("Two")]
    response = act(workshop, *rows, name="annotate", note="the same for both")
    assert response.status_code == 409
    assert {ticket.notes for ticket in workshop.tickets()} == {None}


def test_an_action_that_asks_gets_what_was_typed(workshop):
    row = workshop.ticket()
    workshop.post(f"/tickets/action/annotate/{row}", {"note": "Washer replaced"})
    assert workshop.only().notes == "Washer replaced"
    assert workshop.post(f"/tickets/action/annotate/{row}").status_code == 422


def test_a_refused_action_is_told_on_the_rows_page(workshop):
    row = workshop.ticket(state=State.CLOSED)
    response = workshop.post(f"/tickets/action/close/{row}")
    assert response.status_code == 409
    assert "Already closed" in response.text


@pytest.mark.parametrize("count", [0, 1001])
def test_nothing_and_too_much_are_refused(workshop, count):
    assert act(workshop, *(uuid.uuid4() for _ in range(count))).status_code == 422


def test_who_may_not_is_refused_and_not_offered(workshop):
    row = workshop.ticket()
    workshop.person = owner_of(ORG_A, forbidden=frozenset({Action.UPDATE}))
    assert act(workshop, row).status_code == 403
    assert workshop.post(f"/tickets/action/close/{row}").status_code == 403
    assert "action/close" not in workshop.get(f"/tickets/show/{row}").text
    assert workshop.post(f"/tickets/action/unknown/{row}").status_code == 404
    workshop.person = None
    assert workshop.post(f"/tickets/action/close/{row}").location == "/door"


def test_going_on_leads_nowhere_else(workshop):
    for target in ("https://evil.example", "//evil.example", "/\\evil.example"):
        row = workshop.ticket()
        response = workshop.post("/tickets/action_post", {"action": "close", "rowid": str(row), "next": target})
        assert response.location == "/tickets/list/"


def test_all_that_match_are_acted_on_whatever_the_page_shows(workshop):
    for n in range(30):
        workshop.ticket(f"Leak {n}", priority="high" if n < 26 else "normal")
    page = act(workshop, where="priority=high&size=25", all="1")
    assert "Close: 26 rows." in page.text
    assert len(workshop.tickets(state=State.OPEN)) == 4


def test_more_than_a_thousand_are_not_acted_on_at_once(workshop, monkeypatch):
    monkeypatch.setattr("app.views.bulk.BULK_MAX", 2)
    for _ in range(3):
        workshop.ticket()
    response = act(workshop, all="1")
    assert response.status_code == 422
    assert "More than 2 rows match" in response.text
    assert response.text.count("row-link") == 3  # the list again, not a page that leads nowhere
    assert len(workshop.tickets(state=State.OPEN)) == 3
