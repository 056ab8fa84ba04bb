"""The filter bar of a list: one control per search column, read from the link, so a filtered list can be sent on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, StrEnum
from typing import Any

from flask_babel import gettext, lazy_gettext
from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy import types as sa_types
from werkzeug.datastructures import MultiDict

from app.languages import sentence
from app.views import formats
from app.views.interface import ConsoleInterface
from app.views.paging import BadListRequest

# Names that a list's link uses for itself.
RESERVED = frozenset({"q", "sort", "after", "before", "size", "deleted", "embed", "cols", "view"})
_TEXT_LIMIT = 200
_YEARS = (1900, 2200)


@dataclass(frozen=True)
class Applied:
    """A filter in force, as the bar shows it; taking it away removes its parameters from the link."""

    name: str
    parameters: tuple[str, ...]
    label: str
    text: str


class Filter:
    """One column of a model in the filter bar; `kind` says which control the template draws."""

    kind = ""
    multiple = False
    """Whether the link may name several values, any of which is right."""

    def __init__(self, interface: ConsoleInterface, name: str, label: str) -> None:
        self.interface, self.name, self.label = interface, name, label
        self.parameters: tuple[str, ...] = (name,)

    def parse(self, parameter: str, text: str) -> Any:
        """The value of one parameter; ValueError if it isn't one."""
        raise NotImplementedError

    def condition(self, parameter: str, value: Any) -> ColumnElement[bool]:
        """What the rows must satisfy."""
        column: ColumnElement[Any] = getattr(self.interface.obj, self.name)
        return column == value

    def any_of(self, parameter: str, values: Sequence[Any]) -> ColumnElement[bool]:
        """What the rows must satisfy for what the link names; filters with `multiple` say it for several values."""
        return self.condition(parameter, values[0])

    def describe(self, _parameter: str, value: Any) -> str:
        """The value in words; empty where the label says it all."""
        return str(formats.show_value(value))


class Flag(Filter):
    """Something that a row is, or not asked for; subclasses say which rows those are."""

    kind = "flag"

    def parse(self, _parameter: str, text: str) -> bool:
        """`yes`."""
        return {"yes": True}[text]

    def describe(self, _parameter: str, _value: Any) -> str:
        """Said by the label."""
        return ""


class ChoiceFilter(Filter):
    """Members of an enum, by value."""

    kind = "choice"
    multiple = True

    def __init__(self, interface: ConsoleInterface, name: str, label: str, enum: type[Enum]) -> None:
        super().__init__(interface, name, label)
        self.enum = enum
        self.choices = [(member.value, member) for member in enum]

    def parse(self, _parameter: str, text: str) -> Enum:
        """The member; what is none is refused."""
        return self.enum(text)

    def describe(self, _parameter: str, value: Enum) -> str:
        """Its human name."""
        return formats.human(value)

    def any_of(self, _parameter: str, values: Sequence[Enum]) -> ColumnElement[bool]:
        """One list, which an index can be searched for."""
        column: ColumnElement[Any] = getattr(self.interface.obj, self.name)
        return column.in_(values)


class BooleanFilter(Filter):
    """Yes or no."""

    kind = "choice"
    choices = (("yes", "yes"), ("no", "no"))

    def parse(self, _parameter: str, text: str) -> bool:
        """`yes` or `no`."""
        return {"yes": True, "no": False}[text]


class Presence(StrEnum):
    """Of a relation that may be empty: only rows without one, or only rows with one."""

    NONE = "none"
    ANY = "any"


class RelationFilter(Filter):
    """One related row, chosen in a combobox; or none, or any."""

    kind = "relation"

    def __init__(self, interface: ConsoleInterface, name: str, label: str, options_url: Callable[[], str]) -> None:
        super().__init__(interface, name, label)
        self.options_url = options_url
        self.ours, self.theirs = interface.target(name)
        self.optional = bool(self.ours.expression.nullable)

    def parse(self, _parameter: str, text: str) -> Any:
        """The other row's key, or whether there is one."""
        if self.optional and text in set(Presence):
            return Presence(text)
        return self.theirs.type.python_type(text)

    def condition(self, _parameter: str, value: Any) -> ColumnElement[bool]:
        """Our reference names it: the other table isn't needed."""
        reference: ColumnElement[Any] = self.ours
        if isinstance(value, Presence):
            return reference.is_(None) if value is Presence.NONE else reference.is_not(None)
        return reference == value

    def describe(self, _parameter: str, value: Any) -> str:
        """The related row's own words; foreign rows have none."""
        if isinstance(value, Presence):
            return gettext("none") if value is Presence.NONE else gettext("any")
        other = ConsoleInterface(self.theirs.class_)
        row = other.session.scalars(other.rows(hostel=False).where(self.theirs == value)).first()
        return sentence(row) if row is not None else gettext("(not found)")


class Preset(StrEnum):
    """Days counted from today, so that a saved view means the same tomorrow."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    LAST_7_DAYS = "last_7_days"
    LAST_30_DAYS = "last_30_days"
    THIS_MONTH = "this_month"

    def days(self, today: date) -> tuple[date, date]:
        """First and last day."""
        back = {Preset.TODAY: (0, 0), Preset.YESTERDAY: (1, 1), Preset.LAST_7_DAYS: (6, 0), Preset.LAST_30_DAYS: (29, 0),
                Preset.THIS_MONTH: (today.day - 1, 0)}
        first, last = back[self]
        return today - timedelta(days=first), today - timedelta(days=last)


PRESETS = {Preset.TODAY: lazy_gettext("Today"), Preset.YESTERDAY: lazy_gettext("Yesterday"),
           Preset.LAST_7_DAYS: lazy_gettext("Last 7 days"), Preset.LAST_30_DAYS: lazy_gettext("Last 30 days"),
           Preset.THIS_MONTH: lazy_gettext("This month")}


class PeriodFilter(Filter):
    """From one day to another, both included, as days of the hostel's zone; or a period that moves with today."""

    kind = "period"
    presets = PRESETS

    def __init__(self, interface: ConsoleInterface, name: str, label: str) -> None:
        super().__init__(interface, name, label)
        self.parameters = (f"{name}.from", f"{name}.to", f"{name}.in")
        self.exact = isinstance(interface.mapper.columns[name].type, sa_types.DateTime)

    def parse(self, parameter: str, text: str) -> date | Preset:
        """A day, `2026-03-05`, or a preset; the last days of the calendar have no day after and are refused."""
        if parameter.endswith(".in"):
            return Preset(text)
        day = date.fromisoformat(text)
        if not _YEARS[0] <= day.year <= _YEARS[1]:
            raise ValueError(text)
        return day

    def condition(self, parameter: str, value: date | Preset) -> ColumnElement[bool]:
        """At or after the first day's beginning; before the beginning of the day after the last."""
        if isinstance(value, Preset):
            first, last = value.days(formats.today())
            return and_(self._from(first), self._to(last))
        return self._from(value) if parameter.endswith(".from") else self._to(value)

    def _from(self, day: date) -> ColumnElement[bool]:
        column: ColumnElement[Any] = getattr(self.interface.obj, self.name)
        return column >= self._beginning(day)

    def _to(self, day: date) -> ColumnElement[bool]:
        column: ColumnElement[Any] = getattr(self.interface.obj, self.name)
        return column < self._beginning(day + timedelta(days=1))

    def _beginning(self, day: date) -> date:
        return datetime.combine(day, time(), formats.zone()).astimezone(UTC) if self.exact else day

    def describe(self, parameter: str, value: date | Preset) -> str:
        """`from 5 Mar 2026`."""
        if isinstance(value, Preset):
            return str(PRESETS[value])
        text = formats.day(value).striptags()
        return gettext("from %(day)s", day=text) if parameter.endswith(".from") else gettext("to %(day)s", day=text)


class NumberFilter(Filter):
    """A whole number."""

    kind = "number"

    def parse(self, _parameter: str, text: str) -> int:
        """Within what a bigint holds."""
        value = int(text)
        if abs(value) >= 2**63:
            raise ValueError(text)
        return value

    def describe(self, _parameter: str, value: int) -> str:
        """With its separators."""
        return formats.number(value)


class FilterBar:
    """The filters of one list: text columns share the search box, every other column has its own control."""

    def __init__(self, interface: ConsoleInterface, columns: Sequence[str], labels: Mapping[str, str],
                 options_url: Callable[[str], str], enums: Mapping[str, type[Enum]]) -> None:
        self.enums = enums
        if clash := RESERVED & set(columns):
            raise TypeError(f"{interface.obj.__name__}: a list's link uses {sorted(clash)} for itself")
        self.text_columns: list[Callable[[str], ColumnElement[bool]]] = []
        self.filters: list[Filter] = []
        for name in columns:
            self._add(interface, name, labels.get(name) or formats.column_words(name), options_url)

    def _add(self, interface: ConsoleInterface, name: str, label: str, options_url: Callable[[str], str]) -> None:
        if "." in name:
            self.text_columns.append(_related_text(interface, *name.split(".")))
            return
        if interface.is_relation(name):
            self.filters.append(RelationFilter(interface, name, label, lambda: options_url(name)))
            return
        kind = interface.mapper.columns[name].type
        if name in self.enums:
            self.filters.append(ChoiceFilter(interface, name, label, self.enums[name]))
        elif isinstance(kind, sa_types.String):
            self.text_columns.append(_contains(getattr(interface.obj, name)))
        elif isinstance(kind, sa_types.Boolean):
            self.filters.append(BooleanFilter(interface, name, label))
        elif isinstance(kind, sa_types.Date | sa_types.DateTime):
            self.filters.append(PeriodFilter(interface, name, label))
        elif isinstance(kind, sa_types.Integer):
            self.filters.append(NumberFilter(interface, name, label))
        else:
            raise TypeError(f"{interface.obj.__name__}.{name}: no filter for {kind!r}")

    @property
    def parameters(self) -> list[str]:
        """Everything in a link that narrows the list."""
        return [*(parameter for own in self.filters for parameter in own.parameters), "q", "deleted"]

    def read(self, args: MultiDict[str, str],
             notes: list[str] | None = None) -> tuple[list[ColumnElement[bool]], list[Applied]]:
        """Conditions and what to show of them; BadListRequest for a value that its column cannot have.

        With `notes` such a value is left out, and a sentence about it is added there.
        """
        conditions: list[ColumnElement[bool]] = []
        applied: list[Applied] = []
        for own in self.filters:
            words: list[str] = []
            found = {parameter: self._values(own, parameter, args, notes) for parameter in own.parameters}
            for parameter, values in found.items():
                if values:
                    conditions.append(own.any_of(parameter, values))
                    words += [own.describe(parameter, value) for value in values]
            if words:
                applied.append(Applied(own.name, own.parameters, own.label, ", ".join(filter(None, words))))
        if self.text_columns and (text := args.get("q", "").strip()):
            conditions.append(self._search(text))
            applied.append(Applied("q", ("q",), gettext("Search"), text))
        return conditions, applied

    def _values(self, own: Filter, parameter: str, args: MultiDict[str, str], notes: list[str] | None) -> list[Any]:
        texts = [text.strip() for text in args.getlist(parameter) if text.strip()]
        found = []
        for text in dict.fromkeys(texts) if own.multiple else texts[:1]:
            try:
                found.append(own.parse(parameter, text))
            except (ValueError, KeyError, TypeError) as error:
                refusal = gettext("“%(text)s” is not a value of %(label)s.", text=text[:40], label=own.label)
                if notes is None:
                    raise BadListRequest(refusal) from error
                notes.append(refusal)
        return found

    def _search(self, text: str) -> ColumnElement[bool]:
        """Rows in which every word stands somewhere."""
        if "\x00" in text or len(text) > _TEXT_LIMIT:
            raise BadListRequest(gettext("Search for at most %(n)s ordinary characters.", n=_TEXT_LIMIT))
        return and_(*(or_(*(column(word) for column in self.text_columns)) for word in text.split()))


def _contains(column: Any) -> Callable[[str], ColumnElement[bool]]:
    return lambda word: column.icontains(word, autoescape=True)


def _related_text(interface: ConsoleInterface, relation: str, name: str) -> Callable[[str], ColumnElement[bool]]:
    """A text column of a related row: `member.name`."""
    column = _contains(getattr(interface.mapper.relationships[relation].mapper.class_, name))
    return lambda word: getattr(interface.obj, relation).has(column(word))
