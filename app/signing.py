"""Links that carry their own proof: one file for one person for some minutes, and secrets that are used once.

A file link is signed, not stored: it names file, organization, person and the second it ends, and is worth nothing
to anybody else. An invitation or a password reset carries only a random secret, of which the database keeps the
SHA-256: whoever reads the table cannot use it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from app.rules.errors import DomainError, NotFound

DOCUMENT_SECONDS = 15 * 60  # identity documents (FEATURES O2)
FILE_SECONDS = 30 * 60  # everything else; also the longest that may be asked for
_SALT = "viramah.file-link.v1"


class LinkForged(NotFound):
    """The token was not made here, or was changed on its way."""

    code = "link_unknown"


class LinkOfAnother(NotFound):
    """The token is genuine, and another person's."""

    code = "link_of_another"


class LinkExpired(DomainError):
    """The token is genuine and this person's, and its time is over."""

    code = "link_expired"
    status = 410


@dataclass(frozen=True, slots=True)
class FileLink:
    """What a link that was read stands for."""

    file_id: UUID
    org_id: UUID
    expires_at: datetime


def sign_file_link(
    secret: str, file_id: UUID, org_id: UUID, user_id: int | UUID, seconds: int, now: datetime
) -> str:
    """A URL-safe token for one person and one file, good for `seconds` from `now`."""
    if not 0 < seconds <= FILE_SECONDS:
        raise ValueError(f"A link lives 1 to {FILE_SECONDS} seconds, not {seconds}.")
    ends = int(now.timestamp()) + seconds
    return str(_serializer(secret).dumps([file_id.hex, org_id.hex, str(user_id), ends]))


def read_file_link(secret: str, token: str, user_id: int | UUID, now: datetime) -> FileLink:
    """What the token stands for, if it is genuine, this person's and in time (asked in this order)."""
    try:
        file_hex, org_hex, owner, ends = _serializer(secret).loads(token)
    except BadData as error:
        raise LinkForged("This link is not valid; open the file from the console again.") from error
    if owner != str(user_id):
        raise LinkOfAnother("This link was made for somebody else; open the file from the console yourself.")
    if now.timestamp() >= ends:
        raise LinkExpired("This link has expired; open the file from the console again.")
    return FileLink(UUID(file_hex), UUID(org_hex), datetime.fromtimestamp(ends, UTC))


def draft_key(secret: str, user_id: int) -> str:
    """The key (base64) under which browsers keep what this person types: whoever signs in as them gets it again."""
    return base64.b64encode(hmac.digest(secret.encode(), f"viramah.draft.v1:{user_id}".encode(), "sha256")).decode()


class OneTimeSecret(NamedTuple):
    """A secret for the link in a message, and the digest for the table."""

    secret: str
    digest: str


def new_secret() -> OneTimeSecret:
    """256 random bits as 43 URL-safe characters, and their SHA-256 in hex."""
    secret = secrets.token_urlsafe(32)
    return OneTimeSecret(secret, digest_of(secret))


def digest_of(secret: str) -> str:
    """What to look up; a fast hash is enough for a secret that nobody can guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _serializer(secret: str) -> URLSafeSerializer:
    signer = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret, salt=_SALT, signer_kwargs=signer)
