"""Who sleeps where in the demo: kinds of rooms with their prices, stays of the residents, some holds and a planned change."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.gateways.objects import ObjectStore
from app.models.rooms import Room
from app.rules.moveout import Condition
from app.rules.residents import TariffKind
from app.rules.rooms import RoomKind, RoomPlan
from app.services import beds, moveout, residents, rooms
from app.services.beds import NewStay
from app.services.demo import cast

_NAMES = {1: "Single", 2: "Double", 3: "Triple"}
_RENT = {1: 14_500_00, 2: 10_500_00, 3: 8_500_00}
_DORMITORY = 6_000_00
_EXTRAS = ((TariffKind.MESS, "Vegetarian mess", 3_500_00), (TariffKind.MESS, "Mess with eggs and chicken", 4_200_00),
           (TariffKind.LUNCHBOX, "Lunchbox", 3_000_00), (TariffKind.DEPOSIT, "Deposit", 15_000_00))
_AMENITIES = {"Single": ["Bath", "Desk", "Balcony"], "Double": ["Bath", "Desk"], "Triple": ["Desk", "Wardrobe"], "Dormitory": ["Locker"]}
_MESS = ("Vegetarian mess", "Mess with eggs and chicken", "")
_FOUND = {"Keys": (Condition.MISSING, 350_00, "One of two"), "Walls": (Condition.DAMAGED, 1_200_00, "Holes of nails above the bed")}
_YEAR = timedelta(days=365)
_NOTICED, _SETTLED = 5, 6  # of the residents: who has given notice, and who goes in a few days


def lodge(session: Session, objects: ObjectStore, hostel_id: UUID, house: cast.House, living: list[tuple[int, str]], coming: list[int], today: date) -> None:
    """Prices and beds of a house as of `today`: `living` are (person, number of their room), `coming` people without a bed."""
    plans = [room for storey in house.storeys for room in storey.rooms if room.beds]
    numbers = rooms.room_ids(session, hostel_id)
    for name in dict.fromkeys(map(_type_of, plans)):
        _sell(session, hostel_id, name, [numbers[plan.number] for plan in plans if _type_of(plan) == name],
              next(plan for plan in plans if _type_of(plan) == name), today)
    for kind, name, amount in _EXTRAS:
        residents.create_tariff(session, {"hostel_id": hostel_id, "kind": kind, "name": name, "amount_paise": amount, "valid_from": today - _YEAR})
    _leave(session, objects, hostel_id, _settle(session, living, numbers, today), today)
    # Nobody holds a bed for a day that is past, though the demo's may be.
    _queue(session, hostel_id, [*coming, *(person for person, _ in living[3:5])], max(today, beds.house_day(session, hostel_id)))


def _type_of(plan: RoomPlan) -> str:
    return "Dormitory" if plan.kind is RoomKind.DORMITORY else _NAMES[plan.beds]


def _sell(session: Session, hostel_id: UUID, name: str, room_ids: list[UUID], plan: RoomPlan, today: date) -> None:
    sold = residents.create_room_type(session, {"hostel_id": hostel_id, "name": name, "capacity": plan.beds, "amenities": _AMENITIES[name]})
    session.execute(update(Room).where(Room.id.in_(room_ids)).values(room_type_id=sold.id))
    rent = {"hostel_id": hostel_id, "kind": TariffKind.RENT, "room_type_id": sold.id, "name": "Rent"}
    amount = _RENT.get(plan.beds, _DORMITORY)
    residents.create_tariff(session, rent | {"amount_paise": amount, "valid_from": today - _YEAR})
    residents.create_tariff(session, rent | {"amount_paise": amount * 106 // 100, "valid_from": today + timedelta(days=40)})


def _settle(session: Session, living: list[tuple[int, str]], numbers: dict[str, UUID], today: date) -> list[UUID]:
    """Each in their room; who finds it full sleeps in the first that has a free bed."""
    free = {number: [bed.id for bed in rooms.beds_of(session, key)] for number, key in sorted(numbers.items())}
    stays = []
    for place, (person, number) in enumerate(living):
        moved_in = today - timedelta(days=20 + place * 37 % 300)
        until = today + timedelta(days=120) if place % 4 == 0 else None
        room = free[number] or next(filter(None, free.values()))
        stays.append(beds.begin_stay(session, NewStay(person, room.pop(0), moved_in, until, mess_plan=_MESS[place % 3],
                                                      lunchbox=place % 5 == 0)))
    beds.end_stay(session, stays[-1], today + timedelta(days=18))
    beds.swap(session, stays[1], stays[2], today + timedelta(days=6))
    return stays


def _leave(session: Session, objects: ObjectStore, hostel_id: UUID, stays: list[UUID], today: date) -> None:
    """One has given notice in good time; another leaves soon, with everything inspected and settled."""
    today = max(today, beds.house_day(session, hostel_id))
    moveout.give_notice(session, stays[_NOTICED], today + timedelta(days=34), "A job in another city")
    leaves = today + timedelta(days=4)
    settled = moveout.give_notice(session, stays[_SETTLED], leaves, "Moves in with a friend")
    moveout.inspect(session, objects, settled, [moveout.Finding(item.id, *_FOUND.get(item.name, (Condition.OK,)))
                                             for item in moveout.items_of(session, settled)])
    moveout.finish_inspection(session, settled)
    paid_until = leaves.replace(day=1)
    seen = moveout.draft(session, moveout.find(session, settled), paid_until)
    moveout.settle(session, settled, paid_until, seen.balance_paise)


def _queue(session: Session, hostel_id: UUID, coming: list[int], today: date) -> None:
    """The first to come holds a bed; the others wait for it, and some who live here and would rather have it."""
    if coming:
        free = next(one.bed_id for one in beds.choices(session, hostel_id, today) if one.state == "free")
        for person in coming:
            beds.hold(session, free, today, user_id=person)
