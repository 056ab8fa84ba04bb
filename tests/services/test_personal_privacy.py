"""Export and erasure of a person, and forgetting by rule: the audit log's chain stays whole without them."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.crypto import KeyRing, Undecryptable
from app.rules.inquiries import Lead
from app.rules.personal import DocumentKind
from app.services import contacts, documents, personal
from app.services.inquiries import arriving
from app.services.personal.keys import object_key, person_ring
from app.services.work import enqueue
from app.tenancy import service_scope, tenant_scope
from app.wiring import objects, settings
from jobs import registry
from jobs.outbox import Drainer
from tests.services.test_documents_keeping import give

registry.load()
NUMBER, PHONE, ROAD = "234567890124", "+919876543210", "12 Lake Road"


@pytest.fixture
def flask(app):
    def run(*words):
        found = app.test_cli_runner().invoke(args=[str(word) for word in words])
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.exit_code, found.output

    return run


@pytest.fixture
def ring(app):
    return KeyRing(dict(settings().field_keys))


@pytest.fixture
def filled(app, world, ring, superuser):
    """The resident, with a name that is nobody else's, values and a document."""
    person = replace(world.resident, name="Zubin Marked", email="zubin@marked.example")
    with superuser.begin() as c:
        c.execute(text("UPDATE ab_user SET first_name = 'Zubin', last_name = 'Marked', username = :e, email = :e WHERE id = :u"),
                  {"e": person.email, "u": person.user_id})
        c.execute(text("UPDATE members SET name = :n, email = :e WHERE user_id = :u"),
                  {"n": person.name, "e": person.email, "u": person.user_id})
    with tenant_scope(person.org_id, person.user_id) as session:
        personal.put(session, ring, person.user_id, {"identity_number": NUMBER, "phone": PHONE, "address": ROAD})
    give(person, person)
    return person


def leave(superuser, person, days=0):
    """The person's last role was taken away so many days ago."""
    with superuser.begin() as c:
        c.execute(text("DELETE FROM memberships WHERE user_id = :u"), {"u": person.user_id})
        c.execute(text("UPDATE members SET removed_at = now() - make_interval(days => :d) WHERE user_id = :u"),
                  {"u": person.user_id, "d": days})


def asked_once(superuser, person, ring, *, connected=True):
    """The inquiry that the person came from; or one that only its phone tells to be theirs."""
    inquiry, invitation = uuid4(), uuid4()
    lead = json.loads(arriving.sealed(ring, person.org_id, inquiry, Lead(person.name, PHONE, email=person.email)))
    row = {"org_id": person.org_id, "id": inquiry, "number": 9001, "full_name": person.name, "source": "website",
           "message": f"Call me on {PHONE}", "invitation_id": invitation,
           **{name: value for name, value in lead.items() if name.startswith(("phone_", "email_"))}}
    with superuser.begin() as c:
        c.execute(text("INSERT INTO invitations (org_id, id, email, name, role, status, expires_at, accepted_by) "
                       "VALUES (:o, :i, :e, :n, 'resident', 'accepted', now(), :u)"),
                  {"o": person.org_id, "i": invitation, "e": person.email, "n": person.name, "u": person.user_id})
        c.execute(text("SET LOCAL session_replication_role = replica"))
        if not connected:
            row |= {"invitation_id": None}
        c.execute(text(f"INSERT INTO inquiries ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})"), row)


def known_elsewhere(superuser, person, ring):
    """The same phone among the contacts of another program."""
    contact = contacts.sealed_contact(ring, person.org_id, uuid4(), Lead(person.name, PHONE))
    row = {"org_id": person.org_id, "known_since": "2026-01-01", **contact}
    with superuser.begin() as c:
        c.execute(text("SET LOCAL session_replication_role = replica"))
        c.execute(text(f"INSERT INTO contacts ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})"), row)


def dump(superuser):
    """Every row of every table as text."""
    with superuser.connect() as c:
        tables = c.scalars(text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")).all()
        return "\n".join(str(c.execute(text(f'SELECT string_agg(t::text, chr(10)) FROM "{name}" t')).scalar()) for name in tables)


def test_the_export_holds_all_that_is_kept_and_says_who_read_it(filled, flask, tmp_path, superuser, ring):
    target = tmp_path / "all.zip"
    asked_once(superuser, filled, ring, connected=False)
    known_elsewhere(superuser, filled, ring)
    with tenant_scope(filled.org_id, filled.user_id) as session:
        documents.read(session, ring, objects(), documents.of_person(session, filled.user_id)[0].file_id)
    code, _ = flask("privacy", "export", filled.email, "--org", "asha", "--output", target)
    assert code == 0
    assert target.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(target) as archive:
        data = json.loads(archive.read("data.json"))
        assert archive.namelist() == ["data.json", "documents/1-identity-document.jpg"]
    assert data["personal_values"] == {"identity_number": NUMBER, "phone": PHONE, "address": ROAD}
    assert data["members"]["email"] == filled.email
    assert {"maintenance_requests", "documents", "notifications", "sessions", "memberships"} <= data.keys()
    assert "v1." not in json.dumps(data)
    assert [(one["phone"], one["email"], one["message"]) for one in data["inquiries"]] == [(PHONE, filled.email, f"Call me on {PHONE}")]
    assert [one["phone"] for one in data["contacts"]] == [PHONE]
    assert [one["what"] for one in data["who_read_it"]] == ["open", "reveal"]
    with superuser.connect() as c:
        assert c.scalars(text("SELECT reason FROM audit_log WHERE action IN ('reveal', 'open') AND actor_id IS NULL")).all() == [
            "export that the person asked for"] * 2
    assert flask("privacy", "export", filled.email, "--org", "asha", "--output", target)[0] == 1
    assert flask("privacy", "export", "nobody@asha.example", "--org", "asha", "--output", tmp_path / "b.zip")[0] == 1


@pytest.mark.parametrize("connected", [True, False], ids=["by invitation", "by phone"])
def test_an_erased_person_is_nowhere_and_the_audit_log_is_whole(filled, flask, superuser, ring, connected):
    with superuser.connect() as c:
        token, context = c.scalar(text("SELECT token FROM person_keys")), f"person_keys:{filled.org_id}:{filled.user_id}"
    assert ring.decrypt(token, context)
    code, said = flask("privacy", "erase", filled.email, "--org", "asha", "--yes")
    assert (code, "still has a role here" in said) == (1, True)
    asked_once(superuser, filled, ring, connected=connected)
    known_elsewhere(superuser, filled, ring)
    leave(superuser, filled)
    with tenant_scope(filled.org_id) as session:
        file = documents.of_person(session, filled.user_id)[0].file
        key = object_key(person_ring(ring, filled.org_id, filled.user_id, token), file.id, file.storage_key)
    assert objects().exists(key)
    assert flask("audit", "seal")[0] == 0
    code, said = flask("privacy", "erase", filled.email, "--org", "asha", "--yes")
    assert (code, said) == (0, f"Person {filled.user_id} is erased. 1 documents were deleted.\n")
    assert not objects().exists(key)
    everything = dump(superuser)
    for gone in (filled.email, "Zubin", NUMBER, PHONE, ROAD, token):
        assert gone not in everything
    assert f"erased-{filled.user_id}@erased.invalid" in everything
    assert flask("audit", "seal")[0] == 0
    assert "The audit log is whole" in flask("audit", "verify")[1]


def test_what_the_audit_log_kept_is_unreadable_without_the_key(filled, superuser, ring):
    with superuser.connect() as c:
        sealed = c.scalar(text("SELECT after ->> 'token' FROM audit_log WHERE table_name = 'personal_values' AND after ->> 'name' = 'phone'"))
    with pytest.raises(Undecryptable):
        ring.decrypt(sealed, f"personal_values:{filled.org_id}:{filled.user_id}:phone")


def test_somebody_of_two_organizations_is_erased_in_one_and_stays_in_the_other(filled, flask, superuser, world):
    with superuser.begin() as c:
        c.execute(text("INSERT INTO members (org_id, user_id, name, email) VALUES (:o, :u, :n, :e)"),
                  {"o": world.b.org_id, "u": filled.user_id, "n": filled.name, "e": filled.email})
    leave(superuser, filled)
    with superuser.begin() as c:
        c.execute(text("UPDATE members SET removed_at = NULL WHERE org_id = :o"), {"o": world.b.org_id})
    assert flask("privacy", "erase", filled.email, "--org", "asha", "--yes")[0] == 0
    with superuser.connect() as c:
        assert c.scalar(text("SELECT email FROM ab_user WHERE id = :u"), {"u": filled.user_id}) == filled.email
        assert c.execute(text("SELECT org_id, name FROM members WHERE user_id = :u AND name = :n"),
                         {"u": filled.user_id, "n": filled.name}).scalars().all() == [world.b.org_id]


def test_whoever_left_a_year_ago_is_redacted_and_whoever_left_lately_is_not(filled, superuser, ring):
    def night():
        with service_scope("a test") as session:
            enqueue(session, "personal.daily")
        Drainer.new().drain()
        with superuser.connect() as c:
            return c.scalar(text("SELECT count(*) FROM personal_values")), c.scalar(text("SELECT count(token) FROM person_keys"))

    leave(superuser, filled, days=364)
    assert night() == (3, 1)
    with superuser.begin() as c:
        c.execute(text("UPDATE organizations SET settings = settings || '{\"personal_retention_days\": 300}'"))
    assert night() == (0, 0)
    with superuser.connect() as c:
        assert c.scalar(text("SELECT name FROM members WHERE user_id = :u"), {"u": filled.user_id}) == filled.name


def test_people_are_reminded_once_of_each_stage_of_a_document_that_ends(app, world, superuser):
    with tenant_scope(world.a.org_id) as session:
        day = documents.today(session)
    give(world.resident, world.resident, kind=DocumentKind.POLICE, valid_until=(day + timedelta(days=20)).isoformat())
    give(world.resident, world.resident, kind=DocumentKind.STUDENT, valid_until=(day + timedelta(days=90)).isoformat())

    def told():
        with tenant_scope(world.a.org_id) as session:
            return documents.remind(session)

    assert [told(), told()] == [1, 0]
    with superuser.begin() as c:
        c.execute(text("UPDATE documents SET valid_until = :d WHERE kind = 'police_verification'"), {"d": day})
    assert [told(), told()] == [1, 0]
    with superuser.connect() as c:
        assert c.scalars(text("SELECT title FROM notifications ORDER BY id")).all() == [
            "A document of yours ends soon", "A document of yours ends today"]
