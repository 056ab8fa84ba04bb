"""Devices that are new: a code from the mail comes before the session, where the organization asks for it (T14)."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.services.people import accounts
from app.tenancy import auth_scope
from tests.views.test_people_account import mailbox  # noqa: F401
from tests.views.test_people_signing_in import PASSWORD, set_up_second_factor, sign_in, with_password  # noqa: F401


@pytest.fixture
def checked(with_password, superuser):  # noqa: F811
    """Both organizations check new devices."""
    with superuser.begin() as connection:
        connection.execute(text("UPDATE organizations SET settings = '{\"verify_devices\": true}'"))
    return with_password


def code_in(mail):
    return re.search(r"^(\d{8})\s*$", mail.text, re.MULTILINE)[1]


def known(superuser):
    with superuser.begin() as connection:
        return connection.execute(text("SELECT id, user_id, device, expires_at - used_at AS lasts FROM known_devices")).all()


def enter(browser, person, mailbox):  # noqa: F811
    """Somebody's browser, new, then known."""
    somebody = browser(None)
    assert sign_in(browser=somebody, person=person).headers["Location"] == "/login/device"
    assert somebody.post("/login/device", {"code": code_in(mailbox()[-1])}).status_code == 303
    return somebody


def test_the_password_alone_opens_nothing_and_the_code_lets_in(checked, browser, mailbox, superuser):  # noqa: F811
    somebody = browser(None)
    answer = sign_in(somebody, checked.owner, query="?next=/members/list/")
    assert answer.headers["Location"] == "/login/device?next=/members/list/"
    assert somebody.get("/account/").headers["Location"].startswith("/login")
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM user_sessions")) == 0
    assert checked.owner.email in somebody.get("/login/device").get_data(as_text=True)
    (mail,) = mailbox()
    assert mail.to == checked.owner.email
    code = code_in(mail)
    wrong = somebody.post("/login/device", {"code": f"{(int(code) + 1) % 10**8:08}"})
    assert wrong.status_code == 422
    assert "This code is not right." in wrong.get_data(as_text=True)
    entered = somebody.post("/login/device?next=/members/list/", {"code": f" {code[:4]} {code[4:]} "})
    assert (entered.status_code, entered.headers["Location"]) == (303, "/members/list/")
    assert somebody.get("/account/").status_code == 200


def test_a_known_device_is_asked_no_more_for_90_days(checked, browser, mailbox, superuser):  # noqa: F811
    somebody = enter(browser, checked.owner, mailbox)
    somebody.post("/logout")
    assert sign_in(somebody, checked.owner).headers["Location"] == "/"
    ((_, user_id, _, lasts),) = known(superuser)
    assert (user_id, lasts) == (checked.owner.user_id, timedelta(days=90))
    with superuser.begin() as connection:
        connection.execute(text("UPDATE known_devices SET expires_at = now() - interval '1 second'"))
    somebody.post("/logout")
    assert sign_in(somebody, checked.owner).headers["Location"] == "/login/device"


def test_one_persons_device_is_not_anothers(checked, browser, mailbox, superuser):  # noqa: F811
    somebody = enter(browser, checked.staff, mailbox)
    token = somebody.http.get_cookie(f"device_{checked.staff.user_id}").value
    somebody.http.set_cookie(f"device_{checked.owner.user_id}", token)
    assert sign_in(somebody, checked.owner).headers["Location"] == "/login/device"
    (mail,) = (mail for mail in mailbox() if mail.to == checked.owner.email)
    assert somebody.post("/login/device", {"code": code_in(mail)}).status_code == 303
    assert somebody.http.get_cookie(f"device_{checked.owner.user_id}").value != token


def test_the_second_factor_does_not_replace_the_code(checked, browser, mailbox):  # noqa: F811
    totp, _ = set_up_second_factor(checked.owner)
    somebody = browser(None)
    assert sign_in(somebody, checked.owner).headers["Location"] == "/login/code"
    assert mailbox() == []
    assert somebody.post("/login/code", {"code": totp.now()}).headers["Location"] == "/login/device"
    assert somebody.get("/account/").status_code == 303
    assert somebody.post("/login/device", {"code": code_in(mailbox()[0])}).headers["Location"] == "/"


def test_guesses_lock_the_account(checked, browser, mailbox):  # noqa: F811
    somebody = browser(None)
    sign_in(somebody, checked.owner)
    code = code_in(mailbox()[0])
    answers = [somebody.post("/login/device", {"code": f"{(int(code) + n) % 10**8:08}"}).status_code for n in range(1, 6)]
    assert answers == [422] * 4 + [429]
    assert somebody.post("/login/device", {"code": code}).status_code == 429


def test_a_code_works_once_and_in_the_browser_that_gave_the_password(checked, browser, mailbox):  # noqa: F811
    first, second = browser(None), browser(None)
    sign_in(first, checked.owner)
    code = code_in(mailbox()[0])
    sign_in(second, checked.owner)
    assert second.post("/login/device", {"code": code}).status_code == 422
    with first.http.session_transaction() as cookie:
        before = dict(cookie)
    assert first.post("/login/device", {"code": code}).status_code == 303
    copied = browser(None)
    with copied.http.session_transaction() as cookie:
        cookie.update(before)
    assert copied.post("/login/device", {"code": code}).status_code == 410


def test_whoever_waits_for_approval_is_asked_only_after_it(checked, browser, superuser):
    pending = checked.a.people[Role.PENDING_RESIDENT]
    with auth_scope() as auth:
        accounts.set_password(auth, pending.user_id, PASSWORD)
    assert sign_in(browser(None), pending).headers["Location"] == "/"
    with superuser.begin() as connection:
        connection.execute(text("UPDATE memberships SET role = 'resident' WHERE user_id = :id"), {"id": pending.user_id})
    assert sign_in(browser(None), pending).headers["Location"] == "/login/device"


def test_known_devices_are_listed_and_removed_by_their_person_alone(checked, browser, mailbox, superuser):  # noqa: F811
    somebody = enter(browser, checked.owner, mailbox)
    ((device_id, *_),) = known(superuser)
    path = f"/account/devices/{device_id}/remove"
    page = somebody.get("/account/").get_data(as_text=True)
    assert path in page
    assert "this one" in page.partition("Known devices")[2]
    assert "this one" not in browser(checked.owner).get("/account/").get_data(as_text=True).partition("Known devices")[2]
    assert browser(checked.outsider).post(path).status_code == 404
    assert somebody.post("/account/devices/nonsense/remove").status_code == 404
    assert somebody.post(path).status_code == 303
    assert known(superuser) == []
    assert somebody.post(path).status_code == 404
    assert somebody.get("/account/").status_code == 200  # the session goes on
    somebody.post("/logout")
    assert sign_in(somebody, checked.owner).headers["Location"] == "/login/device"


def test_ten_devices_are_known_at_most(with_password, browser, superuser):  # noqa: F811
    for _ in range(12):
        sign_in(browser(None), with_password.owner)
    assert len(known(superuser)) == 10


def test_a_new_organization_checks_devices_and_its_owner_may_let_go(app, world, browser, superuser):
    owner = browser(None)
    given = {"organization": "New Homes", "name": "New Owner", "email": "new@homes.example", "password": PASSWORD}
    assert owner.post("/signup", given).status_code == 303
    again = browser(None)
    assert again.post("/login", given).headers["Location"] == "/login/device"
    page = owner.get("/members/security").get_data(as_text=True)
    assert re.search(r'<input[^>]*checked[^>]*name="verify_devices"', page)
    assert owner.post("/members/security", {}).status_code == 303
    assert again.post("/login", given).headers["Location"] == "/"
    with superuser.begin() as connection:  # the others are as they were
        assert connection.scalar(text("SELECT count(*) FROM organizations WHERE settings ? 'verify_devices'")) == 1
