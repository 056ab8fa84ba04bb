"""Charges by the day: a plain day-by-day model agrees with every split of a month (W10)."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from math import floor
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules.billing import (
    ChargeKind,
    LateFee,
    Line,
    Living,
    Price,
    Tax,
    age_group,
    allocated,
    charged,
    financial_year,
    month_of,
    reminder,
    spans_of,
)
from app.rules.moveout import prorated

A, B = UUID(int=1), UUID(int=2)
FIRST = date(2026, 1, 1)
days = st.integers(0, 120).map(lambda n: FIRST + timedelta(days=n))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_month_costs_what_its_days_cost(data):
    changes = sorted(data.draw(st.sets(days, max_size=3)) | {FIRST - timedelta(days=400)})
    prices = [Price("rent", "Rent", data.draw(st.integers(0, 2_000_00)), since, until, kind)
              for kind in (A, B) for since, until in zip(changes, [*changes[1:], None], strict=True)]
    moved, begun = data.draw(days), data.draw(days)
    ends = data.draw(st.none() | days)
    living = Living(A, begun, ends, A, None, "", lunchbox=False, rooms=[(begun, moved, A), (moved, None, B)])
    month = data.draw(st.sampled_from([date(2026, n, 1) for n in (1, 2, 3, 4)]))

    first, end = month_of(month)
    exact, day = Fraction(), first
    while day < end:
        if begun <= day and (ends is None or day < ends):
            kind = A if day < moved or begun > day else B
            price = next(p for p in prices if p.room_type_id == kind and p.holds(day))
            exact += Fraction(price.amount_paise, (end - first).days)
        day += timedelta(days=1)
    lines = charged(spans_of(living, prices, month), month)
    assert sum(line.amount_paise for line in lines) == floor(exact + Fraction(1, 2))


def test_a_whole_month_costs_its_price_and_a_part_what_a_settlement_says():
    prices = [Price("rent", "Rent", 8_500_01, FIRST, None)]
    living = Living(A, date(2026, 2, 11), None, None, 8_500_01, "", lunchbox=False, rooms=())
    (whole,) = charged(spans_of(living, prices, date(2026, 3, 1)), date(2026, 3, 1))
    (part,) = charged(spans_of(living, prices, date(2026, 2, 1)), date(2026, 2, 1))
    assert (whole.amount_paise, part.amount_paise) == (8_500_01, prorated(8_500_01, date(2026, 2, 11), date(2026, 3, 1)))


def test_an_agreed_rent_holds_in_its_kind_of_room_and_the_tariff_elsewhere():
    prices = [Price("rent", "Rent", 9_000_00, FIRST, None, A), Price("rent", "Rent", 6_000_00, FIRST, None, B)]
    moved = date(2026, 4, 16)
    living = Living(A, FIRST, None, A, 8_000_00, "", lunchbox=False, rooms=[(FIRST, moved, A), (moved, None, B)])
    assert [(line.first, line.amount_paise) for line in charged(spans_of(living, prices, moved), moved)] == [
        (date(2026, 4, 1), 4_000_00), (moved, 3_000_00)]


def test_tax_is_split_in_two_equal_parts_or_goes_to_another_state():
    line = Line(ChargeKind.MESS, 3_333_33)
    here = Tax({ChargeKind.MESS: 500}).on(line)
    there = Tax({ChargeKind.MESS: 500}, interstate=True).on(line)
    assert (here.cgst_paise, here.sgst_paise, here.igst_paise) == (83_33, 83_33, 0)
    assert (there.cgst_paise, there.igst_paise, there.total_paise) == (0, 166_67, 3_500_00)


@pytest.mark.parametrize(("late", "period"), [(0, 0), (5, 0), (6, 1), (35, 1), (36, 2)])
def test_a_late_fee_comes_once_a_period_after_the_days_of_grace(late, period):
    due = date(2026, 3, 5)
    assert LateFee(5, 100_00, 200).period(due, due + timedelta(days=late)) == period
    assert LateFee(5, 0, 0).period(due, due + timedelta(days=90)) == 0
    assert LateFee(5, 100_00, 200).amount(1_000_00) == 120_00


def test_small_rules():
    due = date(2026, 3, 31)
    assert (financial_year(due), financial_year(date(2026, 4, 1)), financial_year(date(1999, 5, 1))) == ("2025-26", "2026-27", "1999-00")
    assert [reminder(due, due + timedelta(days=n)) for n in (-4, -3, 0, 1, 7, 40)] == [0, 1, 1, 2, 3, 4]
    assert [age_group(due, due + timedelta(days=n)) for n in (0, 30, 31, 60, 61, 91)] == [0, 0, 1, 1, 2, 3]
    assert allocated(500, [300, 150, 100]) == [300, 150, 50]
