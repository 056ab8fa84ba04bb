"""Quantities are read as people write them, stock is worth what it cost on average, and what is low is filled up (C6)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.rules.errors import Invalid
from app.rules.inventory import Unit, check_item, read_quantity, to_buy, value_change


@pytest.mark.parametrize(("typed", "read"), [("2.5", "2.5"), (" 1,200 ", "1200"), (".125", "0.125"), ("0", "0")])
def test_a_quantity_is_read_as_people_write_it(typed, read):
    assert read_quantity(typed) == Decimal(read)


@pytest.mark.parametrize("typed", ["", "-1", "1.2345", "two", "1e3", "100001", "१२", "NaN"])
def test_what_is_no_quantity_is_refused(typed):
    with pytest.raises(Invalid):
        read_quantity(typed, "quantity")


def test_stock_is_worth_what_it_cost_on_average_and_nothing_when_it_is_gone():
    assert value_change(Decimal(10), 500_00, Decimal(10), 70_00) == 700_00
    assert value_change(Decimal(20), 1_200_00, Decimal("-2.5")) == -150_00
    assert value_change(Decimal(3), 100, Decimal(-1)) == -33
    assert value_change(Decimal(3), 100, Decimal(-3)) == -100


def test_what_has_reached_its_level_is_filled_up():
    assert to_buy(Decimal(4), Decimal(5), None) == 6
    assert to_buy(Decimal(5), Decimal(5), Decimal(30)) == 25
    assert to_buy(Decimal("5.001"), Decimal(5), Decimal(30)) == 0
    assert to_buy(Decimal(0), Decimal(0), None) == 0


def test_levels_fit_each_other_and_the_unit():
    check_item(Unit.KG, Decimal("2.5"), Decimal("2.5"))
    for unit, level, fill in ((Unit.PIECES, "2.5", None), (Unit.KG, "5", "4"), (Unit.KG, "-1", None), (Unit.KG, "0.0001", None)):
        with pytest.raises(Invalid):
            check_item(unit, Decimal(level), Decimal(fill) if fill else None)
