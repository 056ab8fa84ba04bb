"""What pages ask for to be live: a token for their own portal, counts that are not sent twice, nothing of elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from app.permissions import Portal, Role
from app.services.realtime import BadToken, read_token, signing_key


@pytest.fixture
def live_address(app_object):
    """The console with a realtime process beside it."""
    before = app_object.config["SETTINGS"]
    app_object.config["SETTINGS"] = replace(before, realtime_url="https://live.example.com")
    yield
    app_object.config["SETTINGS"] = before


def test_a_token_says_who_one_is_and_which_tables_one_may_follow(app, world, browser, live_address, settings):
    answer = browser(world.resident).get("/live/token").json
    claims = read_token(signing_key(settings.secret_key), answer["token"], datetime.now(UTC))
    assert (claims.user_id, claims.org_id, claims.portal) == (world.resident.user_id, world.a.org_id, Portal.RESIDENT)
    assert 800 < (claims.expires_at - datetime.now(UTC)).total_seconds() <= answer["expires_in"] == 900
    assert answer["url"] == "wss://live.example.com/realtime/v1"
    assert {"maintenance_requests", "notifications"} <= set(answer["tables"])
    assert "maintenance_assignments" not in answer["tables"]
    with pytest.raises(BadToken):
        read_token(signing_key("another secret"), answer["token"], datetime.now(UTC))
    with pytest.raises(BadToken):
        read_token(signing_key(settings.secret_key), answer["token"], claims.expires_at)


def test_a_portal_that_is_not_ones_own_is_not_given(app, world, browser, live_address, settings):
    answer = browser(world.resident).get("/live/token?portal=portal_admin").json
    assert read_token(signing_key(settings.secret_key), answer["token"], datetime.now(UTC)).portal is Portal.RESIDENT


def test_without_a_realtime_process_there_is_no_token_and_pages_may_connect_to_none(app, world, browser):
    answer = browser(world.owner).get("/live/token", headers={"Accept": "application/json"})
    assert (answer.status_code, "connect-src 'self'" in answer.headers["Content-Security-Policy"]) == (404, True)


def test_counts_are_sent_once_and_again_when_they_change(app, world, browser, superuser):
    owner = browser(world.owner)
    first = owner.get("/live/counters")
    assert first.json["unread"] == 0
    tag = {"If-None-Match": first.headers["ETag"]}
    assert owner.get("/live/counters", headers=tag).status_code == 304
    with superuser.begin() as c:
        c.execute(text("INSERT INTO notifications (org_id, user_id, kind, title, key) VALUES (:o, :u, 'test', 'Hello', 'k')"),
                  {"o": world.a.org_id, "u": world.owner.user_id})
    again = owner.get("/live/counters", headers=tag)
    assert (again.status_code, again.json["unread"]) == (200, 1)
    assert "no-cache" in again.headers["Cache-Control"]


def test_a_part_of_a_page_of_another_organization_is_refused(app, world, browser):
    answer = browser(world.owner).get("/live/counters", headers={"X-Organization": str(world.b.org_id), "Accept": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (409, "conflict")
    assert browser(world.owner).get("/live/counters", headers={"X-Organization": str(world.a.org_id)}).status_code == 200


def test_whoever_may_not_read_the_bell_gets_no_token(app, world, browser, live_address):
    assert browser(None).get("/live/token", headers={"Accept": "application/json"}).status_code == 401
    assert browser(world.a.people[Role.BOT_TRAINER]).get("/live/token").status_code == 200
