"""Orders: portions, money and row in one transaction, refused before anything is written, given back as C4 says (C2, C4, C5)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.canteen import ORDER_UNTIL, SUMMARY_AT, Meal, OrderStatus, RefundState
from app.rules.errors import Conflict, Forbidden, Invalid, LimitReached, NotFound
from app.services import canteen, wallet
from app.services.canteen.ordering import Guest
from app.tenancy import tenant_scope
from tests.canteen import (
    ALL_THE_WAY,
    DONE,
    FUNDS,
    TO_COOK,
    dish,
    guest,
    housed,
    order,
    seen,
    step,
    stock,
    tomorrow,
)
from tests.houses import execute
from tests.maintenance import at, refusal, scope
from tests.wallet import HOSTEL, C, balance, credit, one, post, residents, sums


@pytest.fixture
def person(app, world, superuser):
    return guest(superuser, world)


@pytest.fixture
def cook(world):
    return world.a.people[Role.CANTEEN_STAFF]


def test_an_order_takes_the_portions_and_the_money_and_goes_to_the_room(person, world, superuser, cook):
    poha, tea = dish(world), dish(world, "Tea", price_paise=15_00)
    placed = order(person, poha, tea, quantity=2, note="No onions")
    found = seen(person, placed)
    assert (found.state, found.total_paise, found.room_id) == (OrderStatus.PLACED, 130_00, world.a.places[0].rooms[0])
    assert [(item.name, item.quantity, item.price_paise) for item in found.items] == [("Poha", 2, 50_00), ("Tea", 2, 15_00)]
    assert balance(person, person.user_id) == FUNDS - 130_00
    assert sums(superuser)[C.CANTEEN, None, ""] == 130_00
    assert (stock(superuser, poha), stock(superuser, tea)) == (8, 8)
    step(cook, placed, *ALL_THE_WAY)
    assert seen(person, placed).state is DONE
    with scope(cook) as session:
        assert canteen.ordering.guests(session, [placed]) == {placed: Guest(person.name, ())}


def test_what_cannot_be_is_refused_with_what_is_missing_and_nothing_written(person, world, superuser):
    poha, dinner = dish(world, portions=3, price_paise=400_00), dish(world, "Dal", meal="dinner")
    gone = dish(world, "Kheer", portions=0)
    late = dish(world, "Upma", order_until=one(superuser, "SELECT now() - interval '1 minute'"))
    for wanted, error, words in [
        (lambda: order(person, poha, quantity=3), Conflict, "This costs ₹1,200.00, and there is ₹1,000.00 in your wallet: ₹200.00 more is needed."),
        (lambda: order(person, poha, quantity=4), Conflict, "Only 3 left of Poha."), (lambda: order(person, gone), Conflict, "Kheer is sold out."),
        (lambda: order(person, poha, dinner), Invalid, "Order each meal by itself."), (lambda: order(person, late), Conflict, "It is too late to order this meal."),
        (lambda: order(person), Invalid, "Choose what you would like first."), (lambda: order(person, poha, quantity=0), Invalid, "Order 1 to 20 portions of a dish."),
        (lambda: order(person, uuid4()), Conflict, "One of these dishes is not on the menu any more."),
        (lambda: order(person, poha, seen_paise=300_00), Conflict, "A price has changed in the meantime: look at it again."),
    ]:
        found = refusal(wanted)
        assert (type(found), found.message) == (error, words)
    assert balance(person, person.user_id) == FUNDS
    assert stock(superuser, poha) == 3
    assert one(superuser, "SELECT count(*) FROM canteen_orders") == 0
    execute(superuser, "UPDATE stays SET status = 'ended', until_on = from_on")
    assert "no room" in refusal(lambda: order(person, poha)).message


def test_a_double_click_is_one_order_and_the_twenty_first_of_a_day_is_refused(app, person, world, superuser):
    poha, twice = dish(world, portions=100, price_paise=1_00), uuid4()

    def click(_):
        with app.app_context():
            return order(person, poha, order_id=twice)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(click, range(4))) == {twice}
    assert (balance(person, person.user_id), stock(superuser, poha)) == (FUNDS - 1_00, 99)
    for _ in range(19):
        order(person, poha)
    assert isinstance(refusal(lambda: order(person, poha)), LimitReached)
    assert order(person, poha, order_id=twice) == twice


def test_twenty_residents_want_the_last_five_portions_at_once(app, world, superuser):
    users = residents(superuser, world, 20)
    housed(superuser, world, *users)
    post(world, *(credit(f"funds {user}", user, 100_00) for user in users))
    poha = dish(world, portions=5)

    def try_it(user):
        try:
            with app.app_context(), tenant_scope(world.a.org_id, user) as session:
                return canteen.ordering.place(session, HOSTEL, {poha: 1}, uuid4())
        except Exception as error:  # noqa: BLE001 - told apart below
            return str(error)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(try_it, users))
    assert sum("Poha is sold out." in str(answer) for answer in answers) == 15
    assert (stock(superuser, poha), one(superuser, "SELECT count(*) FROM canteen_orders WHERE status = 'placed'")) == (0, 5)
    assert sorted(balance(None, user) for user in users) == [50_00] * 5 + [100_00] * 15
    assert sums(superuser)[C.CANTEEN, None, ""] == 250_00


def test_cancelled_before_it_is_cooked_all_comes_back_at_once(person, world, superuser, cook):
    poha = dish(world)
    mine, theirs = order(person, poha), order(person, poha)
    step(person, mine, "cancel")
    step(cook, theirs, "confirm", "cancel")
    for gone in (mine, theirs):
        assert (seen(person, gone).state, seen(person, gone).refund) == (OrderStatus.CANCELLED, RefundState.DONE)
    assert (balance(person, person.user_id), stock(superuser, poha)) == (FUNDS, 10)
    assert one(superuser, "SELECT count(*) FROM ledger_transactions WHERE kind IN ('order', 'refund')") == 4
    assert isinstance(refusal(lambda: step(person, mine, "cancel")), Conflict)


@pytest.mark.parametrize(("decision", "refund", "money"), [("approve", RefundState.DONE, 0), ("reject", RefundState.REFUSED, 50_00)])
def test_cancelled_once_it_is_cooked_somebody_in_charge_decides(person, world, superuser, cook, decision, refund, money):
    placed = order(person, poha := dish(world))
    step(cook, placed, *TO_COOK)
    assert refusal(lambda: step(person, placed, "cancel")).message == "It is being cooked already: say why, and ask for the money."
    assert isinstance(refusal(lambda: step(person, placed, "cancel_late")), Invalid)
    step(person, placed, "cancel_late", note="I am ill")
    assert (seen(person, placed).state, seen(person, placed).refund) == (OrderStatus.CANCELLED, RefundState.ASKED)
    assert (balance(person, person.user_id), stock(superuser, poha)) == (FUNDS - 50_00, 9)
    proposal = one(superuser, "SELECT id FROM ledger_proposals WHERE source = 'canteen_orders' AND source_id = :id", id=placed)
    with scope(world.a.people[Role.HOSTEL_MANAGER]) as session:
        wallet.decide(session, proposal, decision, "Seen")
    assert (seen(person, placed).refund, balance(person, person.user_id)) == (refund, FUNDS - money)


def test_what_is_not_delivered_follows_its_person_to_another_room(person, world, superuser, cook):
    going, gone = order(person, dish(world)), order(person, dish(world, "Idli"))
    step(cook, gone, *TO_COOK, "ready", "deliver")
    old = seen(person, going).room_id
    execute(superuser, f"UPDATE stays SET bed_id = '{world.a.places[0].beds[-1]}' WHERE user_id = {person.user_id}")
    assert seen(person, going).room_id != old == seen(person, gone).room_id


def test_others_orders_and_the_kitchens_steps_are_out_of_reach(person, world, superuser, cook):
    placed = order(person, dish(world))
    [other] = residents(superuser, world, 1)
    with tenant_scope(world.a.org_id, other) as session, pytest.raises(NotFound):
        canteen.ordering.find(session, placed)

    def as_other():
        with tenant_scope(world.a.org_id, other) as session:
            canteen.ordering.move(session, placed, "cancel")

    assert isinstance(refusal(as_other), NotFound)
    assert isinstance(refusal(lambda: step(person, placed, "confirm")), Forbidden)
    assert isinstance(refusal(lambda: step(world.b.people[Role.CANTEEN_STAFF], placed, "confirm")), NotFound)
    assert isinstance(refusal(lambda: step(world.a.people[Role.MAINTENANCE_STAFF], placed, "confirm")), NotFound)


def test_the_day_is_copied_with_its_times_and_nothing_twice(app, world, superuser, cook):
    dish(world, allergens=["gluten"])
    dish(world, "Idli")
    day = tomorrow(world)
    with scope(cook) as session:
        assert canteen.menu.copy(session, HOSTEL, day, day, day + timedelta(days=7)) == 2
    with scope(cook) as session:
        assert canteen.menu.copy(session, HOSTEL, day, day, day + timedelta(days=7)) == 0
    wanted = "SELECT array_agg(DISTINCT (order_until AT TIME ZONE 'Asia/Kolkata')::text ORDER BY 1) FROM (SELECT order_until FROM canteen_menu) t"
    times = [(text_day, f"{ORDER_UNTIL[Meal.BREAKFAST]}") for text_day in (str(day), str(day + timedelta(days=7)))]
    assert one(superuser, wanted.replace("ORDER BY 1", "")) == [f"{when} {clock}" for when, clock in times]
    assert isinstance(refusal(lambda: dish(world, "Omelette", diet="veg", allergens=["egg"])), Invalid)


def test_a_house_has_its_own_times_and_its_day_is_summed_up_once(person, world, superuser, cook):
    poha = dish(world)
    manager = world.a.people[Role.HOSTEL_MANAGER]
    with scope(cook) as session:
        before = canteen.menu.times(session, HOSTEL)
    assert (before.until, before.summary_at) == (ORDER_UNTIL, SUMMARY_AT)
    earlier = canteen.menu.Times({**ORDER_UNTIL, Meal.BREAKFAST: ORDER_UNTIL[Meal.BREAKFAST].replace(hour=6)})

    def set_as(person):
        with scope(person) as session:
            canteen.menu.set_times(session, HOSTEL, earlier)

    assert isinstance(refusal(lambda: set_as(cook)), Forbidden)
    set_as(manager)
    assert one(superuser, "SELECT (order_until AT TIME ZONE 'Asia/Kolkata')::time::text FROM canteen_menu WHERE id = :id", id=poha) == "06:30:00"
    order(person, poha, quantity=6)
    asked = "SELECT count(*) FROM outbox WHERE kind = 'canteen.summary'"
    # To the evening of the day that was ordered for.
    late = one(superuser, "SELECT (:day + time '23:00') AT TIME ZONE 'Asia/Kolkata' - now()", day=tomorrow(world))
    at(superuser, late)
    for _ in range(2):
        with superuser.begin() as connection:
            connection.execute(text("SELECT app.ask_canteen_summaries()"))
    assert one(superuser, asked) == 1
    day = one(superuser, "SELECT payload ->> 'day' FROM outbox WHERE kind = 'canteen.summary'")
    with tenant_scope(world.a.org_id) as session:
        canteen.telling.tell_of_day(session, HOSTEL, type(tomorrow(world)).fromisoformat(day))
        canteen.telling.tell_of_low_stock(session, poha)
    told = one(superuser, "SELECT array_agg(body ORDER BY kind) FROM notifications WHERE user_id = :me AND kind LIKE 'canteen.%'", me=cook.user_id)
    assert told == ["", "1 orders, 6 portions, 0 cancelled\n6 × Poha"]
