"""The filter bar of a list: one control per search column, read from the link, so a filtered list can be sent on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any

from flask_babel import gettext
from sqlalchemy import ColumnElement, or_
from sqlalchemy import types as sa_types

from app.views import formats
from app.views.interface import ConsoleInterface
from app.views.paging import BadListRequest

# Names that a list's link uses for itself.
RESERVED = frozenset({"q", "sort", "after", "before", "size", "deleted", "embed"})
_TEXT_LIMIT = 200
_YEARS = (1900, 2200)


@dataclass(frozen=True)
class Applied:
    """A filter in force, as the bar shows it; taking it away removes `parameter` from the link."""

    parameter: str
    label: str
    text: str


class Filter:
    """One column of a model in the filter bar; `kind` says which control the template draws."""

    kind = ""

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

    def describe(self, _parameter: str, value: Any) -> str:
        """The value in words."""
        return str(formats.show_value(value))


class ChoiceFilter(Filter):
    """Members of an enum, by value."""

    kind = "choice"

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


class BooleanFilter(Filter):
    """Yes or no."""

    kind = "choice"
    choices = (("yes", "yes"), ("no", "no"))

    def parse(self, _parameter: str, text: str) -> bool:
        """`yes` or `no`."""
        return {"yes": True, "no": False}[text]


class RelationFilter(Filter):
    """One related row, chosen in a combobox."""

    kind = "relation"

    def __init__(self, interface: ConsoleInterface, name: str, label: str, options_url: Callable[[], str]) -> None:
        super().__init__(interface, name, label)
        self.options_url = options_url
        self.ours, self.theirs = interface.target(name)

    def parse(self, _parameter: str, text: str) -> Any:
        """The other row's key."""
        return self.theirs.type.python_type(text)

    def condition(self, _parameter: str, value: Any) -> ColumnElement[bool]:
        """Our reference names it: the other table isn't needed."""
        reference: ColumnElement[Any] = self.ours
        return reference == value

    def describe(self, _parameter: str, value: Any) -> str:
        """The related row's own words; foreign rows have none."""
        other = ConsoleInterface(self.theirs.class_)
        row = other.session.scalars(other.rows(hostel=False).where(self.theirs == value)).first()
        return str(row) if row is not None else gettext("(not found)")


class PeriodFilter(Filter):
    """From one day to another, both included, as days of the hostel's zone."""

    kind = "period"

    def __init__(self, interface: ConsoleInterface, name: str, label: str) -> None:
        super().__init__(interface, name, label)
        self.parameters = (f"{name}.from", f"{name}.to")
        self.exact = isinstance(interface.mapper.columns[name].type, sa_types.DateTime)

    def parse(self, _parameter: str, text: str) -> date:
        """A day, `2026-03-05`; the last days of the calendar have no day after and are refused."""
        day = date.fromisoformat(text)
        if not _YEARS[0] <= day.year <= _YEARS[1]:
            raise ValueError(text)
        return day

    def condition(self, parameter: str, value: date) -> ColumnElement[bool]:
        """At or after the day's beginning; before the next day's."""
        column: ColumnElement[Any] = getattr(self.interface.obj, self.name)
        start = parameter.endswith(".from")
        bound: date = value if start else value + timedelta(days=1)
        if self.exact:
            bound = datetime.combine(bound, time(), formats.zone()).astimezone(UTC)
        return column >= bound if start else column < bound

    def describe(self, parameter: str, value: date) -> str:
        """`from 5 Mar 2026`."""
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
        return f"{value:,}"


class FilterBar:
    """The filters of one list: text columns share the search box, every other column has its own control."""

    def __init__(self, interface: ConsoleInterface, columns: Sequence[str], labels: Mapping[str, str],
                 options_url: Callable[[str], str], enums: Mapping[str, type[Enum]]) -> None:
        self.enums = enums
        if clash := RESERVED & set(columns):
            raise TypeError(f"{interface.obj.__name__}: a list's link uses {sorted(clash)} for itself")
        self.text_columns: list[Any] = []
        self.filters: list[Filter] = []
        for name in columns:
            self._add(interface, name, labels.get(name) or formats.column_words(name), options_url)

    def _add(self, interface: ConsoleInterface, name: str, label: str, options_url: Callable[[str], str]) -> None:
        if interface.is_relation(name):
            self.filters.append(RelationFilter(interface, name, label, lambda: options_url(name)))
            return
        kind = interface.mapper.columns[name].type
        if name in self.enums:
            self.filters.append(ChoiceFilter(interface, name, label, self.enums[name]))
        elif isinstance(kind, sa_types.String):
            self.text_columns.append(getattr(interface.obj, name))
        elif isinstance(kind, sa_types.Boolean):
            self.filters.append(BooleanFilter(interface, name, label))
        elif isinstance(kind, sa_types.Date | sa_types.DateTime):
            self.filters.append(PeriodFilter(interface, name, label))
        elif isinstance(kind, sa_types.Integer):
            self.filters.append(NumberFilter(interface, name, label))
        else:
            raise TypeError(f"{interface.obj.__name__}.{name}: no filter for {kind!r}")

    def read(self, args: Mapping[str, str]) -> tuple[list[ColumnElement[bool]], list[Applied]]:
        """Conditions and what to show of them; BadListRequest for a value that its column cannot have."""
        conditions: list[ColumnElement[bool]] = []
        applied: list[Applied] = []
        for own in self.filters:
            for parameter in own.parameters:
                text = args.get(parameter, "").strip()
                if not text:
                    continue
                try:
                    value = own.parse(parameter, text)
                except (ValueError, KeyError, TypeError) as error:
                    raise BadListRequest(
                        gettext("“%(text)s” is not a value of %(label)s.", text=text[:40], label=own.label)
                    ) from error
                conditions.append(own.condition(parameter, value))
                applied.append(Applied(parameter, own.label, own.describe(parameter, value)))
        if self.text_columns and (text := args.get("q", "").strip()):
            if "\x00" in text or len(text) > _TEXT_LIMIT:
                raise BadListRequest(gettext("Search for at most %(n)s ordinary characters.", n=_TEXT_LIMIT))
            conditions.append(or_(*(column.icontains(text, autoescape=True) for column in self.text_columns)))
            applied.append(Applied("q", gettext("Search"), text))
        return conditions, applied
