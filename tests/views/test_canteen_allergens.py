"""What makes a resident ill: said on the phone, warned of, asked about by the server, shown to the kitchen and to nobody else (C7)."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import text

from app.permissions import Portal, Role
from app.rules.canteen import Allergen, Diet
from app.rules.errors import Conflict
from app.rules.meals import suits
from app.rules.onboarding import Food
from app.services import canteen, meals
from app.tenancy import tenant_scope
from tests.canteen import dish, guest, order, step, tomorrow
from tests.maintenance import refusal, scope
from tests.wallet import HOSTEL, balance, one

ILL = "Makes them ill: Peanuts and nuts"


@pytest.fixture
def person(app, world, superuser):
    return guest(superuser, world)


def says(person, *allergens, food=None):
    with tenant_scope(person.org_id, person.user_id, portal=Portal.RESIDENT) as session:
        meals.set_needs(session, meals.Needs(food, frozenset(allergens)))


def page(who, path):
    found = who.get(path)
    assert found.status_code == 200, found.get_data(as_text=True)[-2000:]
    return found.get_data(as_text=True)


def test_who_said_what_makes_them_ill_is_asked_before_they_order_it(browser, person, world):
    me, poha, day = browser(person), dish(world, allergens=["nuts", "milk"]), tomorrow(world)
    where = f"/my/canteen/?day={day}"
    assert "Makes you ill" not in page(me, where)
    assert me.post("/my/meals/needs", {"food": "jain", "allergens": ["nuts", "soya"]}).status_code == 303
    assert 'value="jain" selected' in page(me, "/my/meals/needs")
    assert all(words in page(me, where) for words in ("Makes you ill: Peanuts and nuts", "Not what you eat.", f'name="despite-{poha}" value="nuts"'))
    form = {"hostel": str(HOSTEL), "day": str(day), "meal": "breakfast", f"portions-{poha}": "2", f"price-{poha}": "5000"}
    before = balance(person, person.user_id)
    for careless in ({}, {f"despite-{poha}": "milk"}):  # another than what is meant is no answer
        refused = me.post("/my/canteen/place", {**form, **careless, "_once": str(uuid4())})
        body = refused.get_data(as_text=True)
        assert (refused.status_code, 'value="2"' in body, "Poha contains what makes you ill" in body) == (409, True, True)
    assert balance(person, person.user_id) == before
    assert me.post("/my/canteen/place", {**form, f"despite-{poha}": "nuts", "_once": str(uuid4())}).status_code == 303
    assert me.post("/my/meals/needs", {"allergens": ["plutonium"]}).status_code == 422


def test_what_was_added_to_a_dish_since_it_was_seen_is_asked_about(person, world):
    poha = dish(world, allergens=["nuts", "milk"])
    says(person, Allergen.NUTS, Allergen.MILK)
    assert isinstance(refusal(lambda: order(person, poha, despite={poha: ["nuts"]})), Conflict)
    order(person, poha, despite={poha: ["nuts", "milk"]})


def test_a_tick_for_less_is_not_kept_by_the_page_that_says_so(browser, person, world):
    me, poha, day = browser(person), dish(world, allergens=["nuts", "milk"]), tomorrow(world)
    says(person, Allergen.NUTS, Allergen.MILK)
    form = {"hostel": str(HOSTEL), "day": str(day), "meal": "breakfast", f"portions-{poha}": "11", f"price-{poha}": "5000"}
    for ticked, kept in (("nuts", False), ("nuts milk", True)):
        refused = me.post("/my/canteen/place", {**form, f"despite-{poha}": ticked, "_once": str(uuid4())})
        assert refused.status_code == 409
        assert (f'value="nuts milk" data-despite{" checked" if kept else ""}>' in refused.get_data(as_text=True)), ticked


def test_the_kitchen_sees_it_with_what_it_cooks_until_that_is_delivered(browser, person, world, superuser):
    cook, poha = browser(world.a.people[Role.CANTEEN_STAFF]), dish(world, allergens=["nuts"])
    says(person, Allergen.NUTS)
    placed, board = order(person, poha, despite={poha: ["nuts"]}), f"/canteen/kitchen/?day={tomorrow(world)}&meal=breakfast&show=all"
    assert all(words in page(cook, board) for words in (ILL, "contains Peanuts and nuts"))
    assert ILL in page(cook, f"/canteen/orders/show/{placed}")
    sheet = cook.get(f"/canteen/kitchen/sheet?day={tomorrow(world)}&meal=breakfast")
    assert sheet.get_data()[:5] == b"%PDF-"
    step(world.a.people[Role.CANTEEN_STAFF], placed, "confirm", "prepare", "ready", "deliver")
    assert "CO-0001" in (shown := page(cook, board))
    assert ILL not in shown
    with scope(world.b.people[Role.CANTEEN_STAFF]) as session:
        assert canteen.ordering.guests(session, [placed]) == {}


def test_it_is_a_mask_in_the_audit_and_goes_with_the_person(person, world, superuser):
    says(person, Allergen.NUTS, food=Food.JAIN)
    assert one(superuser, "SELECT bool_or((after ->> 'allergens') ~ 'nuts' OR (after ->> 'food') ~ 'jain') FROM audit_log WHERE table_name = 'meal_needs'") is False
    with superuser.begin() as connection:
        connection.execute(text("DELETE FROM memberships WHERE user_id = :me"), {"me": person.user_id})
    with tenant_scope(world.a.org_id) as session:
        session.execute(text("SELECT app.redact_person(:me)"), {"me": person.user_id})
    assert one(superuser, "SELECT count(*) FROM meal_needs") == 0


@pytest.mark.parametrize(("food", "diet", "fits"), [(None, Diet.NON_VEG, True), (Food.JAIN, Diet.VEG, False), (Food.EGGS, Diet.EGG, True),
                                                    (Food.VEGAN, Diet.VEG, False), (Food.VEGETARIAN, Diet.JAIN, True)])
def test_who_eats_what(food, diet, fits):
    assert suits(food, diet) is fits
