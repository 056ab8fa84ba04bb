"""Fields for money and for moments, typed as the hostel writes them: its currency, its clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext
from markupsafe import Markup
from wtforms import DateTimeLocalField, Field
from wtforms.widgets import DateTimeLocalInput, TextInput

from app.views import formats

_DIGITS = 15
_GROUPED = re.compile(r"[^,]*|-?[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}(\.[0-9]*)?")  # `100,00` is no ten thousand


class MoneyField(Field):
    """An amount typed as people write it (`1,23,456.50`, `₹ 500`) and kept in the currency's smallest unit."""

    widget = TextInput()

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else formats.amount(self.data)

    def example(self) -> str:
        """What is said to somebody who wrote something else."""
        return money_example()

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """To the smallest unit."""
        self.data = None
        self.data = read_money(valuelist[0]) if valuelist else None


def money_example() -> str:
    """How an amount is written."""
    return gettext("Write an amount like %(amount)s.", amount=formats.amount(12345650 // 100 ** (formats.minor_digits() == 0)))


def read_money(text: str) -> int | None:
    """An amount in the smallest unit, None for nothing; more decimals than the currency has are refused, not rounded. Error: ValueError."""
    marks = "|".join(map(re.escape, (formats.currency_symbol(), formats.currency(), "₹")))
    text = re.sub(rf"\s|{marks}", "", text, flags=re.IGNORECASE)
    if not _GROUPED.fullmatch(text):
        raise ValueError(money_example())
    text = text.replace(",", "")
    digits = formats.minor_digits()
    decimals = rf"(\.[0-9]{{1,{digits}}})?" if digits else ""
    if text and not re.fullmatch(rf"-?[0-9]{{1,{_DIGITS}}}{decimals}", text, re.ASCII):
        raise ValueError(money_example())
    return int(Decimal(text).scaleb(digits)) if text else None


class _Moment(DateTimeLocalInput):
    """The control, the zone it is read in, and, for an hour that comes twice, which of the two is meant."""

    def __call__(self, field: ZonedDateTimeField, **kwargs: Any) -> Markup:
        control = super().__call__(field, **kwargs)
        zone = Markup('<div class="zoned">{}<span class="zone">{}</span></div>').format(control, zone_words())
        if not field.twice:
            return zone
        choices = (("", "—"), ("first", gettext("The first, before the clocks go back")),
                   ("second", gettext("The second, after the clocks have gone back")))
        options = Markup("").join(Markup('<option value="{}">{}</option>').format(*choice) for choice in choices)
        return zone + Markup('<select name="{}" class="form-control" aria-label="{}">{}</select>').format(
            field.which, gettext("Which of the two is meant?"), options)


def zone_words() -> str:
    """`Kolkata, UTC+05:30`: the place whose clock a time is typed by."""
    zone = formats.zone()
    offset = f"{formats.now().astimezone(zone):%z}"
    return f"{zone.key.rpartition('/')[2].replace('_', ' ')}, UTC{offset[:3]}:{offset[3:5]}"


class ZonedDateTimeField(DateTimeLocalField):
    """A moment typed in the zone of the hostel and kept in UTC; hours that the clocks skip are refused, and of hours that
    come twice it is asked which is meant.
    """

    widget = _Moment()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **kwargs)
        self.twice = False
        self._said = ""

    @property
    def which(self) -> str:
        """The name of the control that says which of two equal hours is meant."""
        return f"{self.name}_which"

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else self._text(self.data)

    @staticmethod
    def _text(moment: datetime | None) -> str:
        return moment.astimezone(formats.zone()).strftime("%Y-%m-%dT%H:%M") if moment else ""

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        """As every field, but noting which of two equal hours was said to be meant."""
        self._said = formdata.get(self.which, "") if formdata is not None else ""
        super().process(formdata, *args, **kwargs)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Attach the zone, then UTC; what was not touched stays as exact as it was."""
        before, self.data = self.data, None
        if not valuelist or not valuelist[0]:
            return
        if isinstance(before, datetime) and valuelist[0] == self._text(before):
            self.data = before
            return
        super().process_formdata(list(valuelist))
        if self.data is not None:
            self.data = self._moment(self.data)

    def _moment(self, typed: datetime) -> datetime:
        zone = formats.zone()
        first, second = (typed.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        try:
            moment = first.astimezone(UTC)
        except OverflowError as error:
            raise ValueError(gettext("Choose a date within this century.")) from error
        time, day = f"{typed:%H:%M}", formats.plain_day(typed.date())
        if moment.astimezone(zone).replace(tzinfo=None) != typed:
            raise ValueError(gettext("%(time)s does not exist on %(day)s: the clocks go forward then. Choose another time.",
                                     time=time, day=day))
        if first.utcoffset() == second.utcoffset():
            return moment
        self.twice = True
        if self._said not in {"first", "second"}:
            raise ValueError(gettext("%(time)s comes twice on %(day)s: the clocks go back then. Say which of the two is meant.",
                                     time=time, day=day))
        return (second if self._said == "second" else first).astimezone(UTC)
