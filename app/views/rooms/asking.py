"""What steps about beds ask, and how their answers are read."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import request
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.permissions import Portal
from app.rules.errors import Invalid
from app.rules.residents import BedState
from app.services import beds, occupancy
from app.views.base import Ask

LETTING = frozenset({Portal.ADMIN, Portal.SALES})  # the portals whose people let beds, or look for one for somebody


def day_ask(name: str, label: str, *, required: bool = True, help: str = "") -> Ask:  # noqa: A002 - as Ask calls it
    """A day."""
    return Ask(name, label, "date", required=required, help=help)


def given_day(name: str) -> date:
    """The day that was given; Invalid for what is none."""
    try:
        return date.fromisoformat(request.form.get(name, "").strip())
    except ValueError as error:
        raise Invalid(gettext("Please give a date."), field=name) from error


def optional_day(name: str) -> date | None:
    """The same where nothing may be given."""
    return given_day(name) if request.form.get(name, "").strip() else None


def given_key(name: str) -> UUID:
    """The row that was chosen from a list."""
    try:
        return UUID(request.form.get(name, ""))
    except ValueError as error:
        raise Invalid(gettext("Choose one from the list."), field=name) from error


def given_person(name: str = "member") -> int:
    """The person who was chosen from a list."""
    text = request.form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - as many digits as an id has
        raise Invalid(gettext("Choose one from the list."), field=name)
    return int(text)


def person_ask(session: Session, hostel_id: UUID) -> Ask:
    """Who has no bed in the hostel yet."""
    return Ask("member", gettext("Person"), "choice", choices=occupancy.people_without_bed(session, hostel_id),
               help=gettext("People with the role of a resident here who have no bed yet."))


def free_bed_ask(session: Session, hostel_id: UUID, day: date) -> Ask:
    """Beds that are free from a day on."""
    free = [(one.bed_id, f"{one.number}-{one.label}, {gettext(one.floor)}") for one in beds.choices(session, hostel_id, day)
            if one.state is BedState.FREE and not one.waiting]
    return Ask("bed", gettext("Bed"), "choice", choices=free, help=gettext("Beds that are free from today on."))


def periods() -> tuple[Any, Any]:
    """From which day on, and until when."""
    return (day_ask("from_on", gettext("From")),
            day_ask("until_on", gettext("Until"), required=False, help=gettext("The first day that does not belong to it. Empty: open.")))


def given_note() -> str:
    """The reason that was given, if one was."""
    return request.form.get("note", "").strip()
