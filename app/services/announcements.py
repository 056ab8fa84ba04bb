"""Announcements: written, given a time, told to everybody they are for, once; and the organization's own templates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session, contains_eager

from app.models.announcements import Announcement, NotificationTemplate
from app.models.notifications import Delivery
from app.models.people import Member
from app.models.rooms import Floor
from app.permissions import Role
from app.rules.announcements import TEMPLATE_MAX, AnnouncementState, check_template
from app.rules.errors import Conflict, Invalid
from app.rules.notifications import Channel, DeliveryState
from app.services.notifications import Message, tell
from app.services.work import ASKED

SEND = "announcements.send"
MOST_RECEIPTS = 200
_REACH = text("SELECT app.announcement_reach(:id)")
_RELEASE = text("SELECT app.release_announcement(:id, :at)")
_WITHDRAW = text("SELECT app.withdraw_announcement(:id)")
_BEGIN = text("SELECT app.begin_announcement(:id)")
_FIGURES = text("SELECT channel, state, people FROM app.announcement_figures(:id)")


def add(session: Session, given: dict[str, Any], announcement_id: UUID) -> Announcement:
    """A draft; the id is that of the form, so that a double click makes one."""
    if session.get(Announcement, announcement_id) is None:
        session.execute(insert(Announcement).values(id=announcement_id, **_checked(session, given)))
    return session.get_one(Announcement, announcement_id)


def change(session: Session, found: Announcement, given: dict[str, Any]) -> None:
    """Other words or another audience, as long as it is a draft."""
    if found.state != AnnouncementState.DRAFT:
        raise Conflict("Only a draft can be changed. Take back the time of sending first.")
    for name, value in _checked(session, given).items():
        setattr(found, name, value)
    session.flush()


def remove(session: Session, found: Announcement, now: datetime) -> None:
    """A draft that nobody needs."""
    if found.state != AnnouncementState.DRAFT:
        raise Conflict("Only a draft can be removed.")
    found.deleted_at = now
    session.flush()


def _checked(session: Session, given: dict[str, Any]) -> dict[str, Any]:
    channels, roles = given.get("channels") or [], given.get("roles") or []
    if not channels or not set(channels) <= {one.value for one in Channel}:
        raise Invalid("Choose at least one channel.", field="channels")
    if not set(roles) <= {one.value for one in Role}:
        raise Invalid("Choose roles from the list.", field="roles")
    floor_id = given.get("floor_id")
    floor = session.scalar(select(Floor).where(Floor.id == floor_id)) if floor_id else None
    if floor is not None and floor.hostel_id != given.get("hostel_id"):
        raise Invalid("This floor belongs to another hostel.", field="floor")
    return {**given, "channels": list(channels), "roles": list(roles)}


def reach(session: Session, announcement_id: UUID) -> int:
    """How many people it would be told to now."""
    return int(session.execute(_REACH, {"id": announcement_id}).scalar_one())


def release(session: Session, announcement_id: UUID, at: datetime | None) -> datetime:
    """Have it sent at a time, or now."""
    due: datetime = session.execute(_RELEASE, {"id": announcement_id, "at": at}).scalar_one()
    session.info[ASKED] = True
    session.expire_all()
    return due


def withdraw(session: Session, announcement_id: UUID) -> None:
    """Take its time back: a draft again."""
    session.execute(_WITHDRAW, {"id": announcement_id})
    session.expire_all()


def tell_all(session: Session, announcement_id: UUID) -> int:
    """Tell everybody whom it is for, if its time has come and it was not told yet; returns how many were told."""
    users: list[int] | None = session.execute(_BEGIN, {"id": announcement_id}).scalar_one()
    if users is None:
        return 0
    found = session.scalars(select(Announcement).where(Announcement.id == announcement_id)).one()
    return tell(session, users, Message(
        "announcement.emergency" if found.emergency else "announcement", f"announcement:{found.id}", found.title, found.hostel_id,
        f"/notifications/announced/{found.id}", found.body, tuple(Channel(one) for one in found.channels), found.id))


def figures(session: Session, announcement_id: UUID) -> dict[Channel, dict[DeliveryState, int]]:
    """What became of it: people by channel and state."""
    found: dict[Channel, dict[DeliveryState, int]] = {}
    for channel, state, people in session.execute(_FIGURES, {"id": announcement_id}):
        found.setdefault(Channel(channel), {})[DeliveryState(state)] = people
    return found


def receipts(session: Session, announcement_id: UUID) -> list[Delivery]:
    """Whom it reached and how far, by name, up to MOST_RECEIPTS."""
    return list(session.scalars(
        select(Delivery).join(Delivery.member).options(contains_eager(Delivery.member)).where(Delivery.source_id == announcement_id)
        .order_by(Member.name, Member.user_id, Delivery.channel).limit(MOST_RECEIPTS)))


# -- templates -----------------------------------------------------------------------------------------------------------


def save_template(session: Session, found: NotificationTemplate | None, given: dict[str, Any], template_id: UUID,
                  languages: Sequence[str]) -> NotificationTemplate:
    """New words, or other ones; a template that cannot be filled in is refused with the place."""
    check_template(given.get("subject") or "", "subject")
    check_template(given["body"], "body")
    if len(given["body"]) > TEMPLATE_MAX:
        raise Invalid("This text is too long.", field="body")
    channel, language = (given.get(name, getattr(found, name, "")) for name in ("channel", "language"))
    if language not in languages:
        raise Invalid("Choose a language from the list.", field="language")
    if channel not in {one.value for one in Channel} - {Channel.IN_APP.value}:
        raise Invalid("Choose a channel from the list.", field="channel")
    kept = {**given, "subject": given.get("subject") or "", "kind": given.get("kind", getattr(found, "kind", "")) or ""}
    same = select(NotificationTemplate.id).where(*(getattr(NotificationTemplate, name) == value for name, value in (
        ("channel", channel), ("language", language), ("kind", kept["kind"]))))
    if any(one != (found.id if found else template_id) for one in session.scalars(same)):
        raise Invalid("There is a template for this channel, language and kind already.", field="kind")
    made = found or session.get(NotificationTemplate, template_id) or NotificationTemplate(id=template_id)
    for name, value in kept.items():
        setattr(made, name, value)
    session.add(made)
    session.flush()
    return made
