"""What comes from Telegram: each update once; codes that link chats, people who take the bot away, and the webhooks themselves."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.gateways.telegram import TelegramError
from app.models.telegram import TelegramBot, TelegramChat
from app.rules.telegram import Health, Mode, Purpose, code_in
from app.services import work
from app.services.telegram.bots import Keeper, api_of, check_bot, code_digest
from app.services.telegram.outgoing import queue_message

INSTALLATION = "installation"
"""What stands for the installation's bot in the address of its webhook."""
_RECEIVE = "SELECT app.receive_telegram_update(%s::uuid, %s, %s, %s, %s::jsonb)"
_KEEP = text("SELECT app.keep_telegram_update(:bot, :update, CAST(:body AS jsonb))")
_UPDATE = text("SELECT org_id, bot_id, update_id, body FROM app.telegram_update(:id)")
_FINISH = text("SELECT app.finish_telegram_update(:id, :effect)")
_LINK = text("SELECT org_id, id, purpose FROM app.link_telegram_chat(:bot, :digest, :number, :title, :group)")
_MEMBER = text("SELECT app.telegram_member_changed(:bot, :number, :there)")
_SECRET = text("SELECT app.set_telegram_secret(:id, :digest, :mode)")
_HEALTH = text("SELECT app.note_telegram_health(:id, :status, :reason)")
_LAST = text("SELECT app.last_telegram_update(:bot)")
_WITH_BOTS = select(TelegramBot.org_id).distinct()


class Asking(Protocol):
    """A connection of a process (tenancy.Line)."""

    def ask(self, statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None: ...


def installation_secret(secret_key: str, token: str) -> str:
    """What comes with the updates of the installation's bot; another token makes another one."""
    return hmac.new(secret_key.encode(), f"viramah.telegram.v1:{token}".encode(), hashlib.sha256).hexdigest()


def receive(line: Asking, bot_id: UUID | None, given: str, installation: str | None, update: dict[str, Any] | None) -> str:
    """Keep what came to a webhook if the secret is the bot's; what became of it, in the words of app.receive_telegram_update."""
    number = update.get("update_id") if update else None
    found = line.ask(_RECEIVE, (str(bot_id) if bot_id else None, code_digest(installation) if installation else None, code_digest(given),
                                number if isinstance(number, int) else None, _stored(update)))
    return str(found[0]) if found else "unknown"


def keep(session: Session, bot_id: UUID | None, update: dict[str, Any]) -> bool:
    """On the service login: keep an update that was fetched, and have a job look at it; False if it was there, or has no number."""
    number = update.get("update_id")
    return isinstance(number, int) and bool(session.execute(_KEEP, {"bot": bot_id, "update": number, "body": _stored(update)}).scalar_one())


def _stored(update: dict[str, Any] | None) -> str:
    """Without what PostgreSQL cannot store."""
    return json.dumps(update, ensure_ascii=False).replace("\\u0000", "").encode("utf-8", "replace").decode()


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
                      key=f"linked:{chat.id}:{chat.linked_at.isoformat()}", hostel_id=chat.hostel_id)


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


def reachable(public_url: str, base_url: str) -> bool:
    """Whether Telegram can bring updates here; else they are fetched (jobs/poller.py). The stand-in is on this machine, too."""
    return public_url.startswith("https://") or urlsplit(base_url).hostname in {"127.0.0.1", "localhost"}


def guard(session: Session, keeper: Keeper, bot_id: UUID, public_url: str) -> str:
    """See whether a bot works and its updates still come here; what somebody else has set is claimed back, and said (G9)."""
    if not check_bot(session, keeper, bot_id):
        return "broken"
    api = api_of(session, keeper, bot_id)
    try:
        there = api.get_webhook_info().url
        if not reachable(public_url, keeper.base_url):
            session.execute(_SECRET, {"id": bot_id, "digest": "", "mode": Mode.POLLING.value})
            if there:
                api.delete_webhook()
        elif there != address(public_url, bot_id):
            set_webhook(session, keeper, bot_id, public_url)
        else:
            return "ours"
    except TelegramError:
        return "unknown"
    if not there:
        return "set"
    session.execute(_HEALTH, {"id": bot_id, "status": Health.HEALTHY.value, "reason": "Another program had taken its updates; they come here again."})
    return "claimed"


def guard_installation(keeper: Keeper, public_url: str, secret_key: str) -> None:
    """The same for the installation's bot. Errors: TelegramError."""
    if not keeper.global_token:
        return
    api = keeper.ask(keeper.global_token)
    there = api.get_webhook_info().url
    if not reachable(public_url, keeper.base_url):
        if there:
            api.delete_webhook()
    elif there != address(public_url, None):
        set_installation_webhook(keeper, public_url, secret_key)


def polled(session: Session) -> list[tuple[UUID, UUID, str]]:
    """On the service login: bots whose updates are fetched, with their organizations and sealed tokens."""
    return [(row.org_id, row.id, row.token) for row in session.execute(
        select(TelegramBot.org_id, TelegramBot.id, TelegramBot.token)
        .where(TelegramBot.mode == Mode.POLLING, TelegramBot.health_status != Health.BROKEN).order_by(TelegramBot.id))]


def last_update(session: Session, bot_id: UUID | None) -> int:
    """On the service login: the number after which there may be more."""
    found: int = session.execute(_LAST, {"bot": bot_id}).scalar_one()
    return found


def organizations_with_bots(session: Session) -> list[UUID]:
    """On the service login."""
    return list(session.scalars(_WITH_BOTS))
