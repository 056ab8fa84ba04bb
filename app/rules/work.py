"""Decisions about background work: when a failed piece is tried again, when it is given up, which runs are due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from app.rules.errors import DomainError

MAX_ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
_GROWTH = 3  # 10 s, 30 s, 90 s …: eight attempts span some two hours, an evening's outage of a mail server
_HOPELESS = frozenset({400, 403, 404, 410, 422})  # statuses of refusals that stay what they are
_EPOCH = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday, so that weekly runs start with the week


class WorkState(StrEnum):
    """Where a piece of work stands; a *dead letter* is kept until a person looks into it."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"


def pause_after(attempts: int, luck: float) -> timedelta:
    """How long to wait after the `attempts`-th failure; `luck` from 0 to 1 spreads what failed together.

    Exponential back-off with "equal jitter": half of the pause is certain, half is chance.
    """
    whole = min(FIRST_PAUSE * float(_GROWTH ** min(attempts - 1, 20)), LONGEST_PAUSE)
    return whole * (0.5 + luck / 2)


def is_hopeless(error: BaseException, attempts: int) -> bool:
    """Whether trying again is pointless: it was tried often enough, or was refused for a reason that stays."""
    return attempts >= MAX_ATTEMPTS or (isinstance(error, DomainError) and error.status in _HOPELESS)


@dataclass(frozen=True)
class Scheduled:
    """Work of the installation that is started at regular times: every `every`, `offset` after the full period (UTC)."""

    kind: str
    every: timedelta
    offset: timedelta = timedelta(0)

    def slot(self, now: datetime) -> datetime:
        """When the newest run was due. Runs missed before it (everything was off) are left out."""
        return now - (now - _EPOCH - self.offset) % self.every
