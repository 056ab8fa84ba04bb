"""Documents of people: taken in, replaced, ended, asked for; and who may open them."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.crypto import KeyRing
from app.permissions import Role
from app.rules.errors import Invalid, NotFound
from app.rules.files import FileTooLarge, WrongKind
from app.rules.personal import DocumentKind, Requirement
from app.services import documents, files
from app.services.files import Upload
from app.signing import read_file_link
from app.tenancy import tenant_scope
from app.wiring import objects, settings

K = DocumentKind


def scan(width=600, kind="JPEG"):
    output = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "12 Lake Road"
    Image.new("RGB", (width, 400), "beige").save(output, kind, exif=exif)
    return output.getvalue()


def as_(person):
    return tenant_scope(person.org_id, person.user_id)


def ring():
    return KeyRing(dict(settings().field_keys))


def give(by, to, kind=K.IDENTITY, content=None, name="aadhaar 2345 6789 0124.jpg", **options):
    with as_(by) as session:
        return documents.add(session, ring(), objects(), to.user_id, kind, Upload(name, "", scan() if content is None else content), **options)


def refused(code):
    return pytest.raises(DBAPIError, check=lambda error: error.orig.pgcode == code)


def test_a_document_is_kept_without_what_its_name_and_its_camera_tell(app, world):
    give(world.resident, world.resident)
    with as_(world.resident) as session:
        (document,) = documents.of_person(session, world.resident.user_id)
        file, content = documents.read(session, ring(), objects(), document.file_id)
        assert b"Lake Road" not in content
        assert Image.open(io.BytesIO(content)).size == (600, 400)
        assert (file.name, file.user_id, file.size) == ("document.jpg", world.resident.user_id, len(content))
        assert not any(key.endswith(files.THUMBNAIL) for key in objects().list())


def test_whom_a_manager_adds_a_document_for_owns_it(app, world):
    give(world.a.people[Role.HOSTEL_MANAGER], world.resident)
    with as_(world.resident) as session:
        (document,) = documents.of_person(session, world.resident.user_id)
        file = files.find(session, document.file_id)
    assert file.user_id == world.resident.user_id
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    link = files.link_for("secret", file, world.resident.user_id, 30, now)
    assert read_file_link("secret", link, world.resident.user_id, now).expires_at == now + timedelta(minutes=15)


def test_who_may_not_reveal_sees_no_document_and_opens_no_file(app, world):
    give(world.resident, world.resident)
    with as_(world.resident) as session:
        (document,) = documents.of_person(session, world.resident.user_id)
    for person in (world.a.people[Role.ACCOUNTANT], world.staff, world.outsider, world.a.people[Role.PENDING_RESIDENT]):
        with as_(person) as session:
            with pytest.raises(NotFound):
                files.find(session, document.file_id)
            with pytest.raises(DBAPIError):
                documents.remove(session, document.id)
            session.rollback()
    with as_(world.a.people[Role.HOSTEL_MANAGER]) as session:
        assert files.find(session, document.file_id)


def test_a_file_of_somebody_else_or_for_something_else_becomes_no_document(app, world):
    give(world.resident, world.resident)
    other = world.a.people[Role.PENDING_RESIDENT]
    with as_(world.resident) as session:
        taken = documents.of_person(session, world.resident.user_id)[0].file_id
    add = text("SELECT app.add_document(:user, 'identity', :file, NULL, NULL, 6)")
    for person in (other, world.resident):
        with as_(person) as session:
            with refused("VR404"):
                session.execute(add, {"user": person.user_id, "file": taken})
            session.rollback()


REFUSED = (
    (b"x" * 2000, "scan.jpg", WrongKind, "is a CSV or text file"),
    (b"\xff\xd8\xff" + bytes(30 << 20), "scan.jpg", FileTooLarge, "30.0 MB; 15 MB"),
    (b"%PDF-1.7 hello", "scan.jpg", WrongKind, "which its name does not say"),
    (b"MZ" + bytes(2000), "scan.pdf", WrongKind, "a Windows program"),
    (scan(30), "scan.jpg", Invalid, "too few to read"),
    (b"", "scan.jpg", Invalid, "is empty"),
)


def test_what_is_no_document_is_refused_and_nothing_is_stored(app, world, superuser):
    for content, name, kind, said in REFUSED:
        with pytest.raises(kind, match=said):
            give(world.resident, world.resident, content=content, name=name)
    with superuser.connect() as c:
        assert c.scalar(text("SELECT count(*) FROM files")) == 0


def test_a_new_document_takes_the_place_of_the_old_one_and_gives_back_its_storage(app, world, superuser):
    old = give(world.resident, world.resident)
    new = give(world.resident, world.resident, replaces=old)
    with as_(world.resident) as session:
        assert [d.id for d in documents.of_person(session, world.resident.user_id)] == [new]
        with refused("VR404"):
            documents.remove(session, old)
        session.rollback()
    with superuser.connect() as c:
        assert c.scalar(text("SELECT count(*) FROM files WHERE deleted_at IS NULL")) == 1


def test_more_than_a_few_of_a_kind_are_refused(app, world):
    for _ in range(6):
        give(world.resident, world.resident)
    with refused("VR409"):
        give(world.resident, world.resident)
    give(world.resident, world.resident, kind=K.OTHER)


def test_what_the_organization_asks_for_decides_what_is_missing(app, world):
    with as_(world.owner) as session:
        documents.require(session, [Requirement(K.PHOTO), Requirement(K.POLICE, required=True, has_expiry=True)])
        day = documents.today(session)
    with as_(world.resident) as session:
        assert documents.missing(session, world.resident.user_id, Role.RESIDENT) == [K.IDENTITY, K.POLICE]
    give(world.resident, world.resident)
    for until, said in (("", "until when"), ((day - timedelta(days=1)).isoformat(), "not valid any more"), ("soon", "year, month")):
        with pytest.raises(Invalid, match=said):
            give(world.resident, world.resident, kind=K.POLICE, valid_until=until)
    give(world.resident, world.resident, kind=K.POLICE, valid_until=day.isoformat())
    with as_(world.resident) as session:
        assert documents.missing(session, world.resident.user_id, Role.RESIDENT) == []
    with as_(world.outsider) as session:
        assert {need.kind for need in documents.requirements(session) if need.required} == {K.IDENTITY, K.PHOTO}


def test_only_who_runs_the_organization_says_what_is_asked_for(app, world):
    with as_(world.a.people[Role.HOSTEL_MANAGER]) as session:
        with refused("VR403"):
            documents.require(session, [Requirement(K.OTHER, required=True)])
        session.rollback()
