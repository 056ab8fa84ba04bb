"""What comes from Telegram: each update once; codes that link chats, people who take the bot away, and the webhooks themselves."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from app.gateways.telegram import BotApi, TelegramError
from app.models.telegram import TelegramBot, TelegramChat
from app.rules.telegram import Health, Mode, Purpose, code_in
from app.services import work
from app.services.telegram.bots import Keeper, api_of, check_bot, code_digest
from app.services.telegram.outgoing import queue_message

INSTALLATION = "installation"
"""What stands for the installation's bot in the address of its webhook."""
_DOOR = text("SELECT app.telegram_door(:bot)")
_KEEP = text("SELECT app.keep_telegram_update(:bot, :update, CAST(:body AS jsonb))")
_WRONG = text("SELECT app.note_wrong_telegram_secret(:bot)")
_UPDATE = text("SELECT org_id, bot_id, update_id, body FROM app.telegram_update(:id)")
_FINISH = text("SELECT app.finish_telegram_update(:id, :effect)")
_LINK = text("SELECT org_id, id, purpose FROM app.link_telegram_chat(:bot, :digest, :number, :title, :group)")
_MEMBER = text("SELECT app.telegram_member_changed(:bot, :number, :there)")
_SECRET = text("SELECT app.set_telegram_secret(:id, :digest, :mode)")
_WITH_BOTS = select(TelegramBot.org_id).distinct()


def installation_secret(secret_key: str, token: str) -> str:
    """What comes with the updates of the installation's bot; another token makes another one."""
    return hmac.new(secret_key.encode(), f"viramah.telegram.v1:{token}".encode(), hashlib.sha256).hexdigest()


def is_genuine(connection: Connection, bot_id: UUID | None, given: str, installation: str | None) -> bool | None:
    """Whether the secret is the bot's; None where there is no such bot. A wrong one has the webhook set anew."""
    wanted = connection.execute(_DOOR, {"bot": bot_id}).scalar() if bot_id else installation and code_digest(installation)
    if not wanted:
        return None
    if hmac.compare_digest(code_digest(given), wanted):
        return True
    connection.execute(_WRONG, {"bot": bot_id})
    return False


def keep(connection: Connection | Session, bot_id: UUID | None, update: dict[str, Any]) -> bool:
    """Keep an update and have a job look at it; False if it came before, or has no number."""
    number = update.get("update_id")
    if not isinstance(number, int):
        return False
    return bool(connection.execute(_KEEP, {"bot": bot_id, "update": number, "body": json.dumps(update).replace("\\u0000", "")}).scalar_one())


def read(session: Session, update: UUID) -> str:
    """On the service login: do what an update asks for; what that was."""
    row = session.execute(_UPDATE, {"id": update}).one_or_none()
    if row is None:
        return ""
    effect = _done(session, row.bot_id, row.body or {})
    session.execute(_FINISH, {"id": update, "effect": effect})
    return effect


def _done(session: Session, bot_id: UUID | None, body: dict[str, Any]) -> str:
    if changed := _object(body.get("my_chat_member")):
        status = _object(changed.get("new_chat_member")).get("status")
        known = session.execute(_MEMBER, {"bot": bot_id, "number": _object(changed.get("chat")).get("id"), "there": status not in {"kicked", "left"}}).scalar_one()
        return "member" if known else "ignored"
    message = _object(body.get("message"))
    code = code_in(str(message.get("text", "")))
    if code is None:
        return "ignored"
    chat = _object(message.get("chat"))
    title = str(chat.get("title") or " ".join(str(chat[part]) for part in ("first_name", "last_name") if chat.get(part)))
    linked = session.execute(_LINK, {"bot": bot_id, "digest": code_digest(code), "number": chat.get("id"), "title": title,
                                     "group": chat.get("type") != "private"}).one_or_none()
    if linked is None:
        return "unknown_code"
    work.enqueue_for(session, [linked.org_id], "telegram.linked", {"chat_id": str(linked.id)})
    return "linked"


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def greet(session: Session, chat_id: UUID) -> None:
    """Say in a chat that it is linked."""
    chat = session.get(TelegramChat, chat_id)
    if chat is not None and chat.linked_at is not None:
        queue_message(session, user_id=chat.user_id, purpose=Purpose(chat.purpose), html=False, text="This chat is linked to the console.",
                      key=f"linked {chat.id} {chat.linked_at.isoformat()}", hostel_id=chat.hostel_id)


# -- webhooks ----------------------------------------------------------------------------------------------------------


def address(public_url: str, bot_id: UUID | None) -> str:
    """Where the updates of a bot go."""
    return f"{public_url}/webhooks/telegram/{bot_id or INSTALLATION}"


def set_webhook(session: Session, keeper: Keeper, bot_id: UUID, public_url: str) -> None:
    """Have updates brought here under a new secret. Errors: TelegramError; NotFound; VR403."""
    secret = secrets.token_urlsafe(32)
    session.execute(_SECRET, {"id": bot_id, "digest": code_digest(secret), "mode": Mode.WEBHOOK.value})
    api_of(session, keeper, bot_id).set_webhook(address(public_url, bot_id), secret)


def set_installation_webhook(keeper: Keeper, public_url: str, secret_key: str) -> None:
    """The same for the installation's bot. Errors: TelegramError."""
    if keeper.global_token:
        keeper.ask(keeper.global_token).set_webhook(address(public_url, None), installation_secret(secret_key, keeper.global_token))


def guard(session: Session, keeper: Keeper, bot_id: UUID, public_url: str) -> str:
    """See whether a bot works and its updates still come here; a webhook that somebody else has set is claimed back (G9)."""
    if not check_bot(session, keeper, bot_id):
        return "broken"
    api: BotApi = api_of(session, keeper, bot_id)
    try:
        there = api.get_webhook_info().url
        if there == address(public_url, bot_id):
            return "ours"
        set_webhook(session, keeper, bot_id, public_url)
    except TelegramError:
        return "unknown"
    if not there:
        return "set"
    session.execute(_NOTE, {"id": bot_id, "status": Health.HEALTHY.value, "reason": "Another program had taken its updates; they come here again."})
    return "claimed"


_NOTE = text("SELECT app.note_telegram_health(:id, :status, :reason)")


def organizations_with_bots(session: Session) -> list[UUID]:
    """On the service login."""
    return list(session.scalars(_WITH_BOTS))
