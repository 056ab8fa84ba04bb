"""Tells people things in the console (called by jobs, which act for the product itself), and what each has read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.models.notifications import Notification
from app.permissions import Action, Resource
from app.rules.errors import NotFound

PAGE = 50

_NOTIFY = text("SELECT app.notify(:users, :kind, :key, :title, :body, :link, :hostel)")
_WHO_CAN = text("SELECT app.people_who_can(:resource, :action, :hostel)")


@dataclass(frozen=True)
class Message:
    """Something to tell. `key` names the occasion: nobody is told twice; `link` is an address within the console."""

    kind: str
    key: str
    title: str
    hostel_id: UUID | None
    link: str = ""
    body: str = ""


def tell(session: Session, users: Iterable[int], message: Message) -> int:
    """Tell each person once; returns how many were told now. Whoever is no member is skipped."""
    wanted = sorted(set(users))
    if not wanted:
        return 0
    told: int = session.execute(_NOTIFY, {
        "users": wanted, "kind": message.kind, "key": message.key, "title": message.title, "body": message.body,
        "link": message.link, "hostel": message.hostel_id}).scalar_one()
    return told


def people_who_can(session: Session, resource: Resource, action: Action, hostel_id: UUID) -> set[int]:
    """Staff who hold a capability in a hostel, through whatever role."""
    return set(session.scalars(_WHO_CAN, {"resource": resource.value, "action": action.value, "hostel": hostel_id}))


def own(session: Session, user_id: int, *, unread: bool = False, before: datetime | None = None) -> list[Notification]:
    """What a person was told, newest first, up to PAGE of it told before a moment."""
    found = select(Notification).where(Notification.user_id == user_id).order_by(Notification.created_at.desc()).limit(PAGE)
    if unread:
        found = found.where(Notification.read_at.is_(None))
    if before is not None:
        found = found.where(Notification.created_at < before)
    return list(session.scalars(found))


def mark_read(session: Session, user_id: int, notification_id: UUID | None = None) -> str:
    """Mark one as read, or all of a person's; returns the link of the one."""
    changed = update(Notification).where(Notification.user_id == user_id)
    if notification_id is None:
        session.execute(changed.where(Notification.read_at.is_(None)).values(read_at=func.app.now()))
        return ""
    # Read twice, it keeps the first time.
    link: str | None = session.scalar(
        changed.where(Notification.id == notification_id)
        .values(read_at=func.coalesce(Notification.read_at, func.app.now())).returning(Notification.link))
    if link is None:
        raise NotFound("This notification is not there any more.")
    return link
