"""How inquiries arrive: from strangers, through functions of the database alone, and from staff who write them down."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.rules.errors import Conflict, NotFound
from app.rules.inquiries import (
    ATTEMPTS_PER_HOUR,
    ATTEMPTS_WINDOW,
    Lead,
    TooManyAttempts,
    mask_email,
    mask_phone,
    network_of,
)
from app.services.work import ASKED
from app.text import CONTROL

PHONE, EMAIL = "phone", "email"

_PLACE = text("SELECT * FROM app.inquiry_place(:slug, :code)")
_ATTEMPT = text("SELECT app.count_inquiry_attempt(:address, :most, :window)")
_PROOF = text("SELECT app.count_hit('proof of work', :name, :ends, 1)")
_KNOWN = text("SELECT app.knows_inquiry_device(:org, :cookie, :local, :print)")
_SENT = text("SELECT app.has_inquiry(:org, :id)")
_SUBMIT = text("SELECT app.submit_inquiry(:org, :hostel, :id, CAST(:lead AS jsonb), :known, :cookie, :new_cookie, :local, :print)")
_ADD = text("SELECT app.add_inquiry(:hostel, :id, CAST(:lead AS jsonb), :known)")
_IMPORT = text("SELECT app.import_inquiry(:hostel, :id, CAST(:lead AS jsonb), :known, :at, CAST(:steps AS jsonb))")
_OWN = text("SELECT id, hostel_id, full_name, phone_token, move_in_on, source FROM app.my_inquiry()")


@dataclass(frozen=True)
class Arrival:
    """Where an inquiry arrives: an organization's public page, perhaps that of one hostel; `hostels` as {code, name, city}, `phone` for who would rather call."""

    org_id: UUID
    organization: str
    country: str
    language: str
    timezone: str
    hostel_id: UUID | None
    hostel: str | None
    hostels: Sequence[Mapping[str, str]]
    phone: str


@dataclass(frozen=True)
class Device:
    """What a browser shows of itself: its cookie, what it keeps, and a hash of what it looks like; empty where it has none."""

    cookie: str = ""
    local_token: str = ""
    fingerprint: str = ""

    def digests(self) -> dict[str, bytes | None]:
        """What the database keeps of them."""
        return {"cookie": _digest(self.cookie), "local": _digest(self.local_token), "print": _digest(self.fingerprint)}


def _digest(value: str) -> bytes | None:
    return hashlib.sha256(value.encode()).digest() if value else None


# --- strangers ------------------------------------------------------------------------------------------


def place(session: Session, slug: str, code: str = "") -> Arrival:
    """The page at an address. Error: NotFound."""
    odd = CONTROL.search(slug + code)
    row = None if odd else session.execute(_PLACE, {"slug": slug[:64], "code": code[:13]}).one_or_none()  # one more than there can be
    if row is None:
        raise NotFound("There is nothing at this address.")
    return Arrival(**row._mapping)  # noqa: SLF001 - the public name of a row's columns


def admit(session: Session, secret: str, address: str) -> None:
    """Count an attempt of a network address, of which only a keyed hash is kept. Error: TooManyAttempts for the fourth of an hour."""
    digest = hmac.new(secret.encode(), f"inquiry:{network_of(address)}".encode(), hashlib.sha256).digest()
    wait = session.execute(_ATTEMPT, {"address": digest, "most": ATTEMPTS_PER_HOUR, "window": ATTEMPTS_WINDOW}).scalar_one()
    if wait:
        raise TooManyAttempts(wait)


def use_proof(session: Session, name: str, ends: datetime) -> None:
    """Use up a solved challenge. Error: Conflict if it was used before."""
    if not session.execute(_PROOF, {"name": name, "ends": ends}).scalar_one():
        raise Conflict("This form was sent already. Please open the page again for another inquiry.")


def is_known(session: Session, org_id: UUID, device: Device) -> bool:
    """Whether this browser has sent an inquiry to this organization."""
    return bool(session.execute(_KNOWN, {"org": org_id, **device.digests()}).scalar_one())


def is_sent(session: Session, org_id: UUID, inquiry_id: UUID) -> bool:
    """Whether an inquiry has arrived under this id, which its sender alone knows."""
    return bool(session.execute(_SENT, {"org": org_id, "id": inquiry_id}).scalar_one())


def submit(session: Session, ring: KeyRing, where: Arrival, inquiry_id: UUID, lead: Lead, device: Device, new_cookie: str) -> bool:
    """Write a stranger's inquiry, whose `lead` is clean; returns whether this very browser has sent this phone or e-mail before.

    `new_cookie` is what the browser will carry from now on: its own, if it came with one.

    Known or not, the same work is done and the same is answered.
    """
    repeated = session.execute(_SUBMIT, {
        "org": where.org_id, "hostel": where.hostel_id, "id": inquiry_id, "lead": sealed(ring, where.org_id, inquiry_id, lead),
        "known": indexes(ring, where.org_id, lead.phone, lead.email), "new_cookie": _digest(new_cookie),
        **device.digests()}).scalar_one()
    session.info[ASKED] = True
    return bool(repeated)


# --- staff ----------------------------------------------------------------------------------------------


def add(session: Session, ring: KeyRing, org_id: UUID, hostel_id: UUID | None, inquiry_id: UUID, lead: Lead) -> UUID:
    """Write down what somebody said, whose `lead` is clean; returns whose inquiry it is: this one, or the first of that person."""
    first: UUID = session.execute(_ADD, {
        "hostel": hostel_id, "id": inquiry_id, "lead": sealed(ring, org_id, inquiry_id, lead),
        "known": indexes(ring, org_id, lead.phone, lead.email)}).scalar_one()
    return first


def remember(session: Session, ring: KeyRing, org_id: UUID, hostel_id: UUID | None, inquiry_id: UUID, lead: Lead,  # noqa: PLR0913, PLR0917
             at: datetime, steps: Sequence[Mapping[str, Any]]) -> None:
    """An inquiry of the past with what became of it (see app.import_inquiry); nobody is told."""
    session.execute(_IMPORT, {
        "hostel": hostel_id, "id": inquiry_id, "lead": sealed(ring, org_id, inquiry_id, lead), "at": at, "steps": json.dumps(list(steps)),
        "known": indexes(ring, org_id, lead.phone, lead.email)})


def own_lead(session: Session, ring: KeyRing) -> Lead | None:
    """What the caller said when they asked for a bed, in the residents' portal; None if they came another way."""
    row = session.execute(_OWN).one_or_none()
    if row is None:
        return None
    return Lead(row.full_name, ring.decrypt(row.phone_token, context(PHONE, row.id)), move_in_on=row.move_in_on, source=row.source)


# --- what is encrypted ----------------------------------------------------------------------------------


def context(kind: str, inquiry_id: UUID) -> str:
    """What a value is bound to: copied into another row or column it cannot be read."""
    return f"inquiries.{kind}_token:{inquiry_id}"


def indexes(ring: KeyRing, org_id: UUID, phone: str | None, email: str | None) -> list[str]:
    """By what a person can be found, under every key; in each organization other ones."""
    return [found for kind, value in ((PHONE, phone), (EMAIL, email)) if value
            for found in ring.blind_indexes(value, f"inquiries.{kind}:{org_id}")]


def sealed(ring: KeyRing, org_id: UUID, inquiry_id: UUID, lead: Lead) -> str:
    """The row as JSON, phone and e-mail encrypted, indexed and masked."""
    values: dict[str, Any] = {
        "full_name": lead.full_name, "message": lead.message, "language": lead.language, "source": lead.source,
        "campaign": lead.campaign, "referrer": lead.referrer,
        "move_in_on": lead.move_in_on and lead.move_in_on.isoformat()}
    for kind, value, mask in ((PHONE, lead.phone, mask_phone), (EMAIL, lead.email, mask_email)):
        if value:
            values |= {f"{kind}_token": ring.encrypt(value, context(kind, inquiry_id)), f"{kind}_masked": mask(value),
                       f"{kind}_index": ring.blind_index(value, f"inquiries.{kind}:{org_id}")}
    return json.dumps(values)
