"""Documents of people: taken from camera or folder, made harmless, replaced, ended; what is asked for, and reminders."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from app.crypto import KeyRing
from app.gateways.objects import ObjectStore
from app.models.files import File
from app.models.people import Member
from app.models.personal import Document, DocumentRequirement
from app.permissions import Role
from app.rules import personal as rules
from app.rules.errors import Invalid
from app.rules.files import Purpose
from app.rules.personal import DEFAULT_REQUIREMENTS, DocumentKind, DocumentStatus, Requirement
from app.services import files, notifications
from app.services.files import Upload
from app.services.notifications import Message
from app.services.personal.keys import object_key, own_key, person_ring, unseal
from app.text import N_

_ADD = text("SELECT app.add_document(:user, :kind, :file, :until, :replaces, :most)")
_REMOVE = text("SELECT app.remove_document(:id)")
_REQUIRE = text("SELECT app.require_document(:kind, :required, :has_expiry, :roles)")
_TODAY = text("SELECT (app.now() AT TIME ZONE timezone)::date FROM organizations WHERE id = app.current_org()")
_OPEN = text("SELECT user_id, key_token FROM app.open_document(:file, :reason)")


def today(session: Session) -> date:
    """The day where the organization is."""
    found: date = session.execute(_TODAY).scalar_one()
    return found


def add(session: Session, ring: KeyRing, objects: ObjectStore, user_id: int, kind: DocumentKind, upload: Upload, *,  # noqa: PLR0913
        valid_until: str = "", replaces: UUID | None = None) -> UUID:
    """Store a document of a person under their own key and return its id; `replaces` ends the one it takes the place of.

    Errors: Invalid (date), those of `files.store`, Undecryptable; VR403/VR404 for others' documents, VR409 if there are
    too many.
    """
    needed = any(need.kind is kind and need.has_expiry for need in requirements(session))
    until = rules.valid_until(valid_until, today(session), needed=needed)
    file = files.store(session, objects, upload, Purpose.IDENTITY, owner=own_key(session, ring, user_id))
    session.flush()
    asked = {"user": user_id, "kind": kind, "file": file.id, "until": until, "replaces": replaces, "most": rules.DOCUMENTS_MAX}
    found: UUID = session.execute(_ADD, asked).scalar_one()
    session.expire_all()
    return found


def remove(session: Session, document_id: UUID) -> None:
    """A document counts no more; its bytes go with those of removed files. Errors: VR404, VR403."""
    session.execute(_REMOVE, {"id": document_id})
    session.expire_all()


def of_person(session: Session, user_id: int) -> list[Document]:
    """The documents of a person that still count, with their files, by kind and age."""
    return list(session.scalars(
        select(Document).where(Document.user_id == user_id, Document.status == DocumentStatus.CURRENT)
        .options(joinedload(Document.file)).order_by(Document.kind, Document.created_at)))


def read(session: Session, ring: KeyRing, objects: ObjectStore, file_id: UUID, reason: str | None = None) -> tuple[File, bytes]:
    """A document in clear, and an audit row that says who read it. Errors: NotFound, Undecryptable, VR403/VR404."""
    file = files.find(session, file_id)
    row = session.execute(_OPEN, {"file": file_id, "reason": reason}).one()
    own = person_ring(ring, file.org_id, row.user_id, row.key_token)
    with objects.open(object_key(own, file.id, file.storage_key)) as stream:
        return file, unseal(own, file.id, stream.read())


# -- what is asked for --------------------------------------------------------------------------------------------


def requirements(session: Session) -> list[Requirement]:
    """What the organization asks for, of every kind: what it has set, else the default."""
    own = {row.kind: row for row in session.scalars(select(DocumentRequirement))}
    return [default if (row := own.get(default.kind)) is None else Requirement(
                default.kind, row.required, row.has_expiry, frozenset(Role(role) for role in row.roles))
            for default in DEFAULT_REQUIREMENTS]


def require(session: Session, wanted: Collection[Requirement]) -> None:
    """Set what the organization asks for. Errors: Invalid (a required kind that nobody is asked for), VR403."""
    now = set(requirements(session))
    for need in wanted:
        if need.required and not need.roles:
            raise Invalid("Choose who has to give this document.", field=need.kind)
        if need not in now:
            session.execute(_REQUIRE, {"kind": need.kind, "required": need.required, "has_expiry": need.has_expiry,
                                       "roles": sorted(need.roles)})


@dataclass(frozen=True)
class Papers:
    """The documents of a person beside what is asked of them in a role, on a day."""

    documents: list[Document]
    needs: list[Requirement]
    missing: list[DocumentKind]
    day: date


def papers(session: Session, user_id: int, role: Role) -> Papers:
    """What a person has given, and what is still asked for: not given, or not valid any more."""
    found, needs, day = of_person(session, user_id), requirements(session), today(session)
    best: dict[DocumentKind, date | None] = {}
    for document in found:
        kind, until = DocumentKind(document.kind), document.valid_until
        known = best.get(kind, until)
        best[kind] = max(known, until) if known and until else None
    return Papers(found, [need for need in needs if role in need.roles], rules.missing(needs, role, best, day), day)


def missing(session: Session, user_id: int, role: Role) -> list[DocumentKind]:
    """Required kinds that a person in this role has not given, or whose documents have ended."""
    return papers(session, user_id, role).missing


# -- reminders ----------------------------------------------------------------------------------------------------


def remind(session: Session) -> int:
    """Tell present members of documents that end soon, once for each stage; how many were told now."""
    now = today(session)
    rows = session.scalars(
        select(Document).join(Member, (Member.org_id == Document.org_id) & (Member.user_id == Document.user_id))
        .where(Document.status == DocumentStatus.CURRENT, Member.removed_at.is_(None),
               Document.valid_until.between(now, now + timedelta(days=max(rules.REMIND_BEFORE)))))
    told = 0
    for row in rows:
        stage = rules.due_reminder(row.valid_until or now, now)
        told += notifications.tell(session, [row.user_id], Message(
            kind="document_ends", key=f"document-{row.id}-ends-{stage}", hostel_id=None, link="/my/documents/",
            title=N_("A document of yours ends today") if stage == 0 else N_("A document of yours ends soon")))
    return told
