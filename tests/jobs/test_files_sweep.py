"""The nightly sweep of the file store, from its slot to the deleted objects."""

from __future__ import annotations

from app.rules.files import Purpose
from app.services.files import Upload, store
from app.services.work import enqueue
from app.tenancy import service_scope, tenant_scope
from app.wiring import objects
from jobs import registry
from jobs.outbox import Drainer

registry.load()


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
