"""Whose mail the demo's mailbox shows: the folder is the installation's, its reader is in one organization."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from app.gateways.mail import ReceivedMail
from app.models.people import Invitation, Member


def addresses(session: Session) -> frozenset[str]:
    """Lower-case e-mail addresses of the organization's members and of everybody it has invited."""
    found = session.scalars(union(select(Member.email), select(Invitation.email)))
    return frozenset(email.lower() for email in found)


def addressed_to(mails: Iterable[ReceivedMail], known: frozenset[str]) -> list[ReceivedMail]:
    """Those to one of the known addresses, in their order."""
    return [mail for mail in mails if mail.to.lower() in known]
