"""Events on the screen: planned by staff, answered on the phone, listed for the door, and subscribed to by a secret address (N3)."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from icalendar import Calendar

from app.permissions import Role
from app.rules.events import Answer
from tests.events import change, event, move, now, reply
from tests.houses import execute, statements
from tests.views.test_canteen_photos import picture
from tests.wallet import one

LINK = re.compile(r"http://localhost(/calendar/[\w-]{43}\.ics)")


@pytest.fixture
def me(app, world, browser):
    return browser(world.resident)


@pytest.fixture
def owner(app, world, browser):
    return browser(world.owner)


def feed(browser, path, **options):
    return browser(None).get(path, **options)


def titles(response):
    return {str(part["SUMMARY"]) for part in Calendar.from_ical(response.get_data()).walk("VEVENT")}


def test_staff_plan_publish_and_cancel_and_take_the_list_to_the_door(app, owner, world, superuser, browser):
    start = now(superuser) + timedelta(days=4)
    typed = {"hostel": str(world.a.places[0].hostel_id), "title": "Film night", "place": "Roof", "capacity": "20", "guests_most": "2",
             "starts_at": f"{start:%Y-%m-%dT%H:%M}", "ends_at": f"{start - timedelta(hours=1):%Y-%m-%dT%H:%M}"}
    refused = owner.post("/events/add", typed)
    assert refused.status_code == 422
    assert "An event ends after it begins." in refused.get_data(as_text=True)
    page = owner.post("/events/add", {**typed, "ends_at": f"{start + timedelta(hours=2):%Y-%m-%dT%H:%M}"}).headers["Location"]
    key = page.rpartition("/")[2]
    assert browser(world.resident).get(f"/my/events/{key}").status_code == 404  # a draft
    assert owner.post(f"/events/move/{key}", {"event": "publish"}).status_code == 303
    reply(world, key, world.resident.user_id, guests=2)
    shown = owner.get(page).get_data(as_text=True)
    assert world.resident.name in shown
    assert "3 of 20" in shown
    assert "3 of 20" in owner.get("/events/list/").get_data(as_text=True)
    paper = owner.get(f"/events/attendance/{key}")
    assert paper.get_data()[:5] == b"%PDF-"
    rows = owner.get(f"/events/attendance/{key}/csv").get_data(as_text=True).splitlines()
    assert rows[1].startswith(f"{world.resident.name},,coming,2,")
    assert owner.post(f"/events/photo/{key}", {"photo": picture()}, content_type="multipart/form-data").status_code == 303
    mine = browser(world.resident)
    link = re.search(r'class="event-photo" src="([^"]+)"', mine.get(f"/my/events/{key}").get_data(as_text=True))[1]
    small = mine.get(link)
    assert small.mimetype == "image/jpeg"
    small.close()
    assert owner.post(f"/events/move/{key}", {"event": "cancel"}).status_code == 422  # says not why
    assert owner.post(f"/events/move/{key}", {"event": "cancel", "note": "Rain"}).status_code == 303
    assert "Rain" in mine.get(f"/my/events/{key}").get_data(as_text=True)
    stranger = browser(world.outsider)
    for path in (f"/events/show/{key}", f"/events/attendance/{key}", f"/events/calendar/ics/{key}"):
        assert stranger.get(path).status_code == 404
    guard = browser(world.a.people[Role.GUARD])
    assert guard.get(f"/events/show/{key}").status_code == 200
    assert guard.get(f"/events/attendance/{key}").status_code == 403
    assert guard.post(f"/events/move/{key}", {"event": "publish"}).status_code == 403


def test_a_resident_answers_on_the_phone_and_is_told_what_it_came_to(me, world, superuser):
    film = event(world, superuser, capacity=1, guests_most=1)
    path = f"/my/events/{film}"
    refused = me.post(f"{path}/reply", {"answer": "yes", "guests": "1"})
    assert (refused.status_code, 'name="guests" min="0" max="1" inputmode="numeric" value="1"' in refused.get_data(as_text=True)) == (422, True)
    assert me.post(f"{path}/reply", {"answer": "perhaps"}).status_code == 422
    assert me.post(f"{path}/reply", {"answer": "yes", "guests": "0"}).status_code == 303
    assert "You are coming." in me.get(path).get_data(as_text=True)
    assert me.post(f"/my/events/{uuid4()}/reply", {"answer": "yes"}).status_code == 404
    assert me.get("/my/events/x").status_code == 404
    for address in ("/my/events/", "/my/events/?view=list", "/"):
        with statements(me.app) as sent:
            page = me.get(address)
        assert page.status_code == 200
        assert len(sent) <= 4, address
        if "list" not in address:
            month = f"{now(superuser) + timedelta(days=3):%Y-%m}"
            assert "Film night" in me.get(f"{address}?month={month}").get_data(as_text=True)
    assert me.get("/my/events/?month=2026-13").status_code == 400
    week = re.search(r"<thead>.*?</thead>", me.get("/my/events/").get_data(as_text=True), re.DOTALL)[0]
    assert re.findall(r">(\w+)</th>", week) == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def test_a_calendar_is_subscribed_to_by_an_address_that_is_shown_once_and_can_be_ended(app, me, world, superuser, browser):
    administrator = world.a.people[Role.ADMINISTRATOR]
    film, draft = event(world, superuser), event(world, superuser, title="Draft", published=False)
    event(world, superuser, title="Elsewhere", hostel_id=world.a.places[1].hostel_id)
    event(world, superuser, title="Feast", hostel_id=None)
    reply(world, film, world.resident.user_id, Answer.MAYBE)
    made = me.post("/my/events/feed/make")
    [path] = LINK.findall(made.get_data(as_text=True))
    assert "no-store" in made.headers["Cache-Control"]
    assert LINK.search(me.get("/my/events/feed").get_data(as_text=True)) is None
    [staff] = LINK.findall(browser(administrator).post("/events/calendar/feed/make").get_data(as_text=True))
    got = feed(browser, path)
    assert (got.status_code, got.mimetype, titles(got)) == (200, "text/calendar", {"Film night", "Feast"})
    assert titles(feed(browser, staff)) == {"Film night", "Feast", "Elsewhere"}
    assert feed(browser, path, headers={"If-None-Match": got.headers["ETag"]}).status_code == 304
    change(world, film, title="Play")
    move(world, film, "cancel", "Rain")
    again = feed(browser, path, headers={"If-None-Match": got.headers["ETag"]})
    [play] = [part for part in Calendar.from_ical(again.get_data()).walk("VEVENT") if part["SUMMARY"] == "Play"]
    assert (int(play["SEQUENCE"]), play["STATUS"]) == (3, "CANCELLED")
    secret = path.removeprefix("/calendar/").removesuffix(".ics")
    assert one(superuser, "SELECT count(*) FROM audit_log WHERE to_jsonb(audit_log)::text LIKE '%' || :secret || '%'", secret=secret) == 0
    assert me.get(f"/my/events/ics/{draft}").status_code == 404
    assert titles(me.get(f"/my/events/ics/{film}")) == {"Play"}
    [new] = LINK.findall(me.post("/my/events/feed/make").get_data(as_text=True))
    assert [feed(browser, one_).status_code for one_ in (path, new, "/calendar/x.ics", f"/calendar/{'a' * 43}.ics")] == [404, 200, 404, 404]
    assert me.post("/my/events/feed/end").status_code == 303
    assert feed(browser, new).status_code == 404
    execute(superuser, "UPDATE memberships SET status = 'suspended' WHERE user_id = :user", user=administrator.user_id)
    assert feed(browser, staff).status_code == 404  # whoever left sees nothing any more
