"""What the screens of maintenance share: who is asking, what they may do to a request, how its clock reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import g, request
from flask_babel import gettext
from markupsafe import Markup

from app.lifecycle import Transition
from app.models.maintenance import MaintenanceRequest
from app.permissions import Action, Resource
from app.rules.errors import Invalid, NotFound
from app.rules.maintenance import CLOSED, Person, RequestStatus, SlaClock, SLA_TARGETS, human_duration, may_reassign, moves
from app.services.maintenance import Assignee
from app.views import formats

# What a dialog asks before a step is taken; steps that are not here are taken at once. A note is asked for where
# it helps whoever comes next, and insisted on where the lifecycle does.
QUESTIONS = {
    "hold": "What is it waiting for?", "resolve": "What was done?", "reject": "Why is it turned down?",
    "escalate": "What do administrators need to know?", "dispute": "What is still wrong?", "reopen": "What is still wrong?",
}


def asking(hostel_id: UUID | None) -> Person:
    """The caller, as the rules know people, with what they may do in a hostel."""
    identity = g.identity
    held = frozenset((Resource.MAINTENANCE, action) for action in Action
                     if identity.can(Resource.MAINTENANCE, action, hostel_id))
    return Person(identity.user_id, held)


def next_moves(item: MaintenanceRequest, now: datetime) -> list[Transition[RequestStatus]]:
    """The buttons for a request: what its lifecycle allows and this person may do now."""
    return moves(asking(item.hostel_id), item.facts, now)


def can_reassign(item: MaintenanceRequest) -> bool:
    """Whether the caller may put it in other hands."""
    return may_reassign(asking(item.hostel_id), item.facts)


def given_assignee() -> Assignee | None:
    """Whom a form names: a member, or an outside party; None if the form asks for nobody."""
    member, outside = request.form.get("user_id", "").strip(), request.form.get("outside_party", "").strip()
    if not member and not outside:
        return None
    if member and (not member.isascii() or not member.isdigit() or len(member) > 9):
        raise Invalid(gettext("Choose one from the list."), field="user_id")
    return Assignee(int(member) if member else None, outside or None)


def given_id(text: str) -> UUID:
    """An id from an address; what is none belongs to nothing."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(gettext("There is no such maintenance request.")) from error


def clock_words(clock: SlaClock, state: RequestStatus, now: datetime) -> tuple[str, str]:
    """(tone, words) of an SLA clock: how long is left, how much over, and whether it stands still."""
    left = SLA_TARGETS[clock.priority].resolve - clock.elapsed(now)
    over = clock.is_breached(now)
    if state in CLOSED:
        taken = human_duration(clock.elapsed(now))
        return ("danger", gettext("%(time)s, too late", time=taken)) if over else (
            "success", gettext("%(time)s, in time", time=taken))
    words = gettext("Overdue by %(time)s", time=human_duration(-left)) if over else gettext(
        "Due in %(time)s", time=human_duration(left))
    if clock.held_since is not None:
        return "danger" if over else "neutral", gettext("%(words)s, clock stopped", words=words)
    return ("danger" if over else "warning" if left < SLA_TARGETS[clock.priority].resolve / 4 else "neutral"), words


def clock_badge(item: MaintenanceRequest, now: datetime | None = None) -> Markup:
    """The clock of a request as a label."""
    tone, words = clock_words(item.clock, item.state, now or formats.now())
    return Markup('<span class="badge badge-{}">{}</span>').format(tone, words)


def helpers() -> dict[str, Any]:
    """What templates of maintenance call."""
    return {"next_moves": next_moves, "clock_badge": clock_badge, "questions": QUESTIONS, "now": formats.now(),
            "human_duration": human_duration}
