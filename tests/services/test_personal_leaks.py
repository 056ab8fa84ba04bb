"""Marked values are planted, the flows run, and everything that is written down is searched: nothing is there in clear."""

from __future__ import annotations

import io
import subprocess

import pytest
from sqlalchemy import text

from app.crypto import KeyRing
from app.local.postgres import psql_program
from app.permissions import Role
from app.rules.errors import Invalid
from app.services import personal
from app.services.work import enqueue
from app.tenancy import service_scope, tenant_scope
from app.wiring import objects, redis, settings
from jobs import registry
from jobs.outbox import Drainer
from tests.services.test_documents_keeping import scan

MARKS = {"identity_number": "234567890124", "parent_identity_number": "567890123458", "phone": "+919876501234", "parent_phone": "+919876505678",
         "date_of_birth": "2001-02-03", "address": "Marked Lake Road 4711", "bank_account": "00044711000471"}
SPELT = {"identity_number": ("2345 6789 0124",), "phone": ("98765 01234", "9876501234"), "parent_phone": ("9876505678",)}


@pytest.fixture
def said(caplog, capfd):
    """All that the process has said: logs and both streams."""
    return lambda: "".join(capfd.readouterr()) + caplog.text + "".join(str(record.msg) for record in caplog.records)


def test_nothing_personal_is_written_down_in_clear(app, world, browser, superuser, servers, database_name, said):
    ring, me, urls, pages = KeyRing(dict(settings().field_keys)), world.resident, [], []
    manager, resident = browser(world.a.people[Role.HOSTEL_MANAGER]), browser(me)

    def ask(who, method, path, data=None, **options):
        urls.append(path)
        answer = getattr(who, method)(path, **({"data": data} if method == "post" else {}), **options)
        if answer.status_code >= 400 or answer.status_code == 303:
            pages.append(answer.get_data(as_text=True) + str(answer.headers))
        return answer

    with tenant_scope(me.org_id, me.user_id) as session:
        personal.put(session, ring, me.user_id, MARKS | {"draft.phone": MARKS["phone"], "draft.address": MARKS["address"]})
        personal.own_drafts(session, ring, me.user_id)
    with tenant_scope(world.a.org_id, world.owner.user_id) as session:
        assert personal.find(session, ring, "identity_number", SPELT["identity_number"][0]) == [me.user_id]
    # Values that are refused.
    for values in ({"parent_phone": f"{MARKS['phone']}99999"}, {"date_of_birth": MARKS["address"]}):
        with pytest.raises(Invalid) as error, tenant_scope(me.org_id, me.user_id) as session:
            personal.put(session, ring, me.user_id, values)
        pages.append(str(error.value))
    sent = {"kind": "identity", "file": (io.BytesIO(scan()), f"{SPELT['identity_number'][0]}.jpg")}
    assert ask(resident, "post", "/my/documents/add", sent, content_type="multipart/form-data").status_code == 303
    bad = {"kind": "identity", "file": (io.BytesIO(b"MZ" + bytes(99)), f"{MARKS['identity_number']}.exe")}
    assert resident.post("/my/documents/add", bad, content_type="multipart/form-data").status_code == 415  # told to its sender alone
    address = f"/personal/{me.user_id}"
    ask(manager, "get", address)
    for name in MARKS:
        ask(manager, "post", f"{address}/reveal", {"name": name, "note": "Checking the form"})
    ask(manager, "post", f"{address}/reveal", {"name": MARKS["phone"], "note": "Checking the form"})
    with service_scope("a test") as session:
        enqueue(session, "personal.daily")
    registry.load()
    Drainer.new().drain()
    found = {
        "logs": said(), "error pages and redirects": "".join(pages), "URLs": "".join(urls), "Redis": _redis(),
        "dump": subprocess.run([psql_program().with_name("pg_dump"), servers.libpq_url(database_name)], capture_output=True, text=True, check=True).stdout,
        "object names": "".join(objects().list()),
    }
    assert "•••• 1234" in found["dump"]  # what is searched is what was planted
    assert address in found["logs"]
    with superuser.connect() as c:
        key = c.scalar(text("SELECT storage_key FROM files WHERE purpose = 'identity'"))
        found["audit"] = str(c.execute(text("SELECT array_agg(l::text) FROM audit_log l")).scalar())
        found["jobs"] = str(c.execute(text("SELECT array_agg(o::text) FROM outbox o")).scalar())
    wanted = {*MARKS.values(), *(spelling for spellings in SPELT.values() for spelling in spellings)}
    leaks = [(place, mark) for place, content in found.items() for mark in wanted if mark in content]
    leaks += [(place, "path of the document") for place in ("logs", "error pages and redirects", "URLs", "audit", "jobs") if key in found[place]]
    assert leaks == []


def _redis():
    return "".join(f"{key!r}{redis().dump(key)!r}" for key in redis().keys("*"))
