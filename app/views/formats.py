"""How values look to people: money with its grouping, times in the hostel's zone, states as badges, words for codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal
from flask import Flask, g
from flask_babel import gettext
from markupsafe import Markup, escape

from app.languages import sentence
from app.money import (  # noqa: F401 - part of how values look
    amount,
    currency,
    currency_symbol,
    digits,
    language,
    minor_digits,
    money,
)
from app.rules.maintenance import human_duration

DEFAULT_ZONE = "Asia/Kolkata"
LONG_TEXT = 120
_SIZES = ("B", "kB", "MB", "GB", "TB")

# Badge tones: neutral, info, progress, success, warning, danger. Each domain registers those of its own states.
_TONES: dict[tuple[type[Enum], str], str] = {}
_SAID: dict[tuple[type[Enum], str], Any] = {}


def register_tones(*tones: Mapping[Enum, str]) -> None:
    """Say once which tone each state of a machine has: `register_tones({S.RESOLVED: "success"})`.

    One table for each enum: members of two that have the same value would be one key.
    """
    _TONES.update({(type(state), state.name): tone for table in tones for state, tone in table.items()})


def now() -> datetime:
    """The moment a page is drawn."""
    return datetime.now(UTC)


def today() -> date:
    """The day that it is where the reader works."""
    return now().astimezone(zone()).date()


def zone() -> ZoneInfo:
    """The zone of the chosen hostel, else of the organization."""
    return ZoneInfo(getattr(g.get("identity"), "hostel_timezone", None) or DEFAULT_ZONE)


def number(value: float | Decimal | None) -> str:
    """12,34,567 or 1,234,567, as the organization writes numbers; up to three decimals."""
    return "" if value is None else format_decimal(value, format=f"{digits()}.###", locale=language())


def size(count: int) -> str:
    """580 B, 1.2 MB, 3.4 GB, each 1024 times the one before, as plans count."""
    power = next((power for power in range(len(_SIZES)) if count < 1024 ** (power + 1)), len(_SIZES) - 1)
    return f"{number(round(count / 1024**power, 1))} {_SIZES[power]}"


def duration(length: timedelta) -> str:
    """A length in its two largest units, such as 2 d 4 h."""
    units = {"d": gettext("d"), "h": gettext("h"), "min": gettext("min")}
    said = human_duration(length)
    return re.sub(r"[a-z]+", lambda unit: units[unit[0]], said) if any(map(str.isdigit, said)) else gettext(said)


def words(name: Any) -> str:
    """English words for a code: `on_hold` → `On hold`, `MaintenanceRequest` → `Maintenance request`."""
    text = str(name.value if isinstance(name, Enum) else name)
    if not text.isupper():
        text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    text = re.sub(r"[._\s]+", " ", text).strip()
    return text[:1].upper() + text[1:].lower()


def register_words(*said: Mapping[Enum, Any]) -> None:
    """Say what members are called whose own words mean another thing elsewhere: a plan is free of charge, a bed is not."""
    _SAID.update({(type(member), member.name): text for table in said for member, text in table.items()})


def human(name: Any) -> str:
    """Words for a code in the reader's language."""
    if isinstance(name, Enum) and (own := _SAID.get((type(name), name.name))) is not None:
        return str(own)
    text = words(name)
    return gettext(text) if text else ""


def column_words(name: str) -> str:
    """A heading for a column: the part of the name that tells the type is for programmers."""
    own = name.removesuffix(".name").rpartition(".")[2]
    return words(re.sub(r"_(at|on|id|paise)$", "", own))


def plural(text: str) -> str:
    """English plural of a title; screens with another plural set `plural_name`."""
    if re.search(r"[^aeiou]y$", text):
        return text[:-1] + "ies"
    return text + ("es" if re.search(r"(s|x|ch|sh)$", text) else "s")


def badge(state: Enum | str | None, tone: str | None = None, label: str | None = None) -> Markup:
    """A state as a small label with a colour and a word: never the colour alone."""
    if state is None:
        return missing()
    key = (type(state), state.name) if isinstance(state, Enum) else None
    chosen = tone or (_TONES.get(key, "neutral") if key else "neutral")
    css = "badge" if chosen == "neutral" else f"badge badge-{chosen}"
    return Markup('<span class="{}">{}</span>').format(css, label or human(state))


def missing() -> Markup:
    """What stands where nothing is known."""
    return Markup('<span class="missing">—</span>')


def exact(moment: datetime, at: ZoneInfo | None = None) -> str:
    """`5 Mar 2026, 14:03 IST` in the viewer's zone, or in another."""
    local = moment.astimezone(at or zone())
    return f"{format_datetime(local, 'd MMM y, HH:mm', locale=language())} {local:%Z}"


def plain_day(value: date) -> str:
    """`5 Mar 2026`."""
    return format_date(value, "d MMM y", locale=language())


def made_at(moment: datetime, place: ZoneInfo | None = None) -> str:
    """When a paper was made, by the clock of a place, else of the reader: `5 Mar 2026, 14:05`."""
    local = moment.astimezone(place or zone())
    return f"{plain_day(local)}, {local:%H:%M}"


def ago(moment: datetime, at: datetime | None = None) -> str:
    """`3 minutes ago`; the day, when it is long ago."""
    at = at or now()
    if abs(at - moment) < timedelta(seconds=45):
        return gettext("just now")
    if abs(at - moment) < timedelta(days=30):
        return format_timedelta(moment - at, add_direction=True, locale=language())
    return plain_day(moment.astimezone(zone()))


def short_day(value: date) -> str:
    """`5 Mar`."""
    return format_date(value, "d MMM", locale=language())


def when(moment: datetime | None, at: datetime | None = None, *, stop: bool = True) -> Markup:
    """A relative time with the exact one on hover and for machines; `stop` lets the keyboard reach it."""
    if moment is None:
        return missing()
    iso = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
        iso, exact(moment), Markup(' tabindex="0"') if stop else "", ago(moment, at))


def countdown(moment: datetime | None) -> Markup:
    """`in 2 hours`, which occupancy.js turns into what is left to the second."""
    if moment is None:
        return missing()
    return Markup('<time class="countdown" datetime="{0}" data-countdown="{0}" title="{1}">{2}</time>').format(
        f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", exact(moment), ago(moment))


def day(value: date | None) -> Markup:
    """`5 Mar 2026`, also for machines."""
    if value is None:
        return missing()
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), plain_day(value))


def shortened(text: str) -> Markup:
    """Text of a list cell: the whole of it on hover when it is long."""
    if len(text) <= LONG_TEXT:
        return escape(text)
    return Markup('<span title="{}">{}…</span>').format(text, text[:LONG_TEXT].rstrip())


def show_value(value: Any, column: str = "", *, short: bool = False) -> str | Markup:
    """Any value as people read it; `column` tells money (`…_paise`) from other whole numbers."""
    if value is None or value == "":
        return missing()
    if isinstance(value, Markup):
        return value
    if isinstance(value, int) and column.endswith("_paise"):
        return _number(money(value))
    if short and isinstance(value, datetime):
        return when(value, stop=False)  # a list of fifty rows has enough places to stop at
    for kind, draw in _DRAWN:
        if isinstance(value, kind):
            return draw(value)
    text = value if isinstance(value, str) else sentence(value)  # names of rows may be ours: Floor 3, Plumber
    return shortened(text) if short else Markup('<span class="prose" dir="auto">{}</span>').format(text)


def _number(text: str) -> Markup:
    return Markup('<span class="number">{}</span>').format(text)


def _several(values: Iterable[Any]) -> Markup:
    return Markup(", ").join(show_value(value, short=True) for value in values) or missing()


def _mapping(value: Mapping[str, Any]) -> Markup:
    rows = Markup("").join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(human(name), show_value(part, str(name))) for name, part in value.items()
    )
    return Markup('<dl class="pairs">{}</dl>').format(rows) if rows else missing()


def _uuid(value: UUID) -> Markup:
    raise TypeError(f"an identifier ({value}) is not for people: show the thing's name or reference instead")


_DRAWN: tuple[tuple[type | tuple[type, ...], Callable[[Any], str | Markup]], ...] = (
    (Enum, badge),
    (bool, lambda value: gettext("Yes") if value else gettext("No")),
    (datetime, when),
    (date, day),
    (UUID, _uuid),
    ((int, float, Decimal), lambda value: _number(number(value))),
    (Mapping, _mapping),
    ((list, tuple, set, frozenset), _several),
)


def init_app(app: Flask) -> None:
    """Give templates the filters `money`, `number`, `when`, `exact`, `day`, `badge`, `human`, `sentence`, …"""
    for function in (money, number, size, when, exact, day, countdown, plain_day, short_day, duration, badge, human, show_value, plural):
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.globals["currency_symbol"] = currency_symbol
