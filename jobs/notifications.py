"""Sends what people are told beside the console, and announcements whose time has come."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from flask_babel import gettext
from sqlalchemy.orm import Session

from app.languages import in_language, noted, sentence
from app.rules.notifications import Channel
from app.services import announcements
from app.services.notifications import preferences
from app.services.notifications.channels import ChannelOut, EmailChannel, SmsChannel, TelegramChannel
from app.services.notifications.sending import SEND, Office, Voice, send
from app.wiring import mailer, ring, settings, texter
from jobs.registry import Payload, handles


def channels() -> Mapping[Channel, ChannelOut]:
    """The ways out that are set up."""
    found: dict[Channel, ChannelOut] = {Channel.EMAIL: EmailChannel(mailer()), Channel.TELEGRAM: TelegramChannel()}
    if (provider := texter()) is not None:
        found[Channel.SMS] = SmsChannel(provider, ring())
    return found


@contextmanager
def speaks(language: str) -> Iterator[Voice]:
    """The reader's language, as services may use it."""
    with in_language(language or None):
        yield Voice(gettext, sentence, noted)


def office() -> Office:
    """What sending needs to know."""
    found = settings()
    return Office(channels(), speaks, found.public_url, found.secret_key, random.random)


@handles(SEND, external=True)
def deliver(session: Session, payload: Payload) -> None:
    """One delivery, with what is due beside it."""
    send(session, UUID(payload["delivery_id"]), office())


@handles(announcements.SEND)
def announce(session: Session, payload: Payload) -> None:
    """Tell everybody whom it is for."""
    announcements.tell_all(session, UUID(payload["announcement_id"]))


@handles(preferences.CODE, external=True)
def send_code(session: Session, payload: Payload) -> None:
    """The code that proves that a number is somebody's own."""
    if (provider := texter()) is not None:
        preferences.send_code(session, payload["user_id"], provider, ring(), settings().secret_key, gettext)
