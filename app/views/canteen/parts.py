"""What the screens of the canteen share: which house, day and meal are meant, and that a changed menu is forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import g, request
from flask_babel import gettext
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.permissions import Portal
from app.rules.canteen import Meal
from app.rules.errors import Invalid
from app.services.canteen import menu
from app.views import formats
from app.views.paging import BadListRequest
from app.wiring import redis
from reports.period import read_day

KITCHEN = frozenset({Portal.ADMIN, Portal.CANTEEN})


def local_now(zone: ZoneInfo) -> datetime:
    """By the clock of the house."""
    return formats.now().astimezone(zone)


def chosen_day(otherwise: date) -> date:
    """The day that the address names."""
    try:
        return read_day(request.args["day"], "day") if request.args.get("day") else otherwise
    except Invalid as error:
        raise BadListRequest(gettext("“%(text)s” is not a value of %(label)s.", text=request.args["day"][:40], label="day")) from error


def chosen_meal(times: menu.Times, now: datetime) -> Meal:
    """The meal that the address names, else the one that the kitchen is at: whose orders ended last, or end next."""
    if (text := request.args.get("meal")) in set(Meal):
        return Meal(text)
    ended = [meal for meal in Meal if times.until[meal] <= now.time()]
    return ended[-1] if ended else Meal.BREAKFAST


def menu_changed(session: Any, hostel_ids: Iterable[UUID]) -> None:
    """Once this is committed, nobody is shown what the menu was."""
    org_id, houses, store = g.identity.org_id, list(hostel_ids), redis()

    def forget(_session: Session) -> None:
        menu.forget(store, org_id, houses)

    event.listen(session, "after_commit", forget, once=True)


def house(hostel_id: UUID) -> str:
    """What a hostel is called."""
    return next(hostel.name for hostel in g.identity.hostels if hostel.id == hostel_id)


def given_time(name: str) -> time:
    """An hour of the form. Error: Invalid."""
    try:
        return time.fromisoformat(request.form.get(name, "").strip()).replace(tzinfo=None)
    except ValueError as error:
        raise Invalid(gettext("Write a time like 19:30."), field=name) from error


def given_number(name: str, wanted: str = "") -> int:
    """A small number of the form. Error: Invalid, with the sentence that is given."""
    text = request.form.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 5):  # noqa: PLR2004 - digits
        raise Invalid(wanted or gettext("Write a whole number."), field=name)
    return int(text)
