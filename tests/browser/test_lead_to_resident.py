"""From a stranger's question to a resident's first page: two people, a phone and a desk, every mail and every mishap."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from app.rules.personal import DocumentKind
from app.services import beds, residents
from app.services.people import members
from app.wiring import mailer
from jobs import registry
from jobs.outbox import Drainer
from tests.browser.test_onboarding import fill, fits, forward, saved
from tests.browser.windows import NARROW, PASSWORD
from tests.maintenance import scope
from tests.services.test_documents_keeping import scan

pytestmark = pytest.mark.browser
EMAIL = "tara.sen@example.org"


@pytest.fixture
def priced(house):
    """The second house, where no other test asks for a bed."""
    with scope(house.world.owner) as session:
        hostel = house.world.a.places[1].hostel_id
        for kind, name, paise in (("rent", "Bed", 900_000), ("mess", "Full board", 350_000)):
            residents.create_tariff(session, {"hostel_id": hostel, "kind": kind, "name": name, "amount_paise": paise,
                                              "valid_from": beds.house_day(session, hostel)})


def jobs():
    """What the workers would do meanwhile."""
    registry.load()
    Drainer.new().drain()


def asks(windows, house):
    """A stranger, on the page of a house; their browser proves that it is no program."""
    with house.engine.begin() as connection:
        connection.execute(text("DELETE FROM inquiry_attempts"))  # of tests before
    page = windows.open(None, "/i/asha/h2?utm_source=leaflet", viewport=NARROW)
    page.get_by_label("Your name").fill("Tara Sen")
    page.get_by_label("Phone").fill("98200 12345")
    page.get_by_label("E-mail address").fill(EMAIL)
    fits(page)
    page.get_by_role("button", name="Please call me").click()
    page.get_by_text("Thank you. We have your inquiry").wait_for()
    page.close()


def is_invited(desk):
    """Whoever runs the house makes a newcomer of them."""
    desk.goto("/inquiries/list/")
    desk.get_by_role("link", name="Tara Sen").first.click()
    desk.locator("summary", has_text="More").click()
    desk.get_by_role("button", name="Invite to move in").click()
    desk.locator("#step-convert [name=hostel]").select_option("Asha Homes 2")
    desk.locator("#step-convert").get_by_role("button", name="Invite to move in").click()
    desk.get_by_text("Invited. They choose a password and go on from there.").wait_for()
    jobs()


def signs_up(windows):
    """By the link in their mail."""
    (letter,) = [mail for mail in mailer().list() if mail.to == EMAIL]
    link = urlsplit(re.search(r"https?://\S+/invitation\S+", letter.text)[0])
    page = windows.open(None, f"{link.path}?{link.query}", viewport=NARROW)
    assert page.get_by_label("Your name").input_value() == "Tara Sen"
    page.get_by_label("Choose a password").fill(PASSWORD)
    fits(page)
    page.get_by_role("button", name="Accept and sign in").click()
    page.get_by_role("link", name="Go on with it").click()
    page.get_by_role("heading", level=1, name="About you").wait_for()
    return page


def tells_of_themselves(house, page):
    """The first step, with the network cut once and the session lost once."""
    assert [page.locator(f"[name={name}]").input_value() for name in ("full_name", "phone")] == ["Tara Sen", "+91 98200 12345"]
    page.context.set_offline(True)
    fill(page, address="3 Hill Road", date_of_birth="2004-05-06")
    page.get_by_text("No connection.").wait_for()
    page.context.set_offline(False)
    saved(page)
    with house.engine.begin() as connection:
        connection.execute(text("DELETE FROM user_sessions WHERE user_id = (SELECT id FROM ab_user WHERE email = :email)"), {"email": EMAIL})
    fill(page, identity_number="ABCPE1234F")
    page.get_by_text("You are signed out.").wait_for()
    page.locator(".save-state").get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail address").fill(EMAIL)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", level=1, name="About you").wait_for()
    assert [page.locator(f"[name={name}]").input_value() for name in ("full_name", "phone", "address", "date_of_birth", "identity_number")] == [
        "Tara Sen", "+91 98200 12345", "3 Hill Road", "2004-05-06", "ABCPE1234F"]
    fill(page, identity_kind="pan", gender="female")
    saved(page)
    for kind in (DocumentKind.IDENTITY, DocumentKind.PHOTO):
        page.locator("#document-kind").select_option(kind)
        page.locator("#document-file").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": scan()})
        page.get_by_role("button", name="Add the document").click()
        page.get_by_text("The document is stored.").wait_for()


def goes_on_to_the_end(page):
    """Parents, bed, life, and off it goes."""
    forward(page, "Your parents")
    fill(page, parent_name="Mira Sen", parent_relation="mother", parent_phone="98200 12346")
    forward(page, "Your bed")
    tomorrow = page.evaluate("new Date(Date.now() + 864e5).toISOString().slice(0, 10)")
    fill(page, move_in_on=tomorrow, mess_plan="Full board")
    page.locator(".bed-choice:enabled").first.click()
    page.get_by_text("is held for you.").last.wait_for()
    forward(page, "How you live")
    forward(page, "Check and send")
    page.locator("[name=agreed]").check()
    page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="Your registration is with us").wait_for()
    fits(page)


def is_taken_in_hand(desk):
    """A reviewer claims the submission that waits."""
    desk.goto("/onboarding/submissions/list/?state=pending_review")
    desk.get_by_role("link", name="Tara Sen").first.click()
    desk.get_by_role("button", name="Claim").click()
    desk.get_by_text("You review this now.").wait_for()


def is_sent_back(desk):
    """One field is wrong."""
    line = desk.locator("li", has=desk.locator("[name='flag.parent_phone']"))
    line.locator("summary", has_text="Wrong").click()
    line.locator("[name='flag.parent_phone']").fill("Nobody answers there.")
    desk.get_by_role("button", name="Ask for corrections").click()
    desk.locator("dialog[open]").get_by_role("button").first.click()
    desk.get_by_text("The person is told what to correct.").wait_for()
    jobs()


def corrects(page):
    """The page that was left open says so, and only that field opens."""
    page.get_by_role("heading", name="Something has to be corrected").wait_for()
    page.get_by_role("link", name="Look at it").click()
    page.get_by_text("Nobody answers there.").wait_for()
    assert page.locator(".onboarding-form :is(input, select, textarea)[id^=f-]").count() == 1
    fits(page)
    fill(page, parent_phone="98200 99999")
    forward(page, "Check and send")
    page.locator("[name=agreed]").check()
    page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="Your registration is with us").wait_for()


def is_approved(desk):
    """With what changed before one's eyes."""
    assert desk.locator("li", has=desk.locator("[name='flag.parent_phone']")).get_by_text("Changed").is_visible()
    desk.get_by_role("button", name="Approve").click()
    desk.locator("#step-approve").get_by_role("button", name="Approve").click()
    desk.get_by_text("Approved. The person is told, and may come in.").wait_for()
    jobs()


def lives_here(page):
    """Welcomed on the page that was left open, and in without signing in again."""
    page.get_by_role("heading", name="Welcome!").wait_for()
    page.get_by_role("link", name="Go to your page").click()
    page.get_by_text("Welcome! You are approved, and your bed is yours.").wait_for()
    page.get_by_role("link", name="Report a problem").click()
    page.get_by_role("link", name="Plumber").wait_for()
    fits(page)


def is_suspended(house, page):
    """And out at once."""
    with house.engine.connect() as connection:
        user = connection.execute(text("SELECT id FROM ab_user WHERE email = :email"), {"email": EMAIL}).scalar_one()
    with scope(house.world.owner) as session:
        members.suspend_person(session, user)
    page.goto("/my/requests/new")
    page.get_by_role("heading", name="You belong to no organization at present").wait_for()


def test_a_stranger_becomes_a_resident(windows, house, priced):
    windows.expect(r"/draft: |401 .*/draft|ERR_INTERNET_DISCONNECTED|/realtime/|/live/|403 .*/login")
    desk = windows.open(house.world.owner)
    asks(windows, house)
    is_invited(desk)
    page = signs_up(windows)
    tells_of_themselves(house, page)
    goes_on_to_the_end(page)
    is_taken_in_hand(desk)
    is_sent_back(desk)
    corrects(page)
    is_taken_in_hand(desk)
    is_approved(desk)
    lives_here(page)
    is_suspended(house, page)
