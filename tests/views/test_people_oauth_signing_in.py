"""Signing in with Google or GitHub, against stand-ins that speak their protocols over HTTP (T14)."""

import io
import json
import logging
import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from sqlalchemy import text

import config
from app.gateways import oauth as gateway
from app.local import twins
from app.local.environment import TWIN_SECRET, twin_settings
from app.views.people import oauth as views
from tests.views.test_people_account import mailbox  # noqa: F401
from tests.views.test_people_signing_in import PASSWORD, set_up_second_factor, sign_in, with_password  # noqa: F401

BOTH = ("google", "github")


@pytest.fixture(scope="module")
def served():
    app = twins.create_twins()
    server = twins.serve(app, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield app.extensions["twins"], server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def twin(app, served, monkeypatch):
    """The stand-ins' state; the console knows them as Google and GitHub."""
    state, port = served
    state.trouble = ""
    gateway._DOCUMENTS.clear()
    values = {name.lower(): value for name, value in twin_settings(port).items()}
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], **values))
    return state


def begin(somebody, provider, query=""):
    """Where the provider's page for this browser is."""
    answer = somebody.get(f"/login/{provider}{query}")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["Location"]


def agree(url, email, *, verified=True, refuse=False):
    """What somebody does at the provider; the path that leads back to the console."""
    data = {"email": email, **({"verified": "1"} if verified else {}), **({"deny": "1"} if refuse else {})}
    sent = requests.post(url, data=data, timeout=5, allow_redirects=False).headers["Location"]
    assert sent.startswith("http://localhost/login/")
    return sent.removeprefix("http://localhost")


def come_back(somebody, provider, email, query="", **how):
    return somebody.get(agree(begin(somebody, provider, query), email, **how))


def said(answer):
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def link(somebody, person, provider):
    """Linked by the password, and signed in."""
    asked = come_back(somebody, provider, person.email)
    assert (asked.status_code, asked.headers["Location"].partition("?")[0]) == (303, f"/login/{provider}/confirm")
    assert somebody.post(asked.headers["Location"], {"password": PASSWORD}).status_code == 303


def links(superuser):
    with superuser.begin() as connection:
        return connection.execute(text("SELECT user_id, provider FROM provider_links ORDER BY provider")).all()


def test_the_password_links_once_and_from_then_on_the_provider_signs_in(with_password, browser, twin, superuser):  # noqa: F811
    owner = with_password.owner
    for provider in BOTH:
        for how, status, sentence in (({"verified": False}, 403, "verified"), ({"refuse": True}, 403, "so nothing has changed")):
            answer = come_back(browser(None), provider, owner.email, **how)
            assert (answer.status_code, sentence in said(answer)) == (status, True)
        somebody = browser(None)
        asked = come_back(somebody, provider, owner.email.upper(), "?next=/members/list/").headers["Location"]
        assert provider not in [one for _, one in links(superuser)]
        assert owner.email in said(somebody.get(asked))
        entered = somebody.post(asked, {"password": PASSWORD})
        assert (entered.status_code, entered.headers["Location"]) == (303, "/members/list/")
        assert (owner.user_id, provider) in links(superuser)
        assert somebody.post(asked, {"password": PASSWORD}).status_code == 410  # this try has ended
        other = browser(None)
        assert come_back(other, provider, owner.email, "?next=//evil.example").headers["Location"] == "/"
        assert other.get("/account/").status_code == 200


def test_unknown_addresses_get_no_account_unless_invited(world, browser, twin, superuser):
    for provider in BOTH:
        answer = come_back(browser(None), provider, "nobody@asha.example")
        assert (answer.status_code, "There is no account here" in said(answer)) == (403, True)
    with superuser.begin() as connection:
        before = connection.scalar(text("SELECT count(*) FROM ab_user"))
        for org in (world.a.org_id, world.b.org_id):
            connection.execute(text(
                "INSERT INTO invitations (org_id, email, name, role, digest, expires_at) VALUES "
                "(:org, 'Nobody@asha.example', 'Nina Nobody', 'owner', sha256(CAST(:name AS bytea)), now() + interval '1 day')"),
                {"org": org, "name": str(org)})
    somebody = browser(None)
    asked = come_back(somebody, "google", "nobody@asha.example").headers["Location"]
    marks = re.findall(r'name="offer" value="([0-9a-f]+)"', said(somebody.get(asked)))
    assert len(marks) == 2
    assert somebody.post(asked, {"offer": "nonsense"}).status_code == 404
    assert somebody.post(asked, {"offer": marks[0]}).headers["Location"] == "/"
    page = said(somebody.get("/account/"))
    assert "Nina Nobody" in page
    assert "Welcome to " in page
    assert somebody.post(asked, {"offer": marks[1]}).status_code == 410
    assert come_back(browser(None), "google", "nobody@asha.example").headers["Location"] == "/"
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ab_user")) == before + 1


def test_an_account_that_an_import_made_and_nobody_used_is_joined_by_its_invitation(world, browser, twin, superuser):
    email = "imported@asha.example"
    with superuser.begin() as connection:
        user_id = connection.scalar(text("SELECT app.create_account(:email, 'Ines Imported')"), {"email": email})
        values = {"org": world.a.org_id, "user": user_id, "email": email}
        connection.execute(text("INSERT INTO members (org_id, user_id, name, email) VALUES (:org, :user, 'Ines Imported', :email)"), values)
        connection.execute(text("INSERT INTO memberships (org_id, user_id, role, status) VALUES (:org, :user, 'viewer', 'invited')"), values)
        connection.execute(text("INSERT INTO invitations (org_id, email, name, role, digest, expires_at) VALUES "
                                "(:org, :email, 'Ines Imported', 'viewer', 'digest', now() + interval '1 day')"), values)
    somebody = browser(None)
    asked = come_back(somebody, "github", email).headers["Location"]
    (mark,) = re.findall(r'name="offer" value="([0-9a-f]+)"', said(somebody.get(asked)))
    assert somebody.post(asked, {"offer": mark}).status_code == 303
    assert links(superuser) == [(user_id, "github")]
    assert somebody.get("/account/").status_code == 200


def test_the_second_factor_the_new_device_the_lock_and_a_suspension_hold(with_password, browser, twin, superuser, mailbox):  # noqa: F811
    owner = with_password.owner
    link(browser(None), owner, "google")
    with superuser.begin() as connection:
        connection.execute(text("UPDATE organizations SET settings = '{\"verify_devices\": true}'"))
    assert come_back(browser(None), "google", owner.email).headers["Location"] == "/login/device"
    totp, _ = set_up_second_factor(owner)
    somebody = browser(None)
    assert come_back(somebody, "google", owner.email).headers["Location"] == "/login/code"
    assert somebody.get("/account/").status_code == 303
    assert somebody.post("/login/code", {"code": totp.now()}).headers["Location"] == "/login/device"
    guesses = browser(None)  # wrong passwords of the confirmation count as those of the sign-in page do
    asked = come_back(guesses, "github", owner.email).headers["Location"]
    while guesses.post(asked, {"password": "not this one, surely"}).status_code == 401:
        pass
    locked = come_back(browser(None), "google", owner.email)
    assert (locked.status_code, "Too many failed attempts" in said(locked)) == (429, True)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE ab_user SET active = false WHERE id = :id"), {"id": owner.user_id})
    suspended = come_back(browser(None), "google", owner.email)
    assert (suspended.status_code, "This account is suspended" in said(suspended)) == (403, True)


def test_a_way_back_is_good_once_in_time_and_in_the_browser_that_began(with_password, browser, twin, monkeypatch):  # noqa: F811
    owner = with_password.owner
    for provider in BOTH:
        somebody = browser(None)
        link(browser(None), owner, provider)
        back = agree(begin(somebody, provider), owner.email)
        wrong = re.sub(r"(state=.{20}).", r"\1~", back)
        for answer in (browser(None).get(back), somebody.get(wrong), somebody.get(f"/login/{provider}/back")):
            assert (answer.status_code, "Please begin again" in said(answer)) == (410, True)
        cookies = [cookie for cookie in somebody.http._cookies.values() if cookie.key.startswith("flow_")]
        assert somebody.get(back).headers["Location"] == "/"
        assert somebody.get(back).status_code == 410
        copied = browser(None)
        for cookie in cookies:
            copied.http.set_cookie(cookie.key, cookie.value, path="/login")
        assert copied.get(back).status_code == 410  # the provider's doing: the code was used
    mine, theirs = browser(None), browser(None)  # somebody's code in another's way back: the verifier does not fit
    stolen, own = [dict(parse_qsl(urlsplit(agree(begin(one, "google"), owner.email)).query)) for one in (theirs, mine)]
    assert mine.get(f"/login/google/back?{urlencode({**own, 'code': stolen['code']})}").status_code == 410
    late = agree(begin(mine, "google"), owner.email)
    monkeypatch.setattr(views, "now", lambda: datetime.now(UTC) + timedelta(minutes=11))
    assert mine.get(late).status_code == 410


def test_two_tabs_at_once_are_not_in_each_others_way(with_password, browser, twin, superuser):  # noqa: F811
    somebody = browser(None)
    tabs = [agree(begin(somebody, one), with_password.owner.email) for one in ("google", "google", "github")]
    asked = [somebody.get(tab).headers["Location"] for tab in tabs]
    assert somebody.post(asked[0], {"password": PASSWORD}).headers["Location"] == "/"
    assert somebody.get(asked[1]).headers["Location"] == "/"  # linked meanwhile: in
    assert somebody.post(asked[2], {"password": PASSWORD}).headers["Location"] == "/"
    assert [provider for _, provider in links(superuser)] == ["github", "google"]


def test_a_provider_that_is_down_slow_or_lying_is_one_sentence(with_password, browser, twin, monkeypatch):  # noqa: F811
    for provider in BOTH:
        link(browser(None), with_password.owner, provider)
    lies = [("google", trouble, 502) for trouble in ("nonce", "audience", "expired", "signature")]
    away = [(provider, trouble, status) for provider in BOTH for trouble, status in (("down", 503), ("slow", 503), ("endless", 502),
                                                                              ("elsewhere", 502), ("garbage", 502))]
    for provider, trouble, status in lies + away:
        twin.trouble = ""
        somebody = browser(None)
        back = agree(begin(somebody, provider), with_password.owner.email)
        twin.trouble = trouble
        monkeypatch.setattr(gateway, "PATIENCE", 0.2 if trouble == "slow" else 6)
        answer = somebody.get(back)
        assert (provider, trouble, answer.status_code) == (provider, trouble, status)
        assert "sign in with your password" in said(answer)
    gateway._DOCUMENTS.clear()
    assert browser(None).get("/login/google").status_code == 502  # nor can anybody be sent there
    twin.trouble, twin.key = "", twins.State().key  # back again, with another key
    assert come_back(browser(None), "google", with_password.owner.email).headers["Location"] == "/"


def test_without_settings_there_is_nothing_to_press_or_to_reach(app, browser):
    assert "Continue with" not in said(browser(None).get("/login"))
    for path in ("/login/google", "/login/github/back", "/login/facebook"):
        assert browser(None).get(path).status_code == 404
    for wrong in ({"OAUTH_GOOGLE_CLIENT_ID": "x"}, {"OAUTH_GITHUB_URL": "http://github.example"}):
        with pytest.raises(config.ConfigError, match="OAUTH_"):
            config.load(wrong)


def test_one_links_and_unlinks_on_ones_own_page(with_password, browser, twin, superuser):  # noqa: F811
    owner, staff, somebody = with_password.owner, with_password.staff, browser(None)
    sign_in(somebody, owner)
    assert 'href="/login/google"' in said(somebody.get("/account/"))
    led = somebody.get("/login/google", headers={"Sec-Fetch-Site": "cross-site"})
    assert led.headers["Location"] == "/account/"
    wrong = come_back(somebody, "google", staff.email)
    assert (wrong.status_code, "cannot be linked" in said(wrong)) == (409, True)
    done = come_back(somebody, "google", owner.email)
    assert (done.status_code, done.headers["Location"]) == (303, "/account/")
    assert come_back(somebody, "google", owner.email).status_code == 303  # again changes nothing
    assert links(superuser) == [(owner.user_id, "google")]
    left = agree(begin(somebody, "github"), owner.email)
    somebody.post("/logout")
    gone = somebody.get(left)
    assert (gone.status_code, "Please sign in first" in said(gone)) == (403, True)
    sign_in(somebody, owner)
    thief = browser(None)
    sign_in(thief, staff)
    assert thief.post("/account/providers/google/remove").status_code == 404
    assert somebody.post("/account/providers/google/remove").status_code == 303
    assert somebody.post("/account/providers/google/remove").status_code == 404
    assert links(superuser) == []
    assert come_back(browser(None), "google", owner.email).headers["Location"].startswith("/login/google/confirm")


def test_no_secret_is_kept_or_told(with_password, browser, twin, superuser, capfd):  # noqa: F811
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        somebody = browser(None)
        secret = [TWIN_SECRET, with_password.owner.email]
        for provider in BOTH:
            back = agree(begin(somebody, provider), with_password.owner.email)
            asked = somebody.get(back).headers["Location"]
            secret += [dict(parse_qsl(urlsplit(back).query))[name] for name in ("code", "state")]
            assert not [word for word in secret if word in asked]
            assert somebody.post(asked, {"password": PASSWORD}).status_code == 303
            somebody.get(back)
            somebody.post("/logout")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    logs = [line for line in (stream.getvalue() + "".join(capfd.readouterr())).splitlines() if "code_challenge=" not in line]
    with superuser.begin() as connection:
        kept = json.dumps([connection.execute(text(f"SELECT t::text FROM {table} t")).scalars().all()
                           for table in ("outbox", "audit_log", "provider_links")])
    for word in [*secret, *twin.tokens]:
        assert not [line for line in logs if word in line]
        assert word == with_password.owner.email or word not in kept
