"""Reads of inquiries: who could work on them, what belongs to the same person, the board. Policies decide which rows there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session

from app.models.inquiries import Inquiry
from app.models.people import Member
from app.rules.errors import NotFound
from app.rules.inquiries import OPEN, Stage

COLUMN_SIZE = 30  # cards that a column shows; the list has the rest
CLOSED_SHOWN = timedelta(days=14)  # the board shows what was won or lost lately
_WORKERS = text("SELECT user_id, name FROM app.inquiry_workers(NULL)")


def workers(session: Session) -> list[tuple[int, str]]:
    """(user_id, name) of everybody who works on inquiries of all hostels."""
    return [(user_id, name) for user_id, name in session.execute(_WORKERS)]


def copies(session: Session, item: Inquiry) -> Sequence[Inquiry]:
    """What the person of this inquiry has sent besides, the latest first."""
    return session.scalars(select(Inquiry).where(Inquiry.org_id == item.org_id, Inquiry.duplicate_of == item.id)
                           .order_by(Inquiry.asked_at.desc()).limit(20)).all()


def by_number(session: Session, org_id: UUID, number: int) -> UUID:
    """The id of an inquiry by its number. Error: NotFound."""
    found = session.scalar(select(Inquiry.id).where(Inquiry.org_id == org_id, Inquiry.number == number, Inquiry.deleted_at.is_(None)))
    if found is None:
        raise NotFound("There is no inquiry of this reference.")
    return found


# --- the board ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BoardFilter:
    """What the board is narrowed to; `owner_id` is a person's id."""

    org_id: UUID
    hostel_id: UUID | None = None
    owner_id: int | None = None


@dataclass(frozen=True)
class Card:
    """An inquiry as the board draws it."""

    id: UUID
    reference: str
    full_name: str
    stage: Stage
    hostel_id: UUID | None
    source: str
    next_action: str
    next_action_at: datetime | None
    stage_since: datetime
    owner: str
    updated_at: datetime

    @property
    def order(self) -> float:
        """Where in its column it stands: what came to its stage last is first."""
        return -self.stage_since.timestamp()


@dataclass
class Column:
    """One stage with its first cards, and how many there are of all."""

    state: Stage
    count: int = 0
    cards: list[Card] = field(default_factory=list)

    @property
    def more(self) -> bool:
        """Whether the list has more."""
        return self.count > len(self.cards)


def board(session: Session, wanted: BoardFilter, now: datetime, ids: Sequence[UUID] = ()) -> list[Column]:
    """Every stage in order, in one statement; with `ids` those cards alone, and the counts of all."""
    place = func.row_number().over(partition_by=Inquiry.status, order_by=(Inquiry.stage_since.desc(), Inquiry.id))
    count = func.count().over(partition_by=Inquiry.status)
    shown = (Inquiry.id, Inquiry.reference, Inquiry.full_name, Inquiry.status, Inquiry.hostel_id, Inquiry.source, Inquiry.next_action,
             Inquiry.next_action_at, Inquiry.stage_since, Inquiry.owner_id, Inquiry.updated_at)
    rows = select(*shown, Inquiry.org_id, place.label("place"), count.label("total")).where(
        Inquiry.org_id == wanted.org_id, Inquiry.deleted_at.is_(None), Inquiry.duplicate_of.is_(None),
        or_(Inquiry.status.in_(sorted(stage.value for stage in OPEN)), Inquiry.stage_since > now - CLOSED_SHOWN))
    if wanted.hostel_id is not None:
        rows = rows.where(Inquiry.hostel_id == wanted.hostel_id)
    if wanted.owner_id is not None:
        rows = rows.where(Inquiry.owner_id == wanted.owner_id)
    found = rows.subquery()
    # The first row of each stage comes along whatever is asked for: it brings the count.
    chosen = or_(found.c.place == 1, found.c.id.in_(ids)) if ids else found.c.place <= COLUMN_SIZE
    statement = select(found, Member.name.label("owner")).outerjoin(
        Member, and_(Member.org_id == found.c.org_id, Member.user_id == found.c.owner_id)).where(chosen).order_by(found.c.place)
    columns = {stage: Column(stage) for stage in Stage}
    for row in session.execute(statement):
        column = columns[Stage(row.status)]
        column.count = row.total
        if not ids or row.id in ids:
            column.cards.append(Card(row.id, row.reference, row.full_name, column.state, row.hostel_id, row.source, row.next_action,
                                     row.next_action_at, row.stage_since, row.owner or "", row.updated_at))
    return list(columns.values())
