"""Amounts, moments and references as people give them, and what a form knows before anybody types."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest

from tests.views.conftest import ORG_A, ORG_B, PLACES, VENDORS
from tests.views.test_base_forms import filled, version


@pytest.mark.parametrize(("currency", "typed", "kept", "shown"), [
    ("INR", "₹ 1,23,456.50", 12345650, "1,23,456.50"), ("INR", "INR 500", 50000, "500.00"), ("JPY", "¥1,200", 1200, "1,200"),
    ("KWD", "1.005", 1005, "1.005"), ("USD", "$ 7.5", 750, "7.50")])
def test_an_amount_has_the_decimals_of_its_currency(workshop, currency, typed, kept, shown):
    workshop.person.currency = currency
    workshop.post("/tickets/add", filled(cost_paise=typed))
    ticket = workshop.only()
    assert ticket.cost_paise == kept
    assert f'value="{shown}"' in workshop.get(f"/tickets/edit/{ticket.id}").text


@pytest.mark.parametrize(("currency", "typed"), [
    ("INR", "1.5L"), ("INR", "1.005"), ("JPY", "1.5"), ("KWD", "1.0005"), ("INR", "1..5"), ("INR", "--5"), ("INR", "٣"),
    ("INR", "9" * 40), ("INR", "100,00"), ("INR", "1,2,3")])
def test_what_is_no_amount_of_the_currency_is_refused_with_an_example(workshop, currency, typed):
    workshop.person.currency = currency
    answer = workshop.post("/tickets/add", filled(cost_paise=typed))
    assert answer.status_code == 422
    assert re.search(r"Write an amount like [\d,.]+\.", answer.text)
    assert f'value="{typed}"' in answer.text


def test_an_hour_that_the_clocks_skip_is_refused(workshop):
    workshop.person.hostel_timezone = "Europe/Berlin"
    answer = workshop.post("/tickets/add", filled(due_at="2026-03-29T02:30"))
    assert answer.status_code == 422
    assert "02:30 does not exist on 29 Mar 2026: the clocks go forward then." in answer.text


@pytest.mark.parametrize(("which", "moment"), [("first", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)), ("second", datetime(2026, 10, 25, 1, 30, tzinfo=UTC))])
def test_of_an_hour_that_comes_twice_it_is_asked_which_is_meant(workshop, which, moment):
    workshop.person.hostel_timezone = "Europe/Berlin"
    asked = workshop.post("/tickets/add", filled(due_at="2026-10-25T02:30"))
    assert asked.status_code == 422
    assert "02:30 comes twice on 25 Oct 2026" in asked.text
    assert 'name="due_at_which"' in asked.text
    workshop.post("/tickets/add", filled(due_at="2026-10-25T02:30", due_at_which=which))
    ticket = workshop.only()
    assert ticket.due_at == moment
    # Saved again untouched, it stays the hour that it was.
    page = workshop.get(f"/tickets/edit/{ticket.id}")
    assert "Berlin, UTC" in page.text
    assert workshop.post(f"/tickets/edit/{ticket.id}", filled(
        due_at="2026-10-25T02:30", state="open", title="Other", _version=version(page))).status_code == 303
    assert workshop.only().due_at == moment


def test_a_browser_can_check_with_the_servers_own_sentences(workshop):
    page = unescape(workshop.get("/tickets/add").text)
    title = re.search(r'<input[^>]*name="title"[^>]*>', page)[0]
    assert 'data-required="Please fill this in."' in title
    assert 'data-most="120"' in title
    assert "maxlength" not in title
    told = re.search(r'data-long="([^"]+)"', title)[1]
    assert told in unescape(workshop.post("/tickets/add", filled(title="x" * 121)).text)
    assert 'data-money="Write an amount like 1,23,456.50."' in page


def test_refusals_are_summed_up_with_links_to_their_fields(workshop):
    page = workshop.post("/tickets/add", filled(title="", due_on="tomorrow")).text
    summary = re.search(r'<div class="alert alert-danger form-problem".*?</ul>', page, re.DOTALL)[0]
    assert re.findall(r'href="#(\w+)"', summary) == ["title", "due_on"]
    assert "data-focus" in summary


def test_an_address_fills_in_what_it_names(workshop):
    page = workshop.get(f"/tickets/add?vendor={VENDORS[ORG_A]}&title=Leak&urgent=y&csrf_token=x").text
    assert f'<option value="{VENDORS[ORG_A]}" selected>' in page
    assert 'value="Leak"' in page


@pytest.mark.parametrize("query", [f"vendor={VENDORS[ORG_B]}", "vendor=x", "place=%00", "due_on=never", "cost_paise=x", "nothing=1", "priority=huge"])
def test_what_an_address_cannot_mean_is_left_out(workshop, query):
    page = workshop.get(f"/tickets/add?{query}")
    assert page.status_code == 200
    assert "form-problem" not in page.text
    assert f"Plumber of {ORG_B}" not in page.text


def test_a_problem_is_reported_for_the_room_that_the_link_names(app, world, browser):
    place = world.a.places[1]
    room = browser(world.owner).get(f"/rooms/show/{place.rooms[0]}").text
    link = re.search(r'href="(/maintenance/requests/add[^"]+)"', room)[1]
    form = browser(world.owner).get(link).text
    assert f'<option value="{place.rooms[0]}" selected>' in form
    assert f'<option value="{place.hostel_id}" selected>' in form


def test_buttons_say_what_they_do_and_new_rows_can_be_made_beside(app, world, browser):
    owner = browser(world.owner)
    assert ">Upload</button>" in owner.get("/imports/add").text
    form = owner.get("/rooms/add").text
    assert ">Add the room</button>" in form
    assert PLACES
    assert re.search(r'name="floor"[^>]*data-new="/floors/add"', form) or re.search(r'data-new="/floors/add"[^>]*name="floor"', form)
    assert 'data-new="/floors/add"' not in browser(world.staff).get("/maintenance/requests/add").text
