"""The board of maintenance: every state with its first cards and how many there are, in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Integer,
    Select,
    Text,
    and_,
    column,
    false,
    func,
    literal,
    select,
    true,
    tuple_,
    union_all,
    values,
)
from sqlalchemy.orm import Session

from app.models.maintenance import (
    MaintenanceAssignment,
    MaintenanceCategory,
    MaintenanceIssueType,
    MaintenanceRequest,
)
from app.models.people import Member
from app.models.rooms import Room
from app.rules.maintenance import CLOSED, Priority, Request, RequestStatus, SlaClock
from app.services.maintenance.finding import is_held_by, is_overdue

COLUMN_SIZE = 8  # cards that a column begins with: what a screen shows
COLUMN_STEP = 24  # and as many more whenever its end is reached
COLUMN_MOST = 1000
COUNT_CAP = 1000
CLOSED_SHOWN = timedelta(days=7)  # the board shows what was closed lately; the list has the rest
DESCRIPTION_SHOWN = 120  # characters

R, A = MaintenanceRequest, MaintenanceAssignment


@dataclass(frozen=True)
class BoardFilter:
    """What the board is narrowed to; `held_by` is a person's id."""

    org_id: UUID
    hostel_id: UUID | None = None
    category_id: UUID | None = None
    priority: Priority | None = None
    held_by: int | None = None
    overdue: bool = False


@dataclass(frozen=True)
class Card:
    """A request as the board draws it."""

    id: UUID
    reference: str
    hostel_id: UUID
    priority: Priority
    issue: str
    room: str | None
    place: str
    description: str
    raised_at: datetime
    facts: Request
    clock: SlaClock
    due: datetime
    holder: str
    changed: str  # differs whenever something that the card shows has changed

    @property
    def order_at(self) -> datetime:
        """Where in its column it stands: open ones by when they are due, closed ones by when they were closed."""
        return self.clock.held_since or self.due if self.facts.status in CLOSED else self.due

    @property
    def order(self) -> float:
        """The same as a number that grows down the column."""
        return -self.order_at.timestamp() if self.facts.status in CLOSED else self.order_at.timestamp()


@dataclass
class Column:
    """One state with its first cards; `count` stops at COUNT_CAP + 1."""

    state: RequestStatus
    size: int
    count: int = 0
    cards: list[Card] = field(default_factory=list)

    @property
    def count_text(self) -> str:
        """As people read it."""
        return f"{COUNT_CAP:,}+" if self.count > COUNT_CAP else f"{self.count:,}"

    @property
    def more(self) -> bool:
        """Whether there are cards below the last one."""
        return self.count > len(self.cards)

    @property
    def longer(self) -> int:
        """The size that shows some more of them; 0 where the list does better."""
        return self.size + COLUMN_STEP if self.size + COLUMN_STEP <= COLUMN_MOST else 0


def board(session: Session, wanted: BoardFilter, now: datetime, sizes: Mapping[RequestStatus, int]) -> list[Column]:
    """Every state in the order of the lifecycle, most urgent first, closed ones newest first."""
    columns = [Column(state, min(sizes.get(state, COLUMN_SIZE), COLUMN_MOST)) for state in RequestStatus]
    states = _states(columns)
    return _read(session, columns, states, _in_order(states, *_narrowed(states, wanted, now)), _counted(states, wanted, now))


def following(session: Session, wanted: BoardFilter, now: datetime, state: RequestStatus, after: tuple[datetime, UUID]) -> Column:
    """The next cards of one column, below a place in it."""
    column = Column(state, COLUMN_STEP + 1)  # the last one only tells whether there are more
    states = _states([column])
    urgent = R.held_since if state in CLOSED else R.resolve_by
    place, here = tuple_(*after, types=[urgent.type, R.id.type]), tuple_(urgent, R.id)
    still_open, closed = (one.where(here < place if state in CLOSED else here > place) for one in _narrowed(states, wanted, now))
    _read(session, [column], states, _in_order(states, still_open, closed))
    column.count = len(column.cards)
    del column.cards[COLUMN_STEP:]
    return column


def these(session: Session, wanted: BoardFilter, now: datetime, ids: Sequence[UUID]) -> list[Column]:
    """Of some requests those that the board shows, in their columns, which say how many there are of all."""
    columns = [Column(state, len(ids)) for state in RequestStatus]
    states = _states(columns)
    chosen = [one.where(R.id.in_(ids)) for one in _narrowed(states, wanted, now)]
    return _read(session, columns, states, chosen, _counted(states, wanted, now))


# --- the statement --------------------------------------------------------------------------------------

_SHOWN = (R.id, R.org_id, R.reference, R.hostel_id, R.priority, R.category_id, R.issue_type_id, R.room_id, R.place,
          func.left(R.description, DESCRIPTION_SHOWN).label("description"), R.raised_at, R.status, R.user_id, R.resolved_at,
          R.clock_started_at, R.held, R.held_since, R.resolve_by, R.updated_at)


def _states(columns: Sequence[Column]) -> Any:
    """The wanted columns as rows, by which the rest is looked up along an index."""
    return values(column("position", Integer), column("state", Text), column("size", Integer), column("closed", Boolean),
                  name="states").data([(number, one.state.value, one.size, one.state in CLOSED)
                                       for number, one in enumerate(columns)])


def _narrowed(states: Any, wanted: BoardFilter, now: datetime, shown: Sequence[Any] = _SHOWN) -> tuple[Select[Any], Select[Any]]:
    """What a column may show, for an open state and for a closed one: each has its index."""
    found = select(*shown).where(R.org_id == wanted.org_id, R.status == states.c.state, R.deleted_at.is_(None)).correlate(states)
    for one, value in ((R.hostel_id, wanted.hostel_id), (R.category_id, wanted.category_id),
                       (R.priority, wanted.priority and wanted.priority.value)):
        if value is not None:
            found = found.where(one == value)
    if wanted.held_by is not None:
        found = found.where(is_held_by(wanted.held_by))
    if wanted.overdue:
        found = found.where(is_overdue(now))
    closed = sorted(state.value for state in CLOSED)
    return (found.where(~states.c.closed, R.status.not_in(closed)),
            found.where(states.c.closed, R.status.in_(closed), R.held_since >= now - CLOSED_SHOWN))


def _in_order(states: Any, still_open: Select[Any], closed: Select[Any]) -> list[Select[Any]]:
    return [still_open.order_by(R.resolve_by, R.id).limit(states.c.size),
            closed.order_by(R.held_since.desc(), R.id.desc()).limit(states.c.size)]


def _counted(states: Any, wanted: BoardFilter, now: datetime) -> list[Select[Any]]:
    return [one.limit(COUNT_CAP + 1) for one in _narrowed(states, wanted, now, [literal(1)])]


def _read(session: Session, columns: list[Column], states: Any, chosen: Sequence[Select[Any]],
          counted: Sequence[Select[Any]] = ()) -> list[Column]:
    """Fill the columns: their cards with what these show of other tables, and how many there are of all."""
    card = union_all(*chosen).lateral("card")
    ones = union_all(*counted or [select(literal(1)).where(false())])
    count = select(func.count().label("count")).select_from(ones.lateral("ones")).lateral("counts")
    statement = select(
        states.c.position, count.c.count, *card.c, func.coalesce(MaintenanceIssueType.name, MaintenanceCategory.name).label("issue"),
        Room.number.label("room"), A.id.label("assignment_id"), A.user_id.label("assignee_id"), A.outside_party,
        func.coalesce(Member.name, A.outside_party, "").label("holder"),
    ).select_from(
        states.join(count, true()).outerjoin(card, true())
        .outerjoin(MaintenanceCategory, and_(MaintenanceCategory.org_id == card.c.org_id, MaintenanceCategory.id == card.c.category_id))
        .outerjoin(MaintenanceIssueType, and_(MaintenanceIssueType.org_id == card.c.org_id, MaintenanceIssueType.id == card.c.issue_type_id))
        .outerjoin(Room, and_(Room.org_id == card.c.org_id, Room.id == card.c.room_id))
        .outerjoin(A, and_(A.org_id == card.c.org_id, A.request_id == card.c.id, A.active))
        .outerjoin(Member, and_(Member.org_id == A.org_id, Member.user_id == A.user_id)))
    for row in session.execute(statement):
        columns[row.position].count = row.count
        if row.id is not None:
            columns[row.position].cards.append(_card(row))
    for one in columns:
        one.cards.sort(key=lambda card: (card.order, card.id))
    return columns


def _card(row: Any) -> Card:
    return Card(
        id=row.id, reference=row.reference, hostel_id=row.hostel_id, priority=Priority(row.priority), issue=row.issue, room=row.room,
        place=row.place, description=row.description, raised_at=row.raised_at,
        facts=Request(RequestStatus(row.status), row.user_id, row.assignee_id, row.resolved_at, row.outside_party),
        clock=SlaClock(row.clock_started_at, Priority(row.priority), row.held, row.held_since),
        due=row.resolve_by or row.raised_at, holder=row.holder, changed=f"{row.updated_at.timestamp()}{row.assignment_id or ''}")
