"""Each line is matched once at most, whatever order lines come in, and what is ambiguous is left to people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules.reconciliation import Cause, Known, Side, Stated, match, overdue

DAY0 = datetime(2026, 3, 1, tzinfo=UTC)


def line(number, *names, amount=100, days=0, kind=Side.PAYMENT, currency="INR", fee=0):
    return Stated(UUID(int=number), kind, amount, currency, names, DAY0 + timedelta(days=days), f"l{number}", fee)


def ours(number, *names, amount=100, days=0, kind=Side.PAYMENT, taken=False):
    return Known(UUID(int=1000 + number), kind, amount, "INR", frozenset(names), DAY0 + timedelta(days=days), taken)


@pytest.mark.parametrize(("stated", "cause", "amount"), [
    (line(1, "pay_1"), None, 0), (line(1, "", "ref_1", fee=5), None, 0), (line(1, "pay_1", amount=90), Cause.AMOUNT_DIFFERS, 10),
    (line(1, "pay_1", currency="USD"), Cause.CURRENCY_DIFFERS, 0), (line(1, "pay_1", fee=6), Cause.FEE_DIFFERS, 0),
    (line(1, "pay_1", fee=-1), Cause.FEE_DIFFERS, 0), (line(1, "pay_x"), Cause.MISSING_IN_LEDGER, -100), (line(1), None, 0),
    (line(1, days=4), Cause.MISSING_IN_LEDGER, -100), (line(1, amount=99), Cause.MISSING_IN_LEDGER, -99),
    (line(1, "pay_1", kind=Side.REFUND, amount=-100), Cause.UNKNOWN_REFUND, 100)])
def test_what_a_line_is(stated, cause, amount):
    found = match([stated], [ours(1, "pay_1", "ref_1")])
    assert [(one.cause, one.amount_paise) for one in found.breaks] == ([(cause, amount)] if cause else [])


def test_a_second_line_for_one_payment_is_a_duplicate_and_ties_are_nobodys():
    found = match([line(1, "pay_1"), line(2, "pay_1")], [ours(1, "pay_1")])
    assert ([pair.line.id.int for pair in found.pairs], [(b.cause, b.amount_paise) for b in found.breaks]) == ([1], [(Cause.DUPLICATE, -100)])
    assert match([line(1, "pay_1")], [ours(1, "pay_1", taken=True)]).breaks[0].cause is Cause.DUPLICATE
    assert not match([line(1)], [ours(1, "pay_1"), ours(2, "pay_2")]).pairs
    assert not match([line(1), line(2)], [ours(1, "pay_1")]).pairs


def test_what_no_statement_tells_of_is_late_and_then_lost():
    told = overdue([ours(1), ours(2, days=10), ours(3, days=15), ours(4, taken=True)], DAY0 + timedelta(days=16))
    assert [(b.cause, b.amount_paise) for b in told] == [(Cause.MISSING_AT_GATEWAY, 100), (Cause.LATE, 0)]


_names = st.sampled_from(["", "a", "b", "c"])
_lines = st.lists(st.tuples(_names, st.sampled_from([100, 200]), st.integers(0, 8), st.sampled_from(Side)), max_size=8)


@settings(max_examples=150, deadline=None)
@given(_lines, _lines, st.randoms(use_true_random=False))
def test_each_line_once_and_the_same_in_any_order(stated, known, shuffle: Random):
    lines = [line(n, name, amount=amount, days=days, kind=kind) for n, (name, amount, days, kind) in enumerate(stated)]
    have = [ours(n, name, amount=amount, days=days, kind=kind) for n, (name, amount, days, kind) in enumerate(known)]
    found = match(lines, have)
    assert len({pair.ours.id for pair in found.pairs}) == len(found.pairs)
    lone = [b.line.id for b in found.breaks if b.line and b.cause in {Cause.DUPLICATE, Cause.MISSING_IN_LEDGER, Cause.UNKNOWN_REFUND}]
    assert sorted([pair.line.id for pair in found.pairs] + lone) == [one.id for one in lines]
    assert all(pair.line.kind is pair.ours.kind for pair in found.pairs)
    shuffle.shuffle(lines)
    shuffle.shuffle(have)
    assert match(lines, have) == found
