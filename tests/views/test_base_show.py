"""The page of a row: its header with the steps that are possible now, its facts, what belongs to it."""

from __future__ import annotations

import re
from html import unescape

import pytest

from app.permissions import Action, Role
from tests.maintenance import moved, raised
from tests.views.conftest import ORG_A, owner_of, visible
from tests.views.test_base_statements import statements
from tests.views.toy import State

MOST = 7  # binding, row, timeline, its references, author, counts of what belongs to it, and one of the screen's own


def steps(page):
    """Names of the header's buttons in their order."""
    header = re.search(r'<div class="page-actions">(.*?)</header>', page.text, re.DOTALL)
    found = re.findall(r"<(?:a|button)\b[^>]*>(.*?)</(?:a|button)>", header[1], re.DOTALL) if header else []
    return [visible(one).strip() for one in found]


def dialog(page, name):
    return re.search(rf'<dialog class="dialog" id="step-{name}".*?</dialog>', page.text, re.DOTALL)[0]


def test_the_header_names_the_usual_step_first_and_dangers_last(app, world, browser):
    request = raised(world.resident)
    page = browser(world.owner).get(f"/maintenance/requests/show/{request}")
    assert steps(page)[:2] == ["Claim", "Edit"]
    assert steps(page)[-2:] == ["Reject", "Remove"]
    assert visible(re.search(r"<h1.*?</h1>", page.text, re.DOTALL)[0]).strip() == "MR-0001 Plumber Submitted"
    moved(world.staff, request, "claim", "start", "resolve")
    assert steps(browser(world.staff).get(f"/maintenance/requests/show/{request}")) == ["Reopen"]


def test_a_step_asks_in_a_dialog_which_keeps_the_text_when_it_is_refused(app, world, browser):
    request = raised(world.resident)
    path = f"/maintenance/requests/show/{request}"
    assert "Why is it turned down?" in dialog(browser(world.owner).get(path), "reject")
    answer = browser(world.owner).post(f"/maintenance/requests/move/{request}", {"event": "reject", "note": "x" * 4001, "_step": "reject"})
    refused = dialog(answer, "reject")
    assert answer.status_code == 422
    assert "open data-refused" in refused
    assert "x" * 4001 in refused
    assert "at most 4000 characters" in refused
    assert answer.text.count("data-refused") == 1


def test_an_action_with_a_question_is_a_dialog_and_its_refusal_is_told_there(workshop):
    row = workshop.ticket(state=State.CLOSED)
    assert "Close it?" in dialog(workshop.get(f"/tickets/show/{row}"), "close")
    assert "Already closed" in dialog(workshop.post(f"/tickets/action/close/{row}", {"_step": "close"}), "close")
    answer = workshop.post(f"/tickets/action/annotate/{row}", {"note": " ", "_step": "annotate"})
    assert answer.status_code == 422


def test_names_in_questions_are_text(workshop):
    row = workshop.ticket("<img src=x onerror=alert(1)> %(thing)s")
    page = workshop.get(f"/tickets/show/{row}").text
    assert "<img src=x" not in page
    assert "Remove “<img src=x onerror=alert(1)> %(thing)s”?" in unescape(page)


def test_key_facts_stand_in_the_header_and_nowhere_else(workshop):
    page = workshop.get(f"/tickets/show/{workshop.ticket(notes='By the window')}").text
    header, rest = page.split('<div class="show-main">', 1)
    labels = re.findall(r"<dt>([^<]+)</dt>", header)
    rest = rest.partition('id="shortcuts"')[0]
    assert labels == ["Title", "Notes", "Urgent"]
    assert not set(labels) & set(re.findall(r"<dt>([^<]+)</dt>", rest))


def test_who_may_do_nothing_is_offered_nothing(workshop):
    row = workshop.ticket()
    workshop.person = owner_of(ORG_A, forbidden=frozenset({Action.UPDATE, Action.DELETE, Action.CREATE}))
    page = workshop.get(f"/tickets/show/{row}")
    assert steps(page) == []
    assert '<dialog class="dialog" id="step-' not in page.text


def test_what_belongs_to_it_is_counted_and_linked(app, world, browser):
    floor = world.a.places[0].floor_id
    page = browser(world.owner).get(f"/floors/show/{floor}").text
    tab = re.search(r'<a id="tab-floor-1" href="([^"]+)" data-load="([^"]+)">(.*?)</a>', page, re.DOTALL)
    assert visible(tab[3]).strip() == "Rooms 2"
    whole, part = (browser(world.owner).get(unescape(link)).text for link in tab.groups()[:2])
    assert "<html" in whole
    assert "<html" not in part
    assert "102" in part


def test_who_made_it_and_who_changed_it_is_said(app, world, browser):
    owner, administrator = browser(world.owner), browser(world.a.people[Role.ADMINISTRATOR])
    made = owner.post("/floors/add", {"hostel": str(world.a.places[0].hostel_id), "level": "3", "name": "Third"}).location
    assert administrator.edit(made.replace("show", "edit"), {"level": "4", "name": "Fourth"}).status_code == 303
    said = visible(re.search(r'<p class="provenance">.*?</p>', owner.get(made).text, re.DOTALL)[0])
    assert re.fullmatch(rf" Added just now · {world.owner.name} Changed just now · {world.a.people[Role.ADMINISTRATOR].name} ", said)


@pytest.mark.parametrize("path", ["floors/show/{floor}", "rooms/show/{room}", "hostels/show/{hostel}", "maintenance/categories/show/{category}"])
def test_a_page_takes_few_statements(app, world, browser, path):
    from tests.maintenance import category, scope

    place = world.a.places[0]
    with scope(world.owner) as session:
        plumber = category(session)
    owner = browser(world.owner)
    with statements() as seen:
        page = owner.get("/" + path.format(floor=place.floor_id, room=place.rooms[0], hostel=place.hostel_id, category=plumber))
    assert page.status_code == 200
    assert len(seen) <= MOST, seen
