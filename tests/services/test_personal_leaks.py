"""Marked values go the whole way from inquiry to erasure, and all that is written down is searched: nothing is there in clear."""

from __future__ import annotations

import io
import re
import subprocess
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.local.postgres import psql_program
from app.permissions import Role
from app.rules.errors import Invalid
from app.services import documents, personal
from app.services.work import enqueue
from app.tenancy import service_scope, tenant_scope
from app.wiring import objects, redis
from jobs import registry
from jobs.outbox import Drainer
from tests.houses import scalar
from tests.onboarding import newcomer, ring, standing
from tests.services.test_documents_keeping import scan
from tests.views.test_inquiries_public import ask, by_api

registry.load()
IDENTITY, PARENTS, PHONE, PARENT, BORN, ROAD = (
    "234567890124", "567890123458", "+919876501234", "+919876505678", "2001-02-03", "Marked Lake Road 4711")
MARKS = {"identity_number": IDENTITY, "phone": PHONE, "date_of_birth": BORN, "address": ROAD, "parent_phone": PARENT,
         "parent_identity_number": PARENTS, "bank_account": "00044711000471"}
MAIL = "marked.by.mail@strangers.example"
SPELT = {"2345 6789 0124", "98765 01234", "9876501234", "98765 05678", "9876505678"}


@pytest.fixture
def said(caplog, capfd):
    """All that the process has said: logs and both streams."""
    return lambda: "".join(capfd.readouterr()) + caplog.text + "".join(str(record.msg) for record in caplog.records)


class Walk:
    """Somebody's way through the console; notes each address, each redirect and each page of a refusal."""

    def __init__(self, browser):
        self.browser, self.urls, self.pages = browser, [], []

    def post(self, who, path, data=None, status=303):
        self.urls.append(path)
        answer = self.browser(who).post(path, data or {}, content_type="multipart/form-data")
        assert answer.status_code == status, (path, re.sub(r"<[^>]+>|\s+", " ", answer.get_data(as_text=True).partition("<main")[2])[:900])
        if status not in (415, 422):  # which go to whoever typed it, with what they typed
            self.pages.append(answer.get_data(as_text=True) + str(answer.headers) if status != 200 else str(answer.headers))
        return answer.get_data(as_text=True)

    def get(self, who, path, status=200):
        self.urls.append(path)
        answer = self.browser(who).get(path)
        if answer.status_code == 302:
            return self.get(who, answer.headers["Location"], status)
        assert answer.status_code == status, (path, answer.status_code)
        self.pages.append(str(answer.headers) + (answer.get_data(as_text=True) if status != 200 else ""))
        return answer.get_data()


def asks_for_a_bed(walk, staff, superuser):
    assert ask(walk.browser(None), phone="98765 01234", email=MAIL).status_code == 303
    assert by_api(walk.browser(None), phone=PHONE).status_code == 200
    assert ask(walk.browser(None), phone=f"{PHONE}99999", email=MAIL).status_code == 422
    lead = scalar(superuser, "SELECT id FROM inquiries WHERE duplicate_of IS NULL")
    walk.get(staff, f"/inquiries/show/{lead}")
    walk.post(staff, f"/inquiries/reveal/{lead}", {"reason": "To call"}, 200)
    walk.get(staff, "/inquiries/list/")


def registers(walk, me, bed):
    first = {"full_name": me.name, "gender": "female", "identity_kind": "aadhaar", "phone": "98765 01234", "date_of_birth": BORN, "address": ROAD}
    walk.post(me, "/onboarding/1/draft", {**first, "identity_number": f"{IDENTITY}9", "_version": "0"}, 200)
    walk.post(me, "/onboarding/1/draft", {"phone": PHONE, "_version": "0"}, 409)
    walk.post(me, "/onboarding/1", {**first, "identity_number": f"{IDENTITY}9", "_version": "1"}, 422)
    for kind in ("identity", "photo"):
        walk.post(me, "/onboarding/1/documents", {"kind": kind, "file": (io.BytesIO(scan()), f"{IDENTITY}.jpg")})
    walk.post(me, "/onboarding/1/documents", {"kind": "identity", "file": (io.BytesIO(b"MZ" + bytes(99)), "me.exe")}, 415)
    walk.post(me, "/onboarding/1", {**first, "identity_number": "2345 6789 0124", "_version": "2"})
    walk.post(me, "/onboarding/2", {"parent_name": "Asha Joshi", "parent_relation": "mother", "parent_phone": "98765 05678", "_version": "0",
                                    "parent_identity_kind": "aadhaar", "parent_identity_number": PARENTS})
    day = standing(me).house.today.isoformat()
    walk.post(me, "/onboarding/bed", {"bed": str(bed), "move_in_on": day, "_version": "0"})
    walk.post(me, "/onboarding/3", {"move_in_on": day, "_version": "1"})
    walk.post(me, "/onboarding/4", {"food": "jain", "_version": "0"})
    walk.post(me, "/onboarding/submit", {"agreed": "y", "_once": str(uuid4())})


def is_reviewed(walk, reviewer, me, superuser):
    sent = scalar(superuser, "SELECT id FROM onboarding_submissions")
    page = f"/onboarding/submissions/show/{sent}"
    walk.post(reviewer, f"/onboarding/submissions/claim/{sent}")
    shown = walk.get(reviewer, page).decode()
    assert "1234" in shown
    assert not [mark for mark in MARKS.values() if mark in shown]
    for paper in set(re.findall(rf"/onboarding/submissions/document/{sent}/[0-9a-f-]+", shown)):
        assert walk.get(reviewer, paper).startswith(b"\xff\xd8")
    assert IDENTITY[-4:] in walk.post(reviewer, f"/onboarding/submissions/reveal/{sent}", {"note": "Compared with the paper"}, 200)
    walk.post(reviewer, f"/onboarding/submissions/revise/{sent}", {"flag.phone": "One digit is missing."})
    walk.post(me, "/onboarding/1", {"phone": "98765 01234", "_version": str(standing(me).versions.get(1, 0))})
    walk.post(me, "/onboarding/submit", {"agreed": "y", "_once": str(uuid4())})
    again = scalar(superuser, "SELECT id FROM onboarding_submissions ORDER BY round DESC LIMIT 1")
    walk.post(reviewer, f"/onboarding/submissions/claim/{again}")
    walk.post(reviewer, f"/onboarding/submissions/approve/{again}")


def is_looked_at(walk, staff, me):
    with tenant_scope(me.org_id, me.user_id) as session:
        personal.put(session, ring(), me.user_id, {"bank_account": MARKS["bank_account"]})
        with pytest.raises(Invalid) as error:
            personal.put(session, ring(), me.user_id, {"date_of_birth": ROAD})
        walk.pages.append(str(error.value))
    with tenant_scope(staff.org_id, staff.user_id) as session:
        assert personal.find(session, ring(), "identity_number", "2345 6789 0124") == [me.user_id]
    address = f"/personal/{me.user_id}"
    link = re.search(r'/files/[^"?]+', walk.get(staff, address).decode())[0]
    assert walk.get(staff, link).startswith(b"\xff\xd8")
    for name, value in MARKS.items():
        assert value in walk.post(staff, f"{address}/reveal", {"name": name, "note": "Checking the form"}, 200)
    walk.post(staff, f"{address}/reveal", {"name": PHONE, "note": "Checking the form"}, 404)
    walk.get(me, "/my/documents/")


def moves_out(walk, owner, me, superuser):
    stay, once = scalar(superuser, "SELECT id FROM stays ORDER BY created_at DESC LIMIT 1"), str(uuid4())
    with tenant_scope(me.org_id) as session:
        leaves = str(documents.today(session).replace(year=documents.today(session).year + 1, day=1))
    walk.post(me, f"/my/move-out/give/{stay}", {"leaves_on": leaves, "note": "Going home", "_once": once})
    with superuser.connect() as c:
        things = c.scalars(text("SELECT id FROM move_out_items WHERE move_out_id = :m"), {"m": once}).all()
    walk.post(owner, f"/move-outs/inspect/{once}", {f"condition-{one}": "ok" for one in things})
    walk.post(owner, f"/move-outs/finish/{once}")
    shown = walk.get(owner, f"/move-outs/show/{once}?paid_until={leaves}").decode()
    walk.post(owner, f"/move-outs/settle/{once}", {"paid_until": leaves, "balance": re.search(r'name="balance" value="(-?\d+)"', shown)[1]})
    assert walk.get(me, f"/my/move-out/statement/{once}").startswith(b"%PDF")


def work():
    with service_scope("a test") as session:
        enqueue(session, "personal.daily")
    for _ in range(3):  # some work asks for more
        Drainer.new().drain()


@pytest.fixture
def dump(servers, database_name):
    return lambda: subprocess.run([psql_program().with_name("pg_dump"), servers.libpq_url(database_name)],
                                  capture_output=True, text=True, check=True).stdout


def test_nothing_personal_is_written_down_in_clear(app, world, browser, superuser, dump, said, tmp_path):
    me, owner, staff, walk = newcomer(world), world.owner, world.a.people[Role.HOSTEL_MANAGER], Walk(browser)
    before = set(objects().list())

    def command(*words):
        found = app.test_cli_runner().invoke(args=[str(word) for word in words])
        assert found.exit_code == 0, found.output
        walk.pages.append(found.output)

    asks_for_a_bed(walk, owner, superuser)
    registers(walk, me, world.a.places[0].beds[0])
    is_reviewed(walk, owner, me, superuser)
    work()
    is_looked_at(walk, staff, me)
    moves_out(walk, owner, me, superuser)
    work()
    papers = {key.rpartition("/")[2] for key in set(objects().list()) - before if "thumbnail" not in key}
    papers -= set(scalar(superuser, "SELECT array_agg(reverse(split_part(reverse(storage_key), '/', 1))) FROM files WHERE purpose <> 'identity'") or [])
    assert len(papers) == 2
    command("privacy", "export", me.email, "--org", "asha", "--output", tmp_path / "all.zip")
    kept = dump()
    with superuser.begin() as c:
        found = {"audit": str(c.scalar(text("SELECT array_agg(l::text) FROM audit_log l"))),
                 "jobs": str(c.scalar(text("SELECT array_agg(o::text) FROM outbox o")))}
        c.execute(text("DELETE FROM memberships WHERE user_id = :u"), {"u": me.user_id})
    command("privacy", "erase", me.email, "--org", "asha", "--yes")
    work()
    found |= {"logs": said(), "answers": "".join(walk.pages), "URLs": "".join(walk.urls), "Redis": _redis(), "dump": kept,
              "dump after the erasure": dump(), "object names": "".join(objects().list())}
    assert "•••• 1234" in kept  # what is searched is what was planted
    assert f"/personal/{me.user_id}" in found["logs"]
    wanted = {*MARKS.values(), MAIL, *SPELT}
    leaks = [(place, mark) for place, content in found.items() for mark in wanted if mark in content]
    leaks += [(place, "path of a document") for place, content in found.items() if any(name in content for name in papers)]
    leaks += [("dump after the erasure", mark) for mark in (me.email, me.name, "Asha Joshi") if mark in found["dump after the erasure"]]
    assert not leaks, leaks


def _redis():
    return "".join(f"{key!r}{redis().dump(key)!r}" for key in redis().keys("*"))
