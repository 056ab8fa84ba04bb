"""Whatever is thrown at the public form is answered with a sentence, and nothing of it is taken for an inquiry."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.gateways import proof
from app.views.edge import local_path
from tests.inquiries import PAGE, PHONE, ask, by_api, solved
from tests.world import World

ONCE = "0190a000-0000-7000-8000-000000000001"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work that a proof asks for is no matter of these tests, nor is how often somebody may try."""
    monkeypatch.setattr(proof, "WORK", 50)
    monkeypatch.setattr("app.services.inquiries.arriving.ATTEMPTS_PER_HOUR", 1000)
    monkeypatch.setattr("app.views.inquiries.strangers._BEAT", 0.0001)


def _rows(superuser: Engine, statement: str) -> list[Any]:
    with superuser.connect() as connection:
        return list(connection.execute(text(statement)))


def test_odd_values_are_refused_with_a_sentence(app: Any, browser: Any, superuser: Engine) -> None:
    who = browser(None)
    for odd in ("\ud800", "a\x00b", 7, True, ["a"], {"a": 1}, "x" * 19_000):
        for field in ("organization", "full_name", "move_in_on", "id", "altcha"):
            answer = who.post("/v1/inquiries", json={"organization": "asha", "full_name": "Meera", "phone": PHONE, "altcha": "x", field: odd})
            assert 400 <= answer.status_code < 500, (field, odd)
            assert answer.get_json()["detail"]
    for body in (b"", b"null", b"[]", b"{", b"[" * 15_000, b"\xff\xfe", b"{" + b" " * 30_000 + b"}"):
        for address in ("/v1/inquiries", "/v1/inquiries/device"):
            assert who.http.post(address, data=body, content_type="application/json").status_code == 422, body[:9]
    for address in ("/i/%00", "/i/asha/%00", "/i/" + "x" * 3000, "/i/%ED%A0%80", "/v1/inquiries/challenge?organization=%00"):
        assert who.get(address).status_code == 404, address[:20]
    assert _rows(superuser, "SELECT 1 FROM inquiries") == []


def test_a_page_of_origin_that_is_no_address_is_no_page(app: Any, browser: Any) -> None:
    who = browser(None)
    assert who.http.get(PAGE, headers={"Referer": "http://[there"}).status_code == 200
    assert who.http.post(PAGE, headers={"Origin": "http://[there"}).status_code == 403
    with app.test_request_context():
        assert [local_path(way, "/home") for way in ("/rooms/?a=[", "/\t/[", "/\t/there", "//there")] == ["/rooms/?a=[", "/home", "/home", "/home"]


def test_no_proof_can_be_made_up(app: Any, browser: Any, superuser: Engine) -> None:
    who = browser(None)
    good = json.loads(base64.b64decode(proof.solve(who.get("/v1/inquiries/challenge?organization=asha").get_json())))
    made_up = [[], 7, None, *({**good, name: value} for name in good for value in (None, -1, 10**400, "\ud800", {}, "a?expires=99999999999"))]
    payloads = [base64.b64encode(json.dumps(one).encode()).decode() for one in made_up]
    for payload in (*payloads, base64.b64encode(b"[" * 1400).decode(), "=" * 40, "\u0915"):
        assert who.post("/v1/inquiries", json={"organization": "asha", "full_name": "Meera", "phone": PHONE, "altcha": payload}).status_code == 422
    assert _rows(superuser, "SELECT 1 FROM inquiries") == []


def test_a_house_of_another_organization_is_none(app: Any, browser: Any, world: World) -> None:
    assert by_api(browser(None), hostel="nowhere").status_code == 404
    assert ask(browser(None), hostel="nowhere").status_code == 422
    assert by_api(browser(None), organization=world.b.slug).status_code == 422  # the proof is for here


def test_names_and_numbers_of_the_whole_world_are_kept_as_they_are(app: Any, browser: Any, superuser: Engine) -> None:
    given = {"मीरा जोशी": "९८७६५ ४३२१२", "क्\u200dषमा": "+1 650 253 0000", "O’Brien-Şahin": "+49 30 901820", "<b>李小龍": "+971 50 123 4567"}
    for name, phone in given.items():
        assert ask(browser(None), full_name=name, phone=phone).status_code == 303
    rows = _rows(superuser, "SELECT full_name, phone_masked FROM inquiries ORDER BY number")
    assert [row.full_name for row in rows] == list(given)
    assert [row.phone_masked.split()[0] for row in rows] == ["+91", "+1", "+49", "+971"]


def test_without_scripts_the_page_says_what_is_missing_and_keeps_what_was_typed(app: Any, browser: Any, superuser: Engine) -> None:
    answer = browser(None).post(PAGE, {"full_name": "Meera", "phone": PHONE, "message": "With a window"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert page.index("needs scripts for that") < page.index("<form")
    assert "With a window" in page
    assert _rows(superuser, "SELECT 1 FROM inquiry_attempts") == []


def test_a_double_click_is_one_inquiry_and_is_thanked_twice(app: Any, browser: Any, superuser: Engine) -> None:
    who = browser(None)
    fields = {"full_name": "Meera", "phone": PHONE, "altcha": solved(who.get(PAGE).get_data(as_text=True)), "_once": ONCE}
    assert [who.post(PAGE, fields).status_code, who.post(PAGE, fields).status_code] == [303, 303]
    assert len(_rows(superuser, "SELECT 1 FROM inquiries")) == len(_rows(superuser, "SELECT 1 FROM inquiry_attempts")) == 1


def test_nobody_learns_who_is_on_file_by_asking_again(app: Any, browser: Any) -> None:
    """What a browser is told depends on what it has sent itself: alike whether the victim is on file or not."""
    victim = {"phone": "+919811122233", "email": "victim@example.org"}
    tries = ({"email": victim["email"]}, {"phone": victim["phone"]}, {"phone": "+919811122299", "email": victim["email"]}, {"phone": victim["phone"]})
    heard = []
    for on_file in (False, True):
        if on_file:
            by_api(browser(None), **victim)
        prober = browser(None)
        own = {"phone": f"+91987650000{int(on_file)}", "organization": "asha"}
        heard.append([by_api(prober, **{**own, **one}).get_json() for one in tries])
    assert heard[0] == heard[1]
    assert [one["duplicate"] for one in heard[0]] == [False, False, True, False]


def test_an_address_stays_with_whom_it_was_first(app: Any, browser: Any, superuser: Engine) -> None:
    by_api(browser(None), email="meera@example.org")
    by_api(browser(None), phone="+919811122233")
    by_api(browser(None), phone="+919811122233", email="meera@example.org", full_name="Somebody")
    by_api(browser(None), phone="+919811122244", email="meera@example.org")
    assert [row.times_asked for row in _rows(superuser, "SELECT times_asked FROM inquiries WHERE duplicate_of IS NULL ORDER BY number")] == [2, 2]


def test_another_site_sends_nothing_in_a_visitors_name(app: Any, browser: Any, superuser: Engine) -> None:
    who = browser(None)
    fields = {"full_name": "Meera", "phone": PHONE, "altcha": solved(who.get(PAGE).get_data(as_text=True))}
    for origin, status in (("https://evil.example", 403), ("null", 403), ("http://localhost", 303)):
        assert who.http.post(PAGE, data=fields, headers={"Origin": origin}).status_code == status
    assert len(_rows(superuser, "SELECT 1 FROM inquiries")) == 1
