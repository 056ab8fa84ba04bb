"""Tells people things in the console; called by jobs, which act for the product itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.permissions import Action, Resource

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
