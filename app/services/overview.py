"""What needs doing now, for the home page: few statements, each along an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.models.maintenance import MaintenanceRequest as R
from app.models.work import Work
from app.rules.maintenance import OPEN, Priority, RequestStatus
from app.rules.work import WorkState
from app.services.maintenance.finding import is_held_by, is_overdue, with_relations

SHOWN = 8  # requests that a list of the home page holds
_OPEN = [state.value for state in OPEN]
_WITH_NOBODY = frozenset({RequestStatus.SUBMITTED, RequestStatus.UNASSIGNED})


@dataclass(frozen=True)
class Counts:
    """Open requests: by state in the order of the lifecycle, those beyond their target, those that are urgent."""

    by_state: dict[RequestStatus, int] = field(default_factory=dict)
    overdue: int = 0
    urgent: int = 0

    @property
    def open(self) -> int:
        """All of them."""
        return sum(self.by_state.values())

    @property
    def unassigned(self) -> int:
        """Those that nobody has in hand yet."""
        return sum(count for state, count in self.by_state.items() if state in _WITH_NOBODY)

    @property
    def escalated(self) -> int:
        """Those whose time had passed when somebody was called."""
        return self.by_state.get(RequestStatus.ESCALATED, 0)


def count_open(session: Session, org_id: UUID, hostel_id: UUID | None, now: datetime) -> Counts:
    """How many requests are open, in one statement."""
    found = session.execute(
        select(R.status, func.count(), func.count().filter(is_overdue(now)), func.count().filter(R.priority == Priority.HIGH.value))
        .where(*_open(org_id, hostel_id)).group_by(R.status)).all()
    by_state = {status: count for status, count, _, _ in found}
    return Counts({state: by_state[state.value] for state in RequestStatus if state.value in by_state},
                  sum(overdue for _, _, overdue, _ in found), sum(urgent for _, _, _, urgent in found))


def my_work(session: Session, org_id: UUID, user_id: int) -> Sequence[R]:
    """Open requests in the hands of one person, the most urgent first."""
    return session.scalars(
        select(R).where(*_open(org_id, None), is_held_by(user_id)).options(*with_relations())
        .order_by(R.resolve_by, R.id).limit(SHOWN)).all()


def free_work(session: Session, org_id: UUID, hostel_id: UUID | None) -> Sequence[R]:
    """Requests that anybody may claim, the most urgent first."""
    return session.scalars(
        select(R).where(*_open(org_id, hostel_id), R.status.in_([state.value for state in _WITH_NOBODY]))
        .options(*with_relations()).order_by(R.resolve_by, R.id).limit(SHOWN)).all()


def in_trouble(session: Session, org_id: UUID, hostel_id: UUID | None, now: datetime) -> Sequence[R]:
    """Escalated requests, then the overdue, the longest overdue first; last those whose clock stands still."""
    escalated: ColumnElement[bool] = R.status == RequestStatus.ESCALATED.value
    return session.scalars(
        select(R).where(*_open(org_id, hostel_id), escalated | is_overdue(now)).options(*with_relations())
        .order_by(escalated.desc(), R.held_since.is_not(None), R.resolve_by, R.id).limit(SHOWN)).all()


def dead_letters(session: Session) -> int:
    """Work of this organization that was given up."""
    return session.scalar(select(func.count()).select_from(Work).where(Work.state == WorkState.DEAD.value)) or 0


def _open(org_id: UUID, hostel_id: UUID | None) -> list[ColumnElement[bool]]:
    wanted = [R.org_id == org_id, R.status.in_(_OPEN), R.deleted_at.is_(None)]
    return wanted if hostel_id is None else [*wanted, R.hostel_id == hostel_id]
