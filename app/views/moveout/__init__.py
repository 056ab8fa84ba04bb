"""Screens of moving out: for staff, and for residents their own."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext

from app.rules.moveout import Condition, MoveOutStatus
from app.views.formats import register_tones, register_words
from app.views.moveout.residents import MyMoveOutView
from app.views.moveout.staff import MoveOutView

register_tones({MoveOutStatus.NOTICED: "warning", MoveOutStatus.INSPECTED: "info", MoveOutStatus.SETTLED: "success"})
register_words({MoveOutStatus.NOTICED: lazy_gettext("Notice given"), Condition.OK: lazy_gettext("In order"),
                Condition.UNSEEN: lazy_gettext("Not seen yet")})
register_tones({Condition.OK: "success", Condition.DAMAGED: "warning", Condition.MISSING: "danger"})


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(MoveOutView, "Moving out", icon="fa-sign-out", category="Houses")
    builder.add_view(MyMoveOutView, "My move-out", icon="fa-sign-out")
