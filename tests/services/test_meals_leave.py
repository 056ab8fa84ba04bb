"""Leave: until when it is said, how it grows together, what it pays back, and whom the kitchen counts (C7)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.permissions import Portal, Role
from app.rules.canteen import Meal
from app.rules.errors import Conflict, Invalid, NotFound
from app.rules.meals import EVERY_DAY, LeaveState, Terms
from app.services import beds, meals
from app.tenancy import tenant_scope
from jobs import meals as jobs
from tests.billing import living
from tests.maintenance import at, refusal, scope
from tests.wallet import HOSTEL, C, sums


@pytest.fixture
def users(app, world, superuser):
    return living(superuser, world, 2)


def clock(superuser, moment: str) -> None:
    at(superuser, datetime.fromisoformat(moment) - datetime.now(UTC))


def leave(world, user: int, first: date, last: date, *, only: tuple[Meal, ...] = tuple(Meal)) -> UUID:
    with tenant_scope(world.a.org_id, user, portal=Portal.RESIDENT) as session:
        return meals.take_leave(session, HOSTEL, user, first, last, only, uuid4())


def end(world, user: int, leave_id: UUID) -> None:
    with tenant_scope(world.a.org_id, user, portal=Portal.RESIDENT) as session:
        meals.end_leave(session, leave_id)


def kept(world, user: int) -> list[tuple[date, date]]:
    with tenant_scope(world.a.org_id, user, portal=Portal.RESIDENT) as session:
        return [(one.from_on, one.until_on) for one in meals.leaves(session, HOSTEL)]


def settled(world, leave_id: UUID) -> int:
    with tenant_scope(world.a.org_id) as session:
        return meals.settle(session, leave_id)


def take_back(person, leave_id: UUID, why: str) -> None:
    with scope(person) as session:
        meals.end_leave(session, leave_id, why)


def hear(world, superuser) -> None:
    """What the jobs would tell."""
    with superuser.connect() as connection:
        asked = connection.execute(text("SELECT payload FROM outbox WHERE kind = 'meals.leave' ORDER BY id")).scalars().all()
    with tenant_scope(world.a.org_id) as session:
        for payload in asked:
            jobs.leave(session, payload)


def told(superuser, user: int) -> list[tuple[str, str]]:
    with superuser.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(text("SELECT title, body FROM notifications WHERE user_id = :user"), {"user": user}))


def test_leave_is_said_in_time_grows_together_and_is_the_residents_own(users, world, superuser):
    one, other = users
    clock(superuser, "2026-03-01T12:00:00+05:30")
    first = leave(world, one, date(2026, 3, 3), date(2026, 3, 5))
    assert leave(world, one, date(2026, 3, 6), date(2026, 3, 8)) == first
    leave(world, one, date(2026, 3, 4), date(2026, 3, 4), only=(Meal.LUNCH,))
    assert kept(world, one) == [(date(2026, 3, 4), date(2026, 3, 5)), (date(2026, 3, 3), date(2026, 3, 9))]
    assert kept(world, other) == []
    assert isinstance(refusal(lambda: leave(world, one, date(2026, 3, 1), date(2026, 3, 2))), Conflict)
    assert isinstance(refusal(lambda: leave(world, one, date(2026, 4, 1), date(2026, 7, 1))), Invalid)
    assert isinstance(refusal(lambda: end(world, other, first)), NotFound)
    clock(superuser, "2026-03-05T20:00:00+05:30")  # tomorrow is planned already
    assert isinstance(refusal(lambda: leave(world, one, date(2026, 3, 6), date(2026, 3, 6), only=(Meal.DINNER,))), Conflict)
    end(world, one, first)
    assert kept(world, one)[1] == (date(2026, 3, 3), date(2026, 3, 7))
    assert isinstance(refusal(lambda: end(world, one, first)), Conflict)


def test_leave_is_paid_back_once_it_is_over_and_once(users, world, superuser):
    user = users[0]
    clock(superuser, "2026-03-01T12:00:00+05:30")
    away, short = leave(world, user, date(2026, 3, 30), date(2026, 4, 2)), leave(world, user, date(2026, 3, 10), date(2026, 3, 11))
    clock(superuser, "2026-04-03T12:00:00+05:30")
    assert settled(world, away) == 0  # the office could still add today to it
    clock(superuser, "2026-04-04T12:00:00+05:30")
    # Half of two days of a month of 31, and of two of one of 30.
    assert (settled(world, away), settled(world, away), settled(world, short)) == (100_00 + 103_33, 0, 0)
    with tenant_scope(world.a.org_id, user, portal=Portal.RESIDENT) as session:
        assert {one.rebate_paise for one in meals.leaves(session, HOSTEL)} == {203_33, 0}
    assert sums(superuser)[C.REBATES, None, ""] == -203_33
    assert told(superuser, user) == [("There is a rebate in your wallet for meals that you did not eat.", "Away from meals: from 30 March 2026 to 2 April 2026")]
    with superuser.connect() as connection:
        assert connection.execute(text("SELECT description FROM ledger_transactions WHERE kind = 'rebate' ORDER BY key")).scalars().all() == [
            "Away from meals: from 30 March 2026 to 31 March 2026", "Away from meals: from 1 April 2026 to 2 April 2026"]


def test_a_resident_hears_what_the_office_said_for_them_or_took_back(users, world, superuser):
    user, cook = users[0], world.a.people[Role.CANTEEN_STAFF]
    clock(superuser, "2026-03-01T12:00:00+05:30")
    with scope(cook) as session:
        theirs = meals.take_leave(session, HOSTEL, user, date(2026, 3, 1), date(2026, 3, 1), [Meal.LUNCH], uuid4())
    own = leave(world, user, date(2026, 3, 5), date(2026, 3, 7))
    for why, who, error in (("", cook, Invalid), ("Nobody", world.b.people[Role.CANTEEN_STAFF], NotFound)):
        assert isinstance(refusal(lambda who=who, why=why: take_back(who, own, why)), error)
    take_back(cook, own, "The plan ends on the 4th")
    hear(world, superuser)
    assert told(superuser, user) == [("You are away from meals: 1 March 2026.", ""),
                                     ("Your leave from meals was taken back: from 5 March 2026 to 7 March 2026.", "The plan ends on the 4th")]
    with tenant_scope(world.a.org_id, user, portal=Portal.RESIDENT) as session:
        assert {one.id: (one.state(date(2026, 3, 1)), one.reason) for one in meals.leaves(session, HOSTEL)} == {
            theirs: (LeaveState.AWAY, ""), own: (LeaveState.TAKEN_BACK, "The plan ends on the 4th")}


def test_the_kitchen_counts_who_is_here_and_entitled(users, world, superuser):
    clock(superuser, "2026-03-01T12:00:00+05:30")
    leave(world, users[0], date(2026, 3, 3), date(2026, 3, 5))
    with scope(world.a.people[Role.HOSTEL_MANAGER]) as session:
        meals.set_rules(session, HOSTEL, Terms(rebate_percent=100), {"Meals": [EVERY_DAY, 0, 0, 1 << 1]})  # dinner on Tuesdays
    with scope(world.a.people[Role.CANTEEN_STAFF]) as session:
        days = meals.forecast(session, HOSTEL).days
        def count(day: int, meal: Meal) -> tuple[int, int]:
            return days[date(2026, 3, day)][meal].served.holders, days[date(2026, 3, day)][meal].served.away
        assert (count(2, Meal.BREAKFAST), count(3, Meal.BREAKFAST), count(3, Meal.LUNCH)) == ((2, 0), (2, 1), (0, 0))
        assert (count(2, Meal.DINNER), count(3, Meal.DINNER)) == ((0, 0), (2, 1))
        today = beds.house_day(session, HOSTEL)
        for _ in range(2):
            meals.mark(session, HOSTEL, today, Meal.BREAKFAST, users[1], ate=True)
        assert [(one.user_id, one.ate) for one in meals.people(session, HOSTEL, today, Meal.BREAKFAST)] == [(users[0], False), (users[1], True)]
    stranger = world.b.people[Role.CANTEEN_STAFF]
    with scope(stranger) as session:
        assert meals.people(session, HOSTEL, today, Meal.BREAKFAST) == []
