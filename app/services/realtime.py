"""Tokens of live updates, and what the database says of those who hold them.

A token is short-lived and names a session of the console: it is believed for as long as the session is, which is
asked when a channel is joined, when the token is renewed, and whenever something that decides about access changed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.permissions import Portal
from app.rules.errors import DomainError
from app.rules.realtime import Reader

TOKEN_LIFE = timedelta(minutes=15)
_ALGORITHM = "HS256"
_CLAIMS = ("role", "org_id", "sub", "session_id", "exp")
_READERS = text("SELECT document, good_until FROM app.live_readers(CAST(:asked AS jsonb)) ORDER BY place")


class BadToken(DomainError):
    """The token was not made here, or its time is over, or its session is."""

    code = "bad_token"
    status = 401


@dataclass(frozen=True, slots=True)
class Claims:
    """Who a token says that its holder is: a person's session, in one organization, through one portal."""

    user_id: int
    session_id: UUID
    org_id: UUID
    portal: Portal
    hostel_id: UUID | None
    expires_at: datetime

    @property
    def may_speak(self) -> bool:
        """Who works here broadcasts within the organization; residents listen."""
        return self.portal is not Portal.RESIDENT


@dataclass(frozen=True, slots=True)
class Listener:
    """What the database made of it; `good_until` is when it must be asked again at the latest, if it knows."""

    reader: Reader
    good_until: datetime | None


def signing_key(secret: str) -> bytes:
    """The key of tokens, derived from SECRET_KEY: a token is no cookie, and a cookie no token."""
    return hmac.new(secret.encode(), b"viramah.live.v1", hashlib.sha256).digest()


def make_token(key: bytes, claims: Claims) -> str:
    """A token that says so."""
    return jwt.encode({
        "role": str(claims.portal), "org_id": str(claims.org_id), "sub": str(claims.user_id),
        "session_id": str(claims.session_id), "hostel_id": str(claims.hostel_id) if claims.hostel_id else None,
        "exp": int(claims.expires_at.timestamp()),
    }, key, _ALGORITHM)


def read_token(key: bytes, token: str, now: datetime) -> Claims:
    """What a genuine token that still lives says; BadToken for any other."""
    try:
        found = jwt.decode(token, key, [_ALGORITHM], options={"require": list(_CLAIMS), "verify_exp": False})
        claims = Claims(int(found["sub"]), UUID(found["session_id"]), UUID(found["org_id"]), Portal(found["role"]),
                        UUID(found["hostel_id"]) if found.get("hostel_id") else None,
                        datetime.fromtimestamp(found["exp"], now.tzinfo))
    except (jwt.InvalidTokenError, ValueError, TypeError) as error:
        raise BadToken("This token was not made here.") from error
    if claims.expires_at <= now:
        raise BadToken("This token has expired.")
    return claims


def find_listeners(session: Session, asked: Sequence[Claims]) -> list[Listener | None]:
    """What each may see now, in the order asked, in one statement; None for a session that ended, or a role that did."""
    documents = json.dumps([_question(claims) for claims in asked])
    return [_listener(document, until) for document, until in session.execute(_READERS, {"asked": documents})]


def _question(claims: Claims) -> dict[str, Any]:
    return {"session_id": str(claims.session_id), "user_id": claims.user_id, "org_id": str(claims.org_id),
            "portal": str(claims.portal), "hostel_id": str(claims.hostel_id) if claims.hostel_id else None}


def _listener(document: dict[str, Any] | None, good_until: datetime | None) -> Listener | None:
    if document is None:
        return None
    return Listener(Reader(document["org_id"], str(document["user_id"]), document["portal"], document["caps"], document["admitted"]), good_until)
