"""What a stranger may send, in the one form that two writings of it share; what is shown of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from app.rules.errors import Invalid
from app.rules.inquiries import (
    INQUIRY,
    OPEN,
    Lead,
    Stage,
    clean_lead,
    mask_email,
    mask_phone,
    network_of,
    parse_reference,
)
from app.rules.phones import clean_phone

TODAY = date(2026, 5, 6)
LEAD = Lead("Meera Joshi", "098765 43210")


@pytest.mark.parametrize(("typed", "country", "kept"), [
    ("098765 43210", "IN", "+919876543210"), ("+91-98765-43210", "IN", "+919876543210"), ("0091 9876543210", "IN", "+919876543210"),
    ("9876543210", "IN", "+919876543210"), ("0171 2345678", "DE", "+491712345678"), ("+44 7911 123456", "IN", "+447911123456"),
    ("९८७६५४३२१०", "IN", "+919876543210"),
])
def test_a_number_has_one_form(typed: str, country: str, kept: str) -> None:
    assert clean_phone(typed, country) == kept


@pytest.mark.parametrize("typed", ["", "12345", "call me", "98765 4321", "+91 98765 43210 ext. 5", "9" * 60, "+999 12345678"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        clean_phone(typed, "IN")
    assert refused.value.field == "phone"


@pytest.mark.parametrize(("wrong", "field"), [
    ({"full_name": "  "}, "full_name"), ({"email": "meera@"}, "email"), ({"message": "x" * 2001}, "message"),
    ({"move_in_on": TODAY - timedelta(days=2)}, "move_in_on"), ({"move_in_on": TODAY + timedelta(days=800)}, "move_in_on"),
])
def test_a_refusal_names_its_field(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        clean_lead(replace(LEAD, **wrong), "IN", TODAY)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_a_lead_is_cleaned_as_a_whole() -> None:
    found = clean_lead(replace(LEAD, full_name=" Meera \u202e Joshi ", email=" Meera@Example.ORG ", source="", campaign="a\n b" + "c" * 200), "IN", TODAY)
    assert (found.phone, found.email, found.source) == ("+919876543210", "meera@example.org", "website")
    assert "\u202e" not in found.full_name
    assert len(found.campaign) == 120


def test_masks_tell_apart_and_no_more() -> None:
    assert mask_phone("+919876543210") == "+91 •••••••210"
    assert mask_email("meera@example.org") == "m•••@example.org"


def test_a_household_counts_as_one_address() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::9") != network_of("2001:db8:1:3::9")
    assert network_of("::ffff:203.0.113.7") == network_of("203.0.113.7") == "203.0.113.7"


def test_any_open_stage_leads_to_any_other() -> None:
    assert {(a, b) for a in OPEN for b in set(Stage) - {Stage.NEW} if a != b} <= INQUIRY.edges
    assert parse_reference(" i-0042 ") == 42
