"""The key that each person has in each organization, wrapped by the field ring: what it seals goes when it goes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.crypto import KeyRing, Undecryptable

_ORG = text("SELECT app.current_org()")
_KEY = text("SELECT id, token FROM app.person_key(:user, :candidate)")
_PERSON = "p"  # the only key of a person's own ring


def wrapped_in(org_id: UUID, user_id: int) -> str:
    """The context that a person's key is wrapped in."""
    return f"person_keys:{org_id}:{user_id}"


def person_ring(ring: KeyRing, org_id: UUID, user_id: int, token: str | None) -> KeyRing:
    """The ring of one person, unwrapped. Errors: Undecryptable, also for a key that was destroyed."""
    if token is None:
        raise Undecryptable
    return KeyRing({_PERSON: bytes.fromhex(ring.decrypt(token, wrapped_in(org_id, user_id)))})


@dataclass(frozen=True)
class PersonKey:
    """A person's key, to write under."""

    id: UUID
    ring: KeyRing


def own_key(session: Session, ring: KeyRing, user_id: int) -> PersonKey:
    """The person's present key, made if there is none. Errors: Undecryptable; VR403/VR404 for other people's."""
    org_id = session.scalars(_ORG).one()
    key = session.execute(_KEY, {"user": user_id, "candidate": None}).one_or_none()
    if key is None:
        fresh = ring.encrypt(KeyRing.new_key().hex(), wrapped_in(org_id, user_id))
        key = session.execute(_KEY, {"user": user_id, "candidate": fresh}).one()
    return PersonKey(key.id, person_ring(ring, org_id, user_id, key.token))


# -- files ------------------------------------------------------------------------------------------------------
# The bytes of an identity document lie under a name that only the person's key tells; a row knows a digest of that name,
# by which the sweep sees what is wanted, and from which nobody gets back to the object.


def seal(own: KeyRing, file_id: UUID, content: bytes) -> bytes:
    """What is stored of a file."""
    return own.encrypt_bytes(content, f"files:{file_id}")


def unseal(own: KeyRing, file_id: UUID, content: bytes) -> bytes:
    """The file again. Errors: Undecryptable."""
    return own.decrypt_bytes(content, f"files:{file_id}")


def object_key(own: KeyRing, file_id: UUID, storage_key: str) -> str:
    """Where the bytes are of a file whose row says `storage_key`."""
    return f"{storage_key.rpartition('/')[0]}/{own.blind_index(str(file_id), 'files')}"


def digest_of(key: str) -> str:
    """What the row says of an object of this key."""
    folder, _, name = key.rpartition("/")
    return f"{folder}/{hashlib.sha256(name.encode()).hexdigest()}"
