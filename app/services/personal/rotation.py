"""Brings what the field ring encrypted under its current key, in batches that may stop and go on (`flask keys rotate`).

Each batch is a transaction of its own, and each row is changed only if nobody changed it meanwhile. Readers know old
keys and new ones, so that no read fails on the way. Only when nothing is left may an old key leave FIELD_KEYS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, and_, select, text, update
from sqlalchemy.orm import Session

from app.crypto import KeyRing, Undecryptable
from app.models.payments import GatewayAccount
from app.models.people import UserCredential
from app.models.personal import PersonalValue, PersonKey
from app.models.telegram import TelegramBot
from app.rules import personal as rules
from app.services.contacts import context as contact_context
from app.services.imports.checking import sealed_context
from app.services.inquiries.arriving import EMAIL, PHONE, context
from app.services.inquiries.arriving import indexes as inquiry_indexes
from app.services.notifications.channels import phone_context
from app.services.payments.accounts import body_context
from app.services.payments.accounts import context as account_context
from app.services.people.second_factor import secret_context
from app.services.personal.keys import person_ring, wrapped_in
from app.services.personal.values import index_purpose, value_context
from app.services.telegram.bots import context as token_context

BATCH = 200
_INQUIRIES = text("SELECT org_id, id, phone_token, email_token FROM app.inquiries_to_rotate(:prefix, :after, :most)")
_CONTACTS = text("SELECT org_id, id, phone_token, email_token FROM app.contacts_to_rotate(:prefix, :after, :most)")
_ROTATE_CONTACT = text("SELECT app.rotate_contact(:org, :id, :seen, :seen_email, :phone_token, :phone_index, :email_token, :email_index)")
_IMPORT_ROWS = text("SELECT org_id, id, run_id, number, sealed FROM app.import_rows_to_rotate(:prefix, :after, :most)")
_ROTATE_IMPORT_ROW = text("SELECT app.rotate_import_row(:org, :id, :seen, :sealed)")
_BODIES = text("SELECT org_id, id, account_id, body FROM app.webhook_bodies_to_rotate(:prefix, :after, :most)")
_ROTATE_BODY = text("SELECT app.rotate_webhook_body(:org, :id, :seen, :body)")
_PHONES = text("SELECT org_id, id, user_id, phone_token FROM app.notification_phones_to_rotate(:prefix, :after, :most)")
_ROTATE_PHONE = text("SELECT app.rotate_notification_phone(:org, :id, :seen, :token)")
_HEAD = 40  # bytes within which a token says under which key it is
_ROTATE_INQUIRY = text("SELECT app.rotate_inquiry(:org, :id, :seen, :phone_token, :phone_index, :email_token, :email_index)")


@dataclass
class Rotated:
    """What was done, and which tokens no key of the ring reads, by the key that they name."""

    done: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)


Step = Callable[[Session, KeyRing, Any, Rotated], Any]
"""Rotates one batch in a transaction of its own; the id to go on after, None at the end. Whoever keeps tokens of the ring in
own columns adds a step."""


def _old(ring: KeyRing, column: Any) -> Any:
    return and_(column.is_not(None), ~column.startswith(f"v1.{ring.current}.", autoescape=True))


def _named(token: str) -> str:
    """The key that a token says it was made under."""
    return token.split(".")[1] if token.count(".") > 1 else "?"


def _index(ring: KeyRing, org_id: UUID, kind: str, value: str) -> str:
    return inquiry_indexes(ring, org_id, value if kind == PHONE else None, value if kind == EMAIL else None)[0]


def person_keys(session: Session, ring: KeyRing, after: UUID | None, found: Rotated) -> UUID | None:
    """Wrap a batch of people's keys anew; the id to go on after, None at the end."""
    rows = session.execute(
        select(PersonKey.org_id, PersonKey.id, PersonKey.user_id, PersonKey.token)
        .where(_old(ring, PersonKey.token), *([PersonKey.id > after] if after else [])).order_by(PersonKey.id).limit(BATCH)).all()
    for row in rows:
        try:
            fresh = ring.rotate(row.token or "", wrapped_in(row.org_id, row.user_id))
        except Undecryptable:
            found.lost[_named(row.token or "")] += 1
            continue
        session.execute(update(PersonKey).where(
            PersonKey.org_id == row.org_id, PersonKey.id == row.id, PersonKey.token == row.token).values(token=fresh))
        found.done["keys of people"] += 1
    return rows[-1].id if len(rows) == BATCH else None


def indexes(session: Session, ring: KeyRing, after: UUID | None, found: Rotated) -> UUID | None:
    """Compute a batch of blind indexes anew, which takes the values in clear."""
    rows = session.execute(
        select(PersonalValue.org_id, PersonalValue.id, PersonalValue.user_id, PersonalValue.name, PersonalValue.token,
               PersonKey.token.label("key_token"))
        .join(PersonKey, and_(PersonKey.org_id == PersonalValue.org_id, PersonKey.id == PersonalValue.key_id))
        .where(PersonalValue.index_key != ring.current, *([PersonalValue.id > after] if after else []))
        .order_by(PersonalValue.id).limit(BATCH)).all()
    for row in rows:
        try:
            own = person_ring(ring, row.org_id, row.user_id, row.key_token)
            value = own.decrypt(row.token, value_context(row.org_id, row.user_id, row.name))
        except Undecryptable:
            found.lost[_named(row.key_token or "")] += 1
            continue
        fresh = ring.blind_index(value, index_purpose(row.org_id, rules.family(row.name)))
        session.execute(update(PersonalValue).where(
            PersonalValue.org_id == row.org_id, PersonalValue.id == row.id, PersonalValue.token == row.token)
            .values(blind_index=fresh, index_key=ring.current))
        found.done["indexes"] += 1
    return rows[-1].id if len(rows) == BATCH else None


def _addresses(named: str, waiting: TextClause, renew: TextClause, made_for: Callable[[str, UUID], str]) -> Step:
    """Phones and e-mail addresses of a batch of rows, and the indexes that recognize them."""
    def step(session: Session, ring: KeyRing, after: UUID | None, found: Rotated) -> UUID | None:
        rows = session.execute(waiting, {"prefix": f"v1.{ring.current}.", "after": after, "most": BATCH}).all()
        for row in rows:
            fresh: dict[str, str | None] = {}
            try:
                for kind, token in ((PHONE, row.phone_token), (EMAIL, row.email_token)):
                    value = ring.decrypt(token, made_for(kind, row.id)) if token else None
                    fresh[f"{kind}_token"] = ring.encrypt(value, made_for(kind, row.id)) if value else None
                    fresh[f"{kind}_index"] = _index(ring, row.org_id, kind, value) if value else None
            except Undecryptable:
                found.lost[_named(row.phone_token or row.email_token)] += 1
                continue
            session.execute(renew, {"org": row.org_id, "id": row.id, "seen": row.phone_token, "seen_email": row.email_token, **fresh})
            found.done[named] += 1
        return rows[-1].id if len(rows) == BATCH else None

    return step


def gateway_accounts(session: Session, ring: KeyRing, after: UUID | None, found: Rotated) -> UUID | None:
    """Secrets of accounts at payment gateways."""
    row = GatewayAccount
    rows = session.execute(select(row.org_id, row.id, row.secrets_token).where(
        _old(ring, row.secrets_token), *([row.id > after] if after else [])).order_by(row.id).limit(BATCH)).all()
    for one in rows:
        try:
            fresh = ring.rotate(one.secrets_token, account_context(one.org_id, one.id))
        except Undecryptable:
            found.lost[_named(one.secrets_token)] += 1
            continue
        session.execute(update(row).where(row.org_id == one.org_id, row.id == one.id, row.secrets_token == one.secrets_token).values(secrets_token=fresh))
        found.done["gateway accounts"] += 1
    return rows[-1].id if len(rows) == BATCH else None


def telegram_bots(session: Session, ring: KeyRing, after: UUID | None, found: Rotated) -> UUID | None:
    """Tokens of bots, which may have a ring of their own."""
    row = TelegramBot
    rows = session.execute(select(row.org_id, row.id, row.token).where(_old(ring, row.token), *([row.id > after] if after else [])).order_by(row.id).limit(BATCH)).all()
    for one in rows:
        try:
            fresh = ring.rotate(one.token, token_context(one.org_id, one.id))
        except Undecryptable:
            found.lost[_named(one.token)] += 1
            continue
        session.execute(update(row).where(row.org_id == one.org_id, row.id == one.id, row.token == one.token).values(token=fresh))
        found.done["tokens of bots"] += 1
    return rows[-1].id if len(rows) == BATCH else None


def import_rows(session: Session, ring: KeyRing, after: UUID | None, found: Rotated) -> UUID | None:
    """Rows of imports that wait, or were refused."""
    rows = session.execute(_IMPORT_ROWS, {"prefix": f"v1.{ring.current}.", "after": after, "most": BATCH}).all()
    for row in rows:
        try:
            fresh = ring.rotate(row.sealed, sealed_context(row.run_id, row.number))
        except Undecryptable:
            found.lost[_named(row.sealed)] += 1
            continue
        session.execute(_ROTATE_IMPORT_ROW, {"org": row.org_id, "id": row.id, "seen": row.sealed, "sealed": fresh})
        found.done["rows of imports"] += 1
    return rows[-1].id if len(rows) == BATCH else None


def webhook_bodies(session: Session, ring: KeyRing, after: UUID | None, found: Rotated) -> UUID | None:
    """What gateways told, as it came."""
    rows = session.execute(_BODIES, {"prefix": f"v1.{ring.current}.".encode(), "after": after, "most": BATCH}).all()
    for row in rows:
        body, bound = bytes(row.body), body_context(row.account_id)
        try:
            fresh = ring.encrypt_bytes(ring.decrypt_bytes(body, bound), bound)
        except Undecryptable:
            found.lost[_named(body[:_HEAD].decode("ascii", "replace"))] += 1
            continue
        session.execute(_ROTATE_BODY, {"org": row.org_id, "id": row.id, "seen": body, "body": fresh})
        found.done["bodies of webhooks"] += 1
    return rows[-1].id if len(rows) == BATCH else None


def notification_phones(session: Session, ring: KeyRing, after: UUID | None, found: Rotated) -> UUID | None:
    """Numbers that text messages go to."""
    rows = session.execute(_PHONES, {"prefix": f"v1.{ring.current}.", "after": after, "most": BATCH}).all()
    for row in rows:
        try:
            fresh = ring.rotate(row.phone_token, phone_context(row.user_id))
        except Undecryptable:
            found.lost[_named(row.phone_token)] += 1
            continue
        session.execute(_ROTATE_PHONE, {"org": row.org_id, "id": row.id, "seen": row.phone_token, "token": fresh})
        found.done["numbers for text messages"] += 1
    return rows[-1].id if len(rows) == BATCH else None


def second_factors(session: Session, ring: KeyRing, after: int | None, found: Rotated) -> int | None:
    """The secrets of second factors, which the auth login alone reads."""
    rows = session.execute(
        select(UserCredential.user_id, UserCredential.totp_secret)
        .where(_old(ring, UserCredential.totp_secret), *([UserCredential.user_id > after] if after else []))
        .order_by(UserCredential.user_id).limit(BATCH)).all()
    for row in rows:
        try:
            fresh = ring.rotate(row.totp_secret or "", secret_context(row.user_id))
        except Undecryptable:
            found.lost[_named(row.totp_secret or "")] += 1
            continue
        session.execute(update(UserCredential).where(
            UserCredential.user_id == row.user_id, UserCredential.totp_secret == row.totp_secret).values(totp_secret=fresh))
        found.done["second factors"] += 1
    return rows[-1].user_id if len(rows) == BATCH else None


inquiries = _addresses("inquiries", _INQUIRIES, _ROTATE_INQUIRY, context)
contacts = _addresses("contacts", _CONTACTS, _ROTATE_CONTACT, contact_context)
SERVICE_STEPS: list[Step] = [person_keys, indexes, inquiries, contacts, import_rows, gateway_accounts, webhook_bodies, notification_phones]
AUTH_STEPS: list[Step] = [second_factors]
