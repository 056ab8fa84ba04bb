"""`flask keys rotate`: everything comes under the new key, may stop on the way, and no read fails meanwhile."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.crypto import KeyRing
from app.permissions import Role
from app.rules.inquiries import Lead
from app.services import documents, personal
from app.services.inquiries import arriving
from app.services.people import second_factor
from app.services.personal import rotation
from app.tenancy import auth_scope, service_scope, tenant_scope
from app.wiring import objects
from tests.services.test_documents_keeping import give

OLD, NEW = b"k" * 32, b"n" * 32
BEFORE, BOTH, AFTER = KeyRing({"k1": OLD}), KeyRing({"k2": NEW, "k1": OLD}), KeyRing({"k2": NEW})
PHONE = "+919876543210"


def as_(person):
    return tenant_scope(person.org_id, person.user_id)


@pytest.fixture
def people(app, world):
    """Five people with a phone each, in two organizations; one has a second factor."""
    found = [world.resident, world.owner, world.staff, world.outsider, world.b.people[Role.RESIDENT]]
    for person in found:
        with tenant_scope(person.org_id) as session:
            personal.put(session, BEFORE, person.user_id, {"phone": PHONE, "address": "12 Lake Road"})
    with auth_scope() as auth:
        second_factor.enrol(auth, BEFORE, world.owner.user_id, world.owner.email)
    return found


@pytest.fixture
def asked(app, world, superuser):
    """Two inquiries from one phone, the first with an e-mail address; returns their ids."""
    org, ids = world.a.org_id, [uuid4(), uuid4()]
    with superuser.begin() as c:
        c.execute(text("SET LOCAL session_replication_role = replica"))
        for number, (inquiry, email) in enumerate(zip(ids, ("asha@example.org", None), strict=True), start=9001):
            lead = json.loads(arriving.sealed(BEFORE, org, inquiry, Lead("Asha", PHONE, email=email)))
            kept = {name: value for name, value in lead.items() if name.startswith(("phone_", "email_"))}
            row = {"org_id": org, "id": inquiry, "number": number, "full_name": "Asha", "source": "website", **kept}
            c.execute(text(f"INSERT INTO inquiries ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})"), row)
        for kind, digest in zip(("phone", "email"), arriving.indexes(BEFORE, org, PHONE, "asha@example.org"), strict=True):
            c.execute(text("INSERT INTO inquiry_dedup_index (org_id, kind, digest, inquiry_id) VALUES (:o, :k, :d, :i)"),
                      {"o": org, "k": kind, "d": digest, "i": ids[0]})
    return ids


@pytest.fixture
def rotate(app, monkeypatch):
    """The command, with a ring; returns its exit code and what it said."""

    def run(keys):
        settings = app.config["SETTINGS"]
        monkeypatch.setitem(app.config, "SETTINGS", replace(settings, field_keys=keys))
        found = app.test_cli_runner().invoke(args=["keys", "rotate"])
        return found.exit_code, found.output

    return run


def reads(person, ring):
    with tenant_scope(person.org_id) as session:
        return personal.reveal(session, ring, person.user_id, "phone", "a good reason")


def test_after_the_rotation_the_old_key_may_go(people, rotate, world):
    code, said = rotate({"k2": NEW, "k1": OLD})
    assert code == 0
    assert said.splitlines() == ["5 indexes are under k2 now.", "5 keys of people are under k2 now.",
                                 "1 second factors are under k2 now.",
                                 "Everything is under k2; older keys may leave FIELD_KEYS."]
    assert [reads(person, AFTER) for person in people] == [PHONE] * 5
    with as_(world.owner) as session:
        assert personal.find(session, AFTER, "phone", PHONE) == sorted(p.user_id for p in people if p.org_id == world.a.org_id)
    with auth_scope() as auth:
        assert second_factor.enrol(auth, AFTER, world.owner.user_id, world.owner.email)
    assert rotate({"k2": NEW, "k1": OLD}) == (0, "Everything is under k2; older keys may leave FIELD_KEYS.\n")


def test_inquiries_come_along_and_who_asks_again_is_still_known(asked, rotate, world, superuser):
    assert rotate({"k2": NEW, "k1": OLD})[1].splitlines()[0] == "2 inquiries are under k2 now."
    with superuser.connect() as c:
        tokens = c.scalars(text("SELECT phone_token FROM inquiries ORDER BY number")).all()
        digests = c.execute(text("SELECT kind, digest, inquiry_id FROM inquiry_dedup_index ORDER BY kind DESC")).all()
    assert [AFTER.decrypt(token, arriving.context("phone", inquiry)) for token, inquiry in zip(tokens, asked, strict=True)] == [PHONE] * 2
    known = arriving.indexes(AFTER, world.a.org_id, PHONE, "asha@example.org")
    assert digests == [("phone", known[0], asked[0]), ("email", known[1], asked[0])]


def test_it_may_stop_after_any_batch_and_goes_on_where_it_was(people, rotate, monkeypatch, superuser):
    monkeypatch.setattr(rotation, "BATCH", 2)
    with service_scope("a test") as session:
        after = rotation.person_keys(session, BOTH, None, rotation.Rotated())
    assert after is not None
    assert [reads(person, BOTH) for person in people] == [PHONE] * 5
    code, said = rotate({"k2": NEW, "k1": OLD})
    assert (code, said.splitlines()[1]) == (0, "3 keys of people are under k2 now.")


def test_a_missing_or_wrong_key_is_one_sentence_and_changes_nothing(people, rotate, superuser):
    with superuser.connect() as c:
        before = c.scalars(text("SELECT token FROM person_keys ORDER BY id")).all()
    for keys in ({"k2": NEW}, {"k2": NEW, "k1": b"w" * 32}):
        code, said = rotate(keys)
        assert code == 1
        assert "has wrong ones, of the ids: k1 (11)" in said
        assert "Traceback" not in said
    with superuser.connect() as c:
        assert c.scalars(text("SELECT token FROM person_keys ORDER BY id")).all() == before


def test_no_read_and_no_write_fails_while_it_runs(people, asked, rotate, app, world, superuser, monkeypatch):
    monkeypatch.setattr(rotation, "BATCH", 1)
    give(world.resident, world.resident)
    with as_(world.resident) as session:
        paper = documents.of_person(session, world.resident.user_id)[0].file_id
    stop, problems, count = threading.Event(), [], [0]

    def work():
        while not stop.is_set():
            for person in people:
                try:
                    with app.app_context():
                        assert reads(person, BOTH) == PHONE
                        with tenant_scope(person.org_id) as session:
                            personal.put(session, BOTH, person.user_id, {"phone": PHONE})
                            assert person.user_id in personal.find(session, BOTH, "phone", PHONE)
                        with as_(world.resident) as session:
                            assert documents.read(session, BOTH, objects(), paper)[1].startswith(b"\xff\xd8")
                    with superuser.connect() as c:  # who asks again is known
                        found = c.scalars(text("SELECT DISTINCT inquiry_id FROM inquiry_dedup_index WHERE digest = ANY (:known)"),
                                          {"known": arriving.indexes(BOTH, world.a.org_id, PHONE, "asha@example.org")}).all()
                        assert found == [asked[0]]
                    count[0] += 1
                except Exception as error:  # noqa: BLE001 - told by the main thread
                    problems.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for current, other in (("k2", "k1"), ("k1", "k2"), ("k2", "k1")):
            keys = {"k1": OLD, "k2": NEW}
            assert rotate({current: keys[current], other: keys[other]})[0] == 0
    finally:
        stop.set()
        thread.join()
    assert problems == []
    assert count[0] > 0
