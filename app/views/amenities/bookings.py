"""All bookings, the latest first: found by amenity, day and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g, url_for
from flask_babel import gettext, lazy_gettext

from app.models.amenities import AmenityBooking
from app.permissions import Resource
from app.rules.amenities import BookingStatus
from app.services.amenities import booking
from app.views import formats
from app.views.amenities import parts
from app.views.base import ConsoleInterface, ConsoleModelView, Step


class BookingView(ConsoleModelView):
    """A booking; what is done with it is done on the page of its slot."""

    route_base = "/amenities/bookings"
    datamodel = ConsoleInterface(AmenityBooking)
    resource = Resource.AMENITIES
    portals = parts.STAFF
    singular_name, plural_name = "Booking", "Bookings"
    list_columns: ClassVar[list[str]] = ["amenity", "who", "starts_at", "status", "booked_at"]
    optional_columns: ClassVar[list[str]] = ["day", "ends_at", "reason", "hostel"]
    show_columns: ClassVar[list[str]] = ["amenity", "who", "starts_at", "ends_at", "status", "booked_at", "reason", "hostel"]
    search_columns: ClassVar[list[str]] = ["reason", "status", "day", "amenity", "hostel"]
    quick_filters = ((lazy_gettext("Coming"), {"status": BookingStatus.BOOKED.value}), (lazy_gettext("Did not come"), {"status": BookingStatus.NO_SHOW.value}),
                     (lazy_gettext("Cancelled"), {"status": BookingStatus.CANCELLED.value}))
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name", "amenity": "name"}
    enums: ClassVar[dict[str, Any]] = {"status": BookingStatus}
    label_columns: ClassVar[dict[str, Any]] = {"starts_at": "Begins", "ends_at": "Ends", "booked_at": "Booked", "who": "Resident", "amenity": "Amenity"}
    eager = ("amenity",)
    state_column = "status"
    key_facts = ("who", "starts_at", "ends_at")
    filled_facts = ("reason",)
    base_order = ("starts_at", "desc")
    empty_hint = lazy_gettext("Residents book from their phones.")

    def prepare(self, items: Sequence[AmenityBooking]) -> None:
        """Whose they are, of all rows at once."""
        g.booking_people = booking.people(self.session(), [item.id for item in items])

    def render_show(self, pk: str) -> str:
        """With whose it is."""
        self.prepare([self.find(pk)])
        return super().render_show(pk)

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """The resident's name comes from a function."""
        if column == "who":
            return g.booking_people.get(item.id) or formats.missing()
        return super().display(item, column, short=short)

    def steps(self, item: AmenityBooking) -> list[Step]:
        """To its slot, where it is marked and cancelled."""
        return [Step("slot", gettext("Open the slot"), url_for("AmenityCalendarView.slot", pk=item.slot_id), "calendar", link=True)]
