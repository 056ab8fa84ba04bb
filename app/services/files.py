"""Private files: checked, freed of metadata and stored; opened and removed again; unwanted objects swept away."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import Session

from app.gateways.confined import clean_pdf, heic_to_jpeg
from app.gateways.images import METADATA_CARRIERS, check_legible, strip_metadata, thumbnail
from app.gateways.objects import ObjectStore
from app.models.files import File
from app.rules import files as rules
from app.rules.errors import NotFound
from app.services.personal.keys import PersonKey, digest_of, object_key, seal
from app.signing import DOCUMENT_SECONDS, sign_file_link

SEALED = "application/octet-stream"  # what the store is told of an identity document
THUMBNAIL = ".thumbnail"  # behind the key of a photo stands that of its small JPEG
UNCOMMITTED_FOR = timedelta(days=2)  # an object this young may belong to a transaction that is still open
REMOVED_FOR = timedelta(days=30)  # how long the bytes of a removed file stay, in case it was a mistake
_PIECE = 1 << 20
_SWEPT_AT_ONCE = 500
# The day in the key is what the sweep tells the age of an object by.
_OWN_KEYS = text("SELECT concat_ws('/', 'org', app.current_org(), '')")
_NEW_KEY = text("SELECT concat_ws('/', 'org', app.current_org(), to_char(app.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'), uuidv7())")


@dataclass(frozen=True)
class Upload:
    """A file as somebody sends it: `content` is bytes or a stream that can be rewound, `claimed_type` their word."""

    filename: str
    claimed_type: str
    content: bytes | BinaryIO

    def stream(self) -> BinaryIO:
        """The content from its beginning."""
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        self.content.seek(0)
        return self.content


def store(session: Session, objects: ObjectStore, upload: Upload, purpose: rules.Purpose,
          hostel_id: UUID | None = None, *, owner: PersonKey | None = None) -> File:
    """Check and store a file; its row belongs to the caller's transaction.

    The object is written before the commit: a row never points to nothing, and an object without a row is swept.
    Photos and videos lose their metadata first; photos get a small copy beside them. Identity documents have an `owner`,
    whose key encrypts them.
    Errors: Invalid (empty), FileTooLarge, WrongKind, UnreadableImage, UnreadableVideo, UnreadableDocument; VR429 if the
    plan's storage is full.
    """
    accepted = check(upload, purpose)
    content: bytes | BinaryIO = upload.stream()
    small = None
    if purpose is rules.Purpose.IDENTITY:
        content, accepted = _document(upload, accepted)
    elif accepted.media_type in METADATA_CARRIERS:
        content = strip_metadata(upload.stream().read(), accepted.media_type)
        small = thumbnail(content) if accepted.media_type in rules.PHOTOS else None
    key = named = session.execute(_NEW_KEY).scalar_one()
    file_id, facts = UUID(key.rpartition("/")[2]), _measured(content)
    if owner is not None and isinstance(content, bytes):
        content = seal(owner.ring, file_id, content)
        key = object_key(owner.ring, file_id, key)
        named, facts["sha256"] = digest_of(key), _measured(content)["sha256"]
    file = File(id=file_id, hostel_id=hostel_id, purpose=purpose, name=accepted.filename, media_type=accepted.media_type,
                storage_key=named, key_id=owner and owner.id, **facts)
    session.add(file)
    session.flush()  # the plan's limit speaks before anything is written
    if not isinstance(content, bytes):
        content.seek(0)
    objects.put(key, content, SEALED if owner else accepted.media_type)
    if small is not None:
        objects.put(key + THUMBNAIL, small, rules.MediaType.JPEG)
    return file


def _document(upload: Upload, accepted: rules.Upload) -> tuple[bytes, rules.Upload]:
    """A document that does nothing and tells nothing but what it shows, under a name that nobody chose."""
    content, kind = upload.stream().read(), accepted.media_type
    if kind is rules.MediaType.PDF:
        return clean_pdf(content), replace(accepted, filename="document.pdf")
    if kind is rules.MediaType.HEIC:
        content, kind = heic_to_jpeg(content), rules.MediaType.JPEG
    check_legible(content)
    ending = "png" if kind is rules.MediaType.PNG else "jpg"
    return strip_metadata(content, kind), replace(accepted, media_type=kind, filename=f"document.{ending}")


def check(upload: Upload, purpose: rules.Purpose) -> rules.Upload:
    """What the rules make of an upload (see `rules.files.check_upload`), without storing it."""
    stream = upload.stream()
    head = stream.read(rules.HEAD_BYTES)
    size = stream.seek(0, io.SEEK_END)
    return rules.check_upload(upload.filename, upload.claimed_type, head, size, purpose)


def _measured(content: bytes | BinaryIO) -> dict[str, int | str]:
    digest, size = hashlib.sha256(), 0
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    while piece := stream.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    return {"sha256": digest.hexdigest(), "size": size}


def find(session: Session, file_id: UUID) -> File:
    """The file, if the caller may see it and it was not removed; else NotFound."""
    file: File | None = session.scalar(select(File).where(File.id == file_id, File.deleted_at.is_(None)))
    if file is None:
        raise NotFound("This file is not there any more, or is not yours to see.")
    return file


def open_file(session: Session, objects: ObjectStore, file_id: UUID) -> tuple[File, BinaryIO]:
    """The file and a stream of its bytes, which the caller closes; identity documents open by `documents.read` alone."""
    file = find(session, file_id)
    return file, objects.open(file.storage_key)


def open_thumbnail(session: Session, objects: ObjectStore, file_id: UUID) -> tuple[File, BinaryIO]:
    """The file and a JPEG of at most 480 pixels, if it is a photo."""
    file = find(session, file_id)
    if file.media_type not in rules.PHOTOS or file.purpose == rules.Purpose.IDENTITY:
        raise NotFound("This file has no small picture.")
    return file, objects.open(file.storage_key + THUMBNAIL)


def remove(session: Session, file_id: UUID) -> None:
    """Hide the file and give its storage back to the plan; its bytes are swept after a month."""
    removed = session.execute(
        update(File).where(File.id == file_id, File.deleted_at.is_(None)).values(deleted_at=func.app.now())
        .returning(File.id)).scalar()
    if removed is None:
        raise NotFound("This file is not there any more, or is not yours to remove.")


def link_for(secret: str, file: File, user_id: int, minutes: int, now: datetime) -> str:
    """The token of /files/<token>: for one person, this file and so many minutes (30 at the most, 15 for identity
    documents) from `now`.
    """
    seconds = min(minutes * 60, DOCUMENT_SECONDS) if file.purpose == rules.Purpose.IDENTITY else minutes * 60
    return sign_file_link(secret, file.id, file.org_id, user_id, seconds, now)


# -- sweeping ---------------------------------------------------------------------------------------------------


def organizations_with_objects(objects: ObjectStore) -> list[UUID]:
    """Whose files the store holds."""
    return [UUID(organization) for organization, _ in groupby(objects.list("org/"), key=lambda key: key.split("/")[1])]


def sweep(session: Session, objects: ObjectStore, now: datetime) -> int:
    """Delete objects of the bound organization that no row has wanted for long; how many were deleted.

    Those of transactions that may still be open are left alone.
    """
    prefix = session.execute(_OWN_KEYS).scalar_one()
    old = (key for key in objects.list(prefix) if date.fromisoformat(key.split("/")[2]) < (now - UNCOMMITTED_FOR).date())
    deleted = 0
    while some := list(islice(old, _SWEPT_AT_ONCE)):
        names = {key: key.removesuffix(THUMBNAIL) for key in some}
        wanted = set(session.scalars(select(File.storage_key).where(
            File.storage_key.in_({*names.values(), *map(digest_of, some)}),
            or_(File.deleted_at.is_(None), File.deleted_at > now - REMOVED_FOR))))
        for key in some:
            if wanted.isdisjoint((names[key], digest_of(key))):
                objects.delete(key)
                deleted += 1
    return deleted
