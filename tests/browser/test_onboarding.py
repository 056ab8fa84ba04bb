"""Registration on a phone, with the network cut once and the session lost once: nothing typed is lost."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.personal import DocumentKind
from app.services import beds, residents
from app.tenancy import tenant_scope
from tests.browser.windows import NARROW
from tests.services.test_documents_keeping import scan

pytestmark = pytest.mark.browser


@pytest.fixture
def priced(house):
    a = house.world.a
    with tenant_scope(a.org_id, a.people[Role.OWNER].user_id) as session:
        for kind, name, paise in (("rent", "Bed", 900_000), ("mess", "Full board", 350_000), ("lunchbox", "Lunchbox", 300_000)):
            residents.create_tariff(session, {"hostel_id": a.places[0].hostel_id, "kind": kind, "name": name, "amount_paise": paise,
                                              "valid_from": beds.house_day(session, a.places[0].hostel_id)})


def fill(page, **values):
    for name, value in values.items():
        field = page.locator(f"[name={name}]:not([type=hidden])")
        field.select_option(value) if field.evaluate("one => one.tagName") == "SELECT" else field.fill(value)


def saved(page):
    page.locator(".save-state", has_text="Saved").wait_for()


def forward(page, heading):
    page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", level=1, name=heading).wait_for()


def fits(page):
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def kept_encrypted(page, *typed):
    """The device keeps a draft, and nothing of it can be read there without signing in."""
    page.wait_for_function("Object.entries(localStorage).some(([key, text]) => key.startsWith('draft:') && JSON.parse(text).box)")
    found = page.evaluate("async () => JSON.stringify([{...localStorage}, {...sessionStorage}, await indexedDB.databases(), await caches.keys()])")
    assert not [text for text in typed if text in found]
    assert found.endswith(",[],[]]")


def interrupted(house, page, me):
    """The first step, typed with the network cut once and the session lost once."""
    fill(page, full_name="Meera Joshi", phone="98765 43210")
    saved(page)

    page.context.set_offline(True)
    fill(page, address="12 Lake Road", date_of_birth="2005-03-04")
    page.get_by_text("No connection.").wait_for()
    kept_encrypted(page, "Lake Road", "2005-03-04")
    page.context.set_offline(False)
    saved(page)

    house.end_sessions(me)
    fill(page, identity_number="ABCPE1234F")
    page.get_by_text("You are signed out.").wait_for()
    kept_encrypted(page, "ABCPE1234F")
    page.context.add_cookies([{"name": "viramah", "value": house.cookie(me), "url": house.address, "httpOnly": True, "sameSite": "Lax"}])
    page.goto("/onboarding/1")
    assert page.locator("[name=identity_number]").input_value() == "ABCPE1234F"
    saved(page)
    fill(page, identity_kind="pan", gender="female")
    saved(page)


def given_and_chosen(page, tmp_path):
    """Documents, parents, bed and meals."""
    for kind in (DocumentKind.IDENTITY, DocumentKind.PHOTO):
        page.locator("#document-kind").select_option(kind)
        page.locator("#document-file").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": scan()})
        page.get_by_role("button", name="Add the document").click()
        page.get_by_text("The document is stored.").wait_for()
    fits(page)
    page.screenshot(path=tmp_path / "1.png", full_page=True)
    forward(page, "Your parents")
    page.get_by_role("button", name="Next").click()
    page.get_by_text("Please look at the marked fields.").first.wait_for()
    page.route("**/draft", lambda _route: None)  # held back
    with page.expect_request("**/draft"):
        fill(page, parent_name="Asha Joshi", parent_relation="mother", parent_phone="98765 43211")
    page.get_by_role("button", name="Next").click()  # while that is still being saved
    page.unroute("**/draft")  # which lets it go on
    page.get_by_role("heading", level=1, name="Your bed").wait_for()
    page.locator("[name=move_in_on]").fill(page.locator("[name=move_in_on]").evaluate("() => new Date(Date.now() + 864e5).toISOString().slice(0, 10)"))
    page.locator("[name=lunchbox]").check()
    fill(page, mess_plan="Full board")
    page.locator(".bed-choice:enabled").first.click()
    page.get_by_text("is held for you.").last.wait_for()
    assert page.locator("[name=lunchbox]").is_checked()
    fits(page)
    page.screenshot(path=tmp_path / "3.png", full_page=True)


def test_a_newcomer_registers_on_a_phone(windows, house, priced, tmp_path):
    me = house.world.a.people[Role.PENDING_RESIDENT]
    windows.expect(r"/draft: |401 .*/draft|ERR_INTERNET_DISCONNECTED|/realtime/|/live/|422 http")
    page = windows.open(me, viewport=NARROW)
    page.get_by_role("link", name="Go on with it").click()
    page.get_by_role("heading", level=1, name="About you").wait_for()
    interrupted(house, page, me)
    other = windows.open(me, "/onboarding/", viewport=NARROW)  # another device
    assert [other.locator(f"[name={name}]").input_value() for name in ("full_name", "phone", "address", "date_of_birth", "identity_number", "identity_kind")] == [
        "Meera Joshi", "98765 43210", "12 Lake Road", "2005-03-04", "ABCPE1234F", "pan"]
    given_and_chosen(page, tmp_path)
    forward(page, "How you live")
    fill(page, food="jain")
    forward(page, "Check and send")
    assert page.get_by_text("₹15,500.00").count() == 1  # 9,000 + 3,500 + 3,000, all from the tariff
    fits(page)
    page.screenshot(path=tmp_path / "5.png", full_page=True)
    page.get_by_role("button", name="Send").click()
    page.get_by_text("What I have written is true").wait_for()
    page.locator("[name=agreed]").check()
    page.get_by_role("button", name="Send").dblclick()
    page.get_by_role("heading", name="Your registration is with us").wait_for()
    page.screenshot(path=tmp_path / "6.png", full_page=True)
    with house.engine.connect() as connection:
        assert connection.execute(text("SELECT state, round, mess_plan, lunchbox FROM onboarding_submissions WHERE user_id = :me"),
                                  {"me": me.user_id}).all() == [("pending_review", 1, "Full board", True)]
    assert re.search(r"/onboarding/$", page.url)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))") == []
