"""Telegram in the background: updates are read, bots looked at, and whoever it is about is told. Messages go through jobs/sender.py."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.telegram import TelegramBot
from app.services import telegram, work
from app.services.telegram import incoming
from app.wiring import settings
from jobs.registry import Payload, handles


@handles("telegram.update")
def update(session: Session, payload: Payload) -> None:
    """Something came from a chat."""
    incoming.read(session, UUID(payload["update_id"]))


@handles("telegram.linked")
def linked(session: Session, payload: Payload) -> None:
    """Somebody sent the code of a chat."""
    incoming.greet(session, UUID(payload["chat_id"]))


@handles("telegram.chat_gone")
def chat_gone(session: Session, payload: Payload) -> None:
    """A chat took the bot away."""
    telegram.tell_of_chat_gone(session, UUID(payload["chat_id"]))


@handles("telegram.broken")
def broken(session: Session, payload: Payload) -> None:
    """Telegram refuses a bot."""
    telegram.tell_of_broken(session, UUID(payload["bot_id"]))


@handles("telegram.reset", external=True)
def reset(session: Session, payload: Payload) -> None:
    """Somebody came to a webhook with a wrong secret: a new one is made."""
    keeper = telegram.keeper_of(settings())
    if payload["bot_id"]:
        incoming.set_webhook(session, keeper, UUID(payload["bot_id"]), settings().public_url)
    else:
        incoming.set_installation_webhook(keeper, settings().public_url, settings().secret_key)


@handles("telegram.sweep")
def sweep(session: Session, payload: Payload) -> None:
    """Have the bots of each organization looked at, and the installation's."""
    if settings().telegram_bot_token:
        work.enqueue(session, "telegram.guard", {"bot_id": None}, key=payload["slot"])
    work.enqueue_for(session, incoming.organizations_with_bots(session), "telegram.look", key=payload["slot"])


@handles("telegram.look")
def look(session: Session, _payload: Payload) -> None:
    """Each bot by itself: one that does not answer holds up no other."""
    for bot_id in session.scalars(select(TelegramBot.id)):
        work.enqueue(session, "telegram.guard", {"bot_id": str(bot_id)})


@handles("telegram.guard", external=True)
def guard(session: Session, payload: Payload) -> None:
    """Ask Telegram whether a bot works, and whether its updates come here."""
    keeper = telegram.keeper_of(settings())
    if payload["bot_id"]:
        incoming.guard(session, keeper, UUID(payload["bot_id"]), settings().public_url)
    else:
        incoming.guard_installation(keeper, settings().public_url, settings().secret_key)
