"""What can be imported: each kind with its columns, how a cell of them is read, and what makes a row the same row (Y2, I5).

Requests are read by app/rules/imports/requests.py, which knows their histories; everything else here, cell by cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from app.rules import personal
from app.rules.errors import Invalid
from app.rules.imports.mapping import NAMES, REQUIRED, Field
from app.rules.imports.times import DateOrder, parse_timestamp, zone
from app.rules.inquiries import tag
from app.rules.inventory import Category, Unit, check_item, read_quantity
from app.rules.organizations import clean_name
from app.rules.phones import clean_phone
from app.rules.residents import PRICE_MAX_PAISE, check_period
from app.rules.rooms import BEDS_PER_ROOM, FLOORS, ROOM_NUMBER_MAX, RoomKind, check_beds, clean_room_number
from app.rules.signin import clean_email
from app.text import N_

CELL_MAX = 500
LABEL_MAX = 12
EXTERNAL_MAX = 120
_FEW_BEDS = 4  # a room with more, of which the file says no more, is a dormitory
_EARLIEST_YEAR = 1970
HOSTEL = "hostel"


class ImportKind(StrEnum):
    """What the rows of a file become."""

    REQUESTS = "requests"
    ROOMS = "rooms"
    BEDS = "beds"
    RESIDENTS = "residents"
    OCCUPANCY = "occupancy"
    CONTACTS = "contacts"
    STOCK = "stock"


@dataclass(frozen=True)
class Context:
    """What it takes to understand a cell."""

    zone: str
    today: date
    country: str = "IN"
    orders: Mapping[str, DateOrder] = field(default_factory=dict)


Read = Callable[[str, Context], Any]


@dataclass(frozen=True)
class Column:
    """A column that a kind of import knows; `read` makes of its text what is kept. Errors of it: Invalid."""

    name: str
    label: str
    read: Read = lambda text, _context: text
    required: bool = False
    is_date: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of import; `finish` completes what the cells say, `identity` names the columns that tell its rows apart.

    What is `personal` is staged under the field keys alone.
    """

    code: ImportKind
    label: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...] = ()
    finish: Callable[[dict[str, Any], Context], dict[str, Any]] = lambda values, _context: values
    personal: bool = False

    @property
    def synonyms(self) -> dict[str, tuple[str, ...]]:
        """How other programs call the columns, the surest name first."""
        return {column.name: NAMES[self.code][column.name] for column in self.columns}

    @property
    def required(self) -> frozenset[str]:
        """Columns without which no row goes in."""
        return frozenset(column.name for column in self.columns if column.required)

    @property
    def dates(self) -> tuple[str, ...]:
        """Columns that hold days or times."""
        return tuple(column.name for column in self.columns if column.is_date)

    def label_of(self, name: str) -> str:
        """What a column is called on screens."""
        return next(column.label for column in self.columns if column.name == name)


@dataclass(frozen=True)
class ImportedThing:
    """The cleaned values of an accepted row, fit for JSON; `external_id` is by what the same row is known again."""

    external_id: str
    values: dict[str, Any]


def read_thing(kind: Kind, said: Mapping[str, str], context: Context) -> ImportedThing:
    """What a row of a kind says. Errors: Invalid with the column as its field; none of a personal kind repeats a value."""
    values: dict[str, Any] = {}
    for column in kind.columns:
        text = said.get(column.name, "")
        if len(text) > CELL_MAX:
            raise Invalid(f"This takes at most {CELL_MAX} characters, and {len(text)} were given.", field=column.name)
        if not text and column.required:
            raise Invalid("Please fill this in.", field=column.name)
        try:
            values[column.name] = column.read(text, context) if text else None
        except Invalid as error:
            raise Invalid(error.message, field=column.name) from None
    values = kind.finish(values, context)
    return ImportedThing("/".join(str(values[name] or "").lower() for name in kind.identity), values)


# --- cells ----------------------------------------------------------------------------------------------


def _day(name: str, *, future: bool = True) -> Read:
    def read(text: str, context: Context) -> str:
        try:
            found = parse_timestamp(text, context.zone, context.orders.get(name)).at.astimezone(zone(context.zone)).date()
        except Invalid:
            raise Invalid("This is not a day that can be read.") from None
        if found.year < _EARLIEST_YEAR or (not future and found > context.today):
            raise Invalid("This day cannot be meant.")
        return found.isoformat()
    return read


def _floor(text: str, _context: Context) -> int:
    """3, Floor 3, 3rd floor, Ground floor, G, B1, Basement 1, -1."""
    words = text.strip().lower()
    if re.fullmatch(r"(ground|g)( floor)?|g/?f", words):
        return 0
    found = re.fullmatch(r"(?P<below>b|basement\s*|-)?(?:floor|level)?\s*(?P<number>\d{1,3})\s*(?:st|nd|rd|th)?\s*(?:floor|level)?", words)
    level = int(found["number"]) * (-1 if found["below"] else 1) if found else FLOORS.stop
    if level not in FLOORS:
        raise Invalid(f"A floor lies between {FLOORS.start} and {FLOORS.stop - 1}.")
    return level


def _count(text: str, _context: Context) -> int:
    if not re.fullmatch(r"\d{1,2}", text) or int(text) > BEDS_PER_ROOM:
        raise Invalid(f"A room has 1 to {BEDS_PER_ROOM} beds.")
    return int(text)


def _room_kind(text: str, _context: Context) -> str:
    if text.strip().lower() not in set(RoomKind):
        raise Invalid("A room is single, shared, dormitory or common.")
    return text.strip().lower()


def _label(text: str, _context: Context) -> str:
    label = " ".join(text.split()).upper()
    if not re.fullmatch(rf"[\w][\w ./-]{{0,{ROOM_NUMBER_MAX + LABEL_MAX}}}", label):
        raise Invalid("A bed is called by a few letters and digits, such as A or 101-A.")
    return label


def _money(text: str, _context: Context) -> int:
    """Rupees as people write them, in paise."""
    bare = re.sub(r"(?i)^(?:rs\.?|inr|₹)\s*|\s|,|/-$", "", text.strip())
    try:
        amount = Decimal(bare) * 100 if re.fullmatch(r"\d{1,9}(\.\d{1,2})?", bare) else None
    except InvalidOperation:
        amount = None
    if amount is None or amount > PRICE_MAX_PAISE:
        raise Invalid("A price is between 0 and one crore.")
    return int(amount)


def _phone(text: str, context: Context) -> str:
    return clean_phone(text, context.country)


def _personal(name: str) -> Read:
    return lambda text, context: personal.normal(name, text, context.country)


def _birth(text: str, context: Context) -> str:
    return str(_day("date_of_birth", future=False)(text, context))


def _email(text: str, _context: Context) -> str:
    return clean_email(text)


def _name(text: str, _context: Context) -> str:
    return clean_name(text)


def _room(text: str, _context: Context) -> str:
    return clean_room_number(text)


def _short(text: str, _context: Context) -> str:
    return tag(text)


def _external(text: str, _context: Context) -> str:
    if len(text) > EXTERNAL_MAX or not text.isprintable():
        raise Invalid(f"An id of another program has at most {EXTERNAL_MAX} printable characters.")
    return text


_UNITS = {
    Unit.KG: ("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"), Unit.G: ("g", "gm", "gms", "gram", "grams"), Unit.ML: ("ml", "millilitre", "millilitres"),
    Unit.L: ("l", "ltr", "ltrs", "lt", "litre", "litres", "liter", "liters"), Unit.PIECES: ("pieces", "piece", "pc", "pcs", "no", "nos", "unit", "units", "each"),
    Unit.PACKS: ("packs", "pack", "packet", "packets", "pkt", "pkts", "box", "boxes"), Unit.BOTTLES: ("bottles", "bottle", "btl"),
}


def _unit(text: str, _context: Context) -> str:
    word = text.strip().lower().rstrip(".")
    found = next((unit for unit, words in _UNITS.items() if word in words), None)
    if found is None:
        raise Invalid("A unit is kg, g, l, ml, pieces, packs or bottles.")
    return found.value


def _shelf(text: str, _context: Context) -> str:
    """A category by its name; what is none of ours is kept as other."""
    word = re.sub(r"\W+", "_", text.strip().lower())
    return word if word in set(Category) else Category.OTHER.value


def _quantity(text: str, _context: Context) -> str:
    return str(read_quantity(text))


def _moment(name: str) -> Read:
    def read(text: str, context: Context) -> str:
        try:
            return parse_timestamp(text, context.zone, context.orders.get(name)).at.isoformat()
        except Invalid:
            raise Invalid("This is not a day that can be read.") from None
    return read


# --- rows -----------------------------------------------------------------------------------------------


def _plan_room(values: dict[str, Any], _context: Context) -> dict[str, Any]:
    """What a room is for follows from its beds, and how many beds from what it is for."""
    kind, beds = values["kind"], values["beds"]
    if kind is None:
        kind = RoomKind.SINGLE if beds == 1 else RoomKind.DORMITORY if beds and beds > _FEW_BEDS else RoomKind.COMMON if beds == 0 else RoomKind.SHARED
    if beds is not None:
        check_beds(RoomKind(kind), beds)
    return values | {"kind": str(kind), "floor": values["floor"] or 0, "beds": beds or 0}


def _item(values: dict[str, Any], _context: Context) -> dict[str, Any]:
    level, fill = (Decimal(values[name]) if values[name] else None for name in ("reorder_level", "fill_to"))
    check_item(Unit(values["unit"]), level or Decimal(0), fill)
    return values | {"category": values["category"] or Category.OTHER.value}


def _place(values: dict[str, Any], _context: Context) -> dict[str, Any]:
    """A bed by its room and label, or by both in one: 101-A."""
    room, label = values["room"], values["bed"]
    if room is None:
        room, _, label = label.rpartition("-")
        if not room:
            raise Invalid("Say in which room: 101-A, or with a column of its own.", field="bed")
        room = clean_room_number(room)
    else:
        label = label.removeprefix(f"{room.upper()}-")
    if not label or len(label) > LABEL_MAX:
        raise Invalid("A bed is called by a few letters and digits, such as A or 101-A.", field="bed")
    return values | {"room": room, "bed": label}


def _stay(values: dict[str, Any], context: Context) -> dict[str, Any]:
    found = _place(values, context)
    if found["until"] is not None:
        check_period(date.fromisoformat(found["from"]), date.fromisoformat(found["until"]), "until")
        if date.fromisoformat(found["until"]) <= context.today:
            raise Invalid("This stay is over: present ones are taken in, and those to come.", field="until")
    if found["resident"] is None:
        found["resident"] = found["email"]
    if found["resident"] is None:
        raise Invalid("Say who: the number of a resident, or an e-mail address.", field="resident")
    return found


def _who(text: str, _context: Context) -> str:
    """R-0042 or an e-mail address."""
    if found := re.fullmatch(r"\s*R[-\s]*0*([1-9][0-9]{0,8})\s*", text, re.IGNORECASE | re.ASCII):
        return f"R-{int(found[1]):04d}"
    return clean_email(text)


def _contact(values: dict[str, Any], _context: Context) -> dict[str, Any]:
    parts = [values.pop("first_name"), values.pop("last_name")]
    name = values["name"] or " ".join(filter(None, parts))
    if not name:
        raise Invalid("Please give a name.", field="name")
    if not (values["phone"] or values["email"]):
        raise Invalid("The row has neither a phone nor an e-mail address.", field="phone")
    return values | {"name": clean_name(name), "by": values["external_id"] or values["phone"] or values["email"]}


def check_headers(kind: str, headers: Iterable[str]) -> None:
    """Names of columns are kept in the clear: refuse a personal file that begins with somebody's row. Errors: Invalid."""
    if KINDS[kind].personal and any(re.search(r"@|\d{6}", re.sub(r"[\s().-]", "", header)) for header in headers):
        raise Invalid("The first row of the file has to name its columns, and this one looks like somebody's data.", field="file")


_HOSTEL = Column(HOSTEL, N_("Hostel"))
_REQUEST_LABELS = {
    Field.EXTERNAL_ID: N_("Number in the old program"), Field.CREATED_AT: N_("Created"), Field.CLOSED_AT: N_("Closed"), Field.CATEGORY: N_("Category"),
    Field.ISSUE_TYPE: N_("Issue"), Field.DESCRIPTION: N_("Description"), Field.PLACE: N_("Place"), Field.STATUS: N_("State"),
    Field.RESOLUTION: N_("What was done"), Field.PRIORITY: N_("Priority"), Field.ASSIGNEE: N_("Who did the work"),
}

KINDS: dict[str, Kind] = {kind.code: kind for kind in (
    Kind(ImportKind.REQUESTS, N_("Requests"), tuple(
        Column(f, _REQUEST_LABELS[f], required=f in REQUIRED, is_date=f in {Field.CREATED_AT, Field.CLOSED_AT}) for f in Field)),
    Kind(ImportKind.ROOMS, N_("Rooms"), (
        Column("number", N_("Room number"), _room, required=True),
        _HOSTEL,
        Column("floor", N_("Floor"), _floor),
        Column("type", N_("Kind of room"), _short),
        Column("beds", N_("Beds"), _count),
        Column("kind", N_("What for"), _room_kind),
        Column("note", N_("Note")),
    ), ("number",), _plan_room),
    Kind(ImportKind.BEDS, N_("Beds"), (
        Column("bed", N_("Bed"), _label, required=True),
        Column("room", N_("Room"), _room),
        _HOSTEL,
    ), ("room", "bed"), _place),
    Kind(ImportKind.RESIDENTS, N_("Residents"), (
        Column("name", N_("Name"), _name, required=True),
        Column("email", N_("E-mail address"), _email, required=True),
        Column("moved_in_on", N_("Moved in on"), _day("moved_in_on", future=False), required=True, is_date=True),
        _HOSTEL,
        Column("phone", N_("Phone"), _phone),
        Column("parent_phone", N_("Phone of a parent"), _phone),
        Column("identity_number", N_("Identity number"),
               _personal("identity_number")),
        Column("date_of_birth", N_("Date of birth"), _birth, is_date=True),
        Column("address", N_("Home address"), _personal("address")),
    ), ("email",), personal=True),
    Kind(ImportKind.OCCUPANCY, N_("Present occupancy"), (
        Column("resident", N_("Resident"), _who),
        Column("email", N_("E-mail address"), _email),
        Column("bed", N_("Bed"), _label, required=True),
        Column("room", N_("Room"), _room),
        Column("from", N_("From"), _day("from"), required=True, is_date=True),
        Column("until", N_("First day without them"), _day("until"), is_date=True),
        Column("rent", N_("Rent a month"), _money),
        _HOSTEL,
    ), ("resident", "room", "bed", "from"), _stay, personal=True),
    Kind(ImportKind.CONTACTS, N_("Contacts"), (
        Column("external_id", N_("Contact id"), _external),
        Column("location_id", N_("Location id"), _external),
        Column("name", N_("Name"), _name),
        Column("first_name", N_("First name"), _short),
        Column("last_name", N_("Last name"), _short),
        Column("phone", N_("Phone"), _phone),
        Column("email", N_("E-mail address"), _email),
        Column("source", N_("Source"), _short),
        Column("known_since", N_("Known since"), _moment("known_since"), is_date=True),
    ), ("by",), _contact, personal=True),
    Kind(ImportKind.STOCK, N_("Stock items"), (
        Column("name", N_("Name"), _name, required=True),
        Column("unit", N_("Measured in"), _unit, required=True),
        _HOSTEL,
        Column("category", N_("Category"), _shelf),
        Column("reorder_level", N_("Buy again at"), _quantity),
        Column("fill_to", N_("Filled up to"), _quantity),
        Column("supplier", N_("Supplier"), _short),
    ), ("name",), _item),
)}


def context_of(zone_name: str, now: datetime, country: str, orders: Mapping[str, DateOrder]) -> Context:
    """The context of a file whose days are of a zone."""
    return Context(zone_name, now.astimezone(zone(zone_name)).date(), country, orders)
