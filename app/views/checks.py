"""What a browser can check before a form is sent, with the sentences that the server would say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask_babel import gettext
from wtforms import DateField, DateTimeLocalField, DecimalField, Field, IntegerField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, StopValidation

from app.views.inputs import MoneyField


def of(field: Field) -> dict[str, Any]:
    """`data-…` attributes for forms.js. There is no `maxlength`: it would cut off what is pasted without a word."""
    found: dict[str, Any] = {"maxlength": False, "minlength": False}
    for validator in field.validators:
        if isinstance(validator, DataRequired | InputRequired):
            found["data-required"] = _refusal(validator, field, "")
        elif isinstance(validator, Length) and validator.max >= 0:
            found |= {"data-most": validator.max, "data-long": _refusal(validator, field, "x" * (validator.max + 1))}
        elif isinstance(validator, NumberRange):
            outside = validator.max + 1 if validator.max is not None else validator.min - 1
            found["data-range"] = _refusal(validator, field, outside)
    if bad := found.get("data-range") or _malformed(field):
        found["data-bad"] = bad
    if isinstance(field, MoneyField):
        found["data-money"] = field.example()
    return found


def _refusal(validator: Any, field: Field, value: Any) -> str:
    """What the validator says of a value that it refuses."""
    given = SimpleNamespace(data=value, raw_data=[value] if value else [], errors=[], name=field.name,
                            gettext=field.gettext, ngettext=field.ngettext)
    try:
        validator(None, given)
    except (StopValidation, ValueError) as error:
        return str(error)
    return ""


def _malformed(field: Field) -> str:
    for kind, sentence in (
        (IntegerField, gettext("Please give a whole number.")), (DecimalField, gettext("Please give a number.")),
        (DateTimeLocalField, gettext("Please give a date and a time.")), (DateField, gettext("Please give a date.")),
    ):
        if isinstance(field, kind):
            return sentence
    return ""
