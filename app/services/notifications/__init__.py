"""Tells people things (called by jobs, which act for the product itself), and what each has read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.models.notifications import Notification
from app.permissions import Action, Resource
from app.rules.errors import NotFound
from app.rules.notifications import KINDS, Channel, Kind, Quiet, due_at
from app.services.work import ASKED

PAGE = 50

_NOTIFY = text("SELECT app.notify(:users, :kind, :urgency, :key, :title, :body, :link, :hostel, :channels, :offered, :forced, :source), app.now()")
_PLAN = text("SELECT app.plan_deliveries(:ids, :dues)")
_WHO_CAN = text("SELECT app.people_who_can(:resource, :action, :hostel)")


@dataclass(frozen=True)
class Message:
    """Something to tell. `key` names the occasion: nobody is told twice; `link` is an address within the console.

    `channels`, where given, are all that come into question; `source_id` is the announcement, if it is one.
    """

    kind: str
    key: str
    title: str
    hostel_id: UUID | None
    link: str = ""
    body: str = ""
    channels: tuple[Channel, ...] = ()
    source_id: UUID | None = None


def tell(session: Session, users: Iterable[int], message: Message) -> int:
    """Tell each person once, by the channels they want; returns how many were told now. Whoever is no member is skipped."""
    wanted = sorted(set(users))
    if not wanted:
        return 0
    kind = KINDS.get(message.kind) or Kind(message.kind, "", Resource.NOTIFICATIONS)
    found, now = session.execute(_NOTIFY, {
        "users": wanted, "kind": kind.name, "urgency": kind.urgency.value, "key": message.key, "title": message.title, "body": message.body,
        "link": message.link, "hostel": message.hostel_id, "channels": list(message.channels or kind.usual), "offered": list(message.channels or kind.offered),
        "forced": kind.forced, "source": message.source_id}).one()
    if found["waiting"]:
        dues = [due_at(now, kind.urgency, _moment(one["last"]), quiet_hours(one["quiet_from"], one["quiet_to"], one["zone"]))
                for one in found["waiting"]]
        session.execute(_PLAN, {"ids": [UUID(one["id"]) for one in found["waiting"]], "dues": dues})
        session.info[ASKED] = True
    return int(found["told"])


def _moment(text_: str | None) -> datetime | None:
    return datetime.fromisoformat(text_) if text_ else None


def quiet_hours(start: Any, end: Any, zone: str) -> Quiet | None:
    """Somebody's quiet hours, from times or from what JSON makes of them; None if there are none."""
    if start is None or end is None:
        return None
    first, last = (time.fromisoformat(one) if isinstance(one, str) else one for one in (start, end))
    return Quiet(first, last, ZoneInfo(zone))


def people_who_can(session: Session, resource: Resource, action: Action, hostel_id: UUID) -> set[int]:
    """Staff who hold a capability in a hostel, through whatever role."""
    return set(session.scalars(_WHO_CAN, {"resource": resource.value, "action": action.value, "hostel": hostel_id}))


def own(session: Session, user_id: int, *, unread: bool = False, archived: bool = False, kinds: Sequence[str] | None = None,
        before: datetime | None = None) -> list[Notification]:
    """What a person was told, newest first, up to PAGE of it told before a moment."""
    found = select(Notification).where(Notification.user_id == user_id).order_by(Notification.created_at.desc()).limit(PAGE)
    found = found.where(Notification.archived_at.isnot(None) if archived else Notification.archived_at.is_(None))
    if unread:
        found = found.where(Notification.read_at.is_(None))
    if kinds is not None:
        found = found.where(Notification.kind.in_(kinds))
    if before is not None:
        found = found.where(Notification.created_at < before)
    return list(session.scalars(found))


def announced(session: Session, user_id: int, announcement_id: UUID) -> Notification:
    """What a person was told by an announcement."""
    found: Notification | None = session.scalar(
        select(Notification).where(Notification.user_id == user_id, Notification.key == f"announcement:{announcement_id}"))
    if found is None:
        raise NotFound("This notification is not there any more.")
    return found


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


def set_aside(session: Session, user_id: int, notification_id: UUID, *, archived: bool) -> None:
    """Put one into the archive, which counts as having read it, or take it out."""
    changed = session.execute(
        update(Notification).where(Notification.user_id == user_id, Notification.id == notification_id)
        .values(archived_at=func.app.now() if archived else None,
                read_at=func.coalesce(Notification.read_at, func.app.now()) if archived else Notification.read_at)
        .returning(Notification.id))
    if changed.one_or_none() is None:
        raise NotFound("This notification is not there any more.")
