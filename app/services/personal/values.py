"""Sensitive values of people: written under the person's own key, shown masked, read in clear with a reason.

Each person has a key of their own in each organization, wrapped by the field ring: destroying it makes their values
unreadable wherever copies of them are, also in the audit log. A blind index under the ring finds equal values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.models.personal import PersonalValue
from app.rules import personal as rules
from app.services.personal.keys import own_key, person_ring

OWN_REASON = "their own data"
_ORGANIZATION = text("SELECT id, country FROM organizations WHERE id = app.current_org()")
_ORG = text("SELECT app.current_org()")
_PUT = text("SELECT app.put_personal(:user, :key, CAST(:values AS jsonb))")
_REVEAL = text("SELECT name, token, key_id, key_token FROM app.reveal_personal(:user, :names, :reason)")
_OWN_DRAFTS = text("SELECT name, token, key_id, key_token FROM app.own_drafts()")
_FIND = text("SELECT app.find_personal(:names, :indexes)")
_READINGS = text("SELECT at, who, own, names, kind, reason FROM app.readings_of(:user, :most)")
READINGS = 20


@dataclass(frozen=True)
class Masked:
    """What a screen shows of a value."""

    name: str
    label: str
    masked: str
    updated_at: datetime


def value_context(org_id: UUID, user_id: int, name: str) -> str:
    """The context that a value is encrypted in."""
    return f"personal_values:{org_id}:{user_id}:{name}"


def index_purpose(org_id: UUID, family: str) -> str:
    """Indexes of two organizations, or of phones and papers, never equal each other."""
    return f"personal:{org_id}:{family}"


def _country(session: Session) -> tuple[UUID, str]:
    row = session.execute(_ORGANIZATION).one_or_none()
    return (row.id, row.country) if row else (session.scalars(_ORG).one(), "IN")


def put(session: Session, ring: KeyRing, user_id: int, values: Mapping[str, str | None]) -> None:
    """Keep values by name (rules.personal.VALUES, or `draft.<name>` as it was typed); None or '' removes one.

    Errors: Invalid with the name as field; Undecryptable if the person's key is; VR403/VR404 for other people's.
    """
    org_id, country = _country(session)
    ready = {name: rules.normal(name, value, country) if value and value.strip() else None for name, value in values.items()}
    key = own_key(session, ring, user_id)
    rows = [_row(ring, key.ring, org_id, user_id, name, value) for name, value in ready.items()]
    session.execute(_PUT, {"user": user_id, "key": key.id, "values": json.dumps(rows)})


def _row(ring: KeyRing, own: KeyRing, org_id: UUID, user_id: int, name: str, value: str | None) -> dict[str, str | None]:
    if value is None:
        return {"name": name, "token": None}
    family = rules.family(name)
    return {"name": name, "token": own.encrypt(value, value_context(org_id, user_id, name)),
            "masked": rules.spec(name).mask(value), "index_key": ring.current if family else None,
            "blind_index": ring.blind_index(value, index_purpose(org_id, family)) if family else None}


def remove(session: Session, ring: KeyRing, user_id: int, names: Iterable[str]) -> None:
    """Forget values; names that are not there don't matter."""
    put(session, ring, user_id, dict.fromkeys(names))


def masked(session: Session, user_id: int) -> list[Masked]:
    """What the caller may see of a person's values, in the order in which they are declared; drafts are left out."""
    rows = {row.name: row for row in session.execute(
        select(PersonalValue.name, PersonalValue.masked, PersonalValue.updated_at).where(PersonalValue.user_id == user_id))}
    return [Masked(name, spec.label, rows[name].masked, rows[name].updated_at)
            for name, spec in rules.VALUES.items() if name in rows]


def reveal(session: Session, ring: KeyRing, user_id: int, name: str, reason: str) -> str | None:
    """One value in clear, and an audit row that says who read it and why; None if there is none.

    Errors: Invalid without a reason, Undecryptable, VR403 without the capability, VR404 for people out of reach.
    """
    return reveal_all(session, ring, user_id, [name], reason).get(name)


def reveal_all(session: Session, ring: KeyRing, user_id: int, names: Iterable[str], reason: str) -> dict[str, str]:
    """Several values in clear under one reason and one audit row: for a review, or an export."""
    asked = {"user": user_id, "names": list(names), "reason": rules.reason_for_reveal(reason)}
    return _read(session, ring, user_id, session.execute(_REVEAL, asked).all())


def own_drafts(session: Session, ring: KeyRing, user_id: int) -> dict[str, str]:
    """What the signed-in person `user_id` typed and did not submit yet, by name without `draft.`; nothing is audited."""
    found = _read(session, ring, user_id, session.execute(_OWN_DRAFTS).all())
    return {name.removeprefix(rules.DRAFT): value for name, value in found.items()}


def _read(session: Session, ring: KeyRing, user_id: int, rows: Iterable[Row[tuple[str, str, UUID, str | None]]]) -> dict[str, str]:
    org_id, keys, found = session.scalars(_ORG).one(), {}, {}
    for row in rows:
        if row.key_id not in keys:
            keys[row.key_id] = person_ring(ring, org_id, user_id, row.key_token)
        found[row.name] = keys[row.key_id].decrypt(row.token, value_context(org_id, user_id, row.name))
    return found


@dataclass(frozen=True)
class Reading:
    """That somebody read values (by name) or opened a document (of a kind); `who` is empty for the product itself."""

    at: datetime
    who: str | None
    own: bool
    names: list[str]
    kind: str | None
    reason: str | None


def readings(session: Session, user_id: int) -> list[Reading]:
    """Who read what of a person, the newest first; the person is told no reasons."""
    return [Reading(*row) for row in session.execute(_READINGS, {"user": user_id, "most": READINGS})]


def find(session: Session, ring: KeyRing, name: str, value: str, *, family: bool = True) -> list[int]:
    """Whose value equals this one, among people in the caller's reach; with `family` also under related names
    (the phone of a parent is another's own). Nothing for a name without an index, or a value that cannot be one.
    """
    org_id, country = _country(session)
    kind = rules.family(name)
    if not kind:
        return []
    names = [other for other in rules.VALUES if rules.family(other) == kind] if family else [name]
    indexes = ring.blind_indexes(rules.normal(name, value, country), index_purpose(org_id, kind))
    return list(session.scalars(_FIND, {"names": names, "indexes": indexes}))
