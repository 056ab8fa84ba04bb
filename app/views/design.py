"""Every component of the console with its states on one page, made from the same declarations as the screens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from flask_appbuilder import AppBuilder
from flask_babel import force_locale, gettext, lazy_gettext
from wtforms import BooleanField, DateField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from app import languages
from app.lifecycle import MACHINES, Machine
from app.models.declare import SIGNED_IN
from app.rules.maintenance import Priority
from app.rules.organizations import SubscriptionStatus
from app.views import charts, formats
from app.views.base import ConsoleView, expose
from app.views.fields import ChoiceField, ConsoleForm, strip
from app.views.inputs import MoneyField, ZonedDateTimeField
from app.views.people.doors import signed_in

_ASSETS = Path(__file__).parent.parent / "assets"
_TOKEN = re.compile(r"--(?P<name>[a-z-]+): light-dark\((?P<light>#[0-9a-f]{6}), (?P<dark>#[0-9a-f]{6})\)")
# Text on what it stands on.
PAIRS = [("text", "bg"), ("text", "surface"), ("text", "raised"), ("text", "sunken"), ("muted", "bg"), ("muted", "surface"),
         ("muted", "sunken"), ("link", "bg"), ("link", "surface"), ("accent-text", "accent"), ("on-soft", "accent-soft"),
         ("info", "info-soft"), ("progress", "progress-soft"), ("success", "success-soft"), ("warning", "warning-soft"),
         ("danger", "danger-soft"), ("danger-text", "danger"), ("danger", "surface")]


def tokens() -> dict[str, tuple[str, str]]:
    """Each colour with its light and its dark value, as tokens.css says."""
    return {found["name"]: (found["light"], found["dark"]) for found in _TOKEN.finditer((_ASSETS / "tokens.css").read_text("utf-8"))}


def icons() -> list[str]:
    """The names of icons.txt."""
    lines = (_ASSETS / "icons.txt").read_text("utf-8").splitlines()
    return [line.partition("=")[0].strip() for line in lines if "=" in line and not line.startswith("#")]


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2 between two colours `#rrggbb`; small text needs 4.5."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]  # noqa: PLR2004 - sRGB
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def pairs() -> Iterator[tuple[str, str, float, float]]:
    """(text, background, contrast in light, contrast in dark) of PAIRS."""
    known = tokens()
    for text, ground in PAIRS:
        (light, dark), (on_light, on_dark) = known[text], known[ground]
        yield text, ground, contrast(light, on_light), contrast(dark, on_dark)


class DesignForm(ConsoleForm):
    """One field of each kind; nothing is ever sent."""

    name = StringField(lazy_gettext("Name"), validators=[InputRequired()], filters=[strip], description=lazy_gettext("As people call it."))
    note = TextAreaField(lazy_gettext("Note"))
    priority = ChoiceField(Priority, lazy_gettext("Priority"), required=True, default=Priority.NORMAL)
    kind = RadioField(lazy_gettext("Kind"), default="one", choices=[
        SelectChoice("one", lazy_gettext("For one person")), SelectChoice("many", lazy_gettext("For several"))])
    rent = MoneyField(lazy_gettext("Rent"), description=lazy_gettext("By the month."))
    day = DateField(lazy_gettext("From"))
    moment = ZonedDateTimeField(lazy_gettext("Until"))
    told = BooleanField(lazy_gettext("Tell everybody by e-mail"))


def _form() -> DesignForm:
    form = DesignForm(formdata=None, meta={"csrf": False})
    form.name.errors = [gettext("Please fill this in.")]
    form.rent.data, form.moment.data = 850000, formats.now()
    return form


def _samples() -> list[tuple[str, list[Any]]]:
    """What is written differently in each language: (what, how in each)."""
    now = formats.now()
    drawn = {
        gettext("Money"): lambda: formats.money(12345600), gettext("Money in yen"): lambda: formats.money(123456, "JPY"),
        gettext("A number"): lambda: formats.number(1234567.5), gettext("A size"): lambda: formats.size(2_400_000),
        gettext("A while ago"): lambda: formats.when(now - timedelta(minutes=5)),
        gettext("Soon"): lambda: formats.when(now + timedelta(hours=3)), gettext("Long ago"): lambda: formats.when(now - timedelta(days=90)),
        gettext("Exactly"): lambda: formats.exact(now), gettext("A day"): lambda: formats.day(now.date()),
        gettext("A length"): lambda: formats.duration(timedelta(hours=30)), gettext("A state"): lambda: formats.badge(Priority.HIGH),
        gettext("Nothing known"): formats.missing,
    }
    samples = []
    for what, draw in drawn.items():
        said = []
        for code in languages.languages():
            with force_locale(code):
                said.append(draw())
        samples.append((what, said))
    return samples


def _other_states() -> list[type[Enum]]:
    """States with tones of their own that no machine moves."""
    moved = {machine.states for machine in MACHINES.values()}
    return [kind for kind in (Priority, SubscriptionStatus) if kind not in moved]


def _machines() -> list[tuple[str, Machine[Any]]]:
    return [(formats.human(name), MACHINES[name]) for name in sorted(MACHINES)]


class DesignView(ConsoleView):
    """For whoever builds screens, and whoever wants to know what a colour means."""

    route_base = ""
    default_view = "design"
    portals = frozenset(SIGNED_IN)

    @expose("/design")
    @signed_in
    def design(self) -> Any:
        """The page."""
        return self.page("design/index.html", title=gettext("Design"), tokens=tokens(), pairs=list(pairs()), icons=icons(), form=_form(),
                         machines=_machines(), others=_other_states(), samples=_samples(), spoken=languages.languages(),
                         now=formats.now(), **charts.helpers())


def register(builder: AppBuilder) -> None:
    """Found by its address, and through the command palette."""
    builder.add_view_no_menu(DesignView)
