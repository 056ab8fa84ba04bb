"""Screens of events: the calendar, what staff plan and who comes, what residents answer, and calendars to subscribe to."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext

from app.rules.events import EventStatus, ReplyState
from app.views.events.calendar import CalendarView, FeedView
from app.views.events.residents import MyEventsView
from app.views.events.staff import EventView
from app.views.formats import register_tones, register_words

_S, _R = EventStatus, ReplyState
register_tones({_S.PUBLISHED: "success", _S.CANCELLED: "danger"},
               {_R.COMING: "success", _R.WAITING: "warning", _R.MAYBE: "info"})
register_words({_R.COMING: lazy_gettext("Is coming"), _R.WAITING: lazy_gettext("Waiting for a place"), _R.MAYBE: lazy_gettext("May come"),
                _R.DECLINED: lazy_gettext("Is not coming")})


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(CalendarView, "Event calendar", icon="fa-calendar", category="Events")
    builder.add_view(EventView, "All events", icon="fa-list", category="Events")
    builder.add_view(MyEventsView, "Events", icon="fa-calendar")
    builder.add_view_no_menu(FeedView)
