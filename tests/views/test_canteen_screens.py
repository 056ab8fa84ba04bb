"""The canteen's pages: a cart becomes an order, the kitchen takes it on by one touch, and the menu that is kept is never old (C1–C4)."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from redis import Redis

from app.permissions import Role
from app.rules.canteen import OrderStatus
from tests.canteen import dish, guest, order, seen, step, stock, tomorrow
from tests.houses import execute
from tests.wallet import HOSTEL, balance, one


@pytest.fixture
def person(app, world, superuser):
    return guest(superuser, world)


@pytest.fixture
def cook(browser, world):
    return browser(world.a.people[Role.CANTEEN_STAFF])


def page(who, path, status=200):
    found = who.get(path)
    assert found.status_code == status, found.get_data(as_text=True)[-2000:]
    return found.get_data(as_text=True)


def test_a_resident_orders_from_the_menu_and_calls_it_off(browser, person, world, superuser):
    poha, day, me = dish(world, allergens=["nuts"]), tomorrow(world), browser(person)
    shown = page(me, f"/my/canteen/?day={day}")
    assert all(words in shown for words in ("Poha", "₹50.00", "10 left", "Contains: Peanuts and nuts", "In your wallet: ₹1,000.00"))
    once = str(uuid4())
    form = {"hostel": str(HOSTEL), "day": str(day), "meal": "breakfast", f"portions-{poha}": "2", f"price-{poha}": "5000", "_once": once}
    for _ in range(2):
        assert me.post("/my/canteen/place", form).headers["Location"] == f"/my/canteen/orders/{once}"
    assert balance(person, person.user_id) == 900_00
    refused = me.post("/my/canteen/place", {**form, "_once": str(uuid4()), f"portions-{poha}": "9", "note": "Hot"})
    body = refused.get_data(as_text=True)
    assert refused.status_code == 409
    assert all(words in body for words in ('value="9"', 'value="Hot"'))
    assert body.count("Only 8 left of Poha.") == 1
    assert "Placed" in page(me, f"/my/canteen/orders/{once}")
    assert "CO-0001" in page(me, "/my/canteen/orders/")
    assert me.post(f"/my/canteen/orders/{once}/cancel", {"event": "cancel"}).status_code == 303
    assert "Paid back" in page(me, f"/my/canteen/orders/{once}")
    assert (balance(person, person.user_id), stock(superuser, poha)) == (1_000_00, 10)
    page(me, f"/my/canteen/orders/{uuid4()}", 404)
    page(me, f"/my/canteen/?hostel={world.b.places[0].hostel_id}", 404)
    page(me, "/my/canteen/orders/?before=9999-12-31T23:59:59-23:59", 400)
    page(browser(world.a.people[Role.PENDING_RESIDENT]), "/my/canteen/", 403)


def test_two_meals_on_one_page_are_two_orders_and_a_double_click_is_one(browser, person, world):
    dishes, day, me = {"breakfast": dish(world), "dinner": dish(world, "Dal", meal="dinner")}, tomorrow(world), browser(person)

    def form(shown, meal, portions="1"):
        once = dict(re.findall(r'name="_once" value="(.*?)".*?name="meal" value="(.*?)"', shown))
        assert len(once) == len(dishes)
        return {"hostel": str(HOSTEL), "day": str(day), "meal": meal, f"portions-{dishes[meal]}": portions, f"price-{dishes[meal]}": "5000",
                "_once": {name: key for key, name in once.items()}[meal]}

    shown = page(me, f"/my/canteen/?day={day}")
    for much in ("9" * 9, "9" * 5000, "1_0", "-1"):
        assert me.post("/my/canteen/place", form(shown, "breakfast", much)).status_code == 422
    refused = me.post("/my/canteen/place", form(shown, "breakfast", "19"))
    assert refused.status_code == 409
    for place, open_page in enumerate((shown, refused.get_data(as_text=True))):
        for meal in dishes:
            assert me.post("/my/canteen/place", form(open_page, meal)).status_code == 303
            assert me.post("/my/canteen/place", form(open_page, meal)).status_code == 303
        assert balance(person, person.user_id) == (900_00, 850_00)[place]  # breakfast of both pages is the same form


def test_the_kept_menu_follows_every_change_and_what_is_left_is_the_databases(browser, person, world, cook, superuser, settings):
    poha, me, where = dish(world), browser(person), f"/my/canteen/?day={tomorrow(world)}"
    page(me, where)
    with Redis.from_url(settings.redis_url) as redis:
        [kept] = redis.keys("canteen:menu:*")
        assert 0 < redis.ttl(kept) <= 300
    execute(superuser, "UPDATE canteen_menu SET name = 'Behind the back', stock = 4")
    assert "Poha" in (shown := page(me, where))
    assert "4 left" in shown
    for typed, status in (({"stock": "9" * 5000, "seen": "4"}, 422), ({"stock": "7", "seen": "9"}, 409), ({"stock": "7", "seen": "4"}, 303)):
        assert cook.post(f"/canteen/menu/stock/{poha}", typed).status_code == status
    assert cook.edit(f"/canteen/menu/edit/{poha}", {"name": "Upma", "diet": "vegan", "price_paise": "20", "allergens": ["soya"],
                                                    "order_until": f"{tomorrow(world)}T08:00"}).status_code == 303
    shown = page(me, where)
    assert all(words in shown for words in ("Upma", "Vegan", "₹20.00", "7 left", "Soya"))
    assert cook.post(f"/canteen/menu/delete/{poha}").status_code == 303
    assert "no menu for this day" in page(me, where)


def test_the_kitchen_takes_an_order_by_one_touch_and_a_second_is_none(browser, person, world, cook, superuser):
    placed, board = order(person, dish(world), quantity=3, note="No onions"), f"/canteen/kitchen/?day={tomorrow(world)}&meal=breakfast"
    shown = page(cook, board)
    assert all(words in shown for words in ("Room ", person.name, "No onions", "CO-0001", "Confirm"))
    for _ in range(2):
        touched = cook.post(f"/canteen/kitchen/step/{placed}", {"seen": "placed"}, headers={"Accept": "application/json"})
        assert touched.status_code == 200, touched.get_data(as_text=True)
    assert seen(person, placed).state is OrderStatus.CONFIRMED
    assert "Start cooking" in page(cook, f"{board}&part=tickets")
    assert cook.get(f"/canteen/kitchen/sheet?day={tomorrow(world)}&meal=breakfast").get_data()[:5] == b"%PDF-"
    assert cook.post(f"/canteen/orders/move/{placed}", {"event": "prepare"}).status_code == 303
    assert "Being cooked" in page(cook, f"/canteen/orders/show/{placed}")
    assert "CO-0001" in page(cook, "/canteen/orders/list/")
    step(person, placed, "cancel_late", note="I am ill")
    accountant = browser(world.a.people[Role.ACCOUNTANT])
    assert "Refund asked for" in page(accountant, f"/canteen/orders/show/{placed}")
    assert accountant.post(f"/canteen/kitchen/step/{placed}", {"seen": "preparing"}).status_code == 403
    page(browser(world.b.people[Role.CANTEEN_STAFF]), f"/canteen/orders/show/{placed}", 404)
    page(browser(world.a.people[Role.MAINTENANCE_STAFF]), board, 403)


def test_dishes_are_written_copied_and_ordered_until_the_houses_time(app, browser, world, cook, superuser):
    day = tomorrow(world)
    form = {"hostel": str(HOSTEL), "served_on": str(day), "meal": "dinner", "name": "Dal", "diet": "jain", "allergens": ["milk", "gluten"],
            "price_paise": "80", "portions": "25"}
    assert cook.post("/canteen/menu/add", {**form, "_once": str(uuid4())}).status_code == 303
    assert "This diet does not go with one of the allergens." in cook.post(
        "/canteen/menu/add", {**form, "name": "Cake", "allergens": "egg"}).get_data(as_text=True)
    assert "Dal" in page(cook, "/canteen/menu/list/?meal=dinner")
    assert "Dal" in page(cook, f"/canteen/menu/show/{one(superuser, 'SELECT id FROM canteen_menu')}")
    for wrong, said in (({"served_on": "9999-12-31"}, "Give a day within a year of today."), ({"order_until": f"{day + timedelta(days=1)}T00:00"},
                        "A dish is not ordered after its day."), ({"price_paise": "0"}, "Give a price from 0.01 to 10,000."), ({}, "on the menu of this meal already")):
        assert said in cook.post("/canteen/menu/add", {**form, **wrong, "_once": str(uuid4())}).get_data(as_text=True)
    page(cook, "/canteen/menu/copy")
    for path in ("kitchen/", "kitchen/sheet", "meals/counter"):
        page(cook, f"/canteen/{path}?day=9999-12-31", 400)
    days = {"hostel": str(HOSTEL), "first": str(day), "until": str(day), "onto": str(day + timedelta(days=7))}
    assert cook.post("/canteen/menu/copy", days).status_code == 303
    for onto in (day, "9999-12-31"):
        assert cook.post("/canteen/menu/copy", {**days, "onto": str(onto)}).status_code == 422
    manager = browser(world.a.people[Role.HOSTEL_MANAGER])
    times = {"hostel": str(HOSTEL), "breakfast": "07:00", "lunch": "11:00", "snacks": "16:00", "dinner": "18:15", "summary_at": "21:00", "low_stock": "3"}
    assert manager.post("/canteen/kitchen/times", times).status_code == 303
    assert 'value="18:15"' in page(manager, f"/canteen/kitchen/times?hostel={HOSTEL}")
    refused = manager.post("/canteen/kitchen/times", {**times, "dinner": "late"})
    assert (refused.status_code, 'value="late"' in refused.get_data(as_text=True)) == (422, True)
    assert one(superuser, "SELECT string_agg((order_until AT TIME ZONE 'Asia/Kolkata')::time::text, ' ' ORDER BY served_on) FROM canteen_menu") == "18:15:00 18:15:00"
    page(cook, f"/canteen/kitchen/times?hostel={HOSTEL}", 403)
