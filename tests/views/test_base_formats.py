"""How values look: money, times, codes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from flask import g
from flask_babel import force_locale

from app.views import formats
from tests.views.toy import State

NOW = datetime(2026, 3, 5, 8, 33, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_a_request(workshop):
    with workshop.app.test_request_context():
        yield


@pytest.mark.parametrize(("paise", "currency", "text"), [
    (12345600, "INR", "₹1,23,456.00"), (0, "INR", "₹0.00"), (-50, "INR", "-₹0.50"), (12345600, "USD", "$1,23,456.00")])
def test_money_has_its_symbol_and_the_grouping_of_an_organization_in_india(paise, currency, text):
    assert formats.money(paise, currency) == text


@pytest.mark.parametrize(("country", "grouping", "text"), [
    ("IN", "", "12,34,567.5"), ("AE", "", "1,234,567.5"), ("IN", "international", "1,234,567.5"), ("AE", "indian", "12,34,567.5")])
def test_digits_are_grouped_as_the_organization_says_else_as_its_country_does(country, grouping, text):
    g.identity = SimpleNamespace(country=country, grouping=grouping)
    assert formats.number(1234567.5) == text
    assert formats.money(123456750, "INR") == f"₹{text}0"


def test_hindi_pages_have_hindi_words_and_the_same_digits():
    with force_locale("hi"):
        assert formats.exact(NOW) == "5 मार्च 2026, 14:03 IST"
        assert formats.when(NOW - timedelta(hours=3), NOW).striptags() == "3 घंटे पहले"
        assert formats.money(12345600) == "₹1,23,456.00"


@pytest.mark.parametrize(("ago", "text"), [
    (timedelta(seconds=20), "just now"), (timedelta(hours=3), "3 hours ago"), (timedelta(days=-2), "in 2 days"),
    (timedelta(days=90), "5 Dec 2025")])
def test_a_time_is_relative_while_it_is_near(ago, text):
    assert formats.when(NOW - ago, NOW).striptags() == text


def test_the_exact_time_is_there_in_the_hostels_zone():
    html = str(formats.when(NOW, NOW))
    assert 'datetime="2026-03-05T08:33Z"' in html
    assert 'title="5 Mar 2026, 14:03 IST"' in html


@pytest.mark.parametrize(("code", "text"), [
    ("on_hold", "On hold"), ("MaintenanceRequest", "Maintenance request"), (State.IN_PROGRESS, "In progress"), ("", "")])
def test_codes_become_words(code, text):
    assert formats.human(code) == text


@pytest.mark.parametrize(("column", "text"), [
    ("created_at", "Created"), ("vendor_id", "Vendor"), ("cost_paise", "Cost"), ("kind.name", "Kind"), ("due_on", "Due")])
def test_headings_leave_out_what_is_for_programmers(column, text):
    assert formats.column_words(column) == text


@pytest.mark.parametrize(("value", "text"), [
    (None, "—"), (True, "Yes"), (date(2026, 3, 5), "5 Mar 2026"), (1234567, "12,34,567"), (["a", "b"], "a, b"),
    ("<b>", "&lt;b&gt;"), ({"floor": 2}, "Floor2")])
def test_values_are_drawn_by_their_kind(value, text):
    shown = formats.show_value(value, short=True)
    assert (shown if value == "<b>" else formats.Markup(shown).striptags()) == text


def test_a_badge_has_the_tone_its_domain_gave_it():
    assert 'class="badge badge-progress"' in formats.badge(State.IN_PROGRESS)


def test_an_identifier_is_never_shown():
    with pytest.raises(TypeError):
        formats.show_value(uuid4())


@pytest.mark.parametrize(("one", "many"), [("Category", "Categories"), ("Room", "Rooms"), ("Bus", "Buses"), ("Key", "Keys")])
def test_titles_have_a_plural(one, many):
    assert formats.plural(one) == many
