"""Telegram: bots with their sealed tokens, chats that people linked, messages that go out, updates that come in, health."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import NEW_ID, NOW, Authored, Model, Tenant, Timestamps, in_tenant, line, person, quoted
from app.models.declare import IN_ORG, MINE, SERVICE, STAFF, Grant, Policy, can, functions, protect
from app.permissions import Action, Portal, Resource
from app.rules.telegram import Health, HealthKind, MessageState, Mode, Purpose

_PENDING = "state = 'pending'"


def _known(table: str, column: str, words: Any) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({quoted(words)})", name=f"{table}_{column}_known")


class TelegramBot(Tenant, Timestamps, Authored, Model):
    """A bot of one person, or with no `user_id` the organization's. Nobody reads the token again, but the code that uses it."""

    __tablename__ = "telegram_bots"

    user_id: Mapped[int | None] = mapped_column(Integer)
    token: Mapped[str] = mapped_column(Text, deferred=True)
    number: Mapped[int] = mapped_column(BigInteger)
    username: Mapped[str] = line(64)
    mode: Mapped[str] = mapped_column(Text, server_default="webhook")
    secret_digest: Mapped[str] = mapped_column(Text, server_default="", deferred=True)
    verified: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    health_status: Mapped[str] = mapped_column(Text, server_default="unknown")
    health_reason: Mapped[str] = mapped_column(Text, server_default="")
    last_health_check: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        person("user_id"), person("created_by"),
        Index("telegram_bots_owner", "org_id", "user_id", unique=True, postgresql_nulls_not_distinct=True),
        Index("telegram_bots_number", "number"),
        _known("telegram_bots", "mode", Mode), _known("telegram_bots", "health_status", Health),
    )

    def __repr__(self) -> str:
        return f"@{self.username}"


class TelegramChat(Tenant, Timestamps, Authored, Model):
    """Where one bot (none: the installation's) may write: to a person, or with no `user_id` for the organization or a hostel.
    It is found by a code that somebody sends to the bot; until then `number` is empty.
    """

    __tablename__ = "telegram_chats"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[int | None] = mapped_column(Integer)
    bot_id: Mapped[UUID | None] = mapped_column(Uuid)
    purpose: Mapped[str] = mapped_column(Text)
    number: Mapped[int | None] = mapped_column(BigInteger)
    title: Mapped[str] = mapped_column(Text, server_default="")
    is_group: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    code_digest: Mapped[str | None] = mapped_column(Text, deferred=True)
    code_expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    linked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    blocked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    blocked_reason: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("bot_id", "telegram_bots", ondelete="CASCADE"), person("user_id"), person("created_by"),
        Index("telegram_chats_owner", "org_id", "user_id", "bot_id", "purpose", "hostel_id", unique=True, postgresql_nulls_not_distinct=True),
        Index("telegram_chats_code", "code_digest", postgresql_where=text("code_digest IS NOT NULL")),
        Index("telegram_chats_number", "number", postgresql_where=text("number IS NOT NULL")),
        _known("telegram_chats", "purpose", Purpose),
    )

    def __repr__(self) -> str:
        return self.title or self.purpose


class TelegramMessage(Tenant, Model):
    """A message on its way, or part of a long one. An attempt is counted, and committed, before Telegram is asked."""

    __tablename__ = "telegram_messages"

    chat_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))  # the order within the chat
    key: Mapped[str] = mapped_column(Text)
    part: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    body: Mapped[str] = mapped_column(Text, deferred=True)
    html: Mapped[bool] = mapped_column(Boolean)
    buttons: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    state: Mapped[str] = mapped_column(Text, server_default="pending")
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    attempted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    uncertain: Mapped[int] = mapped_column(Integer, server_default="0")  # attempts of which nobody knows what became
    claimed_by: Mapped[str | None] = mapped_column(Text)
    claimed_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    message_number: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)

    __table_args__ = (
        in_tenant("chat_id", "telegram_chats", ondelete="CASCADE"),
        Index("telegram_messages_key", "org_id", "key", "part", unique=True),
        Index("telegram_messages_heads", "chat_id", "number", postgresql_where=text(_PENDING)),
        Index("telegram_messages_old", "created_at", postgresql_where=text("body <> ''")),
        Index("telegram_messages_chat", "org_id", "chat_id", "number"),
        _known("telegram_messages", "state", MessageState),
        CheckConstraint("length(body) <= 4096", name="telegram_messages_body_fits"),
    )


class TelegramUpdate(Model):
    """What came from Telegram: once per bot and number. With no `bot_id` it came to the installation's bot, and whose it is, is not
    known before it is read. `body` is emptied when it was.
    """

    __tablename__ = "telegram_updates"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    org_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"))
    bot_id: Mapped[UUID | None] = mapped_column(Uuid)
    update_id: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    processed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    effect: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        in_tenant("bot_id", "telegram_bots", ondelete="CASCADE"),
        Index("telegram_updates_key", "org_id", "bot_id", "update_id", unique=True, postgresql_nulls_not_distinct=True),
        Index("telegram_updates_received", "received_at"),
    )


class TelegramHealthEvent(Tenant, Model):
    """What happened to a bot: of each kind the last time, and how often."""

    __tablename__ = "telegram_health_events"

    bot_id: Mapped[UUID | None] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text)
    happened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    times: Mapped[int] = mapped_column(BigInteger, server_default="1")
    chat_id: Mapped[UUID | None] = mapped_column(Uuid)
    update_id: Mapped[int | None] = mapped_column(BigInteger)
    error_code: Mapped[int | None] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        in_tenant("bot_id", "telegram_bots", ondelete="CASCADE"),
        Index("telegram_health_events_kind", "org_id", "bot_id", "kind", unique=True, postgresql_nulls_not_distinct=True),
        _known("telegram_health_events", "kind", HealthKind),
    )


functions("telegram")

_STAFF_READ = Policy("staff_select", "SELECT", (Portal.ADMIN,), using=f"{IN_ORG} AND {can(Resource.TELEGRAM, Action.READ)}")
_SERVICE = (Policy("service_select", "SELECT", (SERVICE,), using="true"),)


def _all_but(table: Any, *hidden: str) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.name not in hidden)


protect(
    TelegramBot.__table__, masked=("token", "secret_digest"), definer="SELECT, INSERT, UPDATE, DELETE",
    grants=[Grant(STAFF, select=_all_but(TelegramBot.__table__, "token", "secret_digest")), Grant((SERVICE,), select=True, update=("token",))],
    policies=[_STAFF_READ, Policy("own_select", "SELECT", STAFF, using=f"{IN_ORG} AND {MINE}"), *_SERVICE,
              Policy("service_update", "UPDATE", (SERVICE,), using="true")])
protect(
    TelegramChat.__table__, masked=("number", "title", "code_digest"),
    grants=[Grant(STAFF, select=_all_but(TelegramChat.__table__, "code_digest"))],
    policies=[_STAFF_READ, Policy("own_select", "SELECT", STAFF, using=f"{IN_ORG} AND {MINE}")])
protect(
    TelegramMessage.__table__, unaudited="machinery: what is sent is audited where it is asked for", policies=[_STAFF_READ],
    grants=[Grant((Portal.ADMIN,), select=_all_but(TelegramMessage.__table__, "body", "buttons"))])
protect(TelegramUpdate.__table__, unaudited="machinery: what somebody does from a chat is audited where it is done", closed="read by jobs, through functions")
protect(TelegramHealthEvent.__table__, unaudited="a log itself", grants=[Grant((Portal.ADMIN,), select=True)], policies=[_STAFF_READ])
