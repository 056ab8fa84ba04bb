"""Approval in the background: messages about what was decided."""

from __future__ import annotations

from uuid import UUID

from flask_babel import gettext
from sqlalchemy.orm import Session

from app.gateways.mail import Mail
from app.languages import in_language
from app.rules.onboarding import SubmissionState
from app.services import approval
from app.text import N_
from app.wiring import mailer, settings
from jobs.registry import Payload, handles

_WORDS = {
    SubmissionState.APPROVED: (N_("Welcome to %(hostel)s"), N_(
        "Hello %(name)s,\n\n%(organization)s has approved you, and your bed in %(hostel)s is yours.\n\nSign in here:\n%(link)s\n")),
    SubmissionState.REJECTED: (N_("Your sign-up for %(hostel)s"), N_(
        "Hello %(name)s,\n\nyour sign-up for %(hostel)s was not approved. You can read why, correct it and send it again "
        "here:\n%(link)s\n")),
    SubmissionState.NEEDS_REVISION: (N_("Your sign-up for %(hostel)s"), N_(
        "Hello %(name)s,\n\nsomething in your sign-up for %(hostel)s has to be corrected. You can read what and correct it "
        "here:\n%(link)s\n")),
}


@handles("approval.decided")
def decided(session: Session, payload: Payload) -> None:
    """Tell the person in the console."""
    approval.tell_of_decision(session, UUID(payload["submission_id"]))


@handles("approval.taken_over")
def taken_over(session: Session, payload: Payload) -> None:
    """Tell whoever reviewed it until now."""
    approval.tell_of_takeover(session, UUID(payload["submission_id"]), payload["from"])


@handles(approval.MAIL, external=True)
def mail(session: Session, payload: Payload) -> None:
    """Mail it as well; reasons stay behind the sign-in, for they may name what is personal."""
    found = approval.letter(session, UUID(payload["submission_id"]))
    if found is None:
        return
    subject, words = _WORDS[SubmissionState(found.state)]
    values = {"name": found.name, "organization": found.organization, "hostel": found.hostel, "link": settings().public_url}
    with in_language(found.language):
        mailer().send(Mail(to=found.email, key=f"submission {payload['submission_id']}", subject=gettext(subject) % values,
                           text=gettext(words) % values))
