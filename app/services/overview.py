"""What needs doing now, for the home page: many numbers in one statement, rows of many lists in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    SelectBase,
    and_,
    func,
    literal,
    literal_column,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session
from sqlalchemy.orm.interfaces import ORMOption

from app.models.beds import BedAllocation as Allocation
from app.models.maintenance import MaintenanceCategory as Category
from app.models.maintenance import MaintenanceRequest as R
from app.models.people import Member
from app.models.rooms import Bed
from app.rules.maintenance import RequestStatus
from app.rules.overview import Span
from app.rules.residents import AllocationKind, AllocationState
from app.services.maintenance.finding import is_open, is_overdue

SHOWN = 5  # rows that a list of the home page holds


def read(session: Session, parts: Mapping[str, Select[Any]]) -> dict[str, Any]:
    """The one value of each of these statements, asked together: however many there are, it is one statement."""
    if not parts:
        return {}
    found = session.execute(select(*(part.scalar_subquery().label(name) for name, part in parts.items()))).one()
    return found._asdict()


@dataclass(frozen=True)
class Wanted:
    """The first rows of a list: which rows, and in which order."""

    rows: Select[Any]
    order: Sequence[ColumnElement[Any]]


def first_rows(session: Session, model: Any, wanted: Sequence[Wanted], options: Sequence[ORMOption]) -> list[list[Any]]:
    """For each of these lists of one model up to SHOWN rows with what `options` load; one statement for all."""
    lists: list[list[Any]] = [[] for _ in wanted]
    if not wanted:
        return lists
    chosen = union_all(*(_chosen(model, number, one) for number, one in enumerate(wanted))).subquery()
    rows = session.execute(
        select(model, chosen.c.list).join(chosen, model.id == chosen.c.id).where(model.org_id == func.app.current_org())
        .options(*options).order_by(chosen.c.list, chosen.c.place))
    for item, number in rows:
        lists[number].append(item)
    return lists


def _chosen(model: Any, number: int, one: Wanted) -> Select[Any]:
    place = func.row_number().over(order_by=one.order)
    ids = one.rows.with_only_columns(model.id, literal(number).label("list"), place.label("place"))
    return ids.order_by(*one.order).limit(SHOWN)


# --- open requests --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Open requests that have something in common; `key` is what a list is filtered by."""

    key: str
    name: str
    open: int
    overdue: int


@dataclass(frozen=True)
class OpenRequests:
    """Open requests three ways, and since when the oldest of them waits."""

    by_state: Sequence[Group]
    by_category: Sequence[Group]
    by_hostel: Sequence[Group]
    oldest_at: datetime | None


def open_requests(org_id: UUID, hostel_id: UUID | None, now: datetime) -> Select[Any]:
    """A part for `read`: open requests by state, by category and by hostel, in one pass; see `as_open_requests`."""
    groups = (
        select(R.status, R.category_id, Category.name, R.hostel_id, func.count().label("open"),
               func.count().filter(is_overdue(now)).label("overdue"), func.min(R.raised_at).label("oldest_at"))
        .join(Category, R.category_id == Category.id)
        .where(R.org_id == org_id, Category.org_id == org_id, is_open(), R.deleted_at.is_(None))
        .group_by(func.grouping_sets(tuple_(R.status), tuple_(R.category_id, Category.name), tuple_(R.hostel_id))))
    if hostel_id is not None:
        groups = groups.where(R.hostel_id == hostel_id)
    return _rows_of(groups)


def as_open_requests(found: Sequence[Mapping[str, Any]] | None, hostels: Mapping[str, str]) -> OpenRequests:
    """What that part answered; `hostels` are names by id."""
    rows = found or ()

    def groups(key: str, name: str) -> list[Group]:
        some = [Group(row[key], row[name], row["open"], row["overdue"]) for row in rows if row[key] is not None]
        return sorted(some, key=lambda group: (-group.open, group.name))

    states = {group.key: group for group in groups("status", "status")}
    by_hostel = [Group(group.key, hostels[group.key], group.open, group.overdue)
                 for group in groups("hostel_id", "hostel_id") if group.key in hostels]
    oldest = [datetime.fromisoformat(row["oldest_at"]) for row in rows if row["status"] is not None]
    return OpenRequests([states[state.value] for state in RequestStatus if state.value in states],
                        groups("category_id", "name"), by_hostel, min(oldest, default=None))


# --- people ---------------------------------------------------------------------------------------------------


def people_joined(org_id: UUID, span: Span, zone: str) -> Select[Any]:
    """A part for `read`: who became a member on which day, in this period and the one before; see `as_days`."""
    day = func.date(func.timezone(zone, Member.joined_at)).label("day")
    # A bound that PostgreSQL may look at before it asks the policies about each of the organization's members.
    early = datetime.combine(span.before - timedelta(days=1), time(), UTC)
    return _rows_of(select(day, func.count().label("count")).where(
        Member.org_id == org_id, Member.joined_at >= early, Member.removed_at.is_(None), day >= span.before, day <= span.today,
    ).group_by(day))


def as_days(found: Sequence[Mapping[str, Any]] | None) -> dict[date, int]:
    """What a part that counts by day answered."""
    return {date.fromisoformat(row["day"]): row["count"] for row in found or ()}


# --- beds -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filling:
    """How full a hostel is on a day."""

    key: str
    name: str
    beds: int
    taken: int


def filled_beds(hostel_id: UUID | None, day: date) -> Select[Any]:
    """A part for `read`: beds of each hostel, and how many of them somebody sleeps in; see `as_fillings`."""
    given = and_(Allocation.org_id == Bed.org_id, Allocation.bed_id == Bed.id, Allocation.kind == AllocationKind.STAY.value,
                 Allocation.state == AllocationState.ACTIVE.value, Allocation.period.contains(day))
    rows = select(Bed.hostel_id, func.count().label("beds"), func.count(Allocation.id).label("taken")).outerjoin(Allocation, given).where(
        Bed.deleted_at.is_(None)).group_by(Bed.hostel_id)
    return _rows_of(rows if hostel_id is None else rows.where(Bed.hostel_id == hostel_id))


def as_fillings(found: Sequence[Mapping[str, Any]] | None, hostels: Mapping[str, str]) -> list[Filling]:
    """What that part answered, by the names of the hostels; `hostels` are names by id."""
    rows = [Filling(row["hostel_id"], hostels[row["hostel_id"]], row["beds"], row["taken"]) for row in found or () if row["hostel_id"] in hostels]
    return sorted(rows, key=lambda row: row.name)


def _rows_of(statement: SelectBase) -> Select[Any]:
    """A table of answers as one value: a JSON list of objects."""
    rows = statement.subquery("answer")
    return select(func.json_agg(literal_column("answer"))).select_from(rows)
