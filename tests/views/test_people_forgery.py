"""Forms that others forged, and forms that outlived their session (T14)."""

import re

import pytest

from app.services.people import accounts
from app.tenancy import auth_scope
from tests.views.test_people_signing_in import PASSWORD


@pytest.fixture
def guarded(app):
    """Protection against forgery is on, as outside of tests."""
    app.config["WTF_CSRF_ENABLED"] = True
    yield app
    app.config["WTF_CSRF_ENABLED"] = False


def token_in(answer):
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.get_data(as_text=True))[1]


@pytest.mark.parametrize("path", ["/account/leave", "/account/devices/end-others", "/switch", "/permissions/change", "/logout",
                                  "/account/second-factor/off", "/members/add"])
def test_a_post_without_this_sessions_token_changes_nothing(guarded, world, browser, path):
    owner = browser(world.owner)
    answer = owner.post(path, {"cell": "viewer.team.read:yes"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Please check what it says and send it again" in owner.get("/").get_data(as_text=True)
    assert owner.get("/account/").status_code == 200


def test_signing_in_cannot_be_forged(guarded, world, browser):
    with auth_scope() as auth:
        accounts.set_password(auth, world.owner.user_id, PASSWORD)
    somebody = browser(None)
    somebody.post("/login", {"email": world.owner.email, "password": PASSWORD})
    assert somebody.get("/account/").status_code == 303
    token = token_in(somebody.get("/login"))
    assert somebody.post("/login", {"email": world.owner.email, "password": PASSWORD, "csrf_token": token}).status_code == 303
    assert somebody.get("/account/").status_code == 200


def test_a_token_from_before_signing_in_is_worth_nothing_after(guarded, world, browser):
    with auth_scope() as auth:
        accounts.set_password(auth, world.owner.user_id, PASSWORD)
    somebody = browser(None)
    token = token_in(somebody.get("/login"))
    somebody.post("/login", {"email": world.owner.email, "password": PASSWORD, "csrf_token": token})
    answer = somebody.post("/team/add", {"name": "X", "csrf_token": token}, headers={"Referer": "http://localhost/team/add"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/team/add")


def test_a_form_sent_after_its_session_ended_leads_back_to_its_page(app, world, browser):
    nobody = browser(None)
    answer = nobody.post("/team/add", {"name": "Long typed text"})
    assert answer.headers["Location"] == "/login?next=/team/add"


def test_a_page_that_posts_in_the_background_is_told_in_json(guarded, world, browser):
    answer = browser(world.owner).post("/switch", headers={"X-CSRFToken": "stale", "Accept": "application/json"})
    assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
    assert browser(None).post("/switch", headers={"X-CSRFToken": "stale", "Accept": "application/json"}).status_code == 401  # and not to reload


def test_pages_around_signing_in_are_kept_by_nobody(app, world, browser):
    for path in ("/login", "/signup", "/password/forgotten", "/password/new?t=x", "/invitation?t=x"):
        assert browser(None).get(path).headers["Cache-Control"] == "no-store"
