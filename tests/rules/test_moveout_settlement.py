"""What is owed to whom when somebody leaves: shares of months, short notice, deductions (O9)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.errors import Invalid
from app.rules.moveout import Condition, Terms, check_item, check_items, days_short, prorated, settle

TERMS = Terms(noticed_on=date(2026, 3, 1), notice_days=30, from_on=date(2025, 6, 1), leaves_on=date(2026, 4, 10), rent_paise=9000_00,
              deposit_paise=20000_00, damages_paise=750_00)
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize(("first", "until", "paise"), [
    (date(2026, 4, 1), date(2026, 5, 1), 9000_00),
    (date(2026, 4, 1), date(2026, 4, 11), 3000_00),
    (date(2026, 2, 1), date(2026, 2, 2), 321_43),
    (date(2026, 1, 31), date(2026, 3, 2), 290_32 + 9000_00 + 290_32),
    (date(2026, 4, 1), date(2026, 4, 1), 0),
    (date(2026, 4, 2), date(2026, 4, 1), 0),
])
def test_rent_is_shared_by_the_days_of_each_month(first, until, paise):
    assert prorated(9000_00, first, until) == paise


@given(rent=st.integers(0, 10**9), first=DAYS, days=st.integers(0, 400))
def test_shares_are_whole_paise_and_never_far_from_the_months(rent, first, days):
    total = prorated(rent, first, first + timedelta(days=days))
    assert isinstance(total, int)
    assert rent * days // 31 - 14 <= total <= rent * days / 28 + 14


def test_a_settlement_adds_up():
    found = settle(TERMS, paid_until=date(2026, 4, 1))
    assert (found.deposit_paise, found.rent_paise, found.notice_paise, found.damages_paise) == (20000_00, 2700_00, 0, 750_00)
    assert (found.kept_paise, found.balance_paise) == (3450_00, 16550_00)


def test_rent_paid_beyond_the_last_day_goes_back_and_days_of_notice_that_are_missing_are_charged():
    short = Terms(date(2026, 4, 1), 30, date(2025, 6, 1), date(2026, 4, 11), 9000_00, 0, 0)
    assert days_short(short.noticed_on, short.notice_days, short.leaves_on) == 20
    found = settle(short, paid_until=date(2026, 5, 1))
    assert (found.rent_paise, found.notice_paise, found.balance_paise) == (-6000_00, 6000_00, 0)
    assert days_short(date(2026, 3, 1), 30, date(2026, 3, 31)) == 0


def test_what_cannot_be_meant_is_refused():
    for day in (date(2025, 5, 31), date(2028, 1, 1)):
        with pytest.raises(Invalid, match="Rent is paid until"):
            settle(TERMS, day)
    with pytest.raises(Invalid, match="damaged or missing"):
        check_item(Condition.OK, 1)
    with pytest.raises(Invalid, match="between 0"):
        check_item(Condition.MISSING, -1)
    with pytest.raises(Invalid, match="at least one"):
        check_items(["  "])
    assert check_items([" Bed ", "", "Bed", "Fan  light"]) == ["Bed", "Fan light"]
