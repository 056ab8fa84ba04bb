"""Storing, opening, removing and sweeping private files, against the database and a folder."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.gateways.objects import LocalStore, StoreUnavailable
from app.permissions import Role
from app.rules.errors import Invalid, NotFound
from app.rules.files import FileTooLarge, Purpose, WrongKind
from app.services import files
from app.services.files import Upload
from app.tenancy import tenant_scope

P = Purpose


def photo(width: int = 900, *, place: str = "17.3850 N", kind: str = "JPEG") -> bytes:
    image, output = Image.new("RGB", (width, 600), "teal"), io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = f"taken at {place}"
    image.save(output, kind, exif=exif)
    return output.getvalue()


@pytest.fixture
def objects(tmp_path):
    return LocalStore(tmp_path / "objects")


def as_(person):
    return tenant_scope(person.org_id, person.user_id)


def stored(objects, person, content=None, name="Tap.jpg", claimed="image/jpeg", purpose=P.MAINTENANCE):
    with as_(person) as session:
        return files.store(session, objects, Upload(name, claimed, photo() if content is None else content), purpose, person.hostel_id)


def test_a_photo_is_stored_without_what_it_tells_of_its_maker_and_with_a_small_copy(app, world, objects):
    file = stored(objects, world.resident)
    with as_(world.resident) as session:
        found, stream = files.open_file(session, objects, file.id)
        with stream:
            content = stream.read()
        _, small = files.open_thumbnail(session, objects, file.id)
        with small:
            assert Image.open(small).size == (480, 320)
        assert (found.name, found.media_type, found.size) == ("Tap.jpg", "image/jpeg", len(content))
        assert (found.user_id, found.hostel_id) == (world.resident.user_id, world.resident.hostel_id)
    assert b"17.3850" not in content


def test_the_key_names_organization_day_and_file_and_nothing_of_the_name(app, world, objects):
    file = stored(objects, world.owner, name="Aadhaar of Asha.jpg")
    assert sorted(objects.list()) == [file.storage_key, file.storage_key + ".thumbnail"]
    organization, day, name = file.storage_key.removeprefix("org/").split("/")
    assert (organization, name) == (str(world.a.org_id), str(file.id))
    assert abs(datetime.fromisoformat(day).replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(days=2)


@pytest.mark.parametrize(("name", "content", "refusal", "words"), [
    ("big.jpg", b"\xff\xd8\xff" + b"x" * 11 * 1024 * 1024, FileTooLarge, "11.0 MB; 10 MB are allowed"),
    ("cat.jpg", b"MZ\x90\x00" + b"\0" * 200, WrongKind, "cat.jpg is a Windows program"),
    ("empty.jpg", b"", Invalid, "empty.jpg is empty"),
    ("half.jpg", photo()[:700], Invalid, "damaged"),
    ("live.heic", b"\x00\x00\x00\x18ftypheic" + b"\0" * 50, WrongKind, "JPEG, PNG, WebP or GIF"),
])
def test_what_cannot_be_accepted_leaves_nothing_behind(app, world, objects, name, content, refusal, words):
    with pytest.raises(refusal, match=words):
        stored(objects, world.resident, io.BytesIO(content), name, "")
    assert list(objects.list()) == []
    with as_(world.resident) as session:
        assert session.scalar(text("SELECT count(*) FROM files")) == 0


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "🚿💧.jpg", "صورة الصنبور.jpg", "gpj.\u202eexe.jpg", "../../etc/passwd.jpg"])
def test_any_name_is_kept_as_far_as_it_is_safe(app, world, objects, name):
    file = stored(objects, world.resident, name=name)
    assert file.name.endswith(".jpg")
    assert len(file.name) <= 150
    assert not {"/", "\u202e"} & set(file.name)


def test_a_stream_that_was_read_already_is_stored_whole(app, world, objects):
    content = b"Created,Description\n1 Jan 2020,Tap\n"
    stream = io.BytesIO(content)
    stream.read()
    file = stored(objects, world.owner, stream, "old.csv", "text/csv", P.IMPORT)
    with objects.open(file.storage_key) as kept:
        assert kept.read() == content
    assert file.size == len(content)


def test_a_full_plan_is_said_before_anything_is_written(app, world, objects, superuser):
    with superuser.begin() as connection:
        connection.execute(text("UPDATE organizations SET limits = '{\"storage\": 100}' WHERE slug = 'asha'"))
    with pytest.raises(DBAPIError, match="Enterprise plan allows 100 bytes of storage"):
        stored(objects, world.resident)
    assert list(objects.list()) == []


class Unreachable(LocalStore):
    def put(self, key, content, content_type):
        raise StoreUnavailable("The file store does not answer; try again in a moment.")


def test_a_store_that_does_not_answer_leaves_no_row(app, world, tmp_path):
    with pytest.raises(StoreUnavailable):
        stored(Unreachable(tmp_path), world.resident)
    with as_(world.resident) as session:
        assert session.scalar(text("SELECT count(*) FROM files")) == 0


def test_only_its_owner_and_staff_see_a_residents_file(app, world, objects):
    file = stored(objects, world.resident)
    neighbour = world.a.people[Role.RESIDENT]
    for person in (world.owner, world.staff, neighbour):
        with as_(person) as session:
            assert files.find(session, file.id).id == file.id
    for person in (world.outsider, world.b.people[Role.RESIDENT]):
        with as_(person) as session, pytest.raises(NotFound):
            files.find(session, file.id)


def test_uploads_for_imports_are_for_those_who_import(app, world, objects):
    with as_(world.owner) as session:
        file = files.store(session, objects, Upload("old.csv", "text/csv", b"a,b\n1,2\n"), P.IMPORT,
                           world.a.places[0].hostel_id)
    with as_(world.a.people[Role.HOSTEL_MANAGER]) as session:
        assert files.find(session, file.id).id == file.id
    with as_(world.a.people[Role.VIEWER]) as session, pytest.raises(NotFound):
        files.find(session, file.id)


def test_the_product_itself_stores_files_of_nobody(app, world, objects):
    with tenant_scope(world.a.org_id) as session:
        file = files.store(session, objects, Upload("old.csv", "text/csv", b"a,b\n1,2\n"), P.IMPORT)
        assert file.user_id is None


def test_removing_hides_the_file_and_gives_its_storage_back(app, world, objects):
    file = stored(objects, world.owner)
    used = text("SELECT used FROM app.organization_usage() WHERE metric = 'storage'")
    with as_(world.owner) as session:
        assert session.scalar(used) == file.size
        files.remove(session, file.id)
    with as_(world.owner) as session:
        assert session.scalar(used) == 0
        for gone in (files.find, files.remove):
            with pytest.raises(NotFound):
                gone(session, file.id)


# -- sweeping -----------------------------------------------------------------------------------------------------


def swept(objects, org_id, now):
    with tenant_scope(org_id) as session:
        return files.sweep(session, objects, now)


def test_objects_without_a_row_are_swept_once_no_transaction_can_want_them(app, world, objects):
    kept = stored(objects, world.owner)
    lost = f"org/{world.a.org_id}/2026-03-01/0198f000-0000-7000-8000-000000000000"
    for key in (lost, lost + ".thumbnail"):
        objects.put(key, b"lost", "image/jpeg")
    assert swept(objects, world.a.org_id, datetime(2026, 3, 3, 1, tzinfo=UTC)) == 0
    assert swept(objects, world.a.org_id, datetime(2026, 3, 4, 1, tzinfo=UTC)) == 2
    assert sorted(objects.list()) == [kept.storage_key, kept.storage_key + ".thumbnail"]


def test_the_bytes_of_removed_files_go_after_a_month(app, world, objects):
    file = stored(objects, world.owner)
    with as_(world.owner) as session:
        files.remove(session, file.id)
    now = datetime.now(UTC)
    assert swept(objects, world.a.org_id, now + timedelta(days=29)) == 0
    assert swept(objects, world.a.org_id, now + timedelta(days=31)) == 2
    assert list(objects.list()) == []


def test_one_organizations_sweep_leaves_anothers_files_alone(app, world, objects):
    file = stored(objects, world.outsider)
    assert swept(objects, world.a.org_id, datetime.now(UTC) + timedelta(days=90)) == 0
    assert objects.exists(file.storage_key)
