"""The nightly sweep of the file store, from its slot to the deleted objects."""

from __future__ import annotations

from datetime import timedelta

from app.rules.files import Purpose
from app.services.files import Upload, store
from app.services.work import enqueue
from app.tenancy import service_scope, tenant_scope
from app.wiring import objects
from jobs import registry
from jobs.files import sweep_organization
from jobs.outbox import Drainer
from tests.imports import there, uploaded
from tests.maintenance import at

registry.load()


def test_a_personal_file_that_nobody_went_on_with_goes_after_a_day(app, world, superuser):
    files = {kind: uploaded(world.owner, content, kind=kind, zone="Asia/Kolkata") for kind, content in (
        ("residents", b"Name,Email,Joining Date\nMeera Joshi,meera@people.example,2025-02-13\n"), ("rooms", b"Room,Beds\n901,2\n"))}
    for hours, expected in ((23, {"uploaded"}), (25, {"discarded", "uploaded"})):
        at(superuser, timedelta(hours=hours))
        with tenant_scope(world.a.org_id) as session:
            sweep_organization(session, {})
        assert {status for (status,) in there(superuser, "SELECT status FROM import_runs")} == expected
    told = dict(map(tuple, there(superuser, "SELECT r.kind, f.deleted_at IS NOT NULL FROM import_runs r JOIN files f ON f.id = r.file_id")))
    assert told == dict.fromkeys(files, False) | {"residents": True}


def test_the_sweep_reaches_every_organization_that_has_stored_anything(app, world):
    with tenant_scope(world.a.org_id) as session:
        kept = store(session, objects(), Upload("a.csv", "", b"a,b\n1,2\n"), Purpose.IMPORT).storage_key
    lost = [f"org/{org.org_id}/2026-01-01/0198f000-0000-7000-8000-000000000000" for org in (world.a, world.b)]
    objects().put("org/0198f000-0000-7000-8000-00000000aaaa/2026-01-01/0198f000-0000-7000-8000-000000000000", b"of nobody", "text/csv")
    for key in lost:
        objects().put(key, b"lost", "text/csv")
    with service_scope("a test") as session:
        enqueue(session, "files.sweep")
    Drainer.new().drain()
    assert [key for key in (*lost, kept) if objects().exists(key)] == [kept]
