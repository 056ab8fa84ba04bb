"""How full a house is: its beds by floor, with whom or what each is given to in a span of days; one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, text
from sqlalchemy.orm import Session

from app.models.beds import BedAllocation
from app.models.people import Member, Membership
from app.models.residents import Stay
from app.models.rooms import Bed
from app.rules.residents import BED_STATE, AllocationKind, AllocationState, BedState, StayStatus

# Materialized: without statistics, as after a large import, the planner would work them out again for each bed.
_GRID = text("""
    WITH people AS MATERIALIZED (SELECT user_id, name FROM members),
    met AS MATERIALIZED (
      SELECT a.bed_id, jsonb_agg(jsonb_build_array(a.kind, lower(a.period), upper(a.period), m.name, s.resident_id, a.hold_id, a.request_id)
                                 ORDER BY lower(a.period)) AS spans
      FROM bed_allocations a
      LEFT JOIN people m ON m.user_id = a.user_id
      LEFT JOIN stays s ON s.org_id = a.org_id AND s.id = a.stay_id
      WHERE a.hostel_id = :hostel AND a.state = 'active' AND a.period && daterange(:first, :last)
      GROUP BY a.bed_id)
    SELECT f.id, f.name, r.id, r.number, b.id, b.label, met.spans
    FROM beds b
    JOIN rooms r ON r.org_id = b.org_id AND r.id = b.room_id
    JOIN floors f ON f.org_id = r.org_id AND f.id = r.floor_id
    LEFT JOIN met ON met.bed_id = b.id
    WHERE b.hostel_id = :hostel AND b.deleted_at IS NULL
    ORDER BY f.level, length(r.number), r.number, b.label""")


@dataclass(frozen=True)
class Span:
    """Days of a bed, cut to those that are shown; `state` free means nobody has it."""

    state: BedState
    first: date
    days: int
    who: str = ""
    resident_id: str | None = None
    hold_id: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Row:
    """A bed."""

    room_id: UUID
    bed_id: UUID
    called: str
    spans: Sequence[Span]


@dataclass
class Storey:
    """A floor with its beds, and how many of them are what on the counted day."""

    floor_id: UUID
    name: str
    rows: list[Row] = field(default_factory=list)
    counts: dict[BedState, int] = field(default_factory=dict)

    @property
    def beds(self) -> int:
        """All of them."""
        return len(self.rows)


def grid(session: Session, hostel_id: UUID, first: date, days: int, today: date) -> list[Storey]:
    """The floors of a hostel from the ground up; beds are counted as they are on `today`, or on the first day shown."""
    last = first + timedelta(days=days)
    counted = today if first <= today < last else first
    floors: dict[UUID, Storey] = {}
    for floor_id, floor, room_id, number, bed_id, label, found in session.execute(_GRID, {"hostel": hostel_id, "first": first, "last": last}):
        storey = floors.setdefault(floor_id, Storey(floor_id, floor))
        spans = list(_spans(found or [], first, last))
        storey.rows.append(Row(room_id, bed_id, f"{number}-{label}", spans))
        state = next(span.state for span in spans if span.first <= counted < span.first + timedelta(days=span.days))
        storey.counts[state] = storey.counts.get(state, 0) + 1
    return list(floors.values())


def _spans(found: Sequence[Sequence[Any]], first: date, last: date) -> list[Span]:
    spans, day = [], first
    for kind, start, until, who, *ids in found:
        begin = max(date.fromisoformat(start), first)
        end = min(date.fromisoformat(until), last) if until else last
        if begin > day:
            spans.append(Span(BedState.FREE, day, (begin - day).days))
        spans.append(Span(BED_STATE[AllocationKind(kind)], begin, (end - begin).days, who or "", *ids))
        day = end
    if day < last:
        spans.append(Span(BedState.FREE, day, (last - day).days))
    return spans


def totals(storeys: Sequence[Storey]) -> Mapping[BedState, int]:
    """Beds of all floors by what they are."""
    return {state: sum(storey.counts.get(state, 0) for storey in storeys) for state in BedState}


def is_in(state: BedState, day: date) -> ColumnElement[bool]:
    """Beds that are this on a day."""
    given = and_(BedAllocation.org_id == Bed.org_id, BedAllocation.bed_id == Bed.id, BedAllocation.state == AllocationState.ACTIVE.value,
                 BedAllocation.period.contains(day))
    if state is BedState.FREE:
        return ~exists().where(given)
    kind = next(kind for kind, shown in BED_STATE.items() if shown is state)
    return exists().where(given, BedAllocation.kind == kind.value)


def people_without_bed(session: Session, hostel_id: UUID, most: int = 300) -> list[tuple[int, str]]:
    """(id, name) of people who live in a hostel, or will, and have no stay there now or later."""
    lodging = and_(Stay.org_id == Member.org_id, Stay.user_id == Member.user_id, Stay.hostel_id == hostel_id,
                   Stay.status != StayStatus.ENDED.value)
    belongs = and_(Membership.org_id == Member.org_id, Membership.user_id == Member.user_id, Membership.status == "active",
                   Membership.role.in_(["resident", "pending_resident"]), or_(Membership.hostel_id == hostel_id, Membership.hostel_id.is_(None)))
    found = select(Member.user_id, Member.name).where(Member.removed_at.is_(None), exists().where(belongs), ~exists().where(lodging))
    return [(key, name) for key, name in session.execute(found.order_by(func.lower(Member.name), Member.user_id).limit(most))]
