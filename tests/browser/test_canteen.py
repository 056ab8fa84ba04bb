"""The canteen between a phone and a kitchen: what is ordered is there at once, one touch moves it on, and the phone follows."""

from __future__ import annotations

import re
import time

import pytest

from app.permissions import Portal, Role
from app.rules.canteen import Allergen
from app.services import meals
from app.tenancy import tenant_scope
from tests.browser.windows import NARROW
from tests.canteen import dish, guest, tomorrow
from tests.inventory import K, book, item, there
from tests.wallet import one

pytestmark = pytest.mark.browser
AT_ONCE = 1.0  # seconds


@pytest.fixture(scope="module")
def lunch(house, people):
    """A resident with a room and money, a cook, and dishes of tomorrow."""
    with house.app.app_context():
        person = guest(house.engine, house.world)
        dishes = {name: dish(house.world, name, meal="lunch", **more) for name, more in (("Rajma rice", {}), ("Fish curry", {"diet": "non_veg", "allergens": ["fish"]}))}
        return person, house.world.a.people[Role.CANTEEN_STAFF], dishes, tomorrow(house.world)


def stays(page):
    """The page is not loaded again from here on."""
    page.evaluate("window.stays = true")
    return lambda: page.evaluate("window.stays === true")


def narrow_enough(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_order_from_a_phone_is_in_the_kitchen_at_once_and_goes_on_by_touch_and_by_key(windows, house, lunch):
    person, cook, dishes, day = lunch
    board = windows.open(cook, f"/canteen/kitchen/?day={day}&meal=lunch")
    board.get_by_text("Nothing to do for this meal.").wait_for()
    board.wait_for_selector("[data-live-state=live]", state="attached")
    same = stays(board)
    phone = windows.open(person, f"/my/canteen/?day={day}", viewport=NARROW, has_touch=True)
    assert narrow_enough(phone)
    row = phone.locator(f'[data-dish="{dishes["Rajma rice"]}"]')
    for _ in range(2):
        row.get_by_role("button", name="One more: Rajma rice").tap()
    assert "₹100.00" in phone.locator(".cart", has=row).locator("[data-total]").inner_text()
    phone.get_by_role("button", name="Order and pay: Lunch").tap()
    phone.wait_for_url("**/my/canteen/orders/*")
    began = time.monotonic()
    ticket = board.locator(".ticket", has_text="Rajma rice")
    ticket.wait_for()
    assert time.monotonic() - began < AT_ONCE
    assert ticket.locator(".ticket-lines").inner_text() == "2 × Rajma rice"

    followed, at = stays(phone), phone.locator(".order-way [aria-current]")
    ticket.get_by_role("button", name="Confirm").click()
    phone.locator(".order-way [aria-current]", has_text="Accepted").wait_for()
    board.locator(".ticket").get_by_role("button", name="Start cooking").wait_for()
    assert board.evaluate("document.activeElement.textContent.trim()") == "Start cooking"  # the next touch is under the same finger
    board.keyboard.press("Enter")
    phone.locator(".order-way [aria-current]", has_text="Being cooked").wait_for()
    board.locator(".ticket").get_by_role("button", name="Ready").focus()
    board.keyboard.press("Space")
    phone.locator(".order-way [aria-current]", has_text="Ready to eat").wait_for()
    assert (at.count(), same(), followed(), narrow_enough(phone)) == (1, True, True, True)
    assert one(house.engine, "SELECT string_agg(status, ',') FROM canteen_orders") == "ready"


def test_the_browser_asks_for_the_tick_before_what_makes_one_ill_is_sent(windows, house, lunch):
    person, _, dishes, day = lunch
    with house.app.app_context(), tenant_scope(person.org_id, person.user_id, portal=Portal.RESIDENT) as session:
        meals.set_needs(session, meals.Needs(None, frozenset({Allergen.FISH})))
    phone = windows.open(person, f"/my/canteen/?day={day}", viewport=NARROW, has_touch=True)
    assert narrow_enough(phone)
    row = phone.locator(f'[data-dish="{dishes["Fish curry"]}"]')
    row.get_by_role("button", name="One more: Fish curry").tap()
    phone.get_by_role("button", name="Order and pay: Lunch").tap()
    assert phone.evaluate("document.activeElement.matches('[data-despite]')")  # where the browser points to
    assert phone.url.endswith(f"?day={day}")
    row.get_by_label("I want it all the same").check()
    phone.get_by_role("button", name="Order and pay: Lunch").tap()
    phone.wait_for_url("**/my/canteen/orders/*")


def test_a_cart_and_a_sheet_outlive_the_session(windows, house, lunch):
    person, cook, _, day = lunch
    windows.expect(r"/realtime/|/live/|40[0139] http")

    def signed_out_while_sending(page, who, button):
        house.end_sessions(who)
        page.get_by_role("button", name=button).click()
        page.wait_for_url(re.compile("/login"))
        page.context.add_cookies([{"name": "viramah", "value": house.cookie(who), "url": house.address, "httpOnly": True, "sameSite": "Lax"}])

    menu = f"/my/canteen/?day={day}"
    phone = windows.open(person, menu)
    phone.get_by_role("button", name="One more: Rajma rice").click()
    phone.get_by_label("A note for the kitchen").fill("Not too hot")
    signed_out_while_sending(phone, person, "Order and pay: Lunch")
    phone.goto(menu)
    phone.locator("[data-total]", has_text="₹50.00").wait_for()
    assert phone.get_by_label("A note for the kitchen").input_value() == "Not too hot"

    with house.app.app_context():
        rice = item(house.world)
        book(cook, K.OPENING, (rice, 10), price=10_00)
    sheet = windows.open(cook, "/canteen/storeroom/count")
    sheet.get_by_label("Rice").fill("9")
    signed_out_while_sending(sheet, cook, "Book the differences")
    with house.app.app_context():
        book(cook, K.USE, (rice, 2))
    sheet.goto("/canteen/storeroom/count")
    sheet.get_by_text("What you typed here before is back.").wait_for()
    assert sheet.get_by_label("Rice").input_value() == "9"
    sheet.get_by_role("button", name="Book the differences").click()  # counted when there were ten
    sheet.get_by_text("Stock has moved since this sheet was opened").first.wait_for()
    assert there(house.engine, rice)[0] == 8
