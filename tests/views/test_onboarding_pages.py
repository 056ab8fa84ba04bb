"""The wizard's pages: for whoever is to move in alone, step by step, refusals beside what was typed."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from app.permissions import Role
from app.rules.onboarding import Step
from app.services import onboarding
from tests.beds import held, people
from tests.maintenance import scope
from tests.onboarding import FILLED, decide, fill, newcomer, send, standing, type_in


@pytest.fixture
def me(app, world):
    return newcomer(world)


def page(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def test_nobody_comes_here_but_who_is_to_move_in(me, world, browser):
    for role in (Role.OWNER, Role.MAINTENANCE_STAFF):
        page(browser(world.a.people[role]).get("/onboarding/"), 403)
    page(browser(world.resident).get("/onboarding/1"), 403)
    for path in ("/onboarding/", "/onboarding/now"):  # left open while it was approved
        assert "Welcome!" in page(browser(world.resident).get(path))
    assert browser(None).get("/onboarding/").status_code == 303
    assert browser(me).get("/onboarding/").headers["Location"] == "/onboarding/1"
    assert 'href="/onboarding/"' in page(browser(me).get("/"))


def test_steps_come_one_after_the_other(me, browser):
    assert browser(me).get("/onboarding/4").headers["Location"] == "/onboarding/1"
    page(browser(me).get("/onboarding/9"), 404)
    page(browser(me).post("/onboarding/submit", {"agreed": "y", "_box": "agreed"}), 422)


def test_a_draft_is_saved_and_who_was_slower_gets_what_there_is(me, browser):
    assert browser(me).post("/onboarding/1/draft", {"full_name": "Meera", "phone": "98765", "_version": "0"}).json == {"version": 1}
    late = browser(me).post("/onboarding/1/draft", {"full_name": "Mira", "_version": "0"})
    assert (late.status_code, late.content_type) == (409, "application/problem+json")
    there = browser(me).get("/onboarding/1/draft")
    assert (there.json["version"], there.json["answers"]["full_name"], there.json["answers"]["phone"]) == (1, "Meera", "98765")
    assert there.headers["Cache-Control"] == "no-store"


def test_what_is_wrong_is_said_beside_what_was_typed(me, browser):
    shown = page(browser(me).post("/onboarding/1", {**FILLED[Step.RESIDENTIAL], "identity_number": "nonsense", "_version": "0"}), 422)
    assert 'value="nonsense"' in shown
    assert "A PAN has five letters" in shown
    assert "Please look at the marked fields." in shown
    assert standing(me).answers["identity_number"] == "nonsense"  # and it is kept


def test_a_taken_bed_gives_a_place_in_line(me, world, browser, superuser):
    fill_until_room(me)
    bed = world.a.places[0].beds[0]
    held(world.owner, bed, people(superuser, world, 1)[0])
    day = standing(me).house.today.isoformat()
    page(browser(me).post("/onboarding/bed", {"bed": str(bed), "move_in_on": day, "_version": "0"}), 303)
    assert "You are in line for bed A in room 101." in page(browser(me).get("/onboarding/3"))
    page(browser(me).post("/onboarding/3", {"move_in_on": day, "_version": "1"}), 422)
    page(browser(me).post("/onboarding/bed", {"bed": str(world.b.places[0].beds[0]), "move_in_on": day, "_version": "2"}), 404)
    page(browser(me).post("/onboarding/bed", {"bed": str(world.a.places[0].beds[1]), "move_in_on": day, "_version": "2"}), 303)
    assert "Bed B in room 101 is held for you." in page(browser(me).get("/onboarding/beds"))
    page(browser(me).post("/onboarding/bed", {"bed": str(bed), "move_in_on": day, "_version": "3"}), 303)
    beds = page(browser(me).get("/onboarding/beds"))
    assert "Bed B in room 101 is held for you." in beds  # a place in line gives nothing up
    assert ("Yours for now" in beds, "You are in line" in beds) == (True, True)
    later = str(date.fromisoformat(day) + timedelta(days=1))
    page(browser(me).post("/onboarding/bed", {"bed": str(bed), "move_in_on": later, "_version": "4"}), 303)


def fill_until_room(me):
    for step in (Step.RESIDENTIAL, Step.PARENTAL):
        type_in(me, step, FILLED[step])
        with scope(me) as session:
            onboarding.complete(session, step)


def test_in_a_revision_only_what_was_objected_to_can_be_typed(me, world, browser, superuser):
    fill(me, world.a.places[0].beds[0])
    submission = send(me)
    assert "Your registration is with us" in page(browser(me).get("/onboarding/"))
    assert browser(me).get("/onboarding/1").headers["Location"] == "/onboarding/"
    decide(superuser, submission, "needs_revision", phone="Nobody answers", **{"document.photo": "Too dark"})
    shown = page(browser(me).get("/onboarding/1"))
    assert set(re.findall(r'id="f-(\w+)"', shown)) == {"phone"}
    assert "Nobody answers" in shown
    assert "Given before: •••• 3210." in shown
    assert 'value="photo"' in shown
    assert 'value="identity"' not in shown
