"""What there is: its rules, its hours with holidays, and maintenance."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from babel.dates import format_date
from flask import make_response, request
from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy.orm import Session

from app.models.amenities import Amenity
from app.permissions import Action, Resource
from app.rules.amenities import AmenityKind, Opening, TemplateKind, mask
from app.rules.errors import DomainError, Invalid
from app.services.amenities import hours
from app.services.search import Sought
from app.views import formats
from app.views.amenities import parts
from app.views.base import (
    Ask,
    ConsoleInterface,
    ConsoleModelView,
    Step,
    expose,
    has_access,
    service_call,
    submission_id,
)
from app.views.canteen.parts import given_number, given_time
from app.views.edge import given_id
from app.views.rooms.asking import optional_day

WEEKDAYS = range(7)


class AmenityView(ConsoleModelView):
    """Something that is booked by the slot."""

    route_base = "/amenities"
    datamodel = ConsoleInterface(Amenity)
    resource = Resource.AMENITIES
    portals = parts.STAFF
    singular_name, plural_name = "Amenity", "Amenities"
    palette = Sought(("name",), ("kind", "place"))
    method_actions: ClassVar[dict[str, Action]] = {"hours": Action.UPDATE, "forget": Action.UPDATE, "close": Action.APPROVE, "reopen": Action.APPROVE}
    list_columns: ClassVar[list[str]] = ["name", "kind", "place", "hostel", "closed_from"]
    optional_columns: ClassVar[list[str]] = ["description", "closed_until", "created_at"]
    show_columns: ClassVar[list[str]] = ["kind", "place", "hostel", "description", "closed_from", "closed_until", "closed_why", "parallel", "offer_minutes",
                                         "missed", "within_days", "blocked_days"]
    _rules: ClassVar[list[str]] = ["parallel", "offer_minutes", "missed", "within_days", "blocked_days"]
    add_fieldsets: ClassVar[list[Any]] = [
        (lazy_gettext("What it is"), {"fields": ["hostel", "name", "kind", "place", "description"]}), (lazy_gettext("Its rules"), {"fields": _rules})]
    edit_fieldsets: ClassVar[list[Any]] = [
        (lazy_gettext("What it is"), {"fields": ["name", "kind", "place", "description"]}), (lazy_gettext("Its rules"), {"fields": _rules})]
    search_columns: ClassVar[list[str]] = ["name", "place", "kind", "hostel"]
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    enums: ClassVar[dict[str, Any]] = {"kind": AmenityKind}
    formatters_columns: ClassVar[dict[str, Any]] = {"kind": formats.human}
    label_columns: ClassVar[dict[str, Any]] = {
        "closed_from": "Closed from", "closed_until": "Closed until", "closed_why": "Why it is closed", "parallel": "Nobody has to be there",
        "offer_minutes": "Minutes for which a free place is offered", "missed": "Missed bookings that block", "within_days": "Within so many days",
        "blocked_days": "Blocked for so many days"}
    description_columns: ClassVar[dict[str, Any]] = {
        "parallel": lazy_gettext("Such as a washing machine: something else can be booked at the same time."),
        "missed": lazy_gettext("0: nobody is blocked for not coming.")}
    key_facts = ("kind", "place", "hostel")
    filled_facts = ("description", "place", "closed_from", "closed_until", "closed_why")
    base_order = ("name", "asc")
    submit_text = lazy_gettext("Add it")
    empty_hint = lazy_gettext("A gym, washing machines, a study room: what residents book by the slot.")
    show_template = "amenities/amenity.html"

    def create(self, session: Session, data: dict[str, Any]) -> Amenity:
        """Hours come next."""
        return hours.create(session, data, submission_id())

    def update(self, session: Session, item: Amenity, data: dict[str, Any]) -> None:
        """What it is, and its rules."""
        hours.change(session, item, data)

    def remove(self, session: Session, item: Amenity) -> None:
        """Who is booked is told."""
        parts.changed(session)
        hours.remove(session, item)

    def restore_item(self, session: Session, item: Amenity) -> None:
        """With its hours."""
        parts.changed(session)
        hours.restore(session, item)

    def steps(self, item: Amenity) -> list[Step]:
        """Its hours first; maintenance with what it needs to know."""
        found, pk = super().steps(item), self.key_of(item)
        if self.is_deleted(item):
            return found
        if self.allowed("close"):
            found.insert(0, Step("reopen", gettext("Open it again"), self.url("reopen", pk=pk), "play") if item.closed_from else Step(
                "close", gettext("Close for maintenance"), self.url("close", pk=pk), "pause", asks=(
                    Ask("first", gettext("From"), "moment", required=False, help=gettext("Empty: now.")),
                    Ask("until", gettext("Until"), "moment", required=False, help=gettext("Empty: until somebody opens it again.")),
                    Ask("note", gettext("Why?"), "line", most=300, help=gettext("Those who are booked then are told, and offered the nearest free slot.")))))
        if self.allowed("hours"):
            found.insert(0, Step("hours", gettext("Hours"), self.url("hours", pk=pk), "clock", link=True))
        return found

    def show_context(self, item: Amenity) -> dict[str, Any]:
        """When it is open."""
        return {"openings": hours.templates(self.session(), item.hostel_id, item.id), "weekday": weekday, "on_days": on_days}

    @expose("/hours/<pk>", methods=["GET", "POST"])
    @has_access
    def hours(self, pk: str) -> Any:
        """What is said about when it is open, and something new to say."""
        item = self.find(pk)
        if request.method == "GET":
            return self._hours(item)
        with service_call(gettext("Saved. The slots have followed.")) as call:
            parts.changed(call.session)
            whole = request.form.get("whole") == "1"
            hours.add_template(call.session, item.hostel_id, None if whole else item.id, _given(), request.form.get("note", "").strip()[:200], submission_id())
        return call.respond(self.url("hours", pk=pk), failed=lambda: self._hours(self.find(pk), call.error))

    @expose("/hours/<pk>/forget/<template>", methods=["POST"])
    @has_access
    def forget(self, pk: str, template: str) -> Any:
        """They count no more."""
        key = given_id(template, gettext("There are no such hours."))
        with service_call(gettext("Removed. The slots have followed.")) as call:
            parts.changed(call.session)
            hours.remove_template(call.session, key)
        return call.respond(self.url("hours", pk=pk), failed=lambda: self._hours(self.find(pk), call.error))

    @expose("/close/<pk>", methods=["POST"])
    @has_access
    def close(self, pk: str) -> Any:
        """Maintenance."""
        item = self.find(pk)
        with service_call() as call:
            parts.changed(call.session)
            told = hours.close(call.session, item.id, self._moment(item, "first") or datetime.now(UTC), self._moment(item, "until"), request.form.get("note", "").strip())
            call.done = ngettext("Closed. %(num)s person lost a booking and is told.", "Closed. %(num)s people lost a booking and are told.", told) if told else gettext("Closed.")
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/reopen/<pk>", methods=["POST"])
    @has_access
    def reopen(self, pk: str) -> Any:
        """It can be booked again."""
        item = self.find(pk)
        with service_call(gettext("It can be booked again.")) as call:
            parts.changed(call.session)
            hours.reopen(call.session, item.id)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    def _moment(self, item: Amenity, name: str) -> datetime | None:
        try:
            text = request.form.get(name, "").strip()
            return datetime.fromisoformat(text).replace(tzinfo=hours.zone_of(self.session(), item.hostel_id)) if text else None
        except ValueError as error:
            raise Invalid(gettext("Please give a date and a time."), field=name) from error

    def _hours(self, item: Amenity, error: DomainError | None = None) -> Any:
        usual = {"kind": TemplateKind.WEEKLY.value, "opens": "06:00", "closes": "22:00", "slot_minutes": "60", "capacity": "1", "per_day": "2"}
        typed = usual | (request.form.to_dict() if error else {})
        page = self.page("amenities/hours.html", title=gettext("Hours"), item=item, openings=hours.templates(self.session(), item.hostel_id, item.id), typed=typed,
                         ticked=request.form.getlist("days") if error else [str(day) for day in WEEKDAYS], kinds=list(TemplateKind), weekdays=WEEKDAYS,
                         weekday=weekday, on_days=on_days, error=error, once=submission_id())
        return make_response(page, error.status if error else 200)


def weekday(day: int) -> str:
    """`Mon`; Monday is 0."""
    return str(format_date(date(2026, 3, 2 + day), "EEE", locale=formats.language()))


def on_days(bits: int) -> str:
    """`Mon, Tue`, or every day."""
    chosen = [day for day in WEEKDAYS if bits >> day & 1]
    return gettext("Every day") if len(chosen) == len(WEEKDAYS) else ", ".join(map(weekday, chosen))


def _given() -> Opening:
    """The hours of the form. Error: Invalid."""
    try:
        kind = TemplateKind(request.form.get("kind", ""))
        days = mask(int(day) for day in request.form.getlist("days") if int(day) in WEEKDAYS)
    except ValueError as error:
        raise Invalid(gettext("Choose one from the list."), field="kind") from error
    first, last = optional_day("first_on"), optional_day("last_on")
    if kind is TemplateKind.CLOSED:
        return Opening(kind, first_on=first, last_on=last or first)
    numbers = (given_number(name) for name in ("slot_minutes", "capacity", "per_day"))
    whole = days if kind is TemplateKind.WEEKLY else mask(WEEKDAYS)
    return Opening(kind, whole, first, last or (first if kind is TemplateKind.SPECIAL else None), given_time("opens"), given_time("closes"), *numbers)
