"""How amounts look to people, and how they are found in what the database says."""

from __future__ import annotations

import re
from decimal import Decimal

from babel import Locale
from babel.numbers import format_currency, format_decimal, get_currency_precision, get_currency_symbol
from flask import g
from flask_babel import get_locale

from app.rules.organizations import Grouping, grouping_of

DEFAULT_CURRENCY = "INR"
_RAISED = re.compile(r"\{([A-Z]{3}) (-?\d+)\}")


def currency() -> str:
    """The organization's currency."""
    return getattr(g.get("identity"), "currency", None) or DEFAULT_CURRENCY


def language() -> Locale:
    """The language of the page."""
    return get_locale() or Locale("en")


def digits() -> str:
    """How the organization groups digits, whatever language the page is in: Babel knows lakh and crore only with some."""
    identity = g.get("identity")
    grouping = grouping_of(getattr(identity, "grouping", ""), getattr(identity, "country", "IN"))
    return "#,##,##0" if grouping is Grouping.INDIAN else "#,##0"


def minor_digits(code: str | None = None) -> int:
    """Decimals of a currency: 2 of the rupee, none of the yen, 3 of the dinar of Kuwait."""
    return get_currency_precision(code or currency())


def _amount(code: str) -> str:
    return digits() + "." * bool(minor_digits(code)) + "0" * minor_digits(code)


def amount(paise: int | None, code: str | None = None) -> str:
    """1,23,456.00 from 12345600; `paise` are the smallest units of whatever currency it is."""
    code = code or currency()
    return "" if paise is None else format_decimal(Decimal(paise).scaleb(-minor_digits(code)), format=_amount(code), locale=language())


def money(paise: int | None, code: str | None = None) -> str:
    """₹1,23,456.00 from 12345600, grouped as the organization writes numbers."""
    code = code or currency()
    value = None if paise is None else Decimal(paise).scaleb(-minor_digits(code))
    return "" if value is None else format_currency(value, code, format=f"¤{_amount(code)}", locale=language())


def amounts_written(text: str) -> str:
    """A sentence of the database (app.amount_words) with its amounts written as the organization writes them."""
    return _RAISED.sub(lambda found: money(int(found[2]), found[1]), text)


def currency_symbol() -> str:
    """₹, before an amount that is being typed."""
    return get_currency_symbol(currency(), locale=language())
