"""Signing in by a link that is mailed: once, in time, in the browser that asked (T14)."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.views.test_people_account import link_in, mailbox  # noqa: F401
from tests.views.test_people_signing_in import set_up_second_factor, with_password  # noqa: F401


def ask(somebody, email, query=""):
    return somebody.post(f"/login/link{query}", {"email": email})


@pytest.fixture
def asked(world, browser, mailbox):  # noqa: F811
    """The owner's browser, and the link in their mail."""
    somebody = browser(None)
    assert ask(somebody, world.owner.email.upper(), "?next=/members/list/").status_code == 200
    (mail,) = mailbox()
    assert mail.to == world.owner.email
    return somebody, link_in(mail)


def test_it_signs_in_where_it_was_asked_for_and_goes_on(asked):
    somebody, link = asked
    for _ in range(2):  # as mail scanners do, and those who come back to the page
        assert somebody.get(link).status_code == 200
    answer = somebody.post(link)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/members/list/")
    assert somebody.get("/account/").status_code == 200


def test_another_browser_cannot_use_it(asked, world, browser):
    _, link = asked
    thief = browser(None)
    ask(thief, world.owner.email)  # a browser that has asked itself is still another one
    for one in (thief, browser(None)):
        assert (one.get(link).status_code, one.post(link).status_code) == (410, 410)


def test_it_works_once_even_with_the_cookie_of_before(asked, browser):
    somebody, link = asked
    with somebody.http.session_transaction() as cookie:
        before = dict(cookie)
    somebody.post(link)
    copied = browser(None)
    with copied.http.session_transaction() as cookie:
        cookie.update(before)
    answer = copied.post(link)
    assert answer.status_code == 410
    assert "used already" in answer.get_data(as_text=True)


def test_after_a_quarter_of_an_hour_it_is_over(asked, superuser):
    somebody, link = asked
    with superuser.begin() as connection:
        lasts = connection.scalar(text("SELECT expires_at - uuid_extract_timestamp(id) FROM mailed_proofs"))
        connection.execute(text("UPDATE mailed_proofs SET expires_at = now() - interval '1 second'"))
    assert abs(lasts - timedelta(minutes=15)) < timedelta(seconds=30)
    assert somebody.post(link).status_code == 410


def test_a_suspended_person_is_not_let_in(asked, superuser, world):
    somebody, link = asked
    with superuser.begin() as connection:
        connection.execute(text("UPDATE ab_user SET active = false WHERE id = :id"), {"id": world.owner.user_id})
    assert somebody.post(link).status_code == 410


def test_the_second_factor_is_still_asked_for(world, browser, mailbox, superuser):  # noqa: F811
    totp, _ = set_up_second_factor(world.owner)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE organizations SET settings = '{\"verify_devices\": true}'"))
    somebody = browser(None)
    ask(somebody, world.owner.email)
    assert somebody.post(link_in(mailbox()[0])).headers["Location"] == "/login/code"
    assert somebody.get("/account/").status_code == 303
    # Who has just read their mail is not sent there for the code of a new device.
    assert somebody.post("/login/code", {"code": totp.now()}).headers["Location"] == "/"


def test_an_unknown_address_gets_the_same_answer_the_same_steps_and_no_mail(world, browser, mailbox, superuser):  # noqa: F811
    pages = []
    for email in (world.owner.email, "nobody@asha.example"):
        page = ask(browser(None), email).get_data(as_text=True).replace(email, "…")
        pages.append(re.sub(r'(nonce|content|name="csrf_token" value)="[^"]*"', "", page))
    assert pages[0] == pages[1]
    with superuser.begin() as connection:
        assert connection.execute(text("SELECT user_id FROM mailed_proofs ORDER BY id")).scalars().all() == [world.owner.user_id, None]
        assert connection.scalar(text("SELECT count(*) FROM outbox WHERE kind = 'people.sign_in_link'")) == 2
    assert [mail.to for mail in mailbox()] == [world.owner.email]


def test_a_mailbox_is_not_flooded_and_nobody_is_told(world, browser, mailbox):  # noqa: F811
    assert {ask(browser(None), world.owner.email).status_code for _ in range(7)} == {200}
    assert len(mailbox()) == 5


def test_one_network_address_asks_a_bounded_number_of_times(app, browser, superuser):
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO rate_limit_counters (bucket, key, window_start, hits) SELECT 'sign-in-link', "
                                "'127.0.0.1', to_timestamp(floor(extract(epoch FROM now()) / 900) * 900), 60"))
    assert ask(browser(None), "somebody@asha.example").status_code == 429


def test_no_secret_is_in_the_database(asked, superuser):
    secret = asked[1].partition("t=")[2]
    with superuser.begin() as connection:
        for table in ("outbox", "mailed_proofs", "audit_log"):
            rows = connection.execute(text(f"SELECT t::text FROM {table} t")).scalars().all()
            assert not [row for row in rows if secret in row], table
