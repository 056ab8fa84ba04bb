"""The ways to a person, behind one interface: each says what became of a message, or why it could not go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.gateways.mail import Mail, Mailer
from app.gateways.sms import Text, Texter
from app.rules.notifications import DeliveryState, NoWay, SkipReason
from app.rules.telegram import Purpose
from app.services.telegram import queue_message


@dataclass(frozen=True)
class Recipient:
    """Whom a message goes to; `phone_token` is there once the number was confirmed."""

    user_id: int
    name: str
    email: str
    language: str
    organization: str
    phone_token: str | None


@dataclass(frozen=True)
class Letter:
    """What is said, in the reader's language, as the channel wants it; `off_url` turns the kind off, `round` tells one time of
    sending it from the next.
    """

    delivery_id: UUID
    subject: str
    text: str
    html: str
    off_url: str
    round: int = 0


class ChannelOut(Protocol):
    """What the sender asks of a channel.

    Errors: NoWay if the person has no such address; a DomainError with a 4xx status stays, any other may pass.
    """

    def deliver(self, session: Session, to: Recipient, letter: Letter) -> DeliveryState:
        """Hand the message over."""


class EmailChannel:
    """Through the mail server: sent is what it has taken."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    def deliver(self, _session: Session, to: Recipient, letter: Letter) -> DeliveryState:
        """Both parts, and a way out that needs no sign-in (RFC 8058)."""
        self._mailer.send(Mail(to=to.email, name=to.name, subject=letter.subject, text=letter.text, html=letter.html,
                               key=f"delivery {letter.delivery_id}", unsubscribe=letter.off_url))
        return DeliveryState.SENT


def phone_context(user_id: int) -> str:
    """What a sealed number is bound to."""
    return f"notification_settings.phone:{user_id}"


class SmsChannel:
    """Through a provider, to the number that the person confirmed."""

    def __init__(self, texter: Texter, ring: KeyRing) -> None:
        self._texter, self._ring = texter, ring

    def deliver(self, _session: Session, to: Recipient, letter: Letter) -> DeliveryState:
        """One text message."""
        if to.phone_token is None:
            raise NoWay(SkipReason.NO_ADDRESS)
        self._texter.send(Text(self._ring.decrypt(to.phone_token, phone_context(to.user_id)), letter.text, f"delivery {letter.delivery_id}"))
        return DeliveryState.SENT


class TelegramChannel:
    """Into the chat that the person linked; its sender says later what became of it."""

    def deliver(self, session: Session, to: Recipient, letter: Letter) -> DeliveryState:
        """In the order of the chat, under its limits. A message that was given up goes under another key."""
        queued = queue_message(session, user_id=to.user_id, purpose=Purpose.PERSONAL, text=letter.html, html=True,
                               key=f"delivery {letter.delivery_id} {letter.round}")
        if queued is None:
            raise NoWay(SkipReason.NO_ADDRESS)
        return DeliveryState.SENT
