"""How personal values are written, checked, masked and compared, and when documents end."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.permissions import Role
from app.rules import personal as rules
from app.rules.errors import Invalid
from app.rules.personal import DocumentKind, IdentityKind, Requirement

K, DAY = IdentityKind, date(2026, 11, 21)


@pytest.mark.parametrize(("kind", "written", "kept"), [
    (K.AADHAAR, "2345 6789 0124", "234567890124"), (K.PAN, "abcpe1234f", "ABCPE1234F"), (K.PASSPORT, "M 1234567", "M1234567"),
    (K.DRIVING_LICENCE, "MH-12 2011 0062821", "MH1220110062821"), (K.VOTER_ID, "abc1234567", "ABC1234567"),
])
def test_numbers_of_papers_are_kept_compact(kind, written, kept):
    assert rules.identity_number(kind, written) == kept


@pytest.mark.parametrize(("kind", "written"), [
    (K.AADHAAR, "234567890125"), (K.AADHAAR, "134567890124"), (K.AADHAAR, "23456789012"), (K.AADHAAR, ""), (K.PAN, "ABCXE1234F"), (K.PAN, "ABCPE12345"),
    (K.PASSPORT, "12345678"), (K.DRIVING_LICENCE, "1220110062821"), (K.VOTER_ID, "AB12345678"),
])
def test_wrong_numbers_are_refused_and_not_repeated(kind, written):
    with pytest.raises(Invalid) as error:
        rules.identity_number(kind, written)
    assert not written or written not in error.value.message


@given(st.text("0123456789", min_size=2, max_size=14), st.data())
def test_verhoeff_notices_every_wrong_digit_and_every_swap_of_neighbours(digits, data):
    (whole,) = [digits + check for check in "0123456789" if rules.verhoeff(digits + check)]
    place = data.draw(st.integers(0, len(whole) - 2))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != whole[place]]))
    assert not rules.verhoeff(whole[:place] + other + whole[place + 1:])
    if whole[place] != whole[place + 1]:
        assert not rules.verhoeff(whole[:place] + whole[place + 1] + whole[place] + whole[place + 2:])


@given(st.sampled_from(sorted(rules.VALUES)), st.text(min_size=1, max_size=60))
def test_a_mask_shows_four_characters_at_the_most_and_never_half_of_a_value(name, value):
    masked = rules.spec(name).mask(value)
    shown = masked.removeprefix("••••").strip()
    assert len(shown) <= 4
    assert 2 * len(shown) < len(rules.compact(value)) or not shown


def test_a_parents_email_is_an_address():
    assert rules.normal("parent_email", " Asha@Example.ORG ") == "asha@example.org"
    with pytest.raises(Invalid, match="e-mail address") as error:
        rules.normal("parent_email", "asha at home")
    assert error.value.field == "parent_email"


def test_drafts_stay_as_they_were_typed_and_are_not_looked_for():
    assert rules.normal("draft.phone", " 98 ") == " 98 "
    assert (rules.family("draft.phone"), rules.family("phone"), rules.family("address")) == ("", "phone", "")
    with pytest.raises(KeyError):
        rules.normal("shoe_size", "43")


def test_a_document_is_reminded_of_a_month_a_week_and_a_day_before_its_end():
    found = [rules.due_reminder(DAY + timedelta(days=left), DAY) for left in (31, 30, 8, 7, 1, 0, -1)]
    assert found == [None, 30, 30, 7, 7, 0, None]


def test_until_when_a_document_is_valid():
    assert rules.valid_until("", DAY, needed=False) is None
    assert rules.valid_until("2026-11-21", DAY, needed=True) == DAY
    for text, needed in (("", True), ("2026-11-20", False), ("2126-01-01", False), ("tomorrow", False)):
        with pytest.raises(Invalid) as error:
            rules.valid_until(text, DAY, needed=needed)
        assert error.value.field == "valid_until"


def test_what_is_missing_is_what_is_required_of_the_role_and_not_there_or_over():
    needs = [Requirement(DocumentKind.IDENTITY, required=True), Requirement(DocumentKind.PHOTO), Requirement(DocumentKind.POLICE, required=True),
             Requirement(DocumentKind.ADDRESS, required=True, roles=frozenset({Role.GUARD}))]
    held = {DocumentKind.IDENTITY: None, DocumentKind.POLICE: DAY - timedelta(days=1)}
    assert rules.missing(needs, Role.RESIDENT, held, DAY) == [DocumentKind.POLICE]
    assert rules.missing(needs, Role.GUARD, {}, DAY) == [DocumentKind.ADDRESS]


def test_retention_is_a_year_unless_the_organization_says_otherwise():
    assert rules.retention({}) == timedelta(days=365)
    assert rules.retention({rules.RETENTION_SETTING: 30}) == timedelta(days=30)
    for nonsense in (0, -1, "soon", None):
        assert rules.retention({rules.RETENTION_SETTING: nonsense}) == timedelta(days=365)
