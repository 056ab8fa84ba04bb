"""The week of an amenity as staff see it, and one slot: who has a place, who came, who waits."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID, uuid4

from flask import Response, request
from flask_babel import gettext

from app.permissions import Action, Resource
from app.rules.amenities import BookingStatus, SlotState
from app.services.amenities import booking, hours
from app.views import formats
from app.views.amenities import parts
from app.views.base import ConsoleView, expose, has_access, service_call
from app.views.canteen.parts import house
from app.views.edge import given_id
from app.views.rooms import asking


class AmenityCalendarView(ConsoleView):
    """One amenity at a time."""

    resource = Resource.AMENITIES
    portals = parts.STAFF
    route_base = "/amenities/calendar"
    default_view = "index"
    singular_name, plural_name = "Calendar", "Calendar"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "slot": Action.READ, "book": Action.CREATE, "mark": Action.UPDATE, "cancel": Action.UPDATE}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """The week; with `part` what changes of it, to be swapped in place."""
        context = {"week": parts.Week(self.session()), "icon_of": parts.icon_of}
        if not request.args.get("part"):
            return self.page("amenities/calendar.html", title=gettext("Calendar"), tables=parts.TABLES, **context)
        answer = Response(self.page("amenities/staff_week.html", **context), mimetype="text/html")
        answer.add_etag()
        return answer.make_conditional(request.environ)

    @expose("/slot/<pk>")
    @has_access
    def slot(self, pk: str) -> Any:
        """Who is in it; with `part` what changes, to be swapped in place."""
        key = _slot_key(pk)
        if not request.args.get("part"):
            return self._slot(key)
        answer = Response(self.page("amenities/slot_people.html", **self._of(key)), mimetype="text/html")
        answer.add_etag()
        return answer.make_conditional(request.environ)

    @expose("/slot/<pk>/book", methods=["POST"])
    @has_access
    def book(self, pk: str) -> Any:
        """For a resident who asked at the desk; where it is full, their place in line."""
        key = _slot_key(pk)
        wait = request.form.get("wait") == "1"
        with service_call(gettext("In line.") if wait else gettext("Booked.")) as call:
            parts.changed(call.session)
            person = asking.given_person("person")
            (booking.join if wait else booking.book)(call.session, key, uuid4(), person)
        return call.respond(self.url("slot", pk=key), failed=lambda: self._slot(key))

    @expose("/mark/<pk>", methods=["POST"])
    @has_access
    def mark(self, pk: str) -> Any:
        """Came, or did not; touched twice, it is the same."""
        key, slot = _booking_key(pk), _slot_key(request.form.get("slot", ""))
        with service_call() as call:
            booking.mark(call.session, key, came=request.form.get("came") == "1")
        return call.respond(self.url("slot", pk=slot) + f"#booking-{key}", failed=lambda: self._slot(slot))

    @expose("/cancel/<pk>", methods=["POST"])
    @has_access
    def cancel(self, pk: str) -> Any:
        """Called off for somebody, who is told why."""
        key, slot = _booking_key(pk), _slot_key(request.form.get("slot", ""))
        with service_call(gettext("Cancelled. The resident is told.")) as call:
            parts.changed(call.session)
            booking.cancel(call.session, key, request.form.get("note", "").strip())
        return call.respond(self.url("slot", pk=slot), failed=lambda: self._slot(slot))

    def _of(self, key: UUID) -> dict[str, Any]:
        session = self.session()
        slot = booking.find_slot(session, key)
        zone, now = hours.zone_of(session, slot.hostel_id), formats.now()
        booked, waiting = booking.of_slot(session, key)
        return {"slot": slot, "state": SlotState(slot.state), "booked": booked, "waiting": waiting, "begun": slot.starts_at <= now,
                "names": booking.people(session, [one.id for one in (*booked, *waiting)]), "clock": lambda moment: parts.clock(moment, zone),
                "said": parts.day_and_times(slot, zone), "house": house(slot.hostel_id), "statuses": BookingStatus,
                "local_day": slot.starts_at.astimezone(zone).date(), "may_mark": self.allowed("mark"), "may_cancel": self.allowed("cancel")}

    def _slot(self, key: UUID) -> str:
        context = self._of(key)
        slot = context["slot"]
        bookable = self.allowed("book") and not context["begun"] and context["state"] is SlotState.OPEN
        taken = {one.user_id for one in context["booked"] if one.standing is not BookingStatus.CANCELLED} | {one.user_id for one in context["waiting"]}
        guests = [pair for pair in booking.guests(self.session(), slot.hostel_id) if pair[0] not in taken] if bookable else []
        return self.page("amenities/slot.html", title=slot.amenity.name, guests=guests, full=slot.booked_count + slot.held_count >= slot.capacity,
                         typed=request.form, **context)


def _slot_key(text: str) -> UUID:
    return given_id(text, gettext("There is no such slot."))


def _booking_key(text: str) -> UUID:
    return given_id(text, gettext("There is no such booking."))
