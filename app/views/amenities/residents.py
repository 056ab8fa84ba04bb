"""What residents book, made for a phone: the day or the week of an amenity, and what they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID, uuid4

from flask import Response, g, request
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.rules.amenities import DAYS_AHEAD, BookingStatus
from app.services.amenities import booking, calendar, hours
from app.views import formats
from app.views.amenities import parts
from app.views.base import ConsoleView, expose, has_access, service_call
from app.views.edge import given_id


class MyAmenitiesView(ConsoleView):
    """One amenity at a time, and one's own bookings."""

    resource = Resource.AMENITIES
    portals = frozenset({Portal.RESIDENT})
    route_base = "/my/amenities"
    default_view = "index"
    singular_name, plural_name = "Amenities", "Amenities"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "mine": Action.READ, **dict.fromkeys(("book", "join", "take", "leave", "cancel"), Action.CREATE)}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """What is free; with `part` what changes of it, to be swapped in place."""
        if not request.args.get("part"):
            return self._index()
        answer = Response(self.page("amenities/own_week.html", **self._week()), mimetype="text/html")
        answer.add_etag()
        return answer.make_conditional(request.environ)

    @expose("/mine")
    @has_access
    def mine(self) -> Any:
        """What one has booked, waits for and is offered; with `part` to be swapped in place."""
        if not request.args.get("part"):
            return self._mine()
        answer = Response(self.page("amenities/own_list.html", **self._own()), mimetype="text/html")
        answer.add_etag()
        return answer.make_conditional(request.environ)

    @expose("/book/<pk>", methods=["POST"])
    @has_access
    def book(self, pk: str) -> Any:
        """A place in a slot; sent twice, it is one."""
        return self._of_slot(pk, gettext("Booked."), lambda session, key: booking.book(session, key, uuid4()))

    @expose("/join/<pk>", methods=["POST"])
    @has_access
    def join(self, pk: str) -> Any:
        """The last place in the line of a full slot."""
        return self._of_slot(pk, gettext("You are in line. You are told when a place is free."), lambda session, key: booking.join(session, key, uuid4()))

    @expose("/take/<pk>", methods=["POST"])
    @has_access
    def take(self, pk: str) -> Any:
        """Yes to an offer."""
        return self._of_mine(pk, gettext("Booked."), booking.take)

    @expose("/leave/<pk>", methods=["POST"])
    @has_access
    def leave(self, pk: str) -> Any:
        """Out of the line, or no to an offer."""
        return self._of_mine(pk, gettext("You are not in line any more."), booking.leave)

    @expose("/cancel/<pk>", methods=["POST"])
    @has_access
    def cancel(self, pk: str) -> Any:
        """The place is free at once."""
        return self._of_mine(pk, gettext("Cancelled. Somebody else can have the place."), booking.cancel)

    # -- pages ------------------------------------------------------------------------------------------------

    def _of_slot(self, pk: str, done: str, work: Callable[[Any, UUID], Any]) -> Any:
        key = given_id(pk, gettext("There is no such slot."))
        with service_call(done) as call:
            parts.changed(call.session)
            work(call.session, key)
        back = {name: value for name, value in request.args.items() if name in {"hostel", "amenity", "day"}}
        return call.respond(self.url("index", **back), failed=self._index)

    def _of_mine(self, pk: str, done: str, work: Callable[[Any, UUID], Any]) -> Any:
        key = given_id(pk, gettext("There is no such booking."))
        with service_call(done) as call:
            parts.changed(call.session)
            work(call.session, key)
        back = {name: value for name, value in request.args.items() if name in {"hostel", "amenity", "day"}}
        return call.respond(self.url("index", **back) if back else self.url("mine"), failed=self._index if back else self._mine)

    def _week(self) -> dict[str, Any]:
        session, user = self.session(), g.identity.user_id
        week = parts.Week(session)
        spans = [span for day in week.days.values() for span in day]
        blocked = booking.blocked_until(session, week.amenity.id, week.amenity.rule, user) if week.amenity and week.amenity.missed else None
        return {"week": week, "icon_of": parts.icon_of, "mine": calendar.mine(session, user, [span.id for span in spans]), "ahead": DAYS_AHEAD,
                "blocked": blocked if blocked and blocked > week.now else None, "clock": lambda moment: parts.clock(moment, week.zone)}

    def _index(self) -> str:
        return self.page("amenities/own.html", title=gettext("Amenities"), houses=g.identity.hostels, tables=parts.TABLES, **self._week())

    def _own(self) -> dict[str, Any]:
        session = self.session()
        coming, waits, over = booking.own(session, g.identity.user_id, formats.now())
        zones = {key: hours.zone_of(session, key) for key in {one.hostel_id for one in (*coming, *waits, *over)}}
        return {"coming": coming, "waits": waits, "over": over, "statuses": BookingStatus, "now": formats.now(),
                "said": lambda one: parts.day_and_times(one, zones[one.hostel_id]), "clock": lambda moment, one: parts.clock(moment, zones[one.hostel_id])}

    def _mine(self) -> str:
        return self.page("amenities/mine.html", title=gettext("My bookings"), tables=parts.TABLES, **self._own())
