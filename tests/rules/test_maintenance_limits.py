"""Limits, references and categories of maintenance requests (M1, M5, M9)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.errors import Invalid, LimitReached
from app.rules.maintenance import (
    CATEGORIES,
    CategoryCode,
    check_attachment_count,
    check_daily_limit,
    parse_reference,
    reference,
)


def test_the_tenth_request_of_a_day_goes_in_and_the_eleventh_does_not():
    check_daily_limit(9)
    with pytest.raises(LimitReached, match="limit is 10 a day"):
        check_daily_limit(10)


def test_the_fifth_file_goes_in_and_the_sixth_does_not():
    check_attachment_count(4)
    with pytest.raises(LimitReached, match="takes 5 files"):
        check_attachment_count(5)


@pytest.mark.parametrize(("number", "said"), [(1, "MR-0001"), (42, "MR-0042"), (12345, "MR-12345")])
def test_a_reference_has_four_digits_or_as_many_as_it_needs(number, said):
    assert reference(number) == said


@given(st.integers(1, 999_999_999))
def test_a_reference_is_read_back_however_it_is_typed(number):
    said = reference(number)
    assert {parse_reference(t) for t in (said, said.lower(), f" mr {number} ", str(number))} == {number}


@pytest.mark.parametrize("text", ["", "MR-", "MR-0", "XY-12", "MR-12; DROP", "MR-٤٢", "1" * 400])
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(Invalid, match="MR-0042"):
        parse_reference(text)


def test_there_are_eight_categories_each_with_issue_types_of_its_own():
    assert [category.code for category in CATEGORIES] == list(CategoryCode)
    assert len(CATEGORIES) == 8
    for category in CATEGORIES:
        codes = [issue.code for issue in category.issue_types]
        assert len(set(codes)) == len(codes) > 1
        assert codes[-1] == "other"
