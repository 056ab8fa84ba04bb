"""Bots: verified with Telegram, their tokens sealed; which one is in force; and the codes by which chats are found."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.gateways.telegram import BotApi, BotUnknown, Line, TelegramError
from app.models.telegram import TelegramBot, TelegramChat
from app.permissions import Action, Resource
from app.rules.errors import Conflict, Invalid, NotFound
from app.rules.telegram import CODE_LIFETIME, Health, Purpose, Source, bot_number
from app.services import work
from app.services.notifications import Message, people_who_can, tell
from app.text import N_

_ORG = text("SELECT app.current_org()")
_PUT = text("SELECT app.put_telegram_bot(:id, :user, :token, :number, :username)")
_REMOVE = text("SELECT app.remove_telegram_bot(:id)")
_IN_FORCE = text("SELECT id, source, username, health_status, health_reason FROM app.telegram_bot_of(:user)")
_TOKEN = text("SELECT app.telegram_token(:id)")
_HEALTH = text("SELECT app.note_telegram_health(:id, :status, :reason)")
_LINK = text("SELECT app.begin_telegram_link(:id, :user, :hostel, :bot, :purpose, :digest, :lifetime)")
_UNLINK = text("SELECT app.remove_telegram_chat(:id)")
_UNSEALED_MAX = 1_000
_NO_HOSTEL = UUID(int=0)  # whoever may in the whole organization


@dataclass
class Keeper:
    """What it takes to speak for bots: where the Bot API is, the keys of tokens, and the installation's own bot if there is one."""

    base_url: str
    ring: KeyRing = field(repr=False)
    global_token: str | None = field(default=None, repr=False)
    _unsealed: dict[str, str] = field(default_factory=dict, repr=False)

    def token(self, org_id: UUID, bot_id: UUID | None, sealed: str | None) -> str | None:
        """The token of a bot in clear; None if the installation has none. Errors: Undecryptable."""
        if bot_id is None or sealed is None:
            return self.global_token
        if sealed not in self._unsealed:
            if len(self._unsealed) >= _UNSEALED_MAX:
                self._unsealed.clear()
            self._unsealed[sealed] = self.ring.decrypt(sealed, context(org_id, bot_id))
        return self._unsealed[sealed]

    def ask(self, token: str) -> BotApi:
        """A bot, on a connection of its own."""
        return BotApi(Line(self.base_url), token)


def keeper_of(settings: Any) -> Keeper:
    """With the keys and addresses of the settings."""
    return Keeper(settings.telegram_api_base, ring_of(settings), settings.telegram_bot_token)


def ring_of(settings: Any) -> KeyRing:
    """The keys that tokens are sealed under."""
    return KeyRing(dict(settings.telegram_config_encryption_key or settings.field_keys))


def context(org_id: UUID, bot_id: UUID) -> str:
    """What a sealed token is bound to."""
    return f"telegram_bots.token:{org_id}:{bot_id}"


@dataclass(frozen=True)
class Resolved:
    """Which bot is in force (G1). A `broken` one says why, and is not passed over."""

    source: Source
    bot_id: UUID | None
    username: str
    broken: str = ""


def keep_bot(session: Session, keeper: Keeper, user_id: int | None, token: str) -> UUID:
    """Verify a token with Telegram and keep it, for a person or for the organization. Errors: Invalid, Conflict; VR403, VR404, VR409."""
    token = token.strip()
    number = bot_number(token)
    try:
        bot = keeper.ask(token).get_me()
    except BotUnknown as error:
        raise Invalid(N_("Telegram does not know this token. Copy it again from the BotFather."), field="token") from error
    except TelegramError as error:
        raise Conflict(N_("Telegram does not answer just now. Please try again in a minute.")) from error
    if bot.id != number:
        raise Invalid(N_("Telegram does not know this token. Copy it again from the BotFather."), field="token")
    org_id = session.execute(_ORG).scalar_one()
    row = TelegramBot
    bot_id = session.scalar(select(row.id).where(row.user_id.is_(None) if user_id is None else row.user_id == user_id, row.number == number)) or uuid4()
    kept: UUID = session.execute(_PUT, {"id": bot_id, "user": user_id, "token": keeper.ring.encrypt(token, context(org_id, bot_id)), "number": number,
                                        "username": bot.username}).scalar_one()
    work.enqueue(session, "telegram.guard", {"bot_id": str(kept)})  # which has its updates come here
    session.expire_all()
    return kept


def remove_bot(session: Session, bot_id: UUID) -> None:
    """Forget a bot with its chats. VR403, VR404."""
    session.execute(_REMOVE, {"id": bot_id})
    session.expire_all()


def in_force(session: Session, keeper: Keeper, user_id: int | None) -> Resolved | None:
    """The bot that speaks for a person: their own, else the organization's, else the installation's; None where there is none."""
    row = session.execute(_IN_FORCE, {"user": user_id}).one_or_none()
    if row is None:
        return Resolved(Source.GLOBAL, None, "") if keeper.global_token else None
    broken = (row.health_reason or "Telegram refuses it.") if row.health_status == Health.BROKEN else ""
    return Resolved(Source(row.source), row.id, row.username, broken)


def check_bot(session: Session, keeper: Keeper, bot_id: UUID) -> bool:
    """Ask Telegram whether a bot works, and keep the answer; whether it does. That Telegram is away says nothing of the bot. VR403, VR404."""
    api = api_of(session, keeper, bot_id)
    try:
        api.get_me()
    except BotUnknown as error:
        session.execute(_HEALTH, {"id": bot_id, "status": Health.BROKEN.value, "reason": f"Telegram does not know its token ({error.code})."})
        return False
    except TelegramError:
        return False
    session.execute(_HEALTH, {"id": bot_id, "status": Health.HEALTHY.value, "reason": ""})
    session.expire_all()
    return True


def api_of(session: Session, keeper: Keeper, bot_id: UUID | None) -> BotApi:
    """A bot that the caller keeps. Errors: NotFound, Undecryptable."""
    sealed = session.execute(_TOKEN, {"id": bot_id}).scalar() if bot_id else None
    token = keeper.token(session.execute(_ORG).scalar_one(), bot_id, sealed) if sealed or bot_id is None else None
    if token is None:
        raise NotFound(N_("There is no such bot."))
    return keeper.ask(token)


def begin_link(session: Session, user_id: int | None, bot_id: UUID | None, purpose: Purpose, hostel_id: UUID | None = None) -> str:
    """A code that links the chat from which it reaches the bot within a quarter of an hour: personal for a person, else for the organization.

    Asking again makes the earlier code worthless. A chat that was linked stays so until then. VR403, VR404.
    """
    code = secrets.token_urlsafe(12)
    session.execute(_LINK, {"id": uuid4(), "user": user_id, "hostel": hostel_id, "bot": bot_id, "purpose": purpose.value, "digest": code_digest(code),
                            "lifetime": CODE_LIFETIME})
    session.expire_all()
    return code


def code_digest(code: str) -> str:
    """What is kept of a code."""
    return hashlib.sha256(code.encode()).hexdigest()


def remove_chat(session: Session, chat_id: UUID) -> None:
    """Write to a chat no more. VR403, VR404."""
    session.execute(_UNLINK, {"id": chat_id})
    session.expire_all()


# -- telling another way -------------------------------------------------------------------------------------------------


def tell_of_chat_gone(session: Session, chat_id: UUID) -> None:
    """Tell who linked a chat that nothing arrives there any more."""
    chat = session.get(TelegramChat, chat_id)
    if chat is None or chat.blocked_at is None:
        return
    owner = chat.user_id or chat.created_by
    if owner is not None:
        tell(session, {owner}, Message("telegram.chat_gone", f"telegram-chat:{chat.id}:{chat.blocked_at.isoformat()}",
                                       "Telegram messages do not arrive any more: the chat took the bot away. Link it again to go on.", chat.hostel_id))


def tell_of_broken(session: Session, bot_id: UUID) -> None:
    """Tell who keeps a bot that Telegram refuses it; nothing goes out through another one instead."""
    bot = session.get(TelegramBot, bot_id)
    if bot is None or bot.health_status != Health.BROKEN:
        return
    keepers = {bot.user_id} if bot.user_id is not None else people_who_can(session, Resource.TELEGRAM, Action.UPDATE, _NO_HOSTEL)
    tell(session, {user for user in keepers if user is not None}, Message(
        "telegram.broken", f"telegram-bot:{bot.id}:{bot.updated_at.isoformat()}", f"Telegram refuses the bot @{bot.username}. Please give its token anew.", None))

