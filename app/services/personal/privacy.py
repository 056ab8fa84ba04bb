"""What a person may ask for: everything that is kept of them, and to be forgotten; and forgetting by rule (O12)."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.gateways.objects import ObjectMissing, ObjectStore
from app.models.organizations import Organization
from app.models.people import LoginAttempt, UserCredential
from app.rules import personal as rules
from app.services import documents
from app.services.files import THUMBNAIL
from app.services.personal.values import reveal_all

_EXPORT = text("SELECT app.export_person(:user)")
_REDACT = text("SELECT app.redact_person(:user)")
_ERASE = text("SELECT app.erase_person(:user)")
_TO_REDACT = text("SELECT app.people_to_redact(:before)")
_ORGANIZATIONS = text("SELECT app.organizations_with_personal_data()")


def export(session: Session, ring: KeyRing, objects: ObjectStore, user_id: int, target: BinaryIO, reason: str) -> None:
    """Write a ZIP of everything kept of a person in the bound organization: data.json and the documents."""
    data = session.execute(_EXPORT, {"user": user_id}).scalar_one()
    data["personal_values"] = reveal_all(session, ring, user_id, rules.VALUES, reason)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(data, indent=1, ensure_ascii=False, default=str))
        for number, document in enumerate(documents.of_person(session, user_id), start=1):
            with objects.open(document.file.storage_key) as stream:
                archive.writestr(f"documents/{number}-{document.kind}-{document.file.name}", stream.read())


def redact(session: Session, user_id: int) -> list[str]:
    """Destroy the key of a person who has left, their values and documents; the objects to delete after the commit."""
    return list(session.scalars(_REDACT, {"user": user_id}))


@dataclass(frozen=True)
class Erased:
    """What is left to do after the commit: objects to delete, and whether the account went with its last organization."""

    objects: list[str]
    account: bool


def erase(session: Session, user_id: int) -> Erased:
    """The same, and name and addresses too; what they did stays without them.

    Errors: VR409 while the person has a role here, VR404.
    """
    found = session.execute(_ERASE, {"user": user_id}).scalar_one()
    return Erased(found["objects"], found["account"])


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
        for one in (key, key + THUMBNAIL):
            try:
                objects.delete(one)
            except ObjectMissing:
                continue


def due(session: Session, now: datetime) -> list[int]:
    """Who left so long ago that the organization's rule has them redacted."""
    settings = session.scalars(select(Organization.settings)).one()
    return list(session.scalars(_TO_REDACT, {"before": now - rules.retention(settings)}))


def organizations(session: Session) -> list[UUID]:
    """On the service login: which organizations hold personal data."""
    return list(session.scalars(_ORGANIZATIONS))
