"""Time zones, currencies and countries to choose from, by the names people know them by."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from flask_babel import get_locale, gettext, lazy_gettext
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from app.languages import languages
from app.rules.organizations import Grouping
from app.views import formats

# The currencies of places where hostels like these are run; the database takes any of three letters.
CURRENCIES = ("INR", "AED", "AUD", "BDT", "BTN", "EUR", "GBP", "IDR", "LKR", "MYR", "NPR", "PHP", "SGD", "THB", "USD", "VND")
_HOME = "Asia/Kolkata"
_FIRST = "IN"


def _locale() -> Locale:
    return get_locale() or Locale("en")


def _offset(zone: str, at: datetime) -> str:
    text = at.astimezone(ZoneInfo(zone)).strftime("%z")
    return f"{text[:3]}:{text[3:5]}"


def zones() -> list[SelectChoice]:
    """Places of the tz database with their offset now, home first; aliases without a place are left out."""
    at = formats.now()
    named = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/")))
    return [SelectChoice(zone, f"{zone.replace('_', ' ')} (UTC{_offset(zone, at)})") for zone in [_HOME, *named]]


def currencies() -> list[SelectChoice]:
    """The usual ones, by code and name."""
    return [SelectChoice(code, currency_name(code)) for code in CURRENCIES]


def currency_name(code: str) -> str:
    """`INR – Indian Rupee`."""
    return f"{code} – {_locale().currencies.get(code, code)}"


def country_name(code: str) -> str:
    """`India`."""
    found: str = _locale().territories.get(code, code)
    return found


def languages_offered() -> list[SelectChoice]:
    """The languages that there are, each by its own name."""
    return [SelectChoice("", language_name("")), *(SelectChoice(code, name) for code, name in languages().items())]


def language_name(code: str) -> str:
    """`हिन्दी`."""
    return languages().get(code) or gettext("What each reader's browser asks for")


def groupings() -> list[SelectChoice]:
    """The ways to write large numbers, by example."""
    return [SelectChoice(value, grouping_name(value)) for value in ("", *Grouping)]


def grouping_name(value: str) -> str:
    """`12,34,567`."""
    return {Grouping.INDIAN: "12,34,567", Grouping.INTERNATIONAL: "1,234,567"}.get(value) or gettext("As usual in the country")


def countries() -> list[SelectChoice]:
    """Countries by name, home first."""
    names = {code: name for code, name in _locale().territories.items() if len(code) == 2 and code.isalpha()}  # noqa: PLR2004 - ISO 3166
    return [SelectChoice(_FIRST, names[_FIRST]),
            *(SelectChoice(code, name) for code, name in sorted(names.items(), key=lambda pair: pair[1]) if code != _FIRST)]


class ListField(SelectField):
    """A select whose options are made when it is drawn; what is stored already stays choosable."""

    def __init__(self, label: Any, options: Any, **kwargs: Any) -> None:
        super().__init__(label, choices=[], validate_choice=True, **kwargs)
        self._options = options

    def _known(self) -> None:
        if not self.choices:
            found = self._options()
            kept = [SelectChoice(self.object_data)] if self.object_data and self.object_data not in {c.value for c in found} else []
            self.choices = [*kept, *found]

    def iter_choices(self) -> Any:
        """As SelectField does, over the options of now."""
        self._known()
        return super().iter_choices()

    def pre_validate(self, form: Any) -> None:
        """As SelectField does, over the options of now."""
        self._known()
        super().pre_validate(form)


def zone_field() -> ListField:
    """A time zone."""
    return ListField(lazy_gettext("Time zone"), zones, default=_HOME,
                     description=lazy_gettext("Times are shown, and days counted, as the clocks there say."))


def currency_field() -> ListField:
    """A currency."""
    return ListField(lazy_gettext("Currency"), currencies, default="INR")


def country_field() -> ListField:
    """A country."""
    return ListField(lazy_gettext("Country"), countries, default=_FIRST)


def language_field() -> ListField:
    """The language of those who chose none."""
    return ListField(lazy_gettext("Language"), languages_offered,
                     description=lazy_gettext("For people who have chosen none themselves, and for messages to new ones."))


def grouping_field() -> ListField:
    """How digits are grouped."""
    return ListField(lazy_gettext("Large numbers"), groupings)
