"""The door: signing in with one factor or two, the lock, the way back, signing out (T14)."""

import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import text

from app.permissions import Role
from app.security import token_digest
from app.services.people import accounts, second_factor
from app.tenancy import auth_scope, tenant_scope
from app.views.people.doors import ring

PASSWORD = "correct horse battery"


@pytest.fixture
def with_password(app, world):
    """world.owner and world.staff have a password."""
    with auth_scope() as auth:
        for person in (world.owner, world.staff):
            accounts.set_password(auth, person.user_id, PASSWORD)
    return world


def sign_in(browser, person, password=PASSWORD, query=""):
    return browser.post(f"/login{query}", {"email": person.email, "password": password})


def set_up_second_factor(person):
    with auth_scope() as auth:
        secret = second_factor.enrol(auth, ring(), person.user_id, person.email).secret
    with auth_scope() as auth:
        now = datetime.now(UTC) - timedelta(minutes=2)
        codes = second_factor.confirm(auth, ring(), person.user_id, pyotp.TOTP(secret).at(now), now)
    return pyotp.TOTP(secret), codes


def test_nobody_is_sent_to_the_sign_in_page_and_back(with_password, browser):
    somebody = browser(None)
    assert somebody.get("/").headers["Location"].startswith("/login")
    sent = somebody.get("/members/list/?q=x").headers["Location"]
    assert sent == "/login?next=/members/list/?q%3Dx"
    answer = somebody.post(sent, {"email": with_password.owner.email, "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/members/list/?q=x")
    assert somebody.get("/members/list/").status_code == 200


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_the_way_back_never_leaves_this_site(with_password, browser, target):
    answer = browser(None).post("/login", {"email": with_password.owner.email, "password": PASSWORD},
                                query_string={"next": target})
    assert answer.headers["Location"] == "/"


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(with_password, browser):
    wrong = sign_in(browser(None), with_password.owner, "not this one, surely")
    unknown = browser(None).post("/login", {"email": "nobody@asha.example", "password": "not this one, surely"})
    assert wrong.status_code == unknown.status_code == 401
    said = [re.search(r'role="alert"><p>(.*?)</p>', answer.get_data(as_text=True))[1] for answer in (wrong, unknown)]
    assert said[0] == said[1] == "E-mail address or password is not right."


def test_the_address_is_kept_and_the_password_is_not(with_password, browser):
    page = browser(None).post("/login", {"email": "owner@x.example", "password": "a secret of mine"}).get_data(as_text=True)
    assert 'value="owner@x.example"' in page
    assert "a secret of mine" not in page


def test_five_failures_lock_the_account_even_for_the_right_password(with_password, browser):
    guesser = browser(None)
    assert [sign_in(guesser, with_password.owner, f"guess number {n}").status_code for n in range(5)] == [401] * 5
    answer = sign_in(guesser, with_password.owner)
    assert answer.status_code == 429
    assert "Too many failed attempts. Please try again in 15 minutes." in answer.get_data(as_text=True)
    assert sign_in(browser(None), with_password.staff).status_code == 303


def test_an_unknown_account_locks_like_a_known_one(with_password, browser):
    guesser = browser(None)
    codes = [guesser.post("/login", {"email": "nobody@asha.example", "password": "x" * 12}).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]


def test_a_success_begins_the_count_again(with_password, browser):
    for _ in range(2):
        somebody = browser(None)
        for n in range(4):
            sign_in(somebody, with_password.owner, f"guess number {n}")
        assert sign_in(somebody, with_password.owner).status_code == 303


def attempts_from_here(superuser, hits):
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO rate_limit_counters (bucket, key, window_start, hits) "
                                "SELECT 'sign-in', '127.0.0.1', to_timestamp(floor(extract(epoch FROM now()) / 900) * 900), :hits"),
                           {"hits": hits})


def test_one_network_address_cannot_try_accounts_without_end(with_password, browser, superuser):
    attempts_from_here(superuser, 300)
    answer = sign_in(browser(None), with_password.owner)
    assert answer.status_code == 429
    assert "from your network" in answer.get_data(as_text=True)


def test_wrong_passwords_of_one_person_do_not_lock_out_the_house(with_password, browser, superuser):
    attempts_from_here(superuser, 250)
    assert sign_in(browser(None), with_password.owner).status_code == 303


@pytest.mark.parametrize("email", ["", "not an address", "x" * 300, "अ🦊@example.com", "a@b.c\x00", "<script>alert(1)</script>"])
def test_whatever_is_typed_gets_a_sentence(with_password, browser, email):
    answer = browser(None).post("/login", {"email": email, "password": "x"})
    assert 400 <= answer.status_code < 500
    assert "<script>alert" not in answer.get_data(as_text=True)


def test_the_session_is_new_at_sign_in_and_only_its_digest_is_stored(with_password, browser, superuser):
    somebody = browser(None)
    with somebody.http.session_transaction() as cookie:
        cookie["token"], cookie["planted"] = "known to an attacker", "yes"
    sign_in(somebody, with_password.owner)
    with somebody.http.session_transaction() as cookie:
        token = cookie["token"]
        assert token != "known to an attacker"
        assert "planted" not in cookie
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT user_id FROM user_sessions WHERE digest = :d"),
                                 {"d": token_digest(token)}) == with_password.owner.user_id


def test_signing_out_ends_the_session_for_a_copied_cookie_too(with_password, browser):
    somebody = browser(None)
    sign_in(somebody, with_password.owner)
    with somebody.http.session_transaction() as cookie:
        copied = dict(cookie)
    assert somebody.get("/logout").status_code == 405
    assert somebody.post("/logout").headers["Location"] == "/login"
    thief = browser(None)
    with thief.http.session_transaction() as cookie:
        cookie.update(copied)
    assert thief.get("/members/list/").headers["Location"].startswith("/login")


def test_the_sixth_session_ends_the_one_unused_for_longest(with_password, browser):
    browsers = [browser(None) for _ in range(6)]
    for one in browsers:
        sign_in(one, with_password.owner)
    assert [one.get("/account/").status_code for one in browsers] == [303, *[200] * 5]


def test_a_suspended_account_is_told_so_only_with_its_password(with_password, browser, superuser):
    with superuser.begin() as connection:
        connection.execute(text("UPDATE ab_user SET active = false WHERE id = :id"), {"id": with_password.owner.user_id})
    assert "suspended" not in sign_in(browser(None), with_password.owner, "wrong wrong wrong").get_data(as_text=True)
    answer = sign_in(browser(None), with_password.owner)
    assert (answer.status_code, "This account is suspended" in answer.get_data(as_text=True)) == (403, True)


def test_who_has_no_role_left_is_told_instead_of_sent_in_circles(with_password, browser):
    staff = browser(None)
    sign_in(staff, with_password.staff)
    with tenant_scope(with_password.a.org_id) as session:
        session.execute(text("SELECT app.change_person(:user, 'suspended')"), {"user": with_password.staff.user_id})
    answer = staff.get("/", follow_redirects=True)
    assert answer.status_code == 403
    assert "You belong to no organization at present" in answer.get_data(as_text=True)
    assert staff.post("/logout").status_code == 303


def test_signing_in_is_audited_in_the_organization(with_password, browser, superuser):
    sign_in(browser(None), with_password.owner, "wrong wrong wrong")
    sign_in(browser(None), with_password.owner)
    with superuser.begin() as connection:
        actions = list(connection.scalars(text(
            "SELECT action FROM audit_log WHERE org_id = :org AND table_name = 'ab_user' ORDER BY seq"),
            {"org": with_password.a.org_id}))
    assert actions == ["sign_in_failed", "signed_in"]


# -- second factor ---------------------------------------------------------------------------------------------


def test_with_a_second_factor_the_password_alone_opens_nothing(with_password, browser):
    totp, _ = set_up_second_factor(with_password.owner)
    somebody = browser(None)
    answer = sign_in(somebody, with_password.owner, query="?next=/team/list/")
    assert answer.headers["Location"] == "/login/code?next=/team/list/"
    assert somebody.get("/members/list/").headers["Location"].startswith("/login?")
    assert somebody.post("/login/code", {"code": "000000"}).status_code == 401
    answer = somebody.post("/login/code?next=/team/list/", {"code": totp.now()})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/team/list/")
    assert somebody.get("/team/list/").status_code == 200


def test_a_code_works_once(with_password, browser):
    totp, _ = set_up_second_factor(with_password.owner)
    code, first, second = totp.now(), browser(None), browser(None)
    for one in (first, second):
        sign_in(one, with_password.owner)
    assert [one.post("/login/code", {"code": code}).status_code for one in (first, second)] == [303, 401]


def test_a_recovery_code_works_once_however_it_is_typed(with_password, browser):
    _, codes = set_up_second_factor(with_password.owner)
    statuses = []
    for typed in (codes[0], f" {codes[0].upper()} ", codes[1].replace("-", "").upper()):
        somebody = browser(None)
        sign_in(somebody, with_password.owner)
        statuses.append(somebody.post("/login/code", {"code": typed}).status_code)
    assert statuses == [303, 401, 303]


def test_guessing_codes_locks_the_account(with_password, browser):
    totp, _ = set_up_second_factor(with_password.owner)
    somebody = browser(None)
    sign_in(somebody, with_password.owner)
    statuses = [somebody.post("/login/code", {"code": f"{n:06}"}).status_code for n in range(5)]
    assert statuses == [401] * 4 + [429]
    assert somebody.post("/login/code", {"code": totp.now()}).status_code == 429


def test_the_step_between_password_and_code_ends_after_five_minutes(with_password, browser):
    totp, _ = set_up_second_factor(with_password.owner)
    somebody = browser(None)
    sign_in(somebody, with_password.owner)
    with somebody.http.session_transaction() as cookie:
        cookie["half_way"] = {**cookie["half_way"], "at": cookie["half_way"]["at"] - 301}
    assert somebody.post("/login/code", {"code": totp.now()}).headers["Location"] == "/login"


def test_the_secret_is_stored_encrypted_for_its_own_user(with_password, superuser):
    totp, _ = set_up_second_factor(with_password.owner)
    with superuser.begin() as connection:
        stored = connection.scalar(text("SELECT totp_secret FROM user_credentials WHERE user_id = :id"),
                                   {"id": with_password.owner.user_id})
    assert totp.secret not in stored
    assert ring().decrypt(stored, f"user_credentials.totp_secret:{with_password.owner.user_id}") == totp.secret


def test_staff_can_do_nothing_without_the_second_factor_their_organization_asks_for(with_password, browser, superuser):
    somebody = browser(None)
    sign_in(somebody, with_password.owner)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE organizations SET settings = '{\"require_totp\": true}' WHERE id = :id"),
                           {"id": with_password.a.org_id})
    assert somebody.get("/members/list/").headers["Location"] == "/account/second-factor"
    assert somebody.post("/team/add", {"name": "X"}).status_code == 403
    assert somebody.get("/account/second-factor").status_code == 200
    with auth_scope() as auth:
        secret = second_factor.enrol(auth, ring(), with_password.owner.user_id, with_password.owner.email).secret
    page = somebody.post("/account/second-factor", {"code": pyotp.TOTP(secret).now()}).get_data(as_text=True)
    assert len(re.findall(r"<code>[a-z2-9]{5}-[a-z2-9]{5}</code>", page)) == 10
    assert somebody.get("/members/list/").status_code == 200


def test_residents_are_not_asked_for_a_second_factor(world, app, browser, superuser):
    resident = browser(world.a.people[Role.RESIDENT])
    with superuser.begin() as connection:
        connection.execute(text("UPDATE user_sessions SET second_factor = false"))
        connection.execute(text("UPDATE organizations SET settings = '{\"require_totp\": true}'"))
    assert resident.get("/").status_code == 200
