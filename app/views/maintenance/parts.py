"""What the screens of maintenance share: who is asking, what they may do to a request, how its clock reads."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from flask import g, request, url_for
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.lifecycle import Transition
from app.models.files import File
from app.models.maintenance import MaintenanceRequest
from app.permissions import Action, Portal, Resource
from app.rules.errors import Invalid
from app.rules.files import ACCEPTED, Purpose
from app.rules.maintenance import (
    CLOSED,
    RESIDENT_LINK_MINUTES,
    SLA_TARGETS,
    STAFF_LINK_MINUTES,
    Person,
    RequestStatus,
    SlaClock,
    check_attachment_count,
    may_reassign,
    moves,
)
from app.services import files, maintenance
from app.services.maintenance import Assignee
from app.views import edge, formats
from app.views.edge import submission_id
from app.wiring import objects, settings

# What a dialog asks before a step is taken; steps that are not here are taken at once. A note is asked for where
# it helps whoever comes next, and insisted on where the lifecycle does.
QUESTIONS = {
    "hold": lazy_gettext("What is it waiting for?"), "resolve": lazy_gettext("What was done?"),
    "reject": lazy_gettext("Why is it turned down?"), "escalate": lazy_gettext("What do administrators need to know?"),
    "dispute": lazy_gettext("What is still wrong?"), "reopen": lazy_gettext("What is still wrong?"),
}


def asking(hostel_id: UUID | None) -> Person:
    """The caller, as the rules know people, with what they may do in a hostel."""
    identity = g.identity
    held = frozenset((Resource.MAINTENANCE, action) for action in Action
                     if identity.can(Resource.MAINTENANCE, action, hostel_id))
    return Person(identity.user_id, held)


# The step that usually comes next, before all others.
_USUAL = ("claim", "start", "resume", "resolve", "reopen", "dispute")


def usual_first(steps: list[Transition[RequestStatus]]) -> list[Transition[RequestStatus]]:
    """The step that usually comes next before all others."""
    return sorted(steps, key=lambda step: _USUAL.index(step.name) if step.name in _USUAL else len(_USUAL))


def next_moves(item: MaintenanceRequest, now: datetime) -> list[Transition[RequestStatus]]:
    """The buttons for a request: what its lifecycle allows and this person may do now, the usual one first."""
    return usual_first(moves(asking(item.hostel_id), item.facts, now))


def among_hostels() -> bool:
    """Whether the reader sees requests of several hostels side by side."""
    return g.identity.hostel_id is None and len(g.identity.hostels) > 1


def can_reassign(item: MaintenanceRequest) -> bool:
    """Whether the caller may put it in other hands."""
    return may_reassign(asking(item.hostel_id), item.facts)


def given_assignee() -> Assignee | None:
    """Whom a form names: a member, or an outside party; None if the form asks for nobody."""
    member, outside = request.form.get("user_id", "").strip(), request.form.get("outside_party", "").strip()
    if not member and not outside:
        return None
    if member and not re.fullmatch(r"[0-9]{1,9}", member):
        raise Invalid(gettext("Choose one from the list."), field="user_id")
    return Assignee(int(member) if member else None, outside or None)


def remark_id(request_id: UUID, body: str, parent: str = "") -> UUID:
    """The id of what a form remarks: the same words from the same form are one remark, however often they are sent.

    Other words make another one: a page opened again by the browser's back button is the same form.
    """
    return uuid5(submission_id(), f"{request_id} {parent} {body.strip()}")


def _upload_ids(request_id: UUID) -> list[UUID]:
    """The ids of the attachments that the form's files become, by content: likewise once each."""
    return [uuid5(submission_id(), f"{request_id} {number} {_digest(sent)}") for number, sent in enumerate(_uploads())]


def _uploads() -> list[FileStorage]:
    return [sent for sent in request.files.getlist("files") if sent.filename]


def _digest(sent: FileStorage) -> str:
    sent.stream.seek(0)
    found = hashlib.file_digest(sent.stream, "sha256").hexdigest()
    sent.stream.seek(0)
    return found


def was_attached(session: Session, request_id: UUID) -> bool:
    """Whether this very form has put its files with the request before."""
    ids = _upload_ids(request_id)
    return bool(ids) and all(maintenance.is_attached(session, one) for one in ids)


def attach_uploads(session: Session, request_id: UUID, hostel_id: UUID, *, needed: bool = False) -> None:
    """Store the form's files and put them with the request: all of them, or none."""
    uploads = _uploads()
    if needed and not uploads:
        raise Invalid(gettext("Please choose a photo or a video."), field="files")
    check_attachment_count(max(len(uploads) - 1, 0))
    for sent, attachment_id in zip(uploads, _upload_ids(request_id), strict=True):
        upload = files.Upload(sent.filename or "", sent.mimetype, sent.stream)
        stored = files.store(session, objects(), upload, Purpose.MAINTENANCE, hostel_id)
        maintenance.attach(session, request_id, stored.id, attachment_id)


def link_to(file: File) -> str:
    """An address of a file for this person, good for the minutes that M5 allows them."""
    minutes = RESIDENT_LINK_MINUTES if g.identity.portal is Portal.RESIDENT else STAFF_LINK_MINUTES
    return url_for("FilesView.get", token=files.link_for(settings().secret_key, file, g.identity.user_id, minutes, formats.now()))


def given_id(text: str) -> UUID:
    """The id of a request from an address."""
    return edge.given_id(text, gettext("There is no such maintenance request."))


def clock_words(clock: SlaClock, state: RequestStatus, now: datetime) -> tuple[str, str]:
    """(tone, words) of an SLA clock: how long is left, how much over, and whether it stands still."""
    left = SLA_TARGETS[clock.priority].resolve - clock.elapsed(now)
    over = clock.is_breached(now)
    if state is RequestStatus.REJECTED:
        return "neutral", formats.duration(clock.elapsed(now))
    if state in CLOSED:
        taken = formats.duration(clock.elapsed(now))
        return ("danger", gettext("%(time)s, too late", time=taken)) if over else (
            "success", gettext("%(time)s, in time", time=taken))
    words = gettext("Overdue by %(time)s", time=formats.duration(-left)) if over else gettext(
        "Due in %(time)s", time=formats.duration(left))
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
            "human_duration": formats.duration, "link_to": link_to, "among_hostels": among_hostels(),
            "accept": ",".join(sorted(ACCEPTED[Purpose.MAINTENANCE].kinds))}
