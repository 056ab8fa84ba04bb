"""The board as people use it: a request goes its way by mouse, by finger, by keyboard, and others see it go."""

from __future__ import annotations

import re
import time

import pytest
from sqlalchemy import text

from app.rules.maintenance import RequestStatus
from app.services import maintenance
from app.services.maintenance import Assignee
from tests.browser.windows import NARROW
from tests.maintenance import found, moved, raised, scope

pytestmark = pytest.mark.browser
BOARD = "/maintenance/board/"
S = RequestStatus


@pytest.fixture
def request_id(people):
    return raised(people.owner)  # residents may raise ten a day


def board(windows, person, query="", **options):
    page = windows.open(person, BOARD + query, **options)
    page.wait_for_selector("#board[data-ready]")
    return page


def card(page, request_id):
    return page.locator(f"#card-{request_id}")


def column(page, state):
    return page.locator(f".board-column[data-state={state}]")


def arrived(page, request_id, state):
    """The card has come to rest in a column."""
    column(page, state).locator(f"#card-{request_id}:not(.busy)").wait_for()


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + min(box["height"] / 2, 150)


def lift(page, request_id):
    card(page, request_id).scroll_into_view_if_needed()
    x, y = middle(card(page, request_id))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 12, y + 3)


def carry(page, state):
    column(page, state).scroll_into_view_if_needed()
    page.mouse.move(*middle(column(page, state)), steps=2)


def drag(page, request_id, state):
    lift(page, request_id)
    carry(page, state)
    page.mouse.up()


def test_a_request_goes_from_a_resident_to_the_end_by_dragging(windows, people):
    own = windows.open(people.resident, "/my/requests/new", viewport=NARROW)
    own.get_by_role("link", name="Plumber").click()
    own.get_by_label("Place").fill("Under the sink")
    own.get_by_role("button", name="Send").click()
    reference = re.search(r"MR-\d+", own.locator("main").inner_text())[0]

    page = board(windows, people.staff)
    request_id = page.locator(f"[data-reference={reference}]").get_attribute("data-id")
    drag(page, request_id, S.ASSIGNED)
    arrived(page, request_id, S.ASSIGNED)
    assert people.staff.name in card(page, request_id).inner_text()
    drag(page, request_id, S.IN_PROGRESS)
    arrived(page, request_id, S.IN_PROGRESS)
    drag(page, request_id, S.RESOLVED)
    page.locator("#board-note").fill("A new washer")
    page.get_by_role("button", name="Resolve").click()
    arrived(page, request_id, S.RESOLVED)
    item = found(people.staff, request_id)
    assert (item.state, item.resolution) == (S.RESOLVED, "A new washer")


def test_the_keyboard_alone_takes_a_request_to_the_end(windows, people, request_id):
    page = board(windows, people.staff)
    card(page, request_id).locator(".board-link").focus()
    said = page.locator("#board-status")

    def put(state, way="ArrowRight"):
        page.keyboard.press("Space")
        for _ in range(len(S)):
            page.keyboard.press(way)
            if column(page, state).evaluate("one => one.matches('.over')"):
                break
        page.keyboard.press("Space")

    for state in (S.ASSIGNED, S.IN_PROGRESS):
        put(state)
        arrived(page, request_id, state)
        assert page.evaluate("document.activeElement.closest('.board-card')?.id") == f"card-{request_id}"
    put(S.RESOLVED)
    page.locator("#board-note").press("Tab")
    page.keyboard.press("Enter")
    arrived(page, request_id, S.RESOLVED)
    assert "is now Resolved" in said.inner_text()


def test_a_finger_that_rests_on_a_card_carries_it_and_one_that_moves_scrolls(windows, people, request_id):
    page = board(windows, people.owner, viewport=NARROW, has_touch=True)
    finger = page.context.new_cdp_session(page)

    def touch(kind, *points):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    card(page, request_id).scroll_into_view_if_needed()
    x, y = middle(card(page, request_id))
    touch("touchStart", (x, y))
    touch("touchMove", (x, y - 30))
    touch("touchEnd")
    assert page.locator(".board-ghost").count() == 0
    card(page, request_id).scroll_into_view_if_needed()
    x, y = middle(card(page, request_id))
    touch("touchStart", (x, y))
    page.locator(".board-ghost").wait_for()
    touch("touchMove", (NARROW["width"] - 8, y))  # near the edge the board scrolls on
    page.locator(".board-column[data-state=rejected].over").wait_for()
    touch("touchEnd")
    page.locator("#board-note").fill("Not ours")
    page.get_by_role("button", name="Reject").click()
    arrived(page, request_id, S.REJECTED)


def test_while_a_card_is_carried_the_board_says_where_it_cannot_go_and_why(windows, people, request_id):
    page = board(windows, people.staff)
    lift(page, request_id)
    classes = {state: column(page, state).get_attribute("class") for state in S}
    assert {state for state, names in classes.items() if "may-drop" in names} == {S.ASSIGNED}
    for state, reason in ((S.REJECTED, "Your role does not let you"), (S.IN_PROGRESS, "No step leads from “Submitted” to “In progress”.")):
        carry(page, state)
        assert reason in page.locator(".board-caption").inner_text()
    page.mouse.up()
    arrived(page, request_id, S.SUBMITTED)
    assert page.url.endswith(BOARD)  # the card is a link, and carrying it is no click


def test_who_comes_too_late_reads_why_and_sees_what_the_other_did(windows, people, request_id):
    windows.expect("409")
    page = board(windows, people.staff)
    lift(page, request_id)  # nothing changes under the hand
    moved(people.owner, request_id, "claim")
    carry(page, S.ASSIGNED)
    page.mouse.up()
    page.locator("#board-refusal").get_by_text(f"{people.owner.name} has claimed this request already.").wait_for()
    arrived(page, request_id, S.ASSIGNED)
    assert people.owner.name in card(page, request_id).inner_text()


def test_a_refused_answer_stays_in_the_dialog(windows, people, request_id):
    windows.expect("409")
    moved(people.staff, request_id, "claim", "start")
    page = board(windows, people.staff)
    drag(page, request_id, S.ON_HOLD)
    page.locator("#board-note").fill("Waiting for a part")
    moved(people.owner, request_id, "reject", note="No")
    page.get_by_role("button", name="Put on hold").click()
    page.locator("#board-dialog-error").get_by_text("is not possible").wait_for()
    assert page.locator("#board-note").input_value() == "Waiting for a part"
    page.get_by_role("button", name="Cancel").click()
    arrived(page, request_id, S.REJECTED)


def test_others_see_a_change_within_a_second_and_keep_their_place(windows, people, request_id):
    other = raised(people.owner)
    page = board(windows, people.owner)
    page.wait_for_selector("[data-live-state=live]", state="attached")
    card(page, other).locator(".board-link").focus()
    somebody = windows.context(people.staff).request
    granted = somebody.get("/live/token").json()
    said = {"messages": [{"topic": "console", "event": "postgres_changes", "payload": {}}]}  # what no page listens to, and is no trouble to any
    address = f"{granted['url'].replace('ws', 'http', 1)}/api/broadcast"
    assert somebody.post(address, data=said, headers={"apikey": granted["token"]}).status == 202
    moved(people.staff, request_id, "claim")
    committed = time.monotonic()
    arrived(page, request_id, S.ASSIGNED)
    assert time.monotonic() - committed < 1
    assert people.staff.name in card(page, request_id).inner_text()
    with scope(people.owner) as session:
        maintenance.reassign(session, request_id, Assignee(people.owner.user_id))
    card(page, request_id).get_by_text(people.owner.name).wait_for()
    assert page.evaluate("document.activeElement.closest('.board-card').id") == f"card-{other}"


def test_a_column_goes_on_as_one_scrolls(windows, people, house):
    raised(people.outsider)
    with house.engine.begin() as connection:
        connection.execute(text(
            "INSERT INTO maintenance_requests (org_id, hostel_id, number, category_id, user_id) "
            "SELECT org_id, hostel_id, 1 + n, category_id, user_id FROM maintenance_requests, generate_series(1, 60) n WHERE org_id = :org"),
            {"org": people.b.org_id})
    page = board(windows, people.outsider)
    cards = column(page, S.SUBMITTED).locator(".board-card")
    for shown in (8, 32, 56):
        cards.nth(shown - 1).scroll_into_view_if_needed()
        cards.nth(shown).wait_for()
    assert [one.get_attribute("data-reference") for one in cards.all()] == [f"MR-{number:04d}" for number in range(1, 62)]


