"""Kinds of rooms and their prices, residents and how full the houses are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, or_, select, text, update
from sqlalchemy.orm import Session, joinedload

from app.gateways.objects import ObjectStore
from app.models.beds import BedHold
from app.models.organizations import Hostel
from app.models.residents import Resident, RoomPhoto, Stay, Tariff
from app.models.rooms import Bed, Room, RoomType
from app.rules import residents as rules
from app.rules.errors import Conflict, Invalid, NotFound
from app.rules.files import Purpose
from app.rules.residents import HoldState, TariffKind
from app.rules.rooms import BEDS_PER_ROOM
from app.services import files
from app.services.beds import house_day
from app.services.notifications import Message, tell

AMENITIES_MAX = 20

# --- kinds of rooms -------------------------------------------------------------------------------------


def create_room_type(session: Session, values: Mapping[str, Any], type_id: UUID | None = None) -> RoomType:
    """A kind of room that a hostel sells."""
    made = RoomType(hostel_id=values["hostel_id"], **_checked(values))
    if type_id is not None:
        made.id = type_id
    session.add(made)
    session.flush()
    return made


def edit_room_type(session: Session, room_type: RoomType, values: Mapping[str, Any]) -> None:
    """What it is called and has."""
    for name, value in _checked(values).items():
        setattr(room_type, name, value)
    session.flush()


def remove_room_type(session: Session, type_id: UUID) -> None:
    """Refused while rooms are of this kind."""
    rooms = session.scalar(select(func.count()).select_from(Room).where(Room.room_type_id == type_id, Room.deleted_at.is_(None)))
    if rooms:
        raise Conflict(f"{rooms} rooms are of this kind: give them another one first.")
    _hide(session, RoomType, type_id)


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    amenities = list(dict.fromkeys(filter(None, (one.strip() for one in values.get("amenities") or ()))))
    if len(amenities) > AMENITIES_MAX:
        raise Invalid(f"At most {AMENITIES_MAX} amenities.", field="amenities")
    if not 1 <= values["capacity"] <= BEDS_PER_ROOM:
        raise Invalid(f"A room has 1 to {BEDS_PER_ROOM} beds.", field="capacity")
    return {"name": values["name"].strip(), "capacity": values["capacity"], "amenities": amenities,
            "description": (values.get("description") or "").strip()}


# --- photos of rooms ------------------------------------------------------------------------------------


def add_photos(session: Session, objects: ObjectStore, room: Room, uploads: Sequence[files.Upload]) -> None:
    """Store photos of a room, all or none. Errors: those of `files.store`; VR429 when it has twelve."""
    if not uploads:
        raise Invalid("Please choose a photo.", field="files")
    for upload in uploads:
        stored = files.store(session, objects, upload, Purpose.ROOM, room.hostel_id)
        session.execute(insert(RoomPhoto).values(hostel_id=room.hostel_id, room_id=room.id, file_id=stored.id))


def remove_photo(session: Session, room_id: UUID, photo_id: UUID) -> None:
    """Take a photo of a room away."""
    file_id = session.execute(update(RoomPhoto).where(
        RoomPhoto.id == photo_id, RoomPhoto.room_id == room_id, RoomPhoto.deleted_at.is_(None)).values(deleted_at=func.app.now())
        .returning(RoomPhoto.file_id)).scalar()
    if file_id is None:
        raise NotFound("This photo is not there any more.")
    files.remove(session, file_id)


def photos_of(session: Session, room_id: UUID) -> list[RoomPhoto]:
    """The photos of a room, the first first."""
    return list(session.scalars(select(RoomPhoto).options(joinedload(RoomPhoto.file)).where(
        RoomPhoto.room_id == room_id, RoomPhoto.deleted_at.is_(None)).order_by(RoomPhoto.id)))


# --- prices ---------------------------------------------------------------------------------------------


def create_tariff(session: Session, values: Mapping[str, Any], tariff_id: UUID | None = None) -> Tariff:
    """A price from a day on; the one before it, of the same thing, ends on that day."""
    kind = TariffKind(values["kind"])
    rules.check_tariff(rules.Tariff(kind, values["amount_paise"], values["valid_from"], values.get("valid_until")))
    currency = session.scalar(select(Hostel.currency).where(Hostel.id == values["hostel_id"], Hostel.deleted_at.is_(None)))
    if currency is None:
        raise NotFound("There is no such hostel.")
    made = Tariff(hostel_id=values["hostel_id"], kind=kind.value, room_type_id=values.get("room_type_id"), name=values["name"].strip(),
                  amount_paise=values["amount_paise"], currency=currency, per=rules.deposit_or_once(kind).value,
                  valid_from=values["valid_from"], valid_until=values.get("valid_until"))
    if tariff_id is not None:
        made.id = tariff_id
    session.execute(update(Tariff).where(
        Tariff.hostel_id == made.hostel_id, Tariff.kind == made.kind, Tariff.room_type_id.is_not_distinct_from(made.room_type_id),
        func.lower(Tariff.name) == made.name.lower(), Tariff.valid_until.is_(None), Tariff.valid_from < made.valid_from,
        Tariff.deleted_at.is_(None)).values(valid_until=made.valid_from))
    session.add(made)
    session.flush()
    return made


def edit_tariff(session: Session, tariff: Tariff, values: Mapping[str, Any]) -> None:
    """Change a price before its first day; afterwards only its end."""
    changed = {name for name in ("name", "amount_paise", "valid_from") if values[name] != getattr(tariff, name)}
    if changed:
        rules.check_change(tariff.valid_from, house_day(session, tariff.hostel_id))
    rules.check_tariff(rules.Tariff(TariffKind(tariff.kind), values["amount_paise"], values["valid_from"], values.get("valid_until")))
    tariff.name, tariff.amount_paise = values["name"].strip(), values["amount_paise"]
    tariff.valid_from, tariff.valid_until = values["valid_from"], values.get("valid_until")
    session.flush()


def remove_tariff(session: Session, tariff: Tariff) -> None:
    """Take back a price that was never in force."""
    rules.check_change(tariff.valid_from, house_day(session, tariff.hostel_id))
    _hide(session, Tariff, tariff.id)


def tariffs_on(session: Session, hostel_id: UUID, day: date) -> list[Tariff]:
    """All prices of a hostel on a day, by kind and name."""
    return list(session.scalars(
        select(Tariff).options(joinedload(Tariff.room_type)).where(
            Tariff.hostel_id == hostel_id, Tariff.deleted_at.is_(None),
            Tariff.valid_from <= day, or_(Tariff.valid_until.is_(None), Tariff.valid_until > day)).order_by(Tariff.kind, Tariff.name, Tariff.id)))


def _hide(session: Session, model: type[Any], row_id: UUID) -> None:
    hidden = session.execute(update(model).where(model.id == row_id, model.deleted_at.is_(None)).values(deleted_at=func.app.now())
                             .returning(model.id)).scalar()
    if hidden is None:
        raise NotFound("This is not there any more.")


# --- residents ------------------------------------------------------------------------------------------


def stays_of(session: Session, resident_id: UUID) -> list[Stay]:
    """All stays of a resident, the latest first."""
    return list(session.scalars(
        select(Stay).options(joinedload(Stay.bed).joinedload(Bed.room), joinedload(Stay.room_type))
        .where(Stay.resident_id == resident_id).order_by(Stay.from_on.desc(), Stay.id.desc())))


def find_resident(session: Session, hostel_id: UUID, user_id: int) -> Resident | None:
    """A person as a resident of a hostel."""
    found: Resident | None = session.scalar(select(Resident).where(Resident.hostel_id == hostel_id, Resident.user_id == user_id))
    return found


# --- telling --------------------------------------------------------------------------------------------

_HOLD_MOVED = {
    HoldState.OFFERED: ("A bed you wait for is free: take it before the offer ends", "offered_until"),
    HoldState.EXPIRED: ("Your hold on a bed has run out", "held_until"),
}


def tell_of_hold(session: Session, hold_id: UUID, state: str) -> None:
    """Tell whose hold it is what time brought about."""
    hold = session.scalar(select(BedHold).where(BedHold.id == hold_id))
    if hold is None:
        return
    words, until = _HOLD_MOVED[HoldState(state)]
    name = session.execute(text(
        "SELECT r.number || '-' || b.label FROM beds b JOIN rooms r ON r.org_id = b.org_id AND r.id = b.room_id WHERE b.id = :bed"),
        {"bed": hold.bed_id}).scalar_one()
    tell(session, {hold.user_id}, Message(f"residents.{state}", f"hold:{hold.id}:{getattr(hold, until)}", f"{name}: {words}.", hold.hostel_id))
