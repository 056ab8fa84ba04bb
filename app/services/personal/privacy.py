"""What a person may ask for: everything that is kept of them, and to be forgotten; and forgetting by rule (O12)."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.crypto import KeyRing, Undecryptable
from app.gateways.objects import ObjectStore
from app.models.organizations import Organization
from app.models.people import LoginAttempt, UserCredential
from app.rules import personal as rules
from app.services import contacts, documents
from app.services.inquiries.arriving import EMAIL, PHONE, context, indexes
from app.services.personal.keys import object_key, person_ring
from app.services.personal.values import reveal_all

_EXPORT = text("SELECT app.export_person(:user, :indexes)")
_REDACT = text("SELECT id, storage_key, key_token FROM app.redact_person(:user)")
_ERASE = text("SELECT app.erase_person(:user, :indexes)")
_ADDRESS = text("SELECT org_id, email FROM members WHERE user_id = :user")
_ERASING = "erasure that the person asked for"
_ORG = text("SELECT app.current_org()")
_TO_REDACT = text("SELECT app.people_to_redact(:before)")
_ORGANIZATIONS = text("SELECT app.organizations_with_personal_data()")


def export(session: Session, ring: KeyRing, objects: ObjectStore, user_id: int, target: BinaryIO, reason: str) -> None:
    """Write a ZIP of everything kept of a person in the bound organization: data.json and the documents."""
    values = reveal_all(session, ring, user_id, rules.VALUES, reason)
    data = session.execute(_EXPORT, {"user": user_id, "indexes": _asked_as(session, ring, user_id, values.get("phone"))}).scalar_one()
    data["personal_values"] = values
    for table, bound in (("inquiries", context), ("contacts", contacts.context)):
        for row in data[table]:
            for kind in (PHONE, EMAIL):
                token = row.pop(f"{kind}_token")
                row[kind] = ring.decrypt(token, bound(kind, UUID(row["id"]))) if token else None
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(data, indent=1, ensure_ascii=False, default=str))
        for number, document in enumerate(documents.of_person(session, user_id), start=1):
            file, content = documents.read(session, ring, objects, document.file_id, reason)
            archive.writestr(f"documents/{number}-{document.kind}-{file.name}", content)


def _asked_as(session: Session, ring: KeyRing, user_id: int, phone: str | None) -> list[str]:
    """By what inquiries of the person are found that nobody connected with them."""
    row = session.execute(_ADDRESS, {"user": user_id}).one_or_none()
    return indexes(ring, row.org_id, phone, row.email) if row else []


def redact(session: Session, ring: KeyRing, user_id: int) -> list[str]:
    """Destroy the key of a person who has left, their values and documents; the objects to delete after the commit."""
    org_id = session.scalars(_ORG).one()
    return _objects(ring, org_id, user_id, [row._asdict() for row in session.execute(_REDACT, {"user": user_id})])


def _objects(ring: KeyRing, org_id: UUID, user_id: int, files: Iterable[Mapping[str, str]]) -> list[str]:
    """Where documents are. Without the field key nobody knows; then what nobody can read either is swept later."""
    with suppress(Undecryptable):
        return [object_key(person_ring(ring, org_id, user_id, file["key_token"]), UUID(str(file["id"])), file["storage_key"])
                for file in files]
    return []


@dataclass(frozen=True)
class Erased:
    """What is left to do after the commit: objects to delete, and whether the account went with its last organization."""

    objects: list[str]
    account: bool


def erase(session: Session, ring: KeyRing, user_id: int) -> Erased:
    """The same, and name, addresses and inquiries too; what they did stays without them.

    Errors: VR409 while the person has a role here, VR404.
    """
    org_id, phone = session.scalars(_ORG).one(), None
    with suppress(Undecryptable):
        phone = reveal_all(session, ring, user_id, [PHONE], _ERASING).get(PHONE)
    found = session.execute(_ERASE, {"user": user_id, "indexes": _asked_as(session, ring, user_id, phone)}).scalar_one()
    return Erased(_objects(ring, org_id, user_id, found["files"]), found["account"])


def forget_credentials(auth: Session, user_id: int, email: str) -> None:
    """What only the auth login may touch, of an account that was erased."""
    row = auth.get(UserCredential, user_id)
    if row is not None:
        row.password_hash = row.totp_secret = row.totp_confirmed_at = row.reset_digest = row.reset_expires_at = None
        row.recovery_digests = []
    for attempt in auth.scalars(select(LoginAttempt).where(LoginAttempt.account == email.lower())):
        auth.delete(attempt)


def delete_objects(objects: ObjectStore, keys: list[str]) -> None:
    """Delete the bytes of documents; what is gone already is no error."""
    for key in keys:
        objects.delete(key)


def due(session: Session, now: datetime) -> list[int]:
    """Who left so long ago that the organization's rule has them redacted."""
    settings = session.scalars(select(Organization.settings)).one()
    return list(session.scalars(_TO_REDACT, {"before": now - rules.retention(settings)}))


def organizations(session: Session) -> list[UUID]:
    """On the service login: which organizations hold personal data."""
    return list(session.scalars(_ORGANIZATIONS))
