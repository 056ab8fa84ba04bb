"""Who comes: answers with guests, places and the line behind them, and the list of people for those who run an event."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.models.events import EventReply
from app.rules.events import Answer, ReplyState

_REPLY = text("SELECT app.reply_to_event(:event, :answer, :guests)")
_COUNTS = text("SELECT event_id, coming, maybe, waiting, ahead FROM app.event_counts(:events)")
_PEOPLE = text("SELECT user_id, name, room, state, guests, answered_at FROM app.event_people(:event)")


@dataclass(frozen=True)
class Counts:
    """Places that are taken or may be, answers that wait, and how many of those stand before the caller."""

    coming: int = 0
    maybe: int = 0
    waiting: int = 0
    ahead: int = 0


@dataclass(frozen=True)
class Guest:
    """Somebody who answered; `places` counts them and whom they bring."""

    user_id: int
    name: str
    room: str
    state: ReplyState
    guests: int
    answered_at: datetime

    @property
    def places(self) -> int:
        """How many come together."""
        return 1 + self.guests


def reply(session: Session, event_id: UUID, answer: Answer, guests: int = 0) -> ReplyState:
    """What the caller says to an event; a yes that finds no places waits in line.

    Errors (as DBAPIError, translated at the edge): VR404, VR409 (cancelled, begun, too late, not enough places for more
    guests), VR422.
    """
    session.flush()
    state = ReplyState(session.execute(_REPLY, {"event": event_id, "answer": answer.value, "guests": guests}).scalar_one())
    session.expire_all()
    return state


def counts(session: Session, events: Collection[UUID]) -> dict[UUID, Counts]:
    """Of each event that the caller may see."""
    if not events:
        return {}
    return {row.event_id: Counts(row.coming, row.maybe, row.waiting, row.ahead) for row in session.execute(_COUNTS, {"events": list(events)})}


def own(session: Session, user_id: int, events: Collection[UUID]) -> dict[UUID, EventReply]:
    """A person's answers to some events."""
    return {one.event_id: one for one in session.scalars(select(EventReply).where(
        EventReply.user_id == user_id, EventReply.event_id.in_(events)))}


def people(session: Session, event_id: UUID) -> Sequence[Guest]:
    """Who answered: those who come, then those who wait in their order, then the others."""
    return [Guest(row.user_id, row.name, row.room, ReplyState(row.state), row.guests, row.answered_at)
            for row in session.execute(_PEOPLE, {"event": event_id})]
