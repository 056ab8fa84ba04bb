"""Secrets of links in mail: made again from ids whenever a message is sent, so that none is ever stored.

The outbox holds ids only, and the table the SHA-256 of the secret; the secret itself is an HMAC over the ids under a
key derived from SECRET_KEY. A message that is sent twice thus carries the same link.
"""

from __future__ import annotations

import base64
import hashlib
import hmac


def link_secret(key: str, purpose: str, *parts: object) -> str:
    """256 bits as 43 URL-safe characters; `purpose` keeps the links of different messages apart."""
    own_key = hmac.digest(key.encode(), f"viramah.link.{purpose}.v1".encode(), "sha256")
    said = "\n".join(map(str, parts)).encode()
    return base64.urlsafe_b64encode(hmac.digest(own_key, said, "sha256")).rstrip(b"=").decode()


def link_digest(secret: str) -> bytes:
    """What the table keeps; a fast hash is enough for a secret that nobody can guess."""
    return hashlib.sha256(secret.encode()).digest()
