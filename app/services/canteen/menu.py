"""The menu: dishes by day and meal, copied to other days, and the times of a house. Today's is kept in Redis for a while."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from redis import Redis, RedisError
from sqlalchemy import exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.gateways.objects import ObjectStore
from app.models.canteen import CanteenSettings, Dish
from app.models.organizations import Hostel
from app.rules import canteen as rules
from app.rules.canteen import LOW_STOCK, MENU_KEPT, ORDER_UNTIL, SUMMARY_AT, Allergen, Diet, Meal
from app.rules.errors import Conflict, NotFound
from app.rules.files import Purpose
from app.services import files
from app.services.beds import house_day
from app.services.files import Upload

_STOCK = text("SELECT app.set_dish_stock(:dish, :stock)")
_SETTINGS = text("SELECT app.set_canteen(:hostel, CAST(:until AS time[]), :summary, :low)")


@dataclass(frozen=True)
class Times:
    """The canteen's settings of a house, as they are or as the code begins with."""

    until: Mapping[Meal, time]
    summary_at: time = SUMMARY_AT
    low_stock: int = LOW_STOCK


@dataclass(frozen=True)
class Offer:
    """A dish as residents see it; `stock` is always the database's."""

    id: UUID
    meal: Meal
    name: str
    description: str
    price_paise: int
    order_until: datetime
    diet: Diet
    allergens: tuple[Allergen, ...]
    photo_id: UUID | None = None
    stock: int = 0


# --- reading --------------------------------------------------------------------------------------------


def times(session: Session, hostel_id: UUID) -> Times:
    """Those of a house."""
    found = session.scalars(select(CanteenSettings).where(CanteenSettings.hostel_id == hostel_id)).one_or_none()
    if found is None:
        return Times(ORDER_UNTIL)
    until = {Meal.BREAKFAST: found.breakfast_until, Meal.LUNCH: found.lunch_until, Meal.SNACKS: found.snacks_until, Meal.DINNER: found.dinner_until}
    return Times(until, found.summary_at, found.low_stock)


def zone_of(session: Session, hostel_id: UUID) -> ZoneInfo:
    """The clock of a house; NotFound for one that the caller may not see."""
    found = session.scalar(select(Hostel.timezone).where(Hostel.id == hostel_id, Hostel.deleted_at.is_(None)))
    if found is None:
        raise NotFound("There is no such hostel.")
    return ZoneInfo(found)


def offers(session: Session, redis: Redis, org_id: UUID, hostel_id: UUID, day: date) -> list[Offer]:
    """The dishes of a day in a house that the caller may see: what they are from Redis if it is known, what is left from the database.

    What is kept carries the mark of the house's menu, which changes after each change of it: so nothing older is ever taken.
    """
    stock: dict[UUID, int] = dict(session.execute(select(Dish.id, Dish.stock).where(
        Dish.hostel_id == hostel_id, Dish.served_on == day, Dish.deleted_at.is_(None))).all())
    key = _kept(redis, org_id, hostel_id, day)
    known = _recall(redis, key)
    if known is None or {one.id for one in known} != stock.keys():
        known = [_offer(row) for row in session.execute(select(
            Dish.id, Dish.meal, Dish.name, Dish.description, Dish.price_paise, Dish.order_until, Dish.diet, Dish.allergens, Dish.photo_id).where(
                Dish.hostel_id == hostel_id, Dish.served_on == day, Dish.deleted_at.is_(None)))]
        _keep(redis, key, known)
    order = list(Meal)
    return sorted((replace(one, stock=stock.get(one.id, 0)) for one in known), key=lambda one: (order.index(one.meal), one.name.lower()))


def forget(redis: Redis, org_id: UUID, hostel_ids: Iterable[UUID]) -> None:
    """The menu of these houses has changed: called after the commit."""
    try:
        for hostel_id in hostel_ids:
            redis.set(_mark(org_id, hostel_id), uuid4().hex)
    except RedisError:
        pass  # what is kept lives for five minutes, and an order is charged what the database says


def _mark(org_id: UUID, hostel_id: UUID) -> str:
    return f"canteen:mark:{org_id}:{hostel_id}"


def _kept(redis: Redis, org_id: UUID, hostel_id: UUID, day: date) -> str | None:
    try:
        mark: Any = redis.get(_mark(org_id, hostel_id))
    except RedisError:
        return None
    return f"canteen:menu:{org_id}:{hostel_id}:{day}:{mark.decode() if mark else ''}"


def _recall(redis: Redis, key: str | None) -> list[Offer] | None:
    try:
        found: Any = redis.get(key) if key else None
    except RedisError:
        return None
    return None if found is None else [Offer(
        UUID(one["id"]), Meal(one["meal"]), one["name"], one["description"], one["price_paise"], datetime.fromisoformat(one["order_until"]),
        Diet(one["diet"]), tuple(map(Allergen, one["allergens"])), UUID(one["photo_id"]) if one.get("photo_id") else None)
        for one in json.loads(found)]


def _keep(redis: Redis, key: str | None, known: Sequence[Offer]) -> None:
    try:
        if key:
            redis.set(key, json.dumps([asdict(one) for one in known], default=lambda value: value.isoformat() if isinstance(value, datetime)
                                      else str(value)), ex=MENU_KEPT)
    except RedisError:
        pass


def _offer(dish: Any) -> Offer:
    return Offer(dish.id, Meal(dish.meal), dish.name, dish.description, dish.price_paise, dish.order_until, Diet(dish.diet),
                 tuple(map(Allergen, dish.allergens)), dish.photo_id)


# --- writing --------------------------------------------------------------------------------------------


def add(session: Session, data: Mapping[str, Any], dish_id: UUID | None = None) -> Dish:
    """A dish of a meal of a day; without a time of its own it is ordered until that of its meal, and it has the photo of its namesake."""
    rules.check_dish(Diet(data.get("diet") or Diet.VEG), [Allergen(one) for one in data.get("allergens") or ()])
    zone, meal = zone_of(session, data["hostel_id"]), Meal(data["meal"])
    until = data.get("order_until") or rules.order_until(data["served_on"], times(session, data["hostel_id"]).until[meal], zone)
    rules.check_days(data["served_on"], until, house_day(session, data["hostel_id"]), zone)
    values = {name: value for name, value in data.items() if value is not None}
    dish = Dish(**{**values, "order_until": until, "stock": data["portions"], "photo_id": _photo_of(session, data["hostel_id"], data["name"])}, **({"id": dish_id} if dish_id else {}))
    session.add(dish)
    session.flush()
    return dish


def change(session: Session, dish: Dish, data: Mapping[str, Any]) -> None:
    """What it is and costs; orders that were made keep what they had."""
    after = {"diet": dish.diet, "allergens": dish.allergens, **data}
    rules.check_dish(Diet(after["diet"]), [Allergen(one) for one in after["allergens"]])
    if until := data.get("order_until"):
        rules.check_until(dish.served_on, until, zone_of(session, dish.hostel_id))
    for name, value in data.items():
        setattr(dish, name, value)
    session.flush()


def remove(session: Session, dish: Dish) -> None:
    """Nobody can order it any more."""
    dish.deleted_at = func.app.now()
    session.flush()


def restore(session: Session, dish: Dish) -> None:
    """It is on the menu again."""
    dish.deleted_at = None
    session.flush()


def set_stock(session: Session, dish_id: UUID, stock: int, seen: str) -> None:
    """How many portions are left, counted when so many were: what was ordered since would be sold twice. Error: Conflict."""
    session.flush()
    left = session.scalar(select(Dish.stock).where(Dish.id == dish_id).with_for_update(key_share=True))
    if str(left) != seen:
        raise Conflict("Orders came in meanwhile: look again how many are left.")
    session.execute(_STOCK, {"dish": dish_id, "stock": stock})
    session.expire_all()


def set_times(session: Session, hostel_id: UUID, wanted: Times) -> None:
    """The times of a house; dishes that kept that of their meal follow it."""
    session.execute(_SETTINGS, {"hostel": hostel_id, "until": [f"{wanted.until[meal]:%H:%M}" for meal in Meal], "summary": wanted.summary_at,
                                "low": wanted.low_stock})
    session.expire_all()


def set_photo(session: Session, objects: ObjectStore, dish: Dish, upload: Upload | None) -> None:
    """Another photo, or none, of this dish and of all in the house that are called the same. Errors: those of `files.store`."""
    stored = files.store(session, objects, upload, Purpose.DISH, dish.hostel_id) if upload else None
    before = dish.photo_id
    session.execute(update(Dish).where(Dish.hostel_id == dish.hostel_id, func.lower(Dish.name) == dish.name.lower()).values(
        photo_id=stored.id if stored else None))
    if before and not session.scalar(select(exists().where(Dish.photo_id == before))):
        files.remove(session, before)
    session.expire_all()


def _photo_of(session: Session, hostel_id: UUID, name: str) -> UUID | None:
    return session.scalar(select(Dish.photo_id).where(Dish.hostel_id == hostel_id, func.lower(Dish.name) == name.lower(), Dish.photo_id.is_not(None)).limit(1))


def copy(session: Session, hostel_id: UUID, first: date, until: date, onto: date) -> int:
    """Put the menu of some days (both included) on those from `onto` on; what is there already stays. Returns how many dishes are new."""
    days, shift = (until - first).days + 1, (onto - first).days
    rules.check_copy(days, shift)
    zone = zone_of(session, hostel_id)
    rows = [{"hostel_id": hostel_id, "served_on": dish.served_on + timedelta(days=shift), "meal": dish.meal, "name": dish.name,
             "description": dish.description, "price_paise": dish.price_paise, "portions": dish.portions, "stock": dish.portions,
             "diet": dish.diet, "allergens": dish.allergens, "photo_id": dish.photo_id, "order_until": rules.moved_to(dish.order_until, shift, zone)}
            for dish in session.scalars(select(Dish).where(Dish.hostel_id == hostel_id, Dish.served_on.between(first, until),
                                                           Dish.deleted_at.is_(None)))]
    if not rows:
        raise NotFound("There is no menu on these days.")
    return len(session.execute(insert(Dish).values(rows).on_conflict_do_nothing().returning(Dish.id)).all())
