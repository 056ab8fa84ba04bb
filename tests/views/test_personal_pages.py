"""Personal data on screens: masked until somebody says why, documents behind links of fifteen minutes, what is asked for."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import text

from app.crypto import KeyRing
from app.permissions import Role
from app.services import personal
from app.tenancy import tenant_scope
from app.wiring import settings
from tests.services.test_documents_keeping import give, scan
from tests.views.test_base_statements import statements


@pytest.fixture
def filled(app, world):
    with tenant_scope(world.a.org_id) as session:
        personal.put(session, KeyRing(dict(settings().field_keys)), world.resident.user_id, {"phone": "98765 43210", "address": "12 Lake Road"})
    return world.resident


def page(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def actions(superuser, *wanted):
    with superuser.connect() as c:
        return c.execute(text("SELECT action, actor_id, reason FROM audit_log WHERE action = ANY (:w) ORDER BY seq"), {"w": list(wanted)}).all()


def test_a_value_is_shown_on_one_page_for_a_reason(filled, world, browser, superuser):
    manager = browser(world.a.people[Role.HOSTEL_MANAGER])
    address = f"/personal/{filled.user_id}"
    assert "+919876543210" not in page(manager.get(address))
    assert "•••• 3210" in page(manager.get(address))
    answer = page(manager.post(f"{address}/reveal", {"name": "phone", "note": " "}), 422)
    assert 'name="note"' in answer
    assert "+919876543210" not in answer
    shown = manager.post(f"{address}/reveal", {"name": "phone", "note": "Parcel at the gate"})
    assert "+919876543210" in page(shown)
    assert "12 Lake Road" not in page(shown)
    assert shown.headers["Cache-Control"] == "no-store"
    assert actions(superuser, "reveal") == [("reveal", world.a.people[Role.HOSTEL_MANAGER].user_id, "Parcel at the gate")]
    assert "Parcel at the gate" in page(manager.get(address))
    told = page(browser(filled).get("/my/documents/")).split("Who read it")[1]
    assert world.a.people[Role.HOSTEL_MANAGER].name in told
    assert "Parcel at the gate" not in told
    page(manager.post(f"{address}/reveal", {"name": "nothing", "note": "Parcel at the gate"}), 404)


def test_who_may_not_read_personal_data_gets_no_page_and_other_organizations_know_nobody(filled, world, browser):
    for person, status in ((world.a.people[Role.ACCOUNTANT], 403), (world.staff, 403), (filled, 403), (world.outsider, 404)):
        who = browser(person)
        page(who.get(f"/personal/{filled.user_id}"), status)
        page(who.post(f"/personal/{filled.user_id}/reveal", {"name": "phone", "note": "a good reason"}), status)


def test_a_resident_adds_opens_and_removes_a_document_of_their_own(filled, world, browser, superuser):
    me = browser(filled)
    assert "Still missing" in page(me.get("/my/documents/"))
    form = {"kind": "identity", "valid_until": "", "_once": "0198f000-0000-7000-8000-000000000001"}
    for _ in range(2):  # a double click
        sent = {**form, "file": (io.BytesIO(scan()), "IMG 2345 6789 0124.jpg")}
        page(me.post("/my/documents/add", sent, content_type="multipart/form-data"), 303)
    shown = page(me.get("/my/documents/"))
    (link,) = re.findall(r'href="(/files/[^"]+)"', shown)
    opened = me.get(link, buffered=True)
    assert (opened.content_type, opened.headers["Cache-Control"]) == ("image/jpeg", "private, no-store")
    assert actions(superuser, "open") == [("open", filled.user_id, None)]
    (remove,) = re.findall(r'action="(/my/documents/remove/[^"]+)"', shown)
    page(browser(world.a.people[Role.PENDING_RESIDENT]).post(remove), 404)
    page(me.post(remove), 303)
    assert page(me.get(link), 404)
    page(me.post("/my/documents/remove/nonsense"), 404)


def test_a_refused_document_leaves_the_form_as_it_was(filled, browser):
    sent = {"kind": "police_verification", "valid_until": "2001-01-01", "file": (io.BytesIO(scan()), "a.jpg")}
    answer = page(browser(filled).post("/my/documents/add", sent, content_type="multipart/form-data"), 422)
    assert "not valid any more" in answer
    assert '<option value="police_verification" selected>' in answer
    assert 'value="2001-01-01"' in answer
    answer = page(browser(filled).post("/my/documents/add", {"kind": "identity"}), 422)
    assert "Choose a file or take a photo." in answer


def test_a_resident_reads_their_own_values(filled, browser, superuser):
    me = browser(filled)
    assert "12 Lake Road" not in page(me.get("/my/documents/"))
    assert "12 Lake Road" in page(me.post("/my/documents/reveal"))
    assert [row.reason for row in actions(superuser, "reveal")] == ["their own data"]


def test_a_manager_sees_who_lives_in_their_hostel_and_nobody_else(filled, world, browser, superuser):
    with superuser.begin() as c:
        c.execute(text("UPDATE memberships SET hostel_id = :h WHERE user_id = :u"),
                  {"h": world.a.places[1].hostel_id, "u": filled.user_id})
    page(browser(world.a.people[Role.HOSTEL_MANAGER]).get(f"/personal/{filled.user_id}"), 404)


def test_the_owner_says_what_is_asked_for(filled, world, browser):
    owner = browser(world.owner)
    wanted = {"police_verification-required": "1", "police_verification-expiry": "1", "police_verification-roles": "resident"}
    page(owner.post("/personal/requirements/", wanted), 303)
    assert re.search(r'name="police_verification-required" value="1" checked', page(owner.get("/personal/requirements/")))
    missing = page(browser(filled).get("/my/documents/")).split("Still missing:")[1].split("</p>")[0]
    assert re.findall(r"badge-warning\">([^<]+)<", missing) == ["Police verification"]
    page(owner.post("/personal/requirements/", {"photo-required": "1"}), 422)
    page(browser(world.a.people[Role.HOSTEL_MANAGER]).get("/personal/requirements/"), 403)


def test_the_page_asks_few_statements(filled, world, browser):
    give(world.resident, world.resident)
    with statements() as seen:
        page(browser(world.a.people[Role.HOSTEL_MANAGER]).get(f"/personal/{filled.user_id}"))
    assert len(seen) <= 7, seen
