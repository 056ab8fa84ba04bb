"""What is mailed to prove who reads a mailbox: links that sign in, and codes of new devices (T14).

Everything here works in an auth scope. The browser that asked keeps the proof's id in its signed cookie, the mail brings
the secret made from that id, and the row says that both are used once.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, insert, text, update
from sqlalchemy.orm import Session

from app.models.signin import MailedProof
from app.rules import signin
from app.services.people.accounts import LinkOver
from app.services.people.links import link_digest, link_secret
from app.services.people.sessions import note
from app.services.work import enqueue

LINK_MAIL, CODE_MAIL = "people.sign_in_link", "people.device_code"
LINKS_PER_HOUR = 5
_CODE_DIGITS = 8
_HIT = text("SELECT app.count_hit('sign-in-link', :key, :start, :most)")
_BY_EMAIL = text("SELECT id FROM ab_user WHERE lower(email) = :email AND active")
_PERSON = text("""
    SELECT u.id, u.email, c.totp_confirmed_at IS NOT NULL AS second_factor
    FROM ab_user u LEFT JOIN user_credentials c ON c.user_id = u.id WHERE u.id = :user AND u.active""")


class Purpose(StrEnum):
    """What a proof is for."""

    LINK = "sign-in-link"
    CODE = "device-code"


def _begin(session: Session, purpose: Purpose, user_id: int | None, now: datetime) -> UUID:
    found: UUID = session.execute(insert(MailedProof).values(
        purpose=purpose, user_id=user_id, expires_at=now + signin.MAILED_PROOF_LIFETIME).returning(MailedProof.id)).scalar_one()
    return found


def request_link(session: Session, email: str, now: datetime) -> UUID:
    """Have a link mailed if the address has an account; for any other the same statements lead to nothing.

    Beyond five in an hour for one address nothing more is mailed, and nothing else is said. Returns the proof's id.
    """
    user_id: int | None = session.scalar(_BY_EMAIL, {"email": email})
    proof_id = _begin(session, Purpose.LINK, user_id, now)
    key = hashlib.sha256(email.encode()).hexdigest()[:32]
    hour = now.replace(minute=0, second=0, microsecond=0)
    if session.scalar(_HIT, {"key": key, "start": hour, "most": LINKS_PER_HOUR}):
        enqueue(session, LINK_MAIL, {"user_id": user_id, "proof_id": str(proof_id)})
    return proof_id


def request_code(session: Session, user_id: int, now: datetime) -> UUID:
    """Have a code mailed to somebody whose password was right; returns the proof's id.

    How many there can be is bounded by how many attempts to sign in an account has.
    """
    proof_id = _begin(session, Purpose.CODE, user_id, now)
    enqueue(session, CODE_MAIL, {"user_id": user_id, "proof_id": str(proof_id)})
    return proof_id


def proof_secret(key: str, purpose: Purpose, proof_id: UUID | str) -> str:
    """What the link carries; a code is made from it."""
    return link_secret(key, purpose, proof_id)


def proof_code(key: str, proof_id: UUID | str) -> str:
    """Eight digits, as somebody reads them off another device."""
    number = int.from_bytes(link_digest(proof_secret(key, Purpose.CODE, proof_id))[:8]) % 10**_CODE_DIGITS
    return f"{number:0{_CODE_DIGITS}}"


def is_secret(key: str, proof_id: UUID | str, secret: str) -> bool:
    """Whether this is the secret of the link that was asked for under this id."""
    return hmac.compare_digest(proof_secret(key, Purpose.LINK, proof_id).encode(), secret.encode())


def is_code(key: str, proof_id: UUID | str, code: str) -> bool:
    """Whether this is the code; blanks between digits are how people copy."""
    return hmac.compare_digest(proof_code(key, proof_id).encode(), "".join(code.split()).encode())


def use(session: Session, purpose: Purpose, proof_id: UUID | str, now: datetime) -> tuple[int, str, bool]:
    """Use a proof up, once: the person's id, e-mail address, and whether they have a second factor. Errors: LinkOver."""
    user_id = session.scalar(
        update(MailedProof)
        .where(MailedProof.id == UUID(str(proof_id)), MailedProof.purpose == purpose, MailedProof.used_at.is_(None),
               MailedProof.expires_at > now)
        .values(used_at=now).returning(MailedProof.user_id))
    row = session.execute(_PERSON, {"user": user_id}).one_or_none()
    if row is None:
        raise LinkOver("This was used already, or is too old. Please begin again.")
    note(session, row.id, "mail_proved", purpose=str(purpose))
    return row.id, row.email, row.second_factor


def forget(session: Session, before: datetime) -> None:
    """Proofs that are over."""
    session.execute(delete(MailedProof).where(MailedProof.expires_at < before))
