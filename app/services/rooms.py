"""Floors, rooms and beds: made one by one or many at once, changed, hidden with all that is in them, brought back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, insert, select, update
from sqlalchemy.orm import Session

from app.models.maintenance import MaintenanceRequest
from app.models.rooms import Bed, Floor, Room
from app.rules.errors import Conflict, Invalid, NotFound
from app.rules.maintenance import OPEN
from app.rules.rooms import (
    BEDS_PER_ROOM,
    FLOORS,
    RoomKind,
    RoomPlan,
    bed_labels,
    check_beds,
    clean_room_number,
    floor_name,
)

_OPEN = [state.value for state in OPEN]
_NAMED = 5  # numbers that a refusal lists before it says "and so many more"


class NumbersTaken(Conflict):
    """Rooms of these numbers are there already."""

    code = "numbers_taken"
    field = "numbers"


# --- floors ---------------------------------------------------------------------------------------------


def create_floor(session: Session, hostel_id: UUID, level: int, name: str = "", *, floor_id: UUID | None = None) -> Floor:
    """A floor of a hostel; without a name it is called after its level."""
    floor = Floor(hostel_id=hostel_id, level=_level(level), name=name.strip() or floor_name(level))
    if floor_id is not None:
        floor.id = floor_id
    session.add(floor)
    session.flush()
    return floor


def edit_floor(session: Session, floor: Floor, level: int, name: str) -> None:
    """Rename a floor or say that it lies elsewhere in the house."""
    floor.level, floor.name = _level(level), name.strip() or floor_name(level)
    session.flush()


def _level(level: int) -> int:
    if level not in FLOORS:
        raise Invalid(f"A floor lies between {FLOORS.start} and {FLOORS.stop - 1}.", field="level")
    return level


def remove_floor(session: Session, floor_id: UUID) -> None:
    """Hide a floor with its rooms and beds; refused while something in it waits for repair."""
    rooms = select(Room.id).where(Room.floor_id == floor_id)
    _refuse_if_waiting(session, rooms, "This floor")
    moment = session.execute(select(func.app.now())).scalar_one()
    _hide(session, moment, ((Bed, Bed.room_id.in_(rooms)), (Room, Room.floor_id == floor_id), (Floor, Floor.id == floor_id)))


def restore_floor(session: Session, floor: Floor) -> None:
    """Bring a floor back, with what went when it went."""
    rooms = select(Room.id).where(Room.floor_id == floor.id)
    _show(session, floor.deleted_at,
          ((Floor, Floor.id == floor.id), (Room, Room.floor_id == floor.id), (Bed, Bed.room_id.in_(rooms))))


# --- rooms ----------------------------------------------------------------------------------------------


def create_rooms(session: Session, floor: Floor, plans: Sequence[RoomPlan]) -> dict[str, UUID]:
    """Make rooms with their beds on a floor, all or none, in three statements; ids by number.

    Errors: NumbersTaken, which names those that the hostel has already.
    """
    if taken := taken_numbers(session, floor.hostel_id, [plan.number for plan in plans]):
        named = ", ".join(taken[:_NAMED])
        raise NumbersTaken(f"This hostel has room {named} and {len(taken) - _NAMED} more already." if len(taken) > _NAMED
                           else f"This hostel has room {named} already.")
    shared = {"hostel_id": floor.hostel_id, "floor_id": floor.id}
    made = dict(session.execute(
        insert(Room).values([shared | {"number": plan.number, "kind": plan.kind.value} for plan in plans])
        .returning(Room.number, Room.id)).all())
    beds = [{"hostel_id": floor.hostel_id, "room_id": made[plan.number], "label": label}
            for plan in plans for label in plan.labels]
    if beds:
        session.execute(insert(Bed).values(beds))
    return made


def taken_numbers(session: Session, hostel_id: UUID, numbers: Sequence[str]) -> list[str]:
    """Those of `numbers` that rooms of the hostel have already, sorted."""
    return sorted(session.scalars(select(Room.number).where(
        Room.hostel_id == hostel_id, Room.number.in_(numbers), Room.deleted_at.is_(None))))


def create_room(session: Session, floor_id: UUID, plan: RoomPlan, note: str = "", *, room_id: UUID | None = None) -> Room:
    """One room with its beds; the hostel is the floor's."""
    check_beds(plan.kind, plan.beds)
    floor = session.scalar(select(Floor).where(Floor.id == floor_id, Floor.deleted_at.is_(None)))
    if floor is None:
        raise NotFound("There is no such floor.")
    room = Room(hostel_id=floor.hostel_id, floor_id=floor.id, number=clean_room_number(plan.number), kind=plan.kind.value,
                note=note.strip())
    if room_id is not None:
        room.id = room_id
    session.add(room)
    session.flush()
    if plan.beds:
        session.execute(insert(Bed).values(
            [{"hostel_id": floor.hostel_id, "room_id": room.id, "label": label} for label in plan.labels]))
    return room


def edit_room(session: Session, room: Room, values: Mapping[str, Any]) -> None:
    """Renumber a room, say what it is for, or move it to another floor of its hostel."""
    number, kind = clean_room_number(values["number"]), RoomKind(values["kind"])
    floor = session.scalar(select(Floor).where(Floor.id == values["floor_id"], Floor.deleted_at.is_(None)))
    if floor is None or floor.hostel_id != room.hostel_id:
        raise Invalid("Choose a floor of the same hostel.", field="floor")
    beds = _count_beds(session, room.id)
    if (kind is RoomKind.COMMON and beds) or (kind is RoomKind.SINGLE and beds > 1):
        raise Invalid(f"This room has {beds} beds: take those away first.", field="kind")
    room.number, room.kind, room.floor_id, room.note = number, kind.value, floor.id, (values.get("note") or "").strip()
    room.room_type_id = values.get("room_type_id", room.room_type_id)
    session.flush()


def remove_room(session: Session, room_id: UUID) -> None:
    """Hide a room with its beds; refused while something in it waits for repair."""
    _refuse_if_waiting(session, select(Room.id).where(Room.id == room_id), "This room")
    moment = session.execute(select(func.app.now())).scalar_one()
    _hide(session, moment, ((Bed, Bed.room_id == room_id), (Room, Room.id == room_id)))


def restore_room(session: Session, room: Room) -> None:
    """Bring a room back, with the beds that went when it went; refused while its floor is gone."""
    if session.scalar(select(Floor.deleted_at).where(Floor.id == room.floor_id)) is not None:
        raise Conflict("The floor of this room was removed too: restore that first.")
    _show(session, room.deleted_at, ((Room, Room.id == room.id), (Bed, Bed.room_id == room.id)))


# --- beds -----------------------------------------------------------------------------------------------


def add_beds(session: Session, room: Room, count: int) -> list[str]:
    """Put `count` more beds into a room, under the first free letters, which are returned."""
    if room.kind == RoomKind.COMMON:
        raise Invalid("A common room has no beds.", field="count")
    # Two who add beds at once must not choose the same letters.
    session.execute(select(Room.id).where(Room.id == room.id).with_for_update(key_share=True))
    taken = session.scalars(select(Bed.label).where(Bed.room_id == room.id, Bed.deleted_at.is_(None))).all()
    most = 1 if room.kind == RoomKind.SINGLE else BEDS_PER_ROOM
    if len(taken) + count > most:
        raise Invalid(f"This room has {len(taken)} beds already, and a room of its kind has at most {most}.", field="count")
    labels = bed_labels(count, taken)
    session.execute(insert(Bed).values(
        [{"hostel_id": room.hostel_id, "room_id": room.id, "label": label} for label in labels]))
    return labels


def remove_bed(session: Session, bed_id: UUID, room_id: UUID | None = None) -> None:
    """Take a bed away, if it is in the room that is meant."""
    moment = session.execute(select(func.app.now())).scalar_one()
    wanted = Bed.id == bed_id if room_id is None else and_(Bed.id == bed_id, Bed.room_id == room_id)
    if not _hide(session, moment, ((Bed, wanted),)):
        raise NotFound("There is no such bed.")


def restore_bed(session: Session, bed: Bed) -> None:
    """Bring a bed back; refused while its room is gone."""
    if session.scalar(select(Room.deleted_at).where(Room.id == bed.room_id)) is not None:
        raise Conflict("The room of this bed was removed too: restore that first.")
    _show(session, bed.deleted_at, ((Bed, Bed.id == bed.id),))


# --- what a room's page shows ---------------------------------------------------------------------------


def open_requests(session: Session, room_id: UUID, most: int = 20) -> Sequence[MaintenanceRequest]:
    """What waits for repair in a room, the most urgent first."""
    from app.services.maintenance.finding import with_relations

    return session.scalars(
        select(MaintenanceRequest).where(
            MaintenanceRequest.room_id == room_id, MaintenanceRequest.status.in_(_OPEN),
            MaintenanceRequest.deleted_at.is_(None))
        .options(*with_relations()).order_by(MaintenanceRequest.resolve_by, MaintenanceRequest.id).limit(most)).all()


def beds_of(session: Session, room_id: UUID) -> Sequence[Bed]:
    """The beds of a room by their letters, removed ones left out."""
    return session.scalars(
        select(Bed).where(Bed.room_id == room_id, Bed.deleted_at.is_(None)).order_by(Bed.label)).all()


@dataclass(frozen=True)
class Summary:
    """A floor with how much is on it."""

    floor: Floor
    rooms: int
    beds: int


def floors_of(session: Session, hostel_id: UUID) -> list[Summary]:
    """The floors of a hostel from the top down, as a house stands; one statement."""
    rooms = (select(Room.floor_id, func.count().label("rooms")).where(Room.hostel_id == hostel_id, Room.deleted_at.is_(None))
             .group_by(Room.floor_id).subquery())
    beds = (select(Room.floor_id, func.count().label("beds")).join(Bed, and_(Bed.room_id == Room.id, Bed.org_id == Room.org_id))
            .where(Room.hostel_id == hostel_id, Bed.deleted_at.is_(None)).group_by(Room.floor_id).subquery())
    found = session.execute(
        select(Floor, func.coalesce(rooms.c.rooms, 0), func.coalesce(beds.c.beds, 0))
        .outerjoin(rooms, rooms.c.floor_id == Floor.id).outerjoin(beds, beds.c.floor_id == Floor.id)
        .where(Floor.hostel_id == hostel_id, Floor.deleted_at.is_(None)).order_by(Floor.level.desc()))
    return [Summary(*row) for row in found]


def room_ids(session: Session, hostel_id: UUID) -> dict[str, UUID]:
    """Ids of a hostel's rooms by number."""
    return dict(session.execute(
        select(Room.number, Room.id).where(Room.hostel_id == hostel_id, Room.deleted_at.is_(None))).all())


def count_places(session: Session, hostel_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """(rooms, beds) of each hostel, in one statement."""
    beds = (select(Bed.hostel_id, func.count().label("beds")).where(Bed.deleted_at.is_(None), Bed.hostel_id.in_(hostel_ids))
            .group_by(Bed.hostel_id).subquery())
    rooms = (select(Room.hostel_id, func.count().label("rooms"))
             .where(Room.deleted_at.is_(None), Room.hostel_id.in_(hostel_ids)).group_by(Room.hostel_id).subquery())
    found = session.execute(
        select(rooms.c.hostel_id, rooms.c.rooms, func.coalesce(beds.c.beds, 0))
        .outerjoin(beds, beds.c.hostel_id == rooms.c.hostel_id))
    return {hostel_id: (in_all, places) for hostel_id, in_all, places in found}


def count_beds(session: Session, room_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Beds of each room, in one statement."""
    return dict(session.execute(
        select(Bed.room_id, func.count()).where(Bed.room_id.in_(room_ids), Bed.deleted_at.is_(None))
        .group_by(Bed.room_id)).all())


# --- hiding and bringing back ---------------------------------------------------------------------------


def _count_beds(session: Session, room_id: UUID) -> int:
    return count_beds(session, [room_id]).get(room_id, 0)


def _refuse_if_waiting(session: Session, rooms: Select[Any], what: str) -> None:
    waiting = session.scalar(select(func.count()).select_from(MaintenanceRequest).where(
        MaintenanceRequest.room_id.in_(rooms), MaintenanceRequest.status.in_(_OPEN), MaintenanceRequest.deleted_at.is_(None)))
    if waiting:
        raise Conflict(f"{what} has open maintenance requests ({waiting}): close them first.")


def _hide(session: Session, moment: Any, what: Sequence[tuple[Any, Any]]) -> int:
    """Hide rows, all at the same moment, by which they are known again; how many of the last kind."""
    changed = 0
    for model, where in what:
        changed = session.execute(
            update(model).where(where, model.deleted_at.is_(None)).values(deleted_at=moment)
            .execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    session.expire_all()
    return changed


def _show(session: Session, moment: Any, what: Sequence[tuple[Any, Any]]) -> None:
    for model, where in what:
        session.execute(update(model).where(where, model.deleted_at == moment).values(deleted_at=None)
                        .execution_options(synchronize_session=False))
    session.expire_all()
