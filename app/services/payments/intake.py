"""Webhooks at the door: the account that an address names, whether its gateway sent this, and what came, kept before it is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

from app.gateways.payments import PaymentGateway, SignatureInvalid
from app.rules.payments import (
    BODY_MAX,
    KEPT_OF_A_REFUSED_BODY,
    Gateway,
    Verdict,
    is_allowed,
    shown_headers,
)
from app.services.payments.accounts import Keeper, body_context

_DOOR = "SELECT org_id, id, key_id, secrets_token, addresses, updated_at FROM app.webhook_account(%s, %s)"
_KEEP = "SELECT app.keep_webhook(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_PATH_MAX = 64
_REMEMBERED = 1_000  # accounts
_TYPES = ("application/json",)  # none of the gateways sends anything else


@dataclass(frozen=True)
class Arrived:
    """A webhook as it came; `body` is cut off behind the limit, and `size` what was announced."""

    headers: Mapping[str, str]
    body: bytes
    size: int
    content_type: str
    address: str


class Line(Protocol):
    """A connection on which each statement is a transaction of its own (app/tenancy.py)."""

    def ask(self, statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """The first row."""


@dataclass(frozen=True)
class _Door:
    """Where a webhook arrives: an account as it was at `seen`."""

    account_id: UUID
    path: str
    seen: datetime
    addresses: list[str]
    gateway: PaymentGateway = field(repr=False)


class Doors:
    """The addresses of webhooks, remembered by a process: a delivery is one statement.

    That statement keeps it only if the account is still what it was judged by, so a change counts from its commit on.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._known: dict[tuple[str, str], _Door] = {}

    def keep(self, line: Line, gateway: str, path: str, came: Arrived, now: datetime) -> Verdict | None:
        """Judge what came and keep it with the verdict; only what is accepted is looked at by a job. None: nobody's address."""
        while (door := self._known.get((gateway, path)) or self._open(line, gateway, path)) is not None:
            verdict, reason = _judge(door, came, now)
            told = came.body if verdict is Verdict.ACCEPTED else came.body[:KEPT_OF_A_REFUSED_BODY]
            body = self._keeper.ring.encrypt_bytes(told, body_context(door.account_id))
            if line.ask(_KEEP, (door.account_id, path, door.seen, came.address, _json(shown_headers(came.headers)), body, sha256(came.body).digest(),
                                came.size, verdict.value, reason)) == (True,):
                return verdict
            self._known.pop((gateway, path), None)  # the account was changed
        return None

    def _open(self, line: Line, gateway: str, path: str) -> _Door | None:
        if gateway not in set(Gateway) or not (path.isascii() and path.isprintable()) or len(path) > _PATH_MAX:
            return None
        row = line.ask(_DOOR, (gateway, path))
        if row is None:
            return None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        org_id, account_id, key_id, token, addresses, seen = row
        adapter = self._keeper.adapter(gateway, org_id, account_id, key_id, token)
        return self._known.setdefault((gateway, path), _Door(account_id, path, seen, addresses, adapter))


def _judge(door: _Door, came: Arrived, now: datetime) -> tuple[Verdict, str]:
    if not is_allowed(came.address, door.addresses):
        return Verdict.FOREIGN_ADDRESS, ""
    if came.size > BODY_MAX:
        return Verdict.TOO_LARGE, ""
    if came.content_type not in _TYPES:
        return Verdict.WRONG_TYPE, ""
    try:
        door.gateway.verify(came.headers, came.body, now)
    except SignatureInvalid as error:
        return Verdict.BAD_SIGNATURE, error.reason[:200]
    return Verdict.ACCEPTED, ""


def _json(headers: dict[str, Any]) -> str:
    """Without what PostgreSQL cannot store."""
    return json.dumps(headers).replace("\\u0000", "")
