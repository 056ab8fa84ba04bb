"""A ring of keys for single fields and small files: AES-256-GCM with rotation, and blind indexes to look encrypted values up.

A token reads `v1.<key id>.<base64url of nonce (12 bytes) and ciphertext with tag>`. The context (for example
`user_credentials.totp_secret:<user id>`) is authenticated with it, so that a token copied into another row or
column cannot be read there. With random nonces NIST SP 800-38D allows 2³² encryptions under one key: rotate earlier.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.rules.errors import DomainError
from app.text import N_

KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_VERSION = "v1"


class Undecryptable(DomainError):
    """Wrong key, wrong context or a changed token: which of them is not told, and nothing of the value is."""

    code = "key_missing"
    status = 503

    def __init__(self) -> None:
        super().__init__(N_("This value cannot be read: the key that it was encrypted with is missing or is not the right one."))


class KeyRing:
    """Keys by id, the current one first; older ones still decrypt until nothing needs them."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        if not keys:
            raise ValueError("A key ring needs at least one key.")
        if not all(_is_key(key_id, key) for key_id, key in keys.items()):
            raise ValueError(f"A key is an id and {KEY_BYTES} bytes.")
        self._current = next(iter(keys))
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._index_keys = {key_id: _derive(key, b"blind index") for key_id, key in keys.items()}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `id:base64,id:base64`; a ValueError names the position of what is wrong, never a key."""
        keys: dict[str, bytes] = {}
        for position, entry in enumerate(text.split(","), start=1):
            key_id, _, encoded = entry.strip().partition(":")
            try:
                key = _decode(encoded)
            except binascii.Error as error:
                raise ValueError(f"Key {position} of the ring is not base64.") from error
            if not _is_key(key_id, key):
                raise ValueError(f"Key {position} of the ring is not an id, a colon and {KEY_BYTES} bytes.")
            if key_id in keys:
                raise ValueError(f"Key {position} of the ring repeats the id {key_id}.")
            keys[key_id] = key
        return cls(keys)

    @property
    def current(self) -> str:
        """The id of the key that new tokens and indexes are made under."""
        return self._current

    @staticmethod
    def new_key() -> bytes:
        """A key for a ring, or for one person (whose destruction erases what was encrypted under it)."""
        return os.urandom(KEY_BYTES)

    def encrypt(self, plaintext: str, context: str) -> str:
        """A token that only this ring can read, and only in this context."""
        head, sealed = self._seal(plaintext.encode(), context)
        return f"{head}{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()}"

    def decrypt(self, token: str, context: str) -> str:
        """What was encrypted, or `Undecryptable`."""
        head, _, encoded = token.rpartition(".")
        try:
            return self._unseal(head, _decode(encoded), context).decode()
        except ValueError as error:  # not base64
            raise Undecryptable from error

    def encrypt_bytes(self, content: bytes, context: str) -> bytes:
        """The same for a whole file, which fits into memory."""
        head, sealed = self._seal(content, context)
        return head.encode() + sealed

    def decrypt_bytes(self, content: bytes, context: str) -> bytes:
        """What was encrypted, complete and unchanged, or `Undecryptable`."""
        version, _, rest = content.partition(b".")
        key_id, _, sealed = rest.partition(b".")
        return self._unseal(f"{version.decode('ascii', 'replace')}.{key_id.decode('ascii', 'replace')}", sealed, context)

    def _seal(self, content: bytes, context: str) -> tuple[str, bytes]:
        nonce, key_id = os.urandom(_NONCE_BYTES), self._current
        return f"{_VERSION}.{key_id}.", nonce + self._ciphers[key_id].encrypt(nonce, content, _bound(key_id, context))

    def _unseal(self, head: str, sealed: bytes, context: str) -> bytes:
        version, _, key_id = head.partition(".")
        cipher = self._ciphers.get(key_id)
        if version != _VERSION or cipher is None:
            raise Undecryptable
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(key_id, context))
        except (InvalidTag, ValueError) as error:  # ValueError: too short for a nonce
            raise Undecryptable from error

    def needs_rotation(self, token: str) -> bool:
        """Whether the token (and the blind index beside it) was made under an older key."""
        return not token.startswith(f"{_VERSION}.{self._current}.")

    def rotate(self, token: str, context: str) -> str:
        """The same value under the current key."""
        return self.encrypt(self.decrypt(token, context), context)

    def blind_index(self, value: str, purpose: str) -> str:
        """A keyed hash (hex of HMAC-SHA256) to store beside a token; the caller normalises the value first."""
        return self._index(self._current, value, purpose)

    def blind_indexes(self, value: str, purpose: str) -> list[str]:
        """The index under every key, the current first: what to look for while a rotation is under way."""
        return [self._index(key_id, value, purpose) for key_id in self._index_keys]

    def _index(self, key_id: str, value: str, purpose: str) -> str:
        message = f"{len(purpose)}:{purpose}:{value}".encode()
        return hmac.new(self._index_keys[key_id], message, hashlib.sha256).hexdigest()


def _is_key(key_id: str, key: bytes) -> bool:
    return _KEY_ID.fullmatch(key_id) is not None and len(key) == KEY_BYTES


def _bound(key_id: str, context: str) -> bytes:
    return f"{_VERSION}.{key_id}.{context}".encode()


def _derive(key: bytes, purpose: bytes) -> bytes:
    """A key of its own for each use (RFC 5869), so that an index says nothing about the cipher's key."""
    info = b"viramah field " + purpose
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)


def _decode(text: str) -> bytes:
    """Base64 of either alphabet, padded or not; binascii.Error for anything else."""
    padded = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
