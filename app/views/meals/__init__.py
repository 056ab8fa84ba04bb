"""Screens of meals by plan: the forecast, the counter and the rules for staff; being away for residents."""

from __future__ import annotations

from flask_appbuilder import AppBuilder

from app.views.meals.kitchen import MealsView
from app.views.meals.residents import MyMealsView


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(MealsView, "Forecast", icon="fa-chart", category="Canteen")
    builder.add_view(MyMealsView, "Away from meals", icon="fa-calendar")
