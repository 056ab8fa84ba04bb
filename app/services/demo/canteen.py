"""The demo's canteen: a week of menus in each house, and what residents ordered of the next meal, some of it on the stove already."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.gateways.objects import ObjectStore
from app.models.canteen import CanteenOrder, Dish
from app.models.residents import Stay
from app.rules.canteen import DAYS_AHEAD, NEXT_STEP, Allergen, Diet, Meal
from app.rules.files import MediaType
from app.rules.residents import StayStatus
from app.services import wallet
from app.services.canteen import menu, ordering
from app.services.demo import pictures
from app.services.files import Upload

_A, _D = Allergen, Diet
# Name, what it is, price, diet, allergens: two days that take turns.
_DISHES: dict[Meal, tuple[tuple[tuple[str, str, int, Diet, tuple[Allergen, ...]], ...], ...]] = {
    Meal.BREAKFAST: ((("Poha", "With peanuts and coriander", 40_00, _D.VEGAN, (_A.NUTS,)), ("Masala omelette", "Two eggs, with toast", 60_00, _D.EGG, (_A.EGG, _A.GLUTEN))),
                     (("Idli and sambar", "Four idlis", 45_00, _D.VEGAN, ()), ("Upma", "Semolina with vegetables", 40_00, _D.VEG, (_A.GLUTEN, _A.MILK)))),
    Meal.LUNCH: ((("Rajma rice", "Kidney beans from Kashmir", 90_00, _D.VEGAN, ()), ("Paneer thali", "Paneer, dal, two rotis, rice", 140_00, _D.VEG, (_A.MILK, _A.GLUTEN)),
                  ("Jain thali", "Without onion, garlic and roots", 130_00, _D.JAIN, (_A.MILK, _A.GLUTEN))),
                 (("Chole bhature", "", 110_00, _D.VEG, (_A.GLUTEN, _A.MILK)), ("Fish curry with rice", "Surmai", 190_00, _D.NON_VEG, (_A.FISH,)), ("Curd rice", "", 70_00, _D.VEG, (_A.MILK,)))),
    Meal.SNACKS: ((("Vada pav", "Two pieces", 40_00, _D.VEG, (_A.GLUTEN,)), ("Masala chai", "", 15_00, _D.VEG, (_A.MILK,))),
                  (("Samosa", "Two pieces", 40_00, _D.VEG, (_A.GLUTEN,)), ("Filter coffee", "", 20_00, _D.VEG, (_A.MILK,)))),
    Meal.DINNER: ((("Dal khichdi", "With papad", 90_00, _D.VEG, (_A.MILK,)), ("Chicken curry", "With three rotis", 180_00, _D.NON_VEG, (_A.GLUTEN,)), ("Palak paneer", "With three rotis", 140_00, _D.VEG, (_A.MILK, _A.GLUTEN))),
                  (("Veg pulao", "With raita", 100_00, _D.VEG, (_A.MILK,)), ("Egg curry with rice", "", 140_00, _D.EGG, (_A.EGG,)), ("Mixed dal", "With three rotis", 95_00, _D.VEG, (_A.GLUTEN,)))),
}
_PORTIONS = (24, 6, 12)
_PHOTOGRAPHED = 2  # dishes of a meal
_NOTES = ("", "", "No onions, please", "", "")


def serve(session: Session, objects: ObjectStore, hostel_id: UUID, today: date) -> None:
    """The menu of the days that residents see, most of it with photos."""
    for day in (today + timedelta(days=place) for place in range(DAYS_AHEAD)):
        for meal, turns in _DISHES.items():
            for place, (name, description, price, diet, allergens) in enumerate(turns[day.toordinal() % len(turns)]):
                dish = menu.add(session, {"hostel_id": hostel_id, "served_on": day, "meal": meal.value, "name": name, "description": description, "price_paise": price,
                                   "portions": _PORTIONS[place], "diet": diet.value, "allergens": [one.value for one in allergens]})
                if dish.photo_id is None and place < _PHOTOGRAPHED:
                    menu.set_photo(session, objects, dish, Upload(f"{name}.jpg", MediaType.JPEG, pictures.plate(Random(name))))  # noqa: S311 - a picture


def order(session: Session, hostel_id: UUID, person: int, place: int) -> None:
    """One resident who lives here orders of the next meal, if their wallet allows it; `place` varies what."""
    if session.scalar(select(Stay.id).where(Stay.hostel_id == hostel_id, Stay.user_id == person, Stay.status == StayStatus.CURRENT.value)) is None:
        return
    found = session.execute(select(Dish.id, Dish.price_paise, Dish.served_on, Dish.meal, Dish.allergens).where(
        Dish.hostel_id == hostel_id, Dish.order_until > func.app.now() + timedelta(minutes=5), Dish.stock > 1).order_by(Dish.order_until, Dish.name)).all()
    next_meal = [row for row in found if (row.served_on, row.meal) == (found[0].served_on, found[0].meal)]
    wanted = next_meal[place % len(next_meal)] if next_meal else None
    purse = wallet.wallet_of(session, hostel_id, person)
    if wanted is not None and purse is not None and not purse.frozen and purse.balance_paise >= 2 * wanted.price_paise:
        ordering.place(session, hostel_id, {wanted.id: 1 + place % 2}, uuid5(hostel_id, f"order {person}"), note=_NOTES[place % len(_NOTES)],
                       despite={wanted.id: wanted.allergens})


def cook(session: Session, hostel_id: UUID) -> None:
    """Somebody in charge of the house has taken on what came first."""
    orders = session.execute(select(CanteenOrder.id, CanteenOrder.number).where(CanteenOrder.hostel_id == hostel_id).order_by(CanteenOrder.number)).all()
    for order_id, number in orders:
        for _ in range(max(0, 4 - number)):
            ordering.move(session, order_id, NEXT_STEP[ordering.find(session, order_id).state].name)
