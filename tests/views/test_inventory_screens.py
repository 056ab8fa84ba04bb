"""The storeroom's pages: booked from a phone, counted against a sheet, corrected, bought and reported; within the budget of statements (C6)."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from app.permissions import Role
from tests.inventory import K, book, item, there
from tests.wallet import HOSTEL, one


@pytest.fixture
def cook(browser, world):
    return browser(world.a.people[Role.CANTEEN_STAFF])


def page(who, path, status=200):
    found = who.get(path)
    assert found.status_code == status, found.get_data(as_text=True)[-2000:]
    return found.get_data(as_text=True)


def today(superuser):
    return one(superuser, "SELECT (app.now() AT TIME ZONE 'Asia/Kolkata')::date")


def test_a_cook_books_from_the_phone_and_nothing_typed_is_lost(app, world, superuser, cook):
    rice, salt = item(world, reorder_level=Decimal(3)), item(world, "Salt")
    shown = page(cook, f"/canteen/storeroom/?kind=purchase&hostel={HOSTEL}")
    assert all(words in shown for words in ("Rice", "Salt", f'name="price-{rice}"'))
    form = {"hostel": str(HOSTEL), "kind": "purchase", "on": str(today(superuser)), "supplier": "Mandi", "bill": "A/1", f"quantity-{rice}": "10",
            f"price-{rice}": "₹1,050.50", f"quantity-{salt}": "", "_once": str(uuid4())}
    for _ in range(2):
        assert cook.post("/canteen/storeroom/move", form).status_code == 303
    assert there(superuser, rice) == (10, 10_505_00)
    again = cook.post("/canteen/storeroom/move", {**form, f"quantity-{rice}": "3"})  # typed over a page that the browser kept
    assert "This was saved already." in page(cook, again.headers["Location"])
    use = {"hostel": str(HOSTEL), "kind": "use", "on": str(today(superuser)), f"quantity-{rice}": "12.5", f"quantity-{salt}": "", "note": "Lunch",
           "_once": str(uuid4())}
    refused = cook.post("/canteen/storeroom/move", use)
    body = refused.get_data(as_text=True)
    assert refused.status_code == 409
    assert all(words in body for words in ("Only 10 kg of Rice are in stock.", 'value="12.5"', 'value="Lunch"', f'id="error-{rice}"'))
    for wrong in ({f"quantity-{rice}": "lots"}, {f"quantity-{rice}": ""}, {"on": "yesterday"}, {"kind": "count"}, {"kind": "purchase", f"price-{rice}": "much"}):
        assert cook.post("/canteen/storeroom/move", {**use, **wrong}).status_code == 422
    assert cook.post(f"/canteen/stock/take/{rice}", {"kind": "waste", "quantity": "8", "reason": "spoiled", "_once": str(uuid4())}).status_code == 303
    assert "Low" in page(cook, f"/canteen/stock/show/{rice}")
    assert "Only 2 kg of Rice are in stock." in cook.post(f"/canteen/stock/take/{rice}", {"kind": "use", "quantity": "3"}).get_data(as_text=True)


def test_a_sheet_is_counted_and_one_that_is_old_says_what_moved(app, world, superuser, cook):
    rice = item(world)
    book(world.a.people[Role.CANTEEN_STAFF], K.OPENING, (rice, 10), price=10_00)
    assert "10 kg by the book" in page(cook, f"/canteen/storeroom/count?hostel={HOSTEL}")
    sheet = {"hostel": str(HOSTEL), f"seen-{rice}": "10", f"quantity-{rice}": "9"}
    book(world.a.people[Role.CANTEEN_STAFF], K.USE, (rice, 2))
    refused = cook.post("/canteen/storeroom/count", {**sheet, "_once": str(uuid4())})
    body = refused.get_data(as_text=True)
    assert refused.status_code == 409
    assert all(words in body for words in ("Stock has moved", "It was 10 when you opened the sheet", 'value="9"', f'name="seen-{rice}" value="8"'))
    assert cook.post("/canteen/storeroom/count", {**sheet, f"seen-{rice}": "8", f"quantity-{rice}": "7.5", "_once": str(uuid4())}).status_code == 303
    assert there(superuser, rice)[0] == Decimal("7.5")
    assert "1 counted, 1 differed" in page(cook, "/canteen/storeroom/count")


def test_items_are_kept_bought_and_removed_when_they_are_used_up(app, world, superuser, cook, browser):
    form = {"hostel": str(HOSTEL), "name": "Paneer", "category": "dairy", "unit": "kg", "allergens": ["milk"], "reorder_level": "2", "fill_to": "6",
            "supplier": "=Dairy", "note": "", "_once": str(uuid4())}
    for level in ("1", "NaN", "sNaN"):
        assert cook.post("/canteen/stock/add", {**form, "fill_to": level}).status_code == 422
    assert cook.post("/canteen/stock/add", form).status_code == 303
    assert cook.post("/canteen/stock/add", {**form, "_once": str(uuid4())}).status_code == 409
    paneer = one(superuser, "SELECT id FROM inventory_items")
    assert "Paneer" in page(cook, "/canteen/stock/list/?low=yes")
    assert "Paneer" in page(cook, "/canteen/storeroom/buy")
    listed = cook.get("/canteen/storeroom/buy/csv").get_data(as_text=True)
    assert "'=Dairy,Paneer,dairy,0.000,2.000,6.000,kg" in listed
    assert cook.get("/canteen/storeroom/buy/pdf").get_data().startswith(b"%PDF")
    assert cook.edit(f"/canteen/stock/edit/{paneer}", {**form, "reorder_level": "3", "supplier": "Dairy"}).status_code == 303
    book(world.a.people[Role.CANTEEN_STAFF], K.PURCHASE, (paneer, 4), price=300_00)
    assert cook.post(f"/canteen/stock/delete/{paneer}").status_code in {409, 422}
    book(world.a.people[Role.CANTEEN_STAFF], K.WASTE, (paneer, 4), reason="expired")
    assert cook.post(f"/canteen/stock/delete/{paneer}").status_code == 303
    shown = page(cook, "/canteen/waste/")
    assert all(words in shown for words in ("Paneer", "Expired", "₹1,200.00", "4 kg"))
    assert "Paneer,expired,4.000,kg,1200" in cook.get("/canteen/waste/csv").get_data(as_text=True)
    page(cook, "/canteen/waste/?first=soon", 422)


def test_moves_are_listed_with_who_booked_them_and_corrected_by_those_in_charge(app, world, superuser, cook, browser):
    rice, manager = item(world), browser(world.a.people[Role.HOSTEL_MANAGER])
    for number in range(1, 8):
        book(world.a.people[Role.CANTEEN_STAFF], K.OPENING if number == 1 else K.PURCHASE, (rice, number), price=number * 100)
    move = one(superuser, "SELECT id FROM inventory_moves WHERE quantity = 3")
    assert "+7 kg" in page(cook, "/canteen/stock-moves/list/")
    assert world.a.people[Role.CANTEEN_STAFF].name in page(cook, "/canteen/stock-moves/list/?kind=purchase")
    assert cook.post(f"/canteen/stock-moves/reverse/{move}", {"note": "Wrong"}).status_code == 403
    assert "What was wrong?" in page(manager, f"/canteen/stock-moves/show/{move}")
    assert manager.post(f"/canteen/stock-moves/reverse/{move}", {"note": "", "_once": str(uuid4())}).status_code == 422
    assert manager.post(f"/canteen/stock-moves/reverse/{move}", {"note": "Wrong", "_once": str(uuid4())}).status_code == 303
    assert "Correction" in page(cook, "/canteen/stock-moves/list/")
    assert "Rice" in manager.post("/canteen/stock-moves/export/", {"all": "1"}).get_data(as_text=True)
    accountant, stranger = browser(world.a.people[Role.ACCOUNTANT]), browser(world.b.people[Role.CANTEEN_STAFF])
    assert "To buy" in page(accountant, "/canteen/storeroom/")
    page(accountant, f"/canteen/stock/show/{rice}")
    assert "All of it had cost ₹131.00." in page(accountant, "/canteen/stock/list/")
    page(accountant, "/canteen/storeroom/count", 403)
    page(stranger, f"/canteen/stock/show/{rice}", 404)
    page(stranger, f"/canteen/storeroom/?hostel={HOSTEL}", 404)
    page(browser(world.a.people[Role.MAINTENANCE_STAFF]), "/canteen/stock/list/", 403)
