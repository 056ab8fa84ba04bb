"""Strangers ask for a bed: what they may try, what they are told, what is kept of them."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.gateways import proof
from tests.inquiries import PAGE, PHONE, ask, by_api
from tests.world import World

SAME_PHONE = "+91 98765-43210"


def _rows(superuser: Engine, statement: str) -> list[Any]:
    with superuser.connect() as connection:
        return list(connection.execute(text(statement)))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work that a proof asks for is no matter of these tests."""
    monkeypatch.setattr(proof, "WORK", 50)


def test_an_inquiry_arrives_encrypted_with_where_it_came_from(app: Any, browser: Any, superuser: Engine, caplog: Any) -> None:
    stranger = browser(None)
    answer = ask(stranger, email=" Meera@Example.ORG ", message="With a window, please.", source="instagram", campaign="monsoon")
    assert answer.status_code == 303
    assert "Thank you" in stranger.get(answer.headers["Location"]).get_data(as_text=True)
    (row,) = _rows(superuser, "SELECT * FROM inquiries")
    assert (row.reference, row.status, row.full_name, row.source, row.campaign) == ("I-0001", "new", "Meera Joshi", "instagram", "monsoon")
    assert (row.phone_masked, row.email_masked) == ("+91 •••••••210", "m•••@example.org")
    everything = caplog.text + str(_rows(superuser, "SELECT i, h, d, a FROM inquiries i, inquiry_dedup_index h, outbox d, audit_log a"))
    assert "9876543210" not in everything
    assert "meera@example.org" not in everything


def test_a_known_phone_is_answered_like_a_new_one_and_kept_with_the_first(app: Any, browser: Any, superuser: Engine) -> None:
    first, second = by_api(browser(None)), by_api(browser(None), phone=SAME_PHONE, full_name="M. Joshi")
    assert first.status_code == second.status_code == 200
    assert first.get_json() == second.get_json() == {"status": "received", "duplicate": False}
    rows = _rows(superuser, "SELECT full_name, duplicate_of IS NULL, times_asked FROM inquiries ORDER BY number")
    assert [tuple(row) for row in rows] == [("Meera Joshi", True, 2), ("M. Joshi", False, 0)]
    assert len(_rows(superuser, "SELECT 1 FROM inquiry_dedup_index")) == 1


def test_an_email_is_the_same_however_it_is_written(app: Any, browser: Any, superuser: Engine) -> None:
    by_api(browser(None), email="meera@example.org")
    by_api(browser(None), phone="+91 98111 22233", email=" MEERA@example.ORG")
    assert len(_rows(superuser, "SELECT 1 FROM inquiries WHERE duplicate_of IS NULL")) == 1
    assert len(_rows(superuser, "SELECT 1 FROM inquiry_dedup_index")) == 3


def test_only_the_browser_that_sent_it_is_told_that_it_did(app: Any, browser: Any) -> None:
    sender, other = browser(None), browser(None)
    by_api(sender)
    assert by_api(sender).get_json()["duplicate"] is True
    assert by_api(other).get_json()["duplicate"] is False
    cookie = sender.http.get_cookie("inquiry_device")
    assert cookie.http_only
    assert cookie.same_site == "Strict"


def test_a_known_browser_skips_the_form(app: Any, browser: Any) -> None:
    stranger = browser(None)
    mark = {"local_token": "kept-in-the-browser", "fingerprint": "Linux|1280|800"}
    ask(stranger, **mark)
    assert "already" in stranger.get(PAGE).get_data(as_text=True)
    assert "data-inquiry=" in stranger.get(f"{PAGE}?another=1").get_data(as_text=True)
    stranger.http.delete_cookie("inquiry_device")
    assert "data-inquiry=" in stranger.get(PAGE).get_data(as_text=True)
    asked = {"organization": "asha", **mark}
    assert stranger.post("/v1/inquiries/device", json=asked).get_json() == {"known": True}
    assert stranger.post("/v1/inquiries/device", json={**asked, "fingerprint": "another"}).get_json() == {"known": False}
    assert stranger.post("/v1/inquiries/device", json={**asked, "organization": "banyan"}).get_json() == {"known": False}


def test_the_fourth_of_an_hour_waits(app: Any, browser: Any, superuser: Engine) -> None:
    for number in range(3):
        assert by_api(browser(None), phone=f"+91 98765 4321{number}").status_code == 200
    refused = by_api(browser(None), phone="+91 98765 43219")
    assert refused.status_code == 429
    assert refused.mimetype == "application/problem+json"
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    page = ask(browser(None), PAGE, phone="+91 98765 43219", message="Please call in the evening")
    assert (page.status_code, "Please call in the evening" in page.get_data(as_text=True)) == (429, True)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE clock SET shift = interval '61 minutes'"))
    assert by_api(browser(None), phone="+91 98765 43219").status_code == 200


def test_a_mistyped_form_is_no_attempt_and_loses_nothing(app: Any, browser: Any, superuser: Engine) -> None:
    for _ in range(4):
        answer = ask(browser(None), phone="12345", message="With a window")
        assert answer.status_code == 422
        assert "phone number that can be called" in answer.get_data(as_text=True)
        assert "With a window" in answer.get_data(as_text=True)
    assert _rows(superuser, "SELECT 1 FROM inquiry_attempts") == []


def test_a_proof_is_asked_for_and_works_once_and_here(app: Any, browser: Any, superuser: Engine) -> None:
    def send(altcha: str, organization: str = "asha") -> int:
        with superuser.begin() as connection:
            connection.execute(text("DELETE FROM inquiry_attempts"))
        return int(browser(None).post("/v1/inquiries", json={
            "organization": organization, "full_name": "Meera", "phone": PHONE, "altcha": altcha}).status_code)

    good = proof.solve(browser(None).get("/v1/inquiries/challenge?organization=asha").get_json())
    wrong = {**json.loads(base64.b64decode(good)), "number": 51}
    assert [send(""), send("nonsense"), send(base64.b64encode(json.dumps(wrong).encode()).decode())] == [422, 422, 422]
    assert send(good, "banyan") == 422
    assert send(good) == 200
    assert send(good) == 409


def test_an_old_proof_is_refused(app: Any) -> None:
    from app.rules.errors import Invalid
    from app.views import formats

    then = formats.now()
    given = proof.solve(proof.challenge("secret", "here", then))
    proof.check(given, "secret", "here", then + timedelta(minutes=19))
    with pytest.raises(Invalid):
        proof.check(given, "secret", "here", then + timedelta(minutes=21))


def test_a_trapped_program_is_thanked_and_nothing_is_kept(app: Any, browser: Any, superuser: Engine) -> None:
    assert by_api(browser(None), website="https://spam.example").get_json() == {"status": "received", "duplicate": False}
    assert _rows(superuser, "SELECT 1 FROM inquiries") == []


def test_a_house_has_its_own_address(app: Any, browser: Any, world: World, superuser: Engine) -> None:
    assert ask(browser(None), "/i/asha/h2").status_code == 303
    assert [row.hostel_id for row in _rows(superuser, "SELECT hostel_id FROM inquiries")] == [world.a.places[1].hostel_id]
    assert browser(None).get("/i/asha/nowhere").status_code == browser(None).get("/i/nobody").status_code == 404


def test_who_is_signed_in_elsewhere_asks_as_a_stranger(app: Any, browser: Any, world: World, superuser: Engine) -> None:
    assert ask(browser(world.outsider)).status_code == 303
    assert [row.created_by for row in _rows(superuser, "SELECT created_by FROM inquiries")] == [None]


def test_the_same_form_sent_twice_is_one_inquiry(app: Any, browser: Any, superuser: Engine) -> None:
    once = "0190a000-0000-7000-8000-000000000001"
    by_api(browser(None), id=once)
    assert by_api(browser(None), id=once).status_code == 200
    assert len(_rows(superuser, "SELECT 1 FROM inquiries")) == 1
