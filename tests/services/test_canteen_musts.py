"""What must hold of the canteen at its edges: nothing written without money, a limit by the day of the house, a cut-off by its clock (C1, C2, C5)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.permissions import Role
from app.rules.canteen import ORDER_UNTIL, ORDERS_PER_DAY, Meal, order_until
from app.rules.errors import Conflict, LimitReached
from app.services import canteen
from tests.canteen import FUNDS, dish, guest, order, stock, tomorrow
from tests.houses import execute
from tests.maintenance import at, refusal, scope
from tests.wallet import HOSTEL, balance, one

# What an order writes to; none of it may have moved.
_ALL = """SELECT concat_ws('/', (SELECT count(*) FROM canteen_orders), (SELECT count(*) FROM canteen_order_items), (SELECT count(*) FROM ledger_transactions),
  (SELECT count(*) FROM ledger_entries), (SELECT count(*) FROM outbox), (SELECT sum(stock) FROM canteen_menu), (SELECT sum(balance_paise) FROM wallet_balance_cache))"""
ZONES = ("Asia/Kolkata", "America/New_York")


@pytest.fixture
def person(app, world, superuser):
    return guest(superuser, world)


def clock(superuser, moment: datetime) -> None:
    """The product's clock shows this from now on."""
    at(superuser, moment - datetime.now(UTC))


def moved_house(superuser, zone: str) -> None:
    execute(superuser, "UPDATE hostels SET timezone = :zone WHERE id = :id", zone=zone, id=HOSTEL)


def test_without_enough_money_nothing_at_all_is_written(person, world, superuser):
    poha = dish(world, price_paise=FUNDS // 2 + 1)
    before = one(superuser, _ALL)
    assert "₹0.02 more is needed" in refusal(lambda: order(person, poha, quantity=2)).message
    assert one(superuser, _ALL) == before
    order(person, poha)
    assert (balance(person, person.user_id), stock(superuser, poha)) == (FUNDS // 2 - 1, 9)
    after = one(superuser, _ALL)
    assert isinstance(refusal(lambda: order(person, poha)), Conflict)
    assert one(superuser, _ALL) == after


@pytest.mark.parametrize("zone", ZONES)
def test_twenty_orders_a_day_end_with_the_day_of_the_house(person, world, superuser, zone):
    moved_house(superuser, zone)
    midnight = datetime.combine(tomorrow(world), time(), ZoneInfo(zone))
    poha = dish(world, portions=100, price_paise=1_00, served_on=midnight.date() + timedelta(days=2))
    clock(superuser, midnight - timedelta(minutes=1))
    for _ in range(ORDERS_PER_DAY):
        order(person, poha)
    assert isinstance(refusal(lambda: order(person, poha)), LimitReached)
    clock(superuser, midnight + timedelta(seconds=1))
    order(person, poha)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("until", [time(0, 0), time(0, 10), time(23, 59)])
def test_the_cut_off_is_by_the_clock_of_the_house_around_midnight_too(person, world, superuser, zone, until):
    moved_house(superuser, zone)
    with scope(world.a.people[Role.HOSTEL_MANAGER]) as session:
        canteen.menu.set_times(session, HOSTEL, canteen.menu.Times({**ORDER_UNTIL, Meal.BREAKFAST: until}))
    day = tomorrow(world)
    poha = dish(world, served_on=day)
    ends = datetime.combine(day, until, ZoneInfo(zone))
    clock(superuser, ends - timedelta(seconds=30))
    order(person, poha)
    clock(superuser, ends + timedelta(seconds=1))
    assert refusal(lambda: order(person, poha)).message == "It is too late to order this meal."


def test_where_clocks_change_the_cut_off_stays_by_the_wall():
    for zone, day in (("America/New_York", datetime(2026, 3, 8, tzinfo=UTC).date()), ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC).date())):
        assert order_until(day, time(8, 30), ZoneInfo(zone)).astimezone(ZoneInfo(zone)).time() == time(8, 30)
