"""Documents are useless without the person's key: in the store, in a dump, and after erasure; the field key may change."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.crypto import KeyRing, Undecryptable
from app.models.files import File
from app.services import documents, files
from app.services.personal import privacy
from app.tenancy import tenant_scope
from app.wiring import objects, settings
from tests.services.test_documents_keeping import as_, give, ring


@dataclass(frozen=True)
class Given:
    """A document of the resident: the row of its file, and where the bytes are."""

    file: File
    key: str

    def stored(self):
        with objects().open(self.key) as stream:
            return stream.read()


@pytest.fixture
def given(app, world):
    before = set(objects().list())
    give(world.resident, world.resident)
    with as_(world.resident) as session:
        file = documents.of_person(session, world.resident.user_id)[0].file
    (key,) = set(objects().list()) - before
    return Given(file, key)


def test_the_store_and_the_database_tell_nothing_of_a_document(given, superuser):
    stored = given.stored()
    assert stored.startswith(b"v1.p.")
    assert b"JFIF" not in stored
    assert len(stored) == given.file.size + 33  # which is not stored twice
    with superuser.connect() as c:
        row = c.scalar(text("SELECT f::text FROM files f"))
    assert given.key.rpartition("/")[2] not in row
    assert str(given.file.id) not in given.key


def test_a_document_without_a_key_is_refused_by_the_database(given, superuser):
    with pytest.raises(IntegrityError, match="files_identity_sealed"), superuser.begin() as c:
        c.execute(text("UPDATE files SET key_id = NULL"))


def test_the_sweep_knows_what_is_wanted_by_its_digest(given, world, superuser):
    later = datetime.now(UTC) + timedelta(days=40)

    def sweep():
        with tenant_scope(world.a.org_id) as session:
            return files.sweep(session, objects(), later)

    sweep()
    assert objects().exists(given.key)
    with superuser.begin() as c:
        c.execute(text("UPDATE files SET deleted_at = now() - interval '31 days'"))
    assert sweep() == 1
    assert not objects().exists(given.key)


def test_the_field_key_changes_and_no_object_is_written_again(given, world, app, monkeypatch):
    old = settings().field_keys
    before = given.stored()
    monkeypatch.setitem(app.config, "SETTINGS", replace(settings(), field_keys={"k9": b"9" * 32, **old}))
    assert app.test_cli_runner().invoke(args=["keys", "rotate"]).exit_code == 0
    with as_(world.resident) as session:
        _, content = documents.read(session, KeyRing({"k9": b"9" * 32}), objects(), given.file.id)
        with pytest.raises(Undecryptable):
            documents.read(session, KeyRing(dict(old)), objects(), given.file.id)
    assert content.startswith(b"\xff\xd8")
    assert given.stored() == before


def test_a_wrong_key_and_a_changed_object_are_one_sentence(given, world, app, browser, monkeypatch):
    me = browser(world.resident)
    link = re.search(r'/files/[^"?]+', me.get("/my/documents/").get_data(as_text=True))[0]
    assert me.get(link).get_data().startswith(b"\xff\xd8")
    stored = given.stored()
    objects().put(given.key, stored[:-1] + bytes([stored[-1] ^ 1]), files.SEALED)
    changed = me.get(link)
    objects().put(given.key, stored, files.SEALED)
    monkeypatch.setitem(app.config, "SETTINGS", replace(settings(), field_keys={"k1": b"w" * 32}))
    for answer in (changed, me.get(link)):
        assert answer.status_code == 503
        assert "This value cannot be read" in answer.get_data(as_text=True)


def test_whoever_kept_a_copy_of_the_store_reads_nothing_after_the_erasure(given, world, superuser):
    copy = given.stored()
    with superuser.begin() as c:
        c.execute(text("DELETE FROM memberships WHERE user_id = :u"), {"u": world.resident.user_id})
    with tenant_scope(world.a.org_id) as session:
        gone = privacy.redact(session, ring(), world.resident.user_id)
    assert gone == [given.key]
    privacy.delete_objects(objects(), gone)
    objects().put(given.key, copy, files.SEALED)
    with superuser.begin() as c:
        assert c.scalar(text("SELECT count(token) FROM person_keys")) == 0
        c.execute(text("UPDATE files SET deleted_at = NULL"))
    with tenant_scope(world.a.org_id) as session, pytest.raises(Undecryptable):
        documents.read(session, ring(), objects(), given.file.id)


def test_a_key_that_nobody_has_any_more_does_not_stop_the_erasure(given, world, superuser):
    with superuser.begin() as c:
        c.execute(text("DELETE FROM memberships WHERE user_id = :u"), {"u": world.resident.user_id})
    with tenant_scope(world.a.org_id) as session:
        assert privacy.erase(session, KeyRing({"k1": b"w" * 32}), world.resident.user_id).objects == []
    with superuser.connect() as c:
        assert c.scalar(text("SELECT count(token) FROM person_keys")) == 0  # the sweep deletes what cannot be read


