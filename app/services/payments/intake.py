"""Webhooks at the door: the account that an address names, whether its gateway sent this, and what came, kept before it is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.gateways.payments import SignatureInvalid
from app.rules.payments import (
    BODY_MAX,
    KEPT_OF_A_REFUSED_BODY,
    Gateway,
    Verdict,
    is_allowed,
    shown_headers,
)
from app.services.payments.accounts import Keeper
from app.services.work import ASKED

_DOOR = text("SELECT org_id, id, key_id, secrets_token, addresses FROM app.webhook_account(:gateway, :path)")
_KEEP = text("SELECT app.keep_webhook(:path, :address, CAST(:headers AS jsonb), :body, :size, :verdict, :reason)")
_PATH_MAX = 64
_TYPES = ("application/json",)  # none of the gateways sends anything else


@dataclass(frozen=True)
class Door:
    """Where a webhook arrives: an account with its sealed secrets."""

    gateway: str
    path: str
    org_id: UUID
    account_id: UUID
    key_id: str
    token: str
    addresses: list[str]


@dataclass(frozen=True)
class Arrived:
    """A webhook as it came; `body` is cut off behind the limit, and `size` what was announced."""

    headers: Mapping[str, str]
    body: bytes
    size: int
    content_type: str
    address: str


def open_door(session: Session, gateway: str, path: str) -> Door | None:
    """Whose webhooks arrive at this address, or None if nobody's do."""
    if gateway not in set(Gateway) or not path.isascii() or len(path) > _PATH_MAX:
        return None
    row = session.execute(_DOOR, {"gateway": gateway, "path": path}).one_or_none()
    return Door(gateway, path, row.org_id, row.id, row.key_id, row.secrets_token, list(row.addresses)) if row else None


def keep(session: Session, keeper: Keeper, door: Door, came: Arrived, now: datetime) -> Verdict:
    """Judge what came and keep it with the verdict; only what is accepted is looked at by a job."""
    verdict, reason = _judge(keeper, door, came, now)
    body = came.body if verdict is Verdict.ACCEPTED else came.body[:KEPT_OF_A_REFUSED_BODY]
    session.execute(_KEEP, {"path": door.path, "address": came.address, "headers": _json(shown_headers(came.headers)), "body": body,
                            "size": came.size, "verdict": verdict.value, "reason": reason})
    session.info[ASKED] = verdict is Verdict.ACCEPTED
    return verdict


def _judge(keeper: Keeper, door: Door, came: Arrived, now: datetime) -> tuple[Verdict, str]:
    if not is_allowed(came.address, door.addresses):
        return Verdict.FOREIGN_ADDRESS, ""
    if came.size > BODY_MAX:
        return Verdict.TOO_LARGE, ""
    if came.content_type not in _TYPES:
        return Verdict.WRONG_TYPE, ""
    gateway = keeper.adapter(door.gateway, door.org_id, door.account_id, door.key_id, door.token)
    try:
        gateway.verify(came.headers, came.body, now)
    except SignatureInvalid as error:
        return Verdict.BAD_SIGNATURE, error.reason[:200]
    return Verdict.ACCEPTED, ""


def _json(headers: dict[str, Any]) -> str:
    """Without what PostgreSQL cannot store."""
    return json.dumps(headers).replace("\\u0000", "")
