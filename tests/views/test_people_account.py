"""One's own account: devices, password, second factor; a forgotten password by mail; leaving (T14)."""

import re

import pytest
from sqlalchemy import text

from app.wiring import mailer
from jobs.outbox import Drainer
from jobs.registry import load
from tests.views.test_people_signing_in import PASSWORD, set_up_second_factor, sign_in, with_password  # noqa: F401

NEW = "another long password"


@pytest.fixture
def mailbox(app, tmp_path):
    """Work is done, and what it mailed is handed back, the newest last."""
    load()
    box = mailer()
    for old in box._folder.glob("*.eml"):
        old.unlink()

    def delivered():
        Drainer.new().drain()
        return list(reversed(box.list()))

    return delivered


def link_in(mail):
    return re.search(r"http://localhost(/\S+)", mail.text)[1]


def test_devices_are_listed_and_ended_one_by_one(with_password, browser):  # noqa: F811
    here, there = browser(None), browser(None)
    for one in (here, there):
        sign_in(one, with_password.owner)
    page = here.get("/account/").get_data(as_text=True)
    (action,) = re.findall(r'action="(/account/devices/[0-9a-f-]+/end)"', page)
    assert there.get("/account/").status_code == 200
    assert here.post(action).status_code == 303
    assert there.get("/account/").status_code == 303
    assert here.get("/account/").status_code == 200
    assert here.post(action).status_code == 404


def test_another_persons_device_looks_like_none(with_password, browser, superuser):  # noqa: F811
    owner, staff = browser(None), browser(None)
    sign_in(owner, with_password.owner)
    sign_in(staff, with_password.staff)
    with superuser.begin() as connection:
        theirs = connection.scalar(text("SELECT id FROM user_sessions WHERE user_id = :id"), {"id": with_password.owner.user_id})
    for name in (theirs, "not-a-uuid", "00000000-0000-0000-0000-000000000000"):
        assert staff.post(f"/account/devices/{name}/end").status_code == 404
    assert owner.get("/account/").status_code == 200


def test_all_others_are_signed_out_at_once(with_password, browser):  # noqa: F811
    browsers = [browser(None) for _ in range(3)]
    for one in browsers:
        sign_in(one, with_password.owner)
    browsers[0].post("/account/devices/end-others")
    assert [one.get("/account/").status_code for one in browsers] == [200, 303, 303]


def test_a_changed_password_ends_other_devices_and_works(with_password, browser):  # noqa: F811
    here, there = browser(None), browser(None)
    for one in (here, there):
        sign_in(one, with_password.owner)
    wrong = here.post("/account/password", {"old": "not the old one", "password": NEW})
    assert wrong.status_code == 422
    assert "This is not your present password." in wrong.get_data(as_text=True)
    short = here.post("/account/password", {"old": PASSWORD, "password": "short"})
    assert "at least 12 characters" in short.get_data(as_text=True)
    assert here.post("/account/password", {"old": PASSWORD, "password": NEW}).status_code == 303
    assert (here.get("/account/").status_code, there.get("/account/").status_code) == (200, 303)
    assert [sign_in(browser(None), with_password.owner, p).status_code for p in (PASSWORD, NEW)] == [401, 303]


def test_an_open_browser_is_no_place_to_guess_the_password(with_password, browser):  # noqa: F811
    here = browser(None)
    sign_in(here, with_password.owner)
    guesses = [here.post("/account/password", {"old": f"guess number {n}", "password": NEW}).status_code for n in range(6)]
    assert guesses == [422] * 5 + [429]


def test_taking_the_second_factor_away_needs_a_code(with_password, browser):  # noqa: F811
    totp, _codes = set_up_second_factor(with_password.owner)
    here = browser(with_password.owner)
    assert here.post("/account/second-factor/off", {"code": "123456"}).status_code == 401
    assert here.post("/account/second-factor/off", {"code": totp.now()}).status_code == 303
    assert sign_in(browser(None), with_password.owner).headers["Location"] == "/"


def test_new_recovery_codes_replace_the_old(with_password, browser):  # noqa: F811
    totp, old = set_up_second_factor(with_password.owner)
    page = browser(with_password.owner).post("/account/recovery-codes", {"code": totp.now()})
    new = re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", page.get_data(as_text=True))
    assert len(new) == 10
    assert page.headers["Cache-Control"] == "no-store"
    somebody = browser(None)
    sign_in(somebody, with_password.owner)
    assert [somebody.post("/login/code", {"code": c}).status_code for c in (old[0], new[0])] == [401, 303]


# -- forgotten --------------------------------------------------------------------------------------------------


def test_a_link_by_mail_sets_a_new_password_once_and_ends_all_sessions(with_password, browser, mailbox):  # noqa: F811
    before, somebody = browser(None), browser(None)
    sign_in(before, with_password.owner)
    assert somebody.post("/password/forgotten", {"email": with_password.owner.email.upper()}).status_code == 200
    (mail,) = mailbox()
    assert mail.to == with_password.owner.email
    link = link_in(mail)
    assert with_password.owner.email in somebody.get(link).get_data(as_text=True)
    assert somebody.post(link, {"password": "short"}).status_code == 422
    assert somebody.post(link, {"password": NEW}).headers["Location"] == "/login"
    assert before.get("/account/").status_code == 303
    assert sign_in(somebody, with_password.owner, NEW).status_code == 303
    again = browser(None).post(link, {"password": "yet another password"})
    assert again.status_code == 410
    assert "used already" in again.get_data(as_text=True)


def test_an_unknown_address_gets_the_same_answer_and_no_mail(with_password, browser, mailbox):  # noqa: F811
    known = browser(None).post("/password/forgotten", {"email": with_password.owner.email})
    unknown = browser(None).post("/password/forgotten", {"email": "nobody@asha.example"})
    pages = [answer.get_data(as_text=True).replace(email, "…")
             for answer, email in ((known, with_password.owner.email), (unknown, "nobody@asha.example"))]
    strip = [re.sub(r'(nonce|content|name="csrf_token" value)="[^"]*"', "", page) for page in pages]
    assert strip[0] == strip[1]
    assert [mail.to for mail in mailbox()] == [with_password.owner.email]


def test_no_secret_of_a_link_is_in_the_outbox_or_the_table(with_password, browser, mailbox, superuser):  # noqa: F811
    browser(None).post("/password/forgotten", {"email": with_password.owner.email})
    secret = link_in(mailbox()[0]).partition("t=")[2]
    with superuser.begin() as connection:
        stored = str(connection.execute(text("SELECT payload FROM outbox")).all()) + str(
            connection.execute(text("SELECT encode(reset_digest, 'escape'), encode(reset_digest, 'base64') FROM user_credentials")).all())
    assert len(secret) == 43
    assert secret not in stored


def test_a_link_is_over_after_an_hour(with_password, browser, mailbox, superuser):  # noqa: F811
    browser(None).post("/password/forgotten", {"email": with_password.owner.email})
    link = link_in(mailbox()[0])
    with superuser.begin() as connection:
        connection.execute(text("UPDATE user_credentials SET reset_expires_at = now() - interval '1 second'"))
    assert browser(None).get(link).status_code == 410


def test_a_mail_sent_twice_does_not_open_a_used_link_again(with_password, browser, mailbox, superuser):  # noqa: F811
    browser(None).post("/password/forgotten", {"email": with_password.owner.email})
    link = link_in(mailbox()[0])
    browser(None).post(link, {"password": NEW})
    with superuser.begin() as connection:  # a worker killed between the mail and its commit
        connection.execute(text("UPDATE outbox SET state = 'pending', claimed_until = NULL, finished_at = NULL"))
    mailbox()
    assert browser(None).get(link).status_code == 410


def test_a_mailbox_is_not_flooded(with_password, browser, mailbox):  # noqa: F811
    for _ in range(5):
        assert browser(None).post("/password/forgotten", {"email": with_password.owner.email}).status_code == 200
    assert len(mailbox()) == 3


def test_a_reset_opens_the_lock(with_password, browser, mailbox):  # noqa: F811
    for n in range(6):
        sign_in(browser(None), with_password.owner, f"guess number {n}")
    browser(None).post("/password/forgotten", {"email": with_password.owner.email})
    browser(None).post(link_in(mailbox()[0]), {"password": NEW})
    assert sign_in(browser(None), with_password.owner, NEW).status_code == 303


@pytest.mark.parametrize("secret", ["", "x", "%00", "🦊", "a" * 5000, "<script>alert(1)</script>"])
def test_a_link_that_never_was_is_one_clear_page(app, world, browser, secret):
    for path in ("/password/new", "/invitation"):
        answer = browser(None).get(path, query_string={"t": secret})
        assert answer.status_code == 410
        assert "<script>alert" not in answer.get_data(as_text=True)


# -- leaving ----------------------------------------------------------------------------------------------------


def test_the_last_owner_cannot_leave_and_others_can(with_password, browser):  # noqa: F811
    owner, staff = browser(with_password.owner), browser(with_password.staff)
    refused = owner.post("/account/leave")
    assert refused.status_code == 409
    assert "The last owner cannot leave" in refused.get_data(as_text=True)
    assert staff.post("/account/leave").status_code == 303
    assert staff.get("/", follow_redirects=True).status_code == 403


