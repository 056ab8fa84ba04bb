"""Telephone numbers in the one form that all their writings share: E.164."""

from __future__ import annotations

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from app.rules.errors import Invalid


def clean_phone(text: str, country: str, field: str = "phone") -> str:
    """`098765 43210` in India is +919876543210; `country` (ISO 3166) is meant where no country code is written."""
    try:
        number = phonenumbers.parse(text.strip(), country)
    except NumberParseException as error:
        raise Invalid("Please give a phone number that can be called, like 98765 43210 or +91 98765 43210.", field=field) from error
    if len(text) > 40 or not phonenumbers.is_valid_number(number) or number.extension:  # noqa: PLR2004 - no number is longer
        raise Invalid("Please give a phone number that can be called, like 98765 43210 or +91 98765 43210.", field=field)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def shown_phone(number: str) -> str:
    """+91 98765 43210, as its country writes it."""
    return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)


def country_code(number: str) -> str:
    """+91, of a number in E.164."""
    return f"+{phonenumbers.parse(number).country_code}"
