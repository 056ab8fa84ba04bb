"""Names, age, duplicates and documents are judged with a reason (O8)."""

from __future__ import annotations

from datetime import date

import pytest

from app.rules.approval import (
    SUBMISSION,
    CheckName,
    Outcome,
    check_age,
    check_documents,
    check_names,
    check_same,
    reason,
)
from app.rules.errors import Invalid

DAY = date(2026, 11, 21)


@pytest.mark.parametrize(("form", "account", "outcome"), [
    ("Aarav Patil", "aarav  PATIL", Outcome.FINE),
    ("Patil, Aarav", "Aarav Patil", Outcome.FINE),
    ("Mr. José Álvares", "Jose Alvares", Outcome.FINE),
    ("A. Patil", "Aarav Patil", Outcome.DOUBT),
    ("Aarav Suresh Patil", "Aarav Patil", Outcome.DOUBT),
    ("आरव पाटील", "आरव पाटील", Outcome.FINE),
    ("आरव पाटील", "आरव पाटिल", Outcome.PROBLEM),
    ("Aarav Patil", "Aarav Patel", Outcome.PROBLEM),
    ("", "Aarav Patil", Outcome.PROBLEM),
])
def test_names_are_compared_as_people_compare_them(form, account, outcome):
    assert check_names(form, account).outcome is outcome


def test_a_parent_is_somebody_else():
    assert check_names("Aarav Patil", "Aarav Patil", "Patil Aarav").outcome is Outcome.PROBLEM
    assert check_names("Aarav Patil", "Aarav Patil", "Suresh Patil").outcome is Outcome.FINE


@pytest.mark.parametrize(("born", "outcome"), [
    (date(2008, 11, 21), Outcome.FINE), (date(2008, 11, 22), Outcome.DOUBT), (date(2020, 1, 1), Outcome.PROBLEM),
    (date(1900, 1, 1), Outcome.PROBLEM), (None, Outcome.DOUBT)])
def test_who_is_not_of_age_needs_a_parent(born, outcome):
    assert check_age(born, DAY).outcome is outcome


def test_the_same_phone_may_be_shared_and_the_same_paper_may_not():
    assert check_same(CheckName.PHONE, ()).outcome is Outcome.FINE
    assert check_same(CheckName.PHONE, [3, 2]).others == (2, 3)
    assert [check_same(name, [2]).outcome for name in (CheckName.EMAIL, CheckName.IDENTITY)] == [Outcome.DOUBT, Outcome.PROBLEM]


def test_documents_must_be_there_and_valid():
    assert check_documents(missing=False, ended=False).outcome is Outcome.FINE
    assert "missing" in check_documents(missing=True, ended=False).reason
    assert "not valid" in check_documents(missing=True, ended=True).reason


def test_what_was_decided_stays_decided():
    assert SUBMISSION.unreachable() == frozenset()
    assert {state.value for state in SUBMISSION.final_states} == {"approved", "rejected", "needs_revision"}


@pytest.mark.parametrize("text", ["", "  ", "x" * 501])
def test_a_reason_is_given_and_short(text):
    with pytest.raises(Invalid):
        reason(text)
