"""What is free: the slots of some days, remembered for 30 seconds under a mark that every change replaces (B2)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from redis import Redis, RedisError
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.models.amenities import AmenityBooking, AmenitySlot, AmenityWait
from app.rules.amenities import KEPT, BookingStatus, SlotState, WaitStatus


@dataclass(frozen=True)
class Span:
    """A slot as a calendar shows it."""

    id: UUID
    day: date
    starts_at: datetime
    ends_at: datetime
    capacity: int
    booked: int
    held: int
    state: SlotState

    @property
    def free(self) -> int:
        """Places that can be booked."""
        return self.capacity - self.booked - self.held if self.state is SlotState.OPEN else 0

    @property
    def share(self) -> float:
        """How much of it is taken."""
        return (self.booked + self.held) / self.capacity


@dataclass(frozen=True)
class Mine:
    """What somebody has in a slot: a booking, a place in line, or an offer until a moment."""

    booking_id: UUID | None = None
    wait_id: UUID | None = None
    offered_until: datetime | None = None


def week(session: Session, redis: Redis, org_id: UUID, amenity_id: UUID, first: date, days: int = 7) -> dict[date, list[Span]]:
    """The slots of an amenity that the caller was found to see, by day; they are as fresh as the last change, or 30 seconds old.

    What is remembered are counts alone, nothing of anybody.
    """
    key = _kept(redis, org_id, amenity_id, first, days)
    found = _recall(redis, key)
    if found is None:
        found = [Span(row.id, row.day, row.starts_at, row.ends_at, row.capacity, row.booked_count, row.held_count, SlotState(row.state))
                 for row in session.execute(select(
                     AmenitySlot.id, AmenitySlot.day, AmenitySlot.starts_at, AmenitySlot.ends_at, AmenitySlot.capacity, AmenitySlot.booked_count,
                     AmenitySlot.held_count, AmenitySlot.state).where(
                         AmenitySlot.amenity_id == amenity_id, AmenitySlot.day.between(first, first + timedelta(days=days - 1)),
                         AmenitySlot.state != SlotState.WITHDRAWN.value).order_by(AmenitySlot.starts_at))]
        _keep(redis, key, found)
    by_day: dict[date, list[Span]] = defaultdict(list)
    for span in found:
        by_day[span.day].append(span)
    return {first + timedelta(days=place): by_day[first + timedelta(days=place)] for place in range(days)}


def mine(session: Session, user_id: int, slots: Sequence[UUID]) -> Mapping[UUID, Mine]:
    """What a person has in these slots."""
    found = {slot: Mine(wait_id=wait, offered_until=until) for slot, wait, until in session.execute(select(
        AmenityWait.slot_id, AmenityWait.id, AmenityWait.offered_until).where(
            AmenityWait.user_id == user_id, AmenityWait.slot_id.in_(slots), AmenityWait.status.in_([WaitStatus.WAITING.value, WaitStatus.OFFERED.value])))}
    return found | {slot: Mine(booking_id=booking) for slot, booking in session.execute(select(AmenityBooking.slot_id, AmenityBooking.id).where(
        AmenityBooking.user_id == user_id, AmenityBooking.slot_id.in_(slots), AmenityBooking.status != BookingStatus.CANCELLED.value))}


def forget_later(session: Session, redis: Redis, org_id: UUID) -> None:
    """Something changes in the amenities of an organization: forget what was free once this is committed."""
    event.listen(session, "after_commit", lambda _session: forget(redis, org_id), once=True)


def forget(redis: Redis, org_id: UUID) -> None:
    """Something has changed in the amenities of an organization."""
    with suppress(RedisError):  # what is kept lives for 30 seconds, and a booking asks the database
        redis.set(_mark(org_id), uuid4().hex)


def _mark(org_id: UUID) -> str:
    return f"amenities:mark:{org_id}"


def _kept(redis: Redis, org_id: UUID, amenity_id: UUID, first: date, days: int) -> str | None:
    try:
        mark: Any = redis.get(_mark(org_id))
    except RedisError:
        return None
    return f"amenities:week:{org_id}:{amenity_id}:{first}:{days}:{mark.decode() if mark else ''}"


def _recall(redis: Redis, key: str | None) -> list[Span] | None:
    try:
        found: Any = redis.get(key) if key else None
    except RedisError:
        return None
    return None if found is None else [Span(
        UUID(one["id"]), date.fromisoformat(one["day"]), datetime.fromisoformat(one["starts_at"]), datetime.fromisoformat(one["ends_at"]),
        one["capacity"], one["booked"], one["held"], SlotState(one["state"])) for one in json.loads(found)]


def _keep(redis: Redis, key: str | None, known: Sequence[Span]) -> None:
    if key:
        with suppress(RedisError):
            redis.set(key, json.dumps([asdict(one) for one in known], default=lambda value: value.isoformat() if isinstance(value, date) else str(value)),
                      ex=KEPT)
