"""Screens of meals by plan: the forecast, the counter and the rules for staff; being away for residents."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext

from app.rules.meals import LeaveState
from app.views.formats import register_tones, register_words
from app.views.meals.kitchen import MealsView
from app.views.meals.residents import MyMealsView

_L = LeaveState
register_tones({_L.AWAY: "info", _L.PAID_BACK: "success", _L.TAKEN_BACK: "danger"})
register_words({_L.COMING: lazy_gettext("Coming"), _L.AWAY: lazy_gettext("Away now"), _L.OVER: lazy_gettext("Over, the rebate is worked out"),
                _L.PAID_BACK: lazy_gettext("Paid back"), _L.SETTLED: lazy_gettext("Over"), _L.TAKEN_BACK: lazy_gettext("Taken back")})


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(MealsView, "Forecast", icon="fa-chart", category="Canteen")
    builder.add_view(MyMealsView, "Away from meals", icon="fa-calendar")
