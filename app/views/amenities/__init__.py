"""Screens of amenities: what there is and when, the week with its slots, bookings, usage; and what residents book."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext

from app.rules.amenities import AmenityKind, BookingStatus, SlotState, TemplateKind, WaitStatus
from app.views.amenities.bookings import BookingView
from app.views.amenities.calendar import AmenityCalendarView
from app.views.amenities.residents import MyAmenitiesView
from app.views.amenities.setup import AmenityView
from app.views.amenities.usage import AmenityUsageView
from app.views.formats import register_tones, register_words

register_tones({BookingStatus.BOOKED: "info", BookingStatus.ATTENDED: "success", BookingStatus.NO_SHOW: "danger"})
register_tones({WaitStatus.OFFERED: "warning", WaitStatus.TAKEN: "success"}, {SlotState.MAINTENANCE: "warning"}, {TemplateKind.CLOSED: "warning"})
register_words({BookingStatus.ATTENDED: lazy_gettext("Came"), BookingStatus.NO_SHOW: lazy_gettext("Did not come")},
               {AmenityKind.STUDY: lazy_gettext("Study room"), AmenityKind.TV: lazy_gettext("TV room"), AmenityKind.GYM: lazy_gettext("Gym"),
                AmenityKind.LAUNDRY: lazy_gettext("Laundry")},
               {TemplateKind.WEEKLY: lazy_gettext("Every week"), TemplateKind.SPECIAL: lazy_gettext("Other hours"), TemplateKind.CLOSED: lazy_gettext("Closed all day")})


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(AmenityCalendarView, "Calendar", icon="fa-calendar", category="Amenities")
    builder.add_view(BookingView, "Bookings", icon="fa-list", category="Amenities")
    builder.add_view(AmenityView, "Amenities", icon="fa-dumbbell", category="Amenities")
    builder.add_view(AmenityUsageView, "Usage", icon="fa-chart", category="Amenities")
    builder.add_view(MyAmenitiesView, "Amenities", icon="fa-dumbbell")
