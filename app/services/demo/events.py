"""The demo's events: a film, a match, a party that is full with people in line, a feast for all houses, and what is planned or off."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.events import HostelEvent
from app.models.organizations import Hostel
from app.rules.events import Answer, EventStatus
from app.services.beds import house_day
from app.services.events import planning, replying

# Days from today, hour, hours, title, place, what it is, places, guests of each, and what became of it.
_PLANS: tuple[tuple[int, int, int, str, str, str, int | None, int, EventStatus], ...] = (
    (2, 20, 3, "Film night on the roof", "Roof", "A film that everybody votes for until dinner. Bring a blanket.", 40, 1, EventStatus.PUBLISHED),
    (4, 17, 2, "Badminton for beginners", "Court", "Rackets are there. Wear shoes with light soles.", 3, 0, EventStatus.PUBLISHED),
    (6, 10, 3, "Clean-up and brunch", "Canteen", "An hour of work, then pancakes.", None, 0, EventStatus.PUBLISHED),
    (9, 19, 2, "Open mic", "Common room", "Songs, poems, jokes: five minutes each.", 60, 2, EventStatus.DRAFT),
    (5, 18, 2, "Pottery workshop", "Common room", "", 12, 0, EventStatus.CANCELLED),
)
_FEAST = (12, 19, 4, "Winter party", "Courtyard", "All houses together, with music and a bonfire.", 200, 2, EventStatus.PUBLISHED)


def plan(session: Session, hostel_id: UUID) -> None:
    """Somebody in charge of a house."""
    for one in _PLANS:
        _plan(session, hostel_id, hostel_id, one)


def feast(session: Session, org_id: UUID) -> None:
    """Somebody in charge of all houses."""
    first = session.scalars(select(Hostel.id).order_by(Hostel.code).limit(1)).one()
    _plan(session, None, first, _FEAST, org_id)


def answer(session: Session, place: int) -> None:
    """A resident answers what there is; `place` varies how."""
    now_on = select(HostelEvent).where(HostelEvent.status == EventStatus.PUBLISHED.value).order_by(HostelEvent.starts_at, HostelEvent.id)
    for number, event in enumerate(session.scalars(now_on).all()):
        said = (Answer.YES, Answer.YES, Answer.MAYBE, Answer.YES, Answer.NO)[(place + number) % 5 if event.capacity != 3 else 0]  # noqa: PLR2004 - the court
        replying.reply(session, event.id, said, min(event.guests_most, place % 2))


def _plan(session: Session, hostel_id: UUID | None, by_clock_of: UUID, plan_: tuple[Any, ...], org_id: UUID | None = None) -> None:
    days, hour, hours, title, place, description, capacity, guests, state = plan_
    zone = ZoneInfo(session.scalars(select(Hostel.timezone).where(Hostel.id == by_clock_of)).one())
    starts_at = datetime.combine(house_day(session, by_clock_of) + timedelta(days=days), time(hour), zone)
    event = planning.add(session, {"hostel_id": hostel_id, "title": title, "place": place, "description": description, "starts_at": starts_at,
                                   "ends_at": starts_at + timedelta(hours=hours), "capacity": capacity, "guests_most": guests},
                         uuid5(hostel_id or org_id or by_clock_of, title))
    if state is not EventStatus.DRAFT:
        planning.move(session, event.id, "publish")
    if state is EventStatus.CANCELLED:
        planning.move(session, event.id, "cancel", "The potter is ill. We look for another day.")
