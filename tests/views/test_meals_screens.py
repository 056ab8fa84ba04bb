"""Meals by plan on the screen: a resident is away, the counter ticks, the forecast follows (C7)."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from app.permissions import Role
from app.services import meals
from app.tenancy import tenant_scope
from tests.billing import living, lodge
from tests.canteen import tomorrow
from tests.houses import execute
from tests.wallet import HOSTEL


@pytest.fixture
def person(app, world, superuser):
    found = world.a.people[Role.RESIDENT]
    execute(superuser, "INSERT INTO residents (org_id, hostel_id, number, user_id, moved_in_on) VALUES (:org, :hostel, 7001, :person, '2026-01-01')",
            org=world.a.org_id, hostel=HOSTEL, person=found.user_id)
    lodge(superuser, world, [found.user_id], since="2026-01-01", mess="Meals")
    return found


def page(who, path, status=200):
    found = who.get(path)
    assert found.status_code == status, found.get_data(as_text=True)[-2000:]
    return found.get_data(as_text=True)


def test_a_resident_is_away_and_comes_back(browser, person, world):
    me, first = browser(person), tomorrow(world) + timedelta(days=1)
    form = {"hostel": str(HOSTEL), "first": str(first), "last": str(first), "meals": ["lunch", "dinner"], "_once": str(uuid4())}
    for _ in range(2):
        assert me.post("/my/meals/take", form).status_code == 303
    assert "Lunch, Dinner" in page(me, "/my/meals/")
    refused = me.post("/my/meals/take", {**form, "_once": str(uuid4()), "first": "2026-01-01"})
    assert refused.status_code == 409
    assert all(words in refused.get_data(as_text=True) for words in ("It is too late for this day", 'value="2026-01-01"'))
    with tenant_scope(world.a.org_id) as session:
        leave = meals.leaves(session, HOSTEL)[0].id
    assert me.post(f"/my/meals/end/{leave}", {"hostel": str(HOSTEL)}).status_code == 303
    assert "You have not been away." in page(me, "/my/meals/")
    page(browser(world.a.people[Role.PENDING_RESIDENT]), "/my/meals/", 403)


def test_the_kitchen_plans_ticks_and_prints(browser, person, world):
    cook, manager = browser(world.a.people[Role.CANTEEN_STAFF]), browser(world.a.people[Role.HOSTEL_MANAGER])
    assert "Portions to cook" in page(cook, f"/canteen/meals/?hostel={HOSTEL}")
    assert cook.get("/canteen/meals/paper").get_data().startswith(b"%PDF")
    counter = f"/canteen/meals/counter?hostel={HOSTEL}&meal=lunch"
    assert person.name in page(cook, counter)
    assert cook.post(f"/canteen/meals/mark/{person.user_id}?hostel={HOSTEL}&meal=lunch", {"ate": "1"}).status_code == 303
    assert "1 of 1 ate. Away: 0." in page(cook, counter)
    day = tomorrow(world)
    assert cook.post(f"/canteen/meals/leave?hostel={HOSTEL}&meal=lunch&day={day}", {
        "person": str(person.user_id), "first": str(day), "last": str(day), "meals": "lunch", "_once": str(uuid4())}).status_code == 303
    assert "0 of 0 ate. Away: 1." in page(cook, f"{counter}&day={day}")
    shown = page(cook, f"/canteen/meals/leaves?hostel={HOSTEL}")
    assert person.name in shown
    leave = re.search(r"leaves/([0-9a-f-]{36})/end", shown)[1]
    assert cook.post(f"/canteen/meals/leaves/{leave}/end?hostel={HOSTEL}", {"note": ""}).status_code == 422
    assert cook.post(f"/canteen/meals/leaves/{leave}/end?hostel={HOSTEL}", {"note": "Said for another day"}).status_code == 303
    assert all(words in page(browser(person), "/my/meals/") for words in ("Taken back", "Said for another day"))
    page(cook, "/canteen/meals/rules", 403)
    rules = {"hostel": str(HOSTEL), "leave_until": "18:30", "longest_days": "40", "rebate_days": "5", "rebate_percent": "130"}
    refused = manager.post("/canteen/meals/rules", rules)
    assert (refused.status_code, 'value="130"' in refused.get_data(as_text=True)) == (422, True)
    assert manager.post("/canteen/meals/rules", {**rules, "rebate_percent": "75"}).status_code == 303
    assert 'value="18:30"' in page(manager, "/canteen/meals/rules")
    page(browser(world.b.people[Role.CANTEEN_STAFF]), counter, 404)


def test_ticks_of_plans_survive_a_refusal_and_belong_to_the_plans_that_were_shown(app, browser, world, superuser):
    living(superuser, world, 1)
    manager = browser(world.a.people[Role.HOSTEL_MANAGER])
    rules = {"hostel": str(HOSTEL), "leave_until": "18:30+05:30", "longest_days": "40", "rebate_days": "5", "rebate_percent": "130",
             "plan": ["Withdrawn", "Meals"], "plan-0-lunch": "2", "plan-1-dinner": ["0", "6"]}
    ticked = r'<input type="checkbox" name="plan-\d-(\w+)" value="(\d)" checked>'
    for wrong, status in (({}, 422), ({"rebate_percent": "75"}, 303)):
        answer = manager.post("/canteen/meals/rules", {**rules, **wrong})
        assert answer.status_code == status
        shown = answer.get_data(as_text=True) if wrong == {} else page(manager, "/canteen/meals/rules")
        assert re.findall(ticked, shown) == [("dinner", "0"), ("dinner", "6")]
