"""Kinds of imports whose rows are written one by one, as screens write them: what fits, what is there, what is made, what is hidden."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.models.beds import BedAllocation
from app.models.contacts import Contact
from app.models.imports import ImportRow
from app.models.inventory import InventoryItem
from app.models.organizations import Hostel, Organization
from app.models.people import Member
from app.models.residents import Resident, Stay
from app.models.rooms import Bed, Floor, Room, RoomType
from app.rules.errors import Conflict, DomainError, Invalid, LimitReached, NotFound
from app.rules.imports import ImportKind, RowVerdict
from app.rules.imports.kinds import HOSTEL
from app.rules.imports.runs import RowOutcome
from app.rules.inquiries import Lead
from app.rules.refusals import DatabaseRefusal, meaning_of
from app.rules.residents import AllocationState, StayStatus
from app.rules.rooms import BEDS_PER_ROOM, RoomKind, bed_labels
from app.services import beds, inventory, rooms
from app.services.contacts import sealed_contact
from app.services.inquiries.arriving import indexes
from app.services.personal import masked, put

O = RowOutcome  # noqa: E741 - the outcome of a row
Taken = tuple[RowOutcome, UUID | None, str]
"""What became of a row, what it is now, and why."""
_RESIDENT = text("SELECT user_id, resident_id, outcome FROM app.import_resident(:run, :email, :name, :moved_in)")
_CONTACT = text("SELECT contact_id, outcome FROM app.import_contact(:run, CAST(:contact AS jsonb), :known)")
_STAY = text("SELECT id, hidden FROM app.stay_there(:person, :bed, :first)")
_TOUCHED = text("SELECT app.is_import_touched(:run, :row)")
_HIDDEN = text("SELECT app.is_hidden_by_import(:row)")
_REMOVED = "Somebody has removed this; it stays removed."
_BUSY = {"40001", "40P01", "55P03"}  # another transaction was in the way: the batch is tried again


def refusal_of(error: DomainError | DBAPIError) -> DomainError | None:
    """Why a row cannot go in, or come out; None for what is not the row's fault."""
    meaning: DomainError | None
    if isinstance(error, DomainError):
        meaning = error
    else:
        state, details = getattr(error.orig, "pgcode", None), getattr(error.orig, "diag", None)
        if not state or state in _BUSY:
            return None
        meaning = meaning_of(DatabaseRefusal(state, getattr(details, "message_primary", None) or "", getattr(details, "constraint_name", None),
                                             getattr(details, "column_name", None)))
    return meaning if isinstance(meaning, Conflict | Invalid | LimitReached | NotFound) else None


class Writer:
    """One kind within a hostel, in one transaction. `find` refuses (Invalid) what does not fit, and names what is there already.

    What rows can mean is read when the first row asks for it: a run writes small batches, most of which need little of it.
    """

    kind: ClassVar[ImportKind]

    def __init__(self, session: Session, ring: KeyRing, hostel_id: UUID, run_id: UUID | None = None) -> None:
        self.session, self.ring, self.hostel_id, self.run_id = session, ring, hostel_id, run_id
        self.here = 0
        hostel = session.execute(select(Hostel.name, Hostel.code).where(Hostel.id == hostel_id)).one()
        self._names = {hostel.name.strip().lower(), hostel.code.strip().lower()}

    def fitted(self, verdicts: Iterator[RowVerdict], columns: Mapping[str, str]) -> Iterator[RowVerdict]:
        """The verdicts, with rows refused that do not fit what the hostel has, by the file's `columns`; counts those that are `here`."""
        for verdict in verdicts:
            if verdict.request is None:
                yield verdict
                continue
            try:
                self.here += self.check(verdict.request.values) is not None  # type: ignore[union-attr]
            except Invalid as error:
                yield RowVerdict(verdict.number, None, "does_not_fit", error.message, columns.get(error.field or "", ""), verdict.cells)
            else:
                yield verdict

    def check(self, values: dict[str, Any]) -> UUID | None:
        """What is there already. Errors: Invalid with the column."""
        if values.get(HOSTEL) and values[HOSTEL].strip().lower() not in self._names:
            raise Invalid("This row is of another hostel.", field=HOSTEL)
        return self.find(values)

    def find(self, values: dict[str, Any]) -> UUID | None:
        """What is there already. Errors: Invalid."""
        raise NotImplementedError

    def take(self, values: dict[str, Any]) -> Taken:
        """Bring a row in that `check` let pass."""
        raise NotImplementedError

    def hide(self, row_id: UUID, target: UUID) -> str:
        """Take back what a row became: why it stays, or ''."""
        raise NotImplementedError

    def _again(self, target: UUID, restore: Any) -> Taken:
        if not self.session.execute(_HIDDEN, {"row": target}).scalar_one():
            return O.UNCHANGED, target, _REMOVED
        restore()
        return O.RESTORED, target, ""

    def _touched(self, row_id: UUID) -> bool:
        return bool(self.session.execute(_TOUCHED, {"run": self.run_id, "row": row_id}).scalar_one())


class Rooms(Writer):
    """Rooms, on floors that are made where there are none."""

    kind = ImportKind.ROOMS

    @cached_property
    def rooms(self) -> dict[str, Room]:
        """By number, live ones before removed ones."""
        found = self.session.scalars(select(Room).where(Room.hostel_id == self.hostel_id).order_by(Room.deleted_at.desc()))
        return {room.number.lower(): room for room in sorted(found, key=lambda room: room.deleted_at is None)}

    @cached_property
    def types(self) -> dict[str, UUID]:
        """Kinds of rooms by name."""
        return {name.lower(): key for name, key in self.session.execute(
            select(RoomType.name, RoomType.id).where(RoomType.hostel_id == self.hostel_id, RoomType.deleted_at.is_(None)))}

    @cached_property
    def floors(self) -> dict[int, UUID]:
        """By level."""
        return dict(list(self.session.execute(
            select(Floor.level, Floor.id).where(Floor.hostel_id == self.hostel_id, Floor.deleted_at.is_(None)))))

    def find(self, values: dict[str, Any]) -> UUID | None:
        """By its number."""
        if values["type"] and values["type"].lower() not in self.types:
            raise Invalid("There is no such kind of room here: make it first, so that it has a price.", field="type")
        room = self.rooms.get(values["number"].lower())
        return room.id if room and room.deleted_at is None else None

    def take(self, values: dict[str, Any]) -> Taken:
        """The room with its beds."""
        room = self.rooms.get(values["number"].lower())
        if room is not None:
            if room.deleted_at is None:
                return O.UNCHANGED, room.id, ""
            return self._again(room.id, lambda: rooms.restore_room(self.session, room))
        if values["floor"] not in self.floors:
            self.floors[values["floor"]] = rooms.create_floor(self.session, self.hostel_id, values["floor"]).id
        made = Room(id=uuid4(), hostel_id=self.hostel_id, floor_id=self.floors[values["floor"]], number=values["number"], kind=values["kind"],
                    note=values["note"] or "", room_type_id=self.types[values["type"].lower()] if values["type"] else None)
        self.session.add(made)
        self.session.flush()
        self.session.add_all(Bed(hostel_id=self.hostel_id, room_id=made.id, label=label)
                             for label in (bed_labels(values["beds"]) if values["beds"] else []))
        self.session.flush()
        return O.CREATED, made.id, ""

    def hide(self, row_id: UUID, target: UUID) -> str:
        """With its beds, unless others were put into it since."""
        room = self.session.get_one(Room, target)
        if room.deleted_at is not None:
            return f"Room {room.number} was removed before."
        since = select(ImportRow.settled_at).where(ImportRow.id == row_id).scalar_subquery()
        more = self.session.scalar(select(func.count()).select_from(Bed).where(Bed.room_id == target, Bed.deleted_at.is_(None), Bed.created_at > since))
        if more or self._touched(row_id):
            return f"Room {room.number} has been worked on since, so it stays."
        rooms.remove_room(self.session, target)
        return ""


class Beds(Writer):
    """Beds of rooms that are there."""

    kind = ImportKind.BEDS

    @cached_property
    def rooms(self) -> dict[str, Room]:
        """Live ones by number."""
        return {room.number.lower(): room for room in self.session.scalars(
            select(Room).where(Room.hostel_id == self.hostel_id, Room.deleted_at.is_(None)))}

    @cached_property
    def beds(self) -> dict[tuple[UUID, str], Bed]:
        """By room and label, live ones before removed ones."""
        found = self.session.scalars(select(Bed).where(Bed.hostel_id == self.hostel_id)).all()
        return {(bed.room_id, bed.label.upper()): bed for bed in sorted(found, key=lambda bed: bed.deleted_at is None)}

    @cached_property
    def count(self) -> Counter[UUID]:
        """How many beds each room has."""
        return Counter(bed.room_id for bed in self.beds.values() if bed.deleted_at is None)

    def find(self, values: dict[str, Any]) -> UUID | None:
        """By its room and label."""
        room = self.rooms.get(values["room"].lower())
        if room is None:
            raise Invalid("There is no such room here.", field="room")
        bed = self.beds.get((room.id, values["bed"].upper()))
        if bed and bed.deleted_at is None:
            return bed.id
        if self.count[room.id] >= _most(room):
            raise Invalid("This room has as many beds as a room of its kind can have.", field="room")
        self.count[room.id] += 1
        return None

    def take(self, values: dict[str, Any]) -> Taken:
        """Put it into its room."""
        if (there := self.find(values)) is not None:
            return O.UNCHANGED, there, ""
        room = self.rooms[values["room"].lower()]
        if (gone := self.beds.get((room.id, values["bed"].upper()))) is not None:
            return self._again(gone.id, lambda: rooms.restore_bed(self.session, gone))
        made = Bed(id=uuid4(), hostel_id=self.hostel_id, room_id=room.id, label=values["bed"])
        self.session.add(made)
        self.session.flush()
        return O.CREATED, made.id, ""

    def hide(self, row_id: UUID, target: UUID) -> str:
        """Unless somebody has it; the database knows."""
        bed = self.session.get_one(Bed, target)
        if bed.deleted_at is not None:
            return f"Bed {bed.called} was removed before."
        if self._touched(row_id):
            return f"Bed {bed.called} has been worked on since, so it stays."
        rooms.remove_bed(self.session, target)
        return ""


def _most(room: Room) -> int:
    return {RoomKind.COMMON: 0, RoomKind.SINGLE: 1}.get(RoomKind(room.kind), BEDS_PER_ROOM)


class Residents(Writer):
    """People who live here already; what is sensitive of them goes under their own key."""

    kind = ImportKind.RESIDENTS

    @cached_property
    def known(self) -> dict[str, UUID]:
        """Residents of the hostel by address."""
        return {email.lower(): key for email, key in self.session.execute(
            select(Member.email, Resident.id).join(Member, (Member.org_id == Resident.org_id) & (Member.user_id == Resident.user_id))
            .where(Resident.hostel_id == self.hostel_id))}

    def find(self, values: dict[str, Any]) -> UUID | None:
        """By the e-mail address."""
        return self.known.get(values["email"])

    def take(self, values: dict[str, Any]) -> Taken:
        """Nobody is told; values that are kept of them already stay."""
        row = self.session.execute(_RESIDENT, {"run": self.run_id, "email": values["email"], "name": values["name"],
                                               "moved_in": date.fromisoformat(values["moved_in_on"])}).one()
        outcome = RowOutcome(row.outcome)
        if outcome is not O.UNCHANGED:
            kept = {value.name for value in masked(self.session, row.user_id)}
            fresh = {name: values[name] for name in ("phone", "parent_phone", "identity_number", "date_of_birth", "address")
                     if values[name] and name not in kept}
            if fresh:
                put(self.session, self.ring, row.user_id, fresh)
        return outcome, row.resident_id, ""

    def hide(self, row_id: UUID, target: UUID) -> str:
        """The number stays taken."""
        del target
        return _hidden(self, "resident", row_id)


class Occupancy(Writer):
    """Who sleeps where, begun through the functions that the screens use."""

    kind = ImportKind.OCCUPANCY

    @cached_property
    def beds(self) -> dict[tuple[str, str], UUID]:
        """By name."""
        return {(number.lower(), label.upper()): key for number, label, key in self.session.execute(
            select(Room.number, Bed.label, Bed.id).join(Room, (Room.org_id == Bed.org_id) & (Room.id == Bed.room_id))
            .where(Bed.hostel_id == self.hostel_id, Bed.deleted_at.is_(None), Room.deleted_at.is_(None)))}

    @cached_property
    def people(self) -> dict[str, int]:
        """Residents by number and address."""
        found: dict[str, int] = {}
        for reference, email, person in self.session.execute(
                select(Resident.reference, Member.email, Resident.user_id)
                .join(Member, (Member.org_id == Resident.org_id) & (Member.user_id == Resident.user_id))
                .where(Resident.hostel_id == self.hostel_id)):
            found |= {reference: person, email.lower(): person}
        return found

    @cached_property
    def stays(self) -> dict[tuple[int, UUID, date], UUID]:
        """By who begins them where and when."""
        return {(person, bed, first): key for person, bed, first, key in self.session.execute(
            select(Stay.user_id, Stay.bed_id, Stay.from_on, Stay.id).where(Stay.hostel_id == self.hostel_id, Stay.status != StayStatus.ENDED))}

    @cached_property
    def taken(self) -> dict[UUID, list[tuple[date, date | None]]]:
        """The days on which beds are."""
        found: dict[UUID, list[tuple[date, date | None]]] = {}
        for bed, days in self.session.execute(select(BedAllocation.bed_id, BedAllocation.period).where(
                BedAllocation.hostel_id == self.hostel_id, BedAllocation.state == AllocationState.ACTIVE)):
            found.setdefault(bed, []).append((days.lower, days.upper))
        return found

    def _means(self, values: dict[str, Any]) -> tuple[int, UUID, date, date | None]:
        person, bed = self.people.get(values["resident"]), self.beds.get((values["room"].lower(), values["bed"].upper()))
        if person is None:
            raise Invalid("There is no such resident here: import residents first.", field="resident")
        if bed is None:
            raise Invalid("There is no such bed here.", field="bed")
        return person, bed, date.fromisoformat(values["from"]), date.fromisoformat(values["until"]) if values["until"] else None

    def find(self, values: dict[str, Any]) -> UUID | None:
        """The same person in the same bed from the same day; else the bed must be free."""
        person, bed, first, until = self._means(values)
        if (there := self.stays.get((person, bed, first))) is not None:
            return there
        days = self.taken.setdefault(bed, [])
        if any((until is None or begins < until) and (ends is None or first < ends) for begins, ends in days):
            raise Invalid("This bed is not free on all of these days.", field="bed")
        days.append((first, until))
        return None

    def take(self, values: dict[str, Any]) -> Taken:
        """A stay; one that was taken back begins anew."""
        person, bed, first, until = self._means(values)
        there = self.session.execute(_STAY, {"person": person, "bed": bed, "first": first}).one_or_none()
        if there is not None and not there.hidden:
            return O.UNCHANGED, there.id, ""
        made = beds.begin_stay(self.session, beds.NewStay(person, bed, first, until, rent_paise=values["rent"]))
        return O.CREATED if there is None else O.RESTORED, made, ""

    def hide(self, row_id: UUID, target: UUID) -> str:
        """The bed is free again on all its days."""
        del target
        return _hidden(self, "stay", row_id)


class Contacts(Writer):
    """People whom another program knows."""

    kind = ImportKind.CONTACTS

    @cached_property
    def org_id(self) -> UUID:
        """Whose they are: under its indexes."""
        return self.session.scalars(select(Organization.id)).one()

    @cached_property
    def known(self) -> dict[Any, UUID]:
        """By id and by what they are recognized by."""
        found: dict[Any, UUID] = {}
        for key, location, external, phone, email in self.session.execute(
                select(Contact.id, Contact.location_id, Contact.external_id, Contact.phone_index, Contact.email_index)
                .where(Contact.deleted_at.is_(None))):
            found |= {(location, external): key} if external else {digest: key for digest in (phone, email) if digest}
        return found

    def find(self, values: dict[str, Any]) -> UUID | None:
        """By its id in the other program, else by phone and e-mail."""
        if values["external_id"]:
            return self.known.get((values["location_id"] or "", values["external_id"]))
        digests = indexes(self.ring, self.org_id, values["phone"], values["email"])
        return next((self.known[digest] for digest in digests if digest in self.known), None)

    def take(self, values: dict[str, Any]) -> Taken:
        """Encrypted, and found again by inquiries."""
        lead = Lead(values["name"], values["phone"] or "", values["email"], source=values["source"] or "")
        row = self.session.execute(_CONTACT, {
            "run": self.run_id, "known": indexes(self.ring, self.org_id, values["phone"], values["email"]),
            "contact": json.dumps(sealed_contact(self.ring, self.org_id, uuid4(), lead) | {
                "external_id": values["external_id"] or "", "location_id": values["location_id"] or "", "known_since": values["known_since"]})}).one()
        return RowOutcome(row.outcome), row.contact_id, ""

    def hide(self, row_id: UUID, target: UUID) -> str:
        """Unless they have asked for a bed since."""
        del target
        return _hidden(self, "contact", row_id)


_HIDE = {what: text(f"SELECT app.hide_imported_{what}(:run, :row)") for what in ("resident", "stay", "contact")}
class Stock(Writer):
    """What a storeroom keeps; what is there of it is counted afterwards."""

    kind = ImportKind.STOCK

    @cached_property
    def items(self) -> dict[str, InventoryItem]:
        """By name, live ones before removed ones."""
        found = self.session.scalars(select(InventoryItem).where(InventoryItem.hostel_id == self.hostel_id))
        return {item.name.lower(): item for item in sorted(found, key=lambda item: item.deleted_at is None)}

    def find(self, values: dict[str, Any]) -> UUID | None:
        """By its name."""
        item = self.items.get(values["name"].lower())
        return item.id if item and item.deleted_at is None else None

    def take(self, values: dict[str, Any]) -> Taken:
        """Nothing of it is there yet."""
        item = self.items.get(values["name"].lower())
        if item is not None:
            return (O.UNCHANGED, item.id, "") if item.deleted_at is None else self._again(item.id, lambda: inventory.restore(self.session, item))
        levels = {name: Decimal(values[name]) for name in ("reorder_level", "fill_to") if values[name]}
        return O.CREATED, inventory.add(self.session, {"hostel_id": self.hostel_id, **{
            name: values[name] for name in ("name", "unit", "category", "supplier")}, **levels}, uuid4()).id, ""

    def hide(self, row_id: UUID, target: UUID) -> str:
        """Unless something was booked of it since."""
        item = self.session.get_one(InventoryItem, target)
        if item.deleted_at is not None:
            return f"{item.name} was removed before."
        if item.stock or self._touched(row_id):
            return f"{item.name} has been worked with since, so it stays."
        inventory.remove(self.session, item)
        return ""


WRITERS: dict[str, type[Writer]] = {writer.kind: writer for writer in (Rooms, Beds, Residents, Occupancy, Contacts, Stock)}


def _hidden(writer: Writer, what: str, row_id: UUID) -> str:
    writer.session.execute(_HIDE[what], {"run": writer.run_id, "row": row_id})  # refuses with the reason
    return ""
