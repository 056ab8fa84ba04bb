"""The demo's meals by plan: what plans include, who was away and was paid back, who ate, who will be away, and what makes some ill."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.residents import Stay
from app.rules.canteen import Allergen, Meal
from app.rules.meals import EVERY_DAY, Terms
from app.rules.onboarding import Food
from app.rules.residents import StayStatus
from app.services import meals
from app.services.beds import house_day

_WORKDAYS = 0b001_1111
_PLANS = {"Vegetarian mess": (EVERY_DAY, EVERY_DAY, 0, EVERY_DAY), "Mess with eggs and chicken": (EVERY_DAY, _WORKDAYS, _WORKDAYS, EVERY_DAY)}
_NEEDS = (meals.Needs(Food.VEGETARIAN, frozenset({Allergen.NUTS})), meals.Needs(Food.EVERYTHING), meals.Needs(Food.JAIN, frozenset({Allergen.MILK})),
          meals.Needs(None, frozenset({Allergen.NUTS})))
_COUNTED = 4  # days before today on which somebody ticked


def plan(session: Session, hostel_id: UUID) -> None:
    """As the product: the rules, two leaves that are over and paid back, one that goes on, and who ate on the last days."""
    meals.set_rules(session, hostel_id, Terms(), _PLANS)
    today = house_day(session, hostel_id)
    eaters = list(session.scalars(select(Stay.user_id).where(
        Stay.hostel_id == hostel_id, Stay.status == StayStatus.CURRENT.value, Stay.mess_plan != "",
        Stay.from_on < today - timedelta(days=15)).order_by(Stay.from_on.desc(), Stay.user_id).limit(3)))
    for person, first, last in zip(eaters, (-12, -15, -1), (-7, -9, 3), strict=False):
        away = meals.take_leave(session, hostel_id, person, today + timedelta(days=first), today + timedelta(days=last), list(Meal),
                                uuid5(hostel_id, f"leave {person}"))
        meals.settle(session, away)
    for day in (today - timedelta(days=back) for back in range(1, _COUNTED + 1)):
        for place, eater in enumerate(meals.people(session, hostel_id, day, Meal.LUNCH)):
            if not eater.away:
                meals.mark(session, hostel_id, day, Meal.LUNCH, eater.user_id, ate=(place + day.day) % (3 + day.day % 3) > 0)


def say(session: Session, hostel_id: UUID, person: int, place: int) -> None:
    """A resident: what they eat; and some that they will be away. `place` varies both."""
    meals.set_needs(session, _NEEDS[place % len(_NEEDS)])
    eats_by_plan = session.scalar(select(Stay.id).where(Stay.hostel_id == hostel_id, Stay.user_id == person, Stay.status == StayStatus.CURRENT.value,
                                                        Stay.mess_plan != ""))
    if eats_by_plan and place % 2 == 0:
        first = meals.first_leave_day(session, hostel_id) + timedelta(days=place)
        meals.take_leave(session, hostel_id, person, first, first + timedelta(days=3), list(Meal), uuid5(hostel_id, f"coming {person}"))
