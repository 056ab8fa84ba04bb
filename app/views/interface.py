"""What a list asks of the database: one page by its neighbour, a capped count, one row by its key.

Row-level security decides which rows exist for the caller. The tenant is repeated here as a plain condition only
because it leads every index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import g
from flask_appbuilder.models.sqla.filters import SQLAFilterConverter
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import BigInteger, Select, false, func, inspect, literal_column, select, tuple_
from sqlalchemy.orm import RelationshipProperty, Session, joinedload
from sqlalchemy.orm.interfaces import ORMOption

from app.views import formats
from app.views.paging import COUNT_CAP, TENANT, BadListRequest, Place, Sort, sortable_columns

SOFT_DELETE = "deleted_at"
HOSTEL = "hostel_id"


@dataclass(frozen=True)
class Page:
    """One page of a list; `next` and `previous` are tokens or None, `count` stops at the cap."""

    items: Sequence[Any]
    next: str | None
    previous: str | None
    count: int
    sort: Sort
    size: int

    @property
    def count_text(self) -> str:
        """`42`, or `1,000+` where counting on would only cost time."""
        return formats.number(COUNT_CAP) + "+" if self.count > COUNT_CAP else formats.number(self.count)


class _NoStockFilters(SQLAFilterConverter):
    """Lists have their own filter bar (filters.py)."""

    def convert(self, _column: str) -> None:
        """Nothing, for any column."""


class ConsoleInterface(SQLAInterface):
    """A model as the console's screens see it. It reads; writing is the services' work."""

    filter_converter_class = _NoStockFilters

    def __init__(self, obj: type[Any], session: Session | None = None) -> None:
        super().__init__(obj, session)
        self.mapper = inspect(obj)
        (key_column,) = self.mapper.primary_key
        self.key = getattr(obj, self.mapper.get_property_by_column(key_column).key)
        self.sortable = sortable_columns(self.mapper)

    # -- which rows -------------------------------------------------------------------------------------------

    def rows(self, *, deleted: bool = False, hostel: bool = True) -> Select[Any]:
        """Rows of the caller's organization, and of the hostel chosen in the top bar where the model has one."""
        statement = select(self.obj)
        identity = g.get("identity")
        if identity is not None and hasattr(self.obj, TENANT):
            statement = statement.where(self.obj.org_id == identity.org_id)
            if hostel and identity.hostel_id is not None and hasattr(self.obj, HOSTEL):
                statement = statement.where(self.obj.hostel_id == identity.hostel_id)
        if hasattr(self.obj, SOFT_DELETE):
            gone = self.obj.deleted_at.is_not(None)
            statement = statement.where(gone if deleted else ~gone).execution_options(include_deleted=deleted)
        elif deleted:
            statement = statement.where(false())
        return statement

    def eager(self, columns: Sequence[str]) -> list[ORMOption]:
        """Load, in the same statement, every to-one relation that the columns name (`vendor`, `room.floor.name`)."""
        options: dict[str, ORMOption] = {}
        for column in columns:
            mapper, path, option = self.mapper, "", None
            for part in column.split("."):
                prop = mapper.relationships.get(part)
                if prop is None or prop.uselist:
                    break
                path += f".{part}"
                attribute = getattr(mapper.class_, part)
                option = joinedload(attribute) if option is None else option.joinedload(attribute)
                options[path], mapper = option, prop.mapper
        return list(options.values())

    def parse_key(self, text: Any) -> Any | None:
        """The key as Python value, or None for what cannot be one: a malformed uuid is no row, not an error."""
        kind = self.key.type.python_type
        if isinstance(text, kind):
            return text
        try:
            value = kind(str(text))
        except (ValueError, TypeError):
            return None
        return value if kind is UUID or str(value) == str(text) else None

    def find(self, key: Any, *, deleted: bool = False, columns: Sequence[str] = ()) -> Any | None:
        """One row the caller may see, whatever hostel is chosen; None if there is none or the key is malformed."""
        value = self.parse_key(key)
        bits = 63 if isinstance(self.key.type, BigInteger) else 31
        if value is None or (isinstance(value, int) and abs(value) >= 2**bits):
            return None
        statement = self.rows(deleted=deleted, hostel=False).where(self.key == value).options(*self.eager(columns))
        return self.session.scalars(statement).one_or_none()

    def find_many(self, keys: Sequence[str], *, deleted: bool = False, columns: Sequence[str] = ()) -> dict[str, Any]:
        """Rows by the text of their keys; those the caller may not see are simply not there."""
        wanted = [value for value in map(self.parse_key, keys) if value is not None]
        if not wanted:
            return {}
        statement = self.rows(deleted=deleted, hostel=False).where(self.key.in_(wanted)).options(*self.eager(columns))
        return {str(getattr(item, self.key.key)): item for item in self.session.scalars(statement)}

    # -- pages ------------------------------------------------------------------------------------------------

    def page(self, statement: Select[Any], sort: Sort, size: int, columns: Sequence[str] = (),
             after: str | None = None, before: str | None = None) -> Page:
        """The page after or before a place. Empty values come last in either direction."""
        if sort.column not in self.sortable:
            raise BadListRequest(f"This list cannot be sorted by “{sort.column}”.")
        attribute = getattr(self.obj, sort.column)
        token, backward = (before, True) if before else (after, False)
        place = Place.parse(token, sort, attribute.expression, self.key.expression) if token else None
        rows = self._walk(statement.options(*self.eager(columns)), attribute, sort.descending, place, backward, size)
        more, rows = len(rows) > size, rows[:size]
        if backward:
            rows.reverse()
        first, last = (self._place(rows[0], sort), self._place(rows[-1], sort)) if rows else (None, None)
        has_next, has_previous = (True, more) if backward else (more, place is not None)
        return Page(
            items=rows, sort=sort, size=size,
            next=last.token(sort) if last and has_next else None,
            previous=first.token(sort) if first and has_previous else None,
            # A first page with nothing after it has been counted by reading it.
            count=len(rows) if place is None and not more else self.capped_count(statement),
        )

    def _place(self, item: Any, sort: Sort) -> Place:
        return Place(getattr(item, sort.column), getattr(item, self.key.key))

    def _walk(self, statement: Select[Any], attribute: Any, descending: bool, place: Place | None,
              backward: bool, size: int) -> list[Any]:
        """Up to size + 1 rows from the place on: filled values first, then empty ones, each along the index."""
        descending = descending != backward
        phases = [False, True] if attribute.expression.nullable else [False]  # False: filled, True: empty
        if backward:
            phases.reverse()
        if place is not None:
            phases = phases[phases.index(place.value is None):] if (place.value is None) in phases else phases
        found: list[Any] = []
        for number, empty in enumerate(phases):
            part = statement
            if attribute.expression.nullable:
                part = part.where(attribute.is_(None) if empty else attribute.is_not(None))
            if place is not None and number == 0:
                here, there = (self.key, place.key) if empty else (
                    tuple_(attribute, self.key), tuple_(place.value, place.key, types=[attribute.type, self.key.type]))
                part = part.where(here < there if descending else here > there)
            order = [attribute, self.key] if attribute is not self.key else [self.key]
            part = part.order_by(*(column.desc() if descending else column.asc() for column in order))
            found += self.session.scalars(part.limit(size + 1 - len(found)))
            if len(found) > size:
                break
        return found

    def batches(self, statement: Select[Any], sort: Sort, size: int, columns: Sequence[str] = ()) -> Iterator[list[Any]]:
        """All rows in order, `size` at a time, each batch found by the last row of the one before."""
        attribute, place = getattr(self.obj, sort.column), None
        statement = statement.options(*self.eager(columns))
        while True:
            rows = self._walk(statement, attribute, sort.descending, place, backward=False, size=size)
            yield rows[:size]
            if len(rows) <= size:
                return
            place = self._place(rows[size - 1], sort)

    def capped_count(self, statement: Select[Any], cap: int = COUNT_CAP) -> int:
        """How many rows, but never more than the cap and one: counting a million costs more than reading a page."""
        ones = statement.with_only_columns(literal_column("1"), maintain_column_froms=True)
        rows = ones.order_by(None).limit(cap + 1).subquery()
        return self.session.scalar(select(func.count()).select_from(rows)) or 0

    # -- Flask-AppBuilder's own doors -------------------------------------------------------------------------

    def get(self, id: Any, filters: Any = None, select_columns: Any = None, outer_default_load: bool = False) -> Any:  # noqa: A002
        """Flask-AppBuilder's name for `find`."""
        return self.find(id)

    def query_count(self, query: Any, filters: Any = None, select_columns: Any = None) -> int:
        """Flask-AppBuilder's count, capped as ours is."""
        filtered = self.apply_filters(query, filters)
        return int(filtered.limit(COUNT_CAP + 1).count())

    def _refuse_to_write(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("Screens write through services; see ConsoleModelView.create, update and remove.")

    add = edit = delete = delete_all = _refuse_to_write

    def target(self, relation: str) -> tuple[Any, Any]:
        """For a to-one relation: (column of ours that holds the reference, attribute of the other model it names).

        Composite tenant keys write only `x_id`; `org_id` is shared and never set through the relation.
        """
        prop: RelationshipProperty[Any] = self.mapper.relationships[relation]
        ((theirs, ours),) = prop.synchronize_pairs
        return (getattr(self.obj, self.mapper.get_property_by_column(ours).key),
                getattr(prop.mapper.class_, prop.mapper.get_property_by_column(theirs).key))
