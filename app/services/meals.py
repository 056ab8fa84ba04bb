"""Meals by plan: leave, its rebate, who ate, and how many will. The database's functions decide and write."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session

from app.models.meals import MealLeave, MealNeed, MealSettings
from app.models.onboarding import ResidentPreference
from app.models.people import Member
from app.models.residents import Stay
from app.rules import meals as rules
from app.rules.billing import ChargeKind, Living, Span, month_of, spans_of
from app.rules.canteen import Allergen, Meal
from app.rules.errors import NotFound
from app.rules.meals import BackTest, Expected, Served, Terms
from app.rules.onboarding import Food
from app.rules.wallet import AccountCode, TransactionKind, transfer
from app.services import wallet
from app.services.beds import house_day
from app.services.billing.terms import prices_of
from app.services.notifications import Message, tell

_FIRST_DAY = text("SELECT app.first_leave_day(:hostel)")
_TAKE = text("SELECT app.take_leave(:hostel, :person, :first, :last, :meals, :id)")
_END = text("SELECT app.end_leave(:id, :why)")
_LEAVE_PEOPLE = text("SELECT id, name FROM app.leave_people(:ids)")
_SETTLE = text("SELECT app.settle_leave(:id, :paise)")
_ASK = text("SELECT app.ask_meal_rebates()")
_SET = text("SELECT app.set_meals(:hostel, :until, :longest, :days, :percent, CAST(:plans AS jsonb))")
_PLANS = text("SELECT name, days FROM app.plans_of(:hostel)")
_DAYS = text("SELECT * FROM app.meal_days(:hostel, :first, :until)")
_PEOPLE = text("SELECT * FROM app.meal_people(:hostel, :day, :meal)")
_MARK = text("SELECT app.mark_meal(:hostel, :day, :meal, :person, :ate)")
_NEEDS = text("SELECT app.set_meal_needs(:food, :allergens)")

# Errors of what writes below (as DBAPIError, translated at the edge): VR404, VR403, VR409 (too late, no plan), VR422.


def terms(session: Session, hostel_id: UUID) -> Terms:
    """The rules of a house, or the usual ones."""
    row = session.scalars(select(MealSettings).where(MealSettings.hostel_id == hostel_id)).one_or_none()
    return Terms(row.leave_until, row.longest_days, row.rebate_days, row.rebate_percent) if row else Terms()


def plans(session: Session, hostel_id: UUID) -> dict[str, list[int]]:
    """The mess plans that are sold, with the days of the week of each meal, as bits."""
    return {name: list(days) for name, days in session.execute(_PLANS, {"hostel": hostel_id})}


def set_rules(session: Session, hostel_id: UUID, wanted: Terms, included: Mapping[str, Sequence[int]]) -> None:
    """The rules of a house, and what its plans include."""
    wanted.check()
    session.execute(_SET, {"hostel": hostel_id, "until": wanted.leave_until, "longest": wanted.longest_days, "days": wanted.rebate_days,
                           "percent": wanted.rebate_percent, "plans": json.dumps([{"name": name, "days": list(days)} for name, days in included.items()])})
    session.expire_all()


def first_leave_day(session: Session, hostel_id: UUID) -> date:
    """The first day for which residents can still say that they are away."""
    found: date = session.execute(_FIRST_DAY, {"hostel": hostel_id}).scalar_one()
    return found


def take_leave(session: Session, hostel_id: UUID, user_id: int, first: date, last: date, meals: Sequence[Meal], leave_id: UUID) -> UUID:
    """Somebody is away, both days included; the id of the leave that it is part of now."""
    taken: UUID = session.execute(_TAKE, {"hostel": hostel_id, "person": user_id, "first": first, "last": last,
                                          "meals": [meal.value for meal in meals], "id": leave_id}).scalar_one()
    session.expire_all()
    return taken


def end_leave(session: Session, leave_id: UUID, why: str = "") -> None:
    """They are back on the first day that can still be changed; who says it for somebody else says why."""
    session.execute(_END, {"id": leave_id, "why": why})
    session.expire_all()


def leaves(session: Session, hostel_id: UUID, user_id: int | None = None, since: date | None = None, most: int = 50) -> Sequence[MealLeave]:
    """Of a house or one person, the latest first; of those that were taken back the ones that staff took."""
    asked = select(MealLeave).where(MealLeave.hostel_id == hostel_id, or_(MealLeave.withdrawn_at.is_(None), MealLeave.reason != ""))
    if user_id is not None:
        asked = asked.where(MealLeave.user_id == user_id)
    if since is not None:
        asked = asked.where(MealLeave.until_on > since)
    return session.scalars(asked.order_by(MealLeave.from_on.desc(), MealLeave.id).limit(most)).all()


def leave_names(session: Session, found: Sequence[MealLeave]) -> dict[UUID, str]:
    """Whose they are."""
    return dict(session.execute(_LEAVE_PEOPLE, {"ids": [one.id for one in found]}).all())


def tell_of_leave(session: Session, leave_id: UUID, *, taken_back: bool) -> None:
    """A resident hears what staff said or took back for them."""
    leave = session.scalars(select(MealLeave).where(MealLeave.id == leave_id)).one()
    days = rules.days_said(leave.from_on, leave.until_on)
    said = f"Your leave from meals was taken back: {days}." if leave.withdrawn_at is not None else f"You are away from meals: {days}."
    tell(session, {leave.user_id}, Message("meals.leave", f"meals:{leave_id}:{taken_back}:{leave.until_on}", said, leave.hostel_id,
                                           f"/my/meals/?hostel={leave.hostel_id}", leave.reason if taken_back else ""))


# -- rebates -------------------------------------------------------------------------------------------------------------


def ask_rebates(session: Session) -> int:
    """In all organizations, for each leave that is over."""
    return int(session.execute(_ASK).scalar_one())


def settle(session: Session, leave_id: UUID) -> int:
    """Pay back what a leave is worth, once, month by month; as the product itself. Returns how much."""
    leave = session.scalars(select(MealLeave).where(MealLeave.id == leave_id)).one_or_none()
    if leave is None:
        raise NotFound("There is no such leave.")
    first, until = leave.from_on, leave.until_on
    due = rules.rebates(first, until, [Meal(meal) for meal in leave.meals], _charged(session, leave), terms(session, leave.hostel_id))
    if not session.execute(_SETTLE, {"id": leave_id, "paise": sum(due.values())}).scalar_one():
        return 0
    wallet.post(session, [transfer(
        f"rebate:{leave_id}:{month:%Y-%m}", TransactionKind.REBATE, leave.hostel_id, paise, debit=AccountCode.REBATES, credit=AccountCode.WALLET,
        user_id=leave.user_id, description=f"Away from meals: {rules.days_said(max(first, month), min(until, month_of(month)[1]))}",
        source="meal_leaves", source_id=leave_id) for month, paise in due.items()])
    if due:
        tell(session, {leave.user_id}, Message("meals.rebate", f"meals:{leave_id}:rebate", "There is a rebate in your wallet for meals that you did not eat.",
                                               leave.hostel_id, "/my/wallet/", f"Away from meals: {rules.days_said(first, until)}"))
    session.expire_all()
    return sum(due.values())


def _charged(session: Session, leave: MealLeave) -> list[Span]:
    """The days of the leave's months on which meals are charged, at what a month of them costs then, as invoices have it."""
    prices, found = prices_of(session, leave.hostel_id, month_of(leave.from_on)[0], leave.until_on), []
    for stay in session.scalars(select(Stay).where(
            Stay.hostel_id == leave.hostel_id, Stay.user_id == leave.user_id, Stay.hidden_at.is_(None), Stay.mess_plan != "",
            Stay.from_on < leave.until_on, or_(Stay.until_on.is_(None), Stay.until_on > leave.from_on))):
        living = Living(stay.id, stay.from_on, stay.until_on, stay.room_type_id, stay.rent_paise, stay.mess_plan, stay.lunchbox, ())
        month = month_of(leave.from_on)[0]
        while month < leave.until_on:
            found += [span for span in spans_of(living, prices, month) if span.kind is ChargeKind.MESS]
            month = month_of(month)[1]
    return found


# -- the kitchen ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Forecast:
    """What to cook on the coming days, and how well that would have gone on the last."""

    days: Mapping[date, Mapping[Meal, Expected]]
    tested: BackTest | None


def forecast(session: Session, hostel_id: UUID) -> Forecast:
    """From today on, in one statement."""
    today = house_day(session, hostel_id)
    first, until = today - rules.LOOK_BACK - timedelta(days=rules.DAYS_AHEAD), today + timedelta(days=rules.DAYS_AHEAD)
    served = [Served(row.day, Meal(row.meal), row.holders, row.away, row.ate, row.ordered)
              for row in session.execute(_DAYS, {"hostel": hostel_id, "first": first, "until": until})]
    past = [one for one in served if one.day < today]
    days: dict[date, dict[Meal, Expected]] = {}
    for one in served:
        if one.day >= today:
            days.setdefault(one.day, {})[one.meal] = rules.expect(one, past)
    return Forecast(days, rules.back_test(past, today - timedelta(days=rules.DAYS_AHEAD), today))


@dataclass(frozen=True)
class Eater:
    """Somebody who may eat a meal."""

    user_id: int
    name: str
    room: str | None
    food: str
    allergens: Sequence[Allergen]
    away: bool
    ate: bool


def people(session: Session, hostel_id: UUID, day: date, meal: Meal) -> list[Eater]:
    """Who may eat a meal, by room."""
    return [Eater(**{**row, "allergens": [Allergen(one) for one in row["allergens"]]})
            for row in session.execute(_PEOPLE, {"hostel": hostel_id, "day": day, "meal": meal.value}).mappings()]


def mark(session: Session, hostel_id: UUID, day: date, meal: Meal, user_id: int, *, ate: bool) -> None:
    """Whether they ate."""
    session.execute(_MARK, {"hostel": hostel_id, "day": day, "meal": meal.value, "person": user_id, "ate": ate})


# -- what a resident eats ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Needs:
    """What somebody eats, and what makes them ill."""

    food: Food | None = None
    allergens: frozenset[Allergen] = frozenset()


def own_needs(session: Session, user_id: int) -> Needs:
    """A resident's own; who said nothing here eats what they said when they registered."""
    found = session.execute(select(func.coalesce(func.nullif(MealNeed.food, ""), ResidentPreference.answers["food"].astext), MealNeed.allergens)
                            .select_from(Member).outerjoin(MealNeed, and_(MealNeed.org_id == Member.org_id, MealNeed.user_id == Member.user_id))
                            .outerjoin(ResidentPreference, and_(ResidentPreference.org_id == Member.org_id, ResidentPreference.user_id == Member.user_id))
                            .where(Member.user_id == user_id)).one_or_none()
    return Needs(Food(found[0]) if found and found[0] else None, frozenset(map(Allergen, (found and found[1]) or ())))


def set_needs(session: Session, needs: Needs) -> None:
    """What the caller eats from now on."""
    session.execute(_NEEDS, {"food": needs.food or "", "allergens": sorted(needs.allergens)})
