"""What tests of events share: events that the owner makes, residents who answer, and what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from app.permissions import Portal
from app.rules.events import Answer, ReplyState
from app.services import events
from app.tenancy import tenant_scope
from tests.maintenance import scope
from tests.world import Person, World


def now(superuser: Engine) -> datetime:
    """By the product's clock."""
    with superuser.connect() as connection:
        found: datetime = connection.execute(text("SELECT app.now()")).scalar_one()
    return found


def event(world: World, superuser: Engine, *, published: bool = True, by: Person | None = None, **values: Any) -> UUID:
    """An event of the first hostel, in three days unless something else is said; committed."""
    starts_at = values.pop("starts_at", None) or now(superuser) + timedelta(days=3)
    with scope(by or world.owner) as session:
        made = events.planning.add(session, {
            "hostel_id": world.a.places[0].hostel_id, "title": "Film night", "place": "Roof", "starts_at": starts_at,
            "ends_at": starts_at + timedelta(hours=2), **values}).id
    if published:
        move(world, made, "publish")
    return made


def move(world: World, event_id: UUID, step: str, note: str = "") -> None:
    """Publish or cancel it."""
    with scope(world.owner) as session:
        events.planning.move(session, event_id, step, note)


def change(world: World, event_id: UUID, **values: Any) -> None:
    """Somebody in charge edits it."""
    with scope(world.owner) as session:
        events.planning.change(session, events.planning.find(session, event_id), values)


def reply(world: World, event_id: UUID, user: int, answer: Answer = Answer.YES, guests: int = 0) -> ReplyState:
    """A resident's answer; committed."""
    with tenant_scope(world.a.org_id, user, portal=Portal.RESIDENT) as session:
        return events.replying.reply(session, event_id, answer, guests)


def states(superuser: Engine, event_id: UUID) -> dict[int, str]:
    """Who answered, by person."""
    with superuser.connect() as connection:
        return dict(connection.execute(text("SELECT user_id, state FROM event_replies WHERE event_id = :id"), {"id": event_id}).all())  # type: ignore[arg-type]
