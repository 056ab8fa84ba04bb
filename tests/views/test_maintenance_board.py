"""The board: every card in its column, moved as far as lifecycle and person allow (M8)."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.maintenance import Priority, RequestStatus
from app.services.maintenance import board
from tests.maintenance import at, category, moved, raised, scope
from tests.views.test_base_statements import statements

BOARD = "/maintenance/board/"
JSON = {"Accept": "application/json"}


def columns(page):
    """{state: [references]} as drawn."""
    parts = re.split(r'data-state="(\w+)"', page.text)[1:]
    return {state: re.findall(r'data-reference="([^"]+)"', part)
            for state, part in zip(parts[::2], parts[1::2], strict=True)}


def filled(page):
    return {state: cards for state, cards in columns(page).items() if cards}


def card(page, request):
    """The attributes of a card."""
    return page.text.partition(f'data-id="{request}"')[2].partition(">")[0]


def steps(page, request):
    return set(re.findall(r'data-steps="([^"]+)"', card(page, request))[0].split() if "data-steps" in card(page, request) else [])


def crowd(superuser, number):
    """As many requests more, like the first."""
    with superuser.begin() as connection:
        connection.execute(text(
            "INSERT INTO maintenance_requests (org_id, hostel_id, number, category_id, user_id) "
            "SELECT org_id, hostel_id, 1 + n, category_id, user_id FROM maintenance_requests, generate_series(1, :n) n"), {"n": number})


def cards(person, *requests, query="", **options):
    return person.get(f"/maintenance/board/cards?ids={','.join(map(str, requests))}{query}", headers=JSON, **options)


def move(person, request, **fields):
    return person.post(f"/maintenance/board/move/{request}", fields, headers=JSON)


def test_every_state_has_its_column_and_every_card_its_place(app, world, browser):
    one, two, three = (raised(world.resident) for _ in range(3))
    moved(world.staff, two, "claim")
    moved(world.owner, three, "reject", note="Not ours")
    page = browser(world.owner).get(BOARD)
    assert list(columns(page)) == [state.value for state in RequestStatus]
    assert filled(page) == {"submitted": ["MR-0001"], "assigned": ["MR-0002"], "rejected": ["MR-0003"]}
    assert one != two


def test_the_board_takes_three_statements_however_much_is_on_it(app, world, browser, superuser):
    request = raised(world.resident)
    crowd(superuser, 300)
    staff = browser(world.staff)
    for path, most in (("", 3), ("?part=columns", 2), (f"cards?ids={request}", 2), ("column/submitted?" + next_place(staff), 2)):
        with statements() as seen:
            assert staff.get(BOARD + path).status_code == 200
        assert len(seen) <= most, (path, seen)


def next_place(person):
    """Where the first column goes on."""
    return re.search(r'data-next="[^"]*\?([^"]*after=[^"]+)"', person.get(BOARD).text)[1].replace("&amp;", "&")


def test_the_most_urgent_card_is_on_top(app, world, browser, superuser):
    raised(world.resident)
    raised(world.resident, priority=Priority.HIGH)
    at(superuser, timedelta(days=-2))
    raised(world.resident)
    at(superuser, timedelta(0))
    assert columns(browser(world.staff).get(BOARD))["submitted"] == ["MR-0003", "MR-0002", "MR-0001"]


def test_closed_cards_leave_the_board_after_a_week(app, world, browser, superuser):
    at(superuser, -board.CLOSED_SHOWN - timedelta(hours=1))
    moved(world.staff, raised(world.resident), "claim", "start", "resolve")
    at(superuser, timedelta(0))
    moved(world.staff, raised(world.resident), "claim", "start", "resolve")
    assert filled(browser(world.staff).get(BOARD)) == {"resolved": ["MR-0002"]}


@pytest.mark.parametrize(("query", "expected"), [("mine=yes", {"assigned": ["MR-0002"]}), ("priority=high", {"submitted": ["MR-0003"]}),
                                                 ("hostel=OTHER", {"submitted": ["MR-0001"]}), ("category=WIFI", {})])
def test_the_board_is_narrowed(app, world, browser, query, expected):
    raised(world.owner, hostel_id=world.a.places[1].hostel_id)
    raised(world.owner)  # MR-0001 of the first hostel
    moved(world.owner, raised(world.owner), "claim")
    raised(world.owner, priority=Priority.HIGH)
    with scope(world.owner) as session:
        wifi = category(session, "wifi")
    link = query.replace("OTHER", str(world.a.places[1].hostel_id)).replace("WIFI", str(wifi))
    assert filled(browser(world.owner).get(f"{BOARD}?{link}")) == expected


@pytest.mark.parametrize("query", ["hostel=x", "category=1", "priority=urgent", "more=everything", "more=submitted:x", "more=submitted:99999"])
def test_a_filter_that_cannot_be_read_is_refused(app, world, browser, query):
    assert browser(world.owner).get(f"{BOARD}?{query}").status_code == 400


def test_a_long_column_begins_short_counts_all_and_goes_on(app, world, browser, superuser):
    raised(world.owner)
    crowd(superuser, 60)
    owner = browser(world.owner)
    page = owner.get(BOARD)
    seen = columns(page)["submitted"]
    assert len(seen) == board.COLUMN_SIZE
    assert ">61<" in page.text
    while (link := re.search(r'data-next="([^"]+)"', page.text)) is not None:
        page = owner.get(link[1].replace("&amp;", "&"))
        seen += re.findall(r'data-reference="([^"]+)"', page.text)
    assert seen == [f"MR-{number:04d}" for number in range(1, 62)]


def test_without_scripts_a_link_makes_a_column_longer(app, world, browser, superuser):
    raised(world.owner)
    crowd(superuser, 60)
    owner = browser(world.owner)
    longer = re.search(r'href="([^"]*more=submitted[^"]*)"', owner.get(BOARD + "?priority=normal").text)[1].replace("&amp;", "&")
    assert "priority=normal" in longer
    assert len(columns(owner.get(longer))["submitted"]) == board.COLUMN_SIZE + board.COLUMN_STEP


def test_a_broken_place_in_a_column_is_refused(app, world, browser):
    owner = browser(world.owner)
    assert owner.get(BOARD + "column/submitted?after=nowhere").status_code == 400
    assert owner.get(BOARD + "column/anywhere?after=").status_code == 404


def test_staff_see_the_cards_of_their_hostel_alone(app, world, browser):
    raised(world.owner)
    raised(world.owner, hostel_id=world.a.places[1].hostel_id)
    raised(world.outsider)
    assert filled(browser(world.staff).get(BOARD)) == {"submitted": ["MR-0001"]}


def test_a_card_offers_what_its_reader_may_do(app, world, browser):
    free, taken = raised(world.resident), raised(world.resident)
    moved(world.owner, taken, "claim")
    staff, owner = browser(world.staff).get(BOARD), browser(world.owner).get(BOARD)
    assert (steps(staff, free), steps(staff, taken)) == ({"claim"}, set())
    assert "reject" in steps(owner, taken)
    assert steps(browser(world.a.people[Role.VIEWER]).get(BOARD), free) == set()


def test_a_card_says_why_it_cannot_go_further(app, world, browser):
    free, taken = raised(world.resident), raised(world.resident)
    moved(world.owner, taken, "claim")
    page = browser(world.staff).get(BOARD)
    assert "Your role does not let you “reject” a maintenance request." in json.loads(
        re.search(r"data-refusals='([^']+)'", card(page, free))[1])["rejected"]
    assert "assigned to somebody else" in json.loads(
        re.search(r"data-refusals='([^']+)'", card(page, taken))[1])["in_progress"]


def test_a_card_that_is_moved_answers_with_its_state(app, world, browser):
    answer = move(browser(world.staff), raised(world.resident), event="claim")
    assert (answer.status_code, answer.get_json()) == (200, {"state": "assigned"})


def test_a_refused_move_answers_with_a_sentence(app, world, browser):
    request = raised(world.resident)
    moved(world.owner, request, "claim")
    answer = move(browser(world.staff), request, event="claim")
    assert (answer.status_code, answer.get_json()["detail"]) == (409, "Owner A has claimed this request already.")
    answer = move(browser(world.staff), request, event="start")
    assert (answer.status_code, answer.get_json()["detail"]) == (403, "This request is assigned to somebody else.")
    answer = move(browser(world.owner), request, event="reject")
    assert (answer.status_code, answer.get_json()["field"]) == (422, "note")


def test_a_card_of_another_organization_cannot_be_moved(app, world, browser):
    request = raised(world.outsider)
    assert move(browser(world.owner), request, event="claim").status_code == 404
    assert browser(world.owner).get(f"/maintenance/board/workers/{request}").status_code == 404


def test_a_viewer_moves_nothing(app, world, browser):
    assert move(browser(world.a.people[Role.VIEWER]), raised(world.resident), event="claim").status_code == 403


def test_the_dialog_offers_those_who_do_repairs_there(app, world, browser):
    answer = browser(world.owner).get(f"/maintenance/board/workers/{raised(world.resident)}")
    names = {worker["name"] for worker in answer.get_json()["workers"]}
    assert {world.staff.name, "Hostel Manager A"} <= names
    assert not names & {world.resident.name, "Viewer A", "Guard A", "Owner B"}


def test_looking_again_costs_nothing_until_something_changes(app, world, browser):
    request, staff = raised(world.resident), browser(world.staff)
    first = staff.get(f"{BOARD}?part=columns")
    assert "<html" not in first.text
    tag = {"If-None-Match": first.headers["ETag"]}
    assert staff.get(f"{BOARD}?part=columns", headers=tag).status_code == 304
    moved(world.owner, request, "claim")
    again = staff.get(f"{BOARD}?part=columns", headers=tag)
    assert again.status_code == 200
    assert filled(again) == {"assigned": ["MR-0001"]}


def test_a_changed_card_is_fetched_by_itself_with_what_the_columns_count(app, world, browser):
    one, two, foreign = raised(world.resident), raised(world.resident), raised(world.outsider)
    moved(world.owner, two, "claim")
    staff = browser(world.staff)
    answer = cards(staff, one, two, foreign)
    found = answer.get_json()
    assert {key: value["state"] for key, value in found["cards"].items()} == {str(one): "submitted", str(two): "assigned"}
    assert found["cards"][str(one)]["html"].startswith('<li class="board-card"')
    assert (found["counts"]["submitted"], found["counts"]["assigned"], found["counts"]["resolved"]) == ("1", "1", "0")
    assert cards(staff, one, query="&mine=yes").get_json()["cards"] == {}
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert staff.get(f"/maintenance/board/cards?ids={one},{two},{foreign}", headers=tag).status_code == 304


@pytest.mark.parametrize(("ids", "status"), [("x", 404), ("", 404), (",".join(["00000000-0000-0000-0000-000000000000"] * 61), 400)])
def test_cards_that_cannot_be_meant_are_refused(app, world, browser, ids, status):
    assert browser(world.staff).get(f"/maintenance/board/cards?ids={ids}").status_code == status


def test_overdue_ones_can_be_seen_alone(app, world, browser, superuser):
    at(superuser, timedelta(days=-2))
    raised(world.resident)
    at(superuser, timedelta(0))
    raised(world.resident)
    assert filled(browser(world.staff).get(BOARD + "?overdue=yes")) == {"submitted": ["MR-0001"]}


def test_what_people_wrote_is_escaped_on_cards(app, world, browser):
    raised(world.resident, description="<img src=x onerror=alert(1)>", place='"><script>')
    page = browser(world.staff).get(BOARD).text
    assert "<img src=x" not in page
    assert '"><script>' not in page


def test_residents_have_no_board(app, world, browser):
    assert browser(world.resident).get(BOARD).status_code == 403
