"""Events as those who run them plan and publish them, with who comes, as a page and as papers for the door."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from flask import g, request
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session
from wtforms.validators import NumberRange

from app.lifecycle import Transition
from app.models.events import HostelEvent
from app.permissions import Action, Resource
from app.rules.errors import Invalid
from app.rules.events import CAPACITY_MAX, GUESTS_MAX, HOSTEL_EVENT, EventStatus, ReplyState
from app.rules.files import PHOTOS
from app.services import events, files
from app.services.events.replying import Counts
from app.services.search import Sought
from app.views import formats
from app.views.base import (
    ConsoleInterface,
    ConsoleModelView,
    Step,
    expose,
    has_access,
    service_call,
    submission_id,
)
from app.views.edge import paper
from app.views.events.calendar import STAFF, when_said
from app.wiring import objects
from reports import event_attendance
from reports.event_attendance import Attendance
from reports.render import to_csv, to_html, to_pdf


class EventView(ConsoleModelView):
    """All events of the houses, the latest first."""

    route_base = "/events"
    datamodel = ConsoleInterface(HostelEvent)
    resource = Resource.EVENTS
    portals = STAFF
    singular_name, plural_name = "Event", "Events"
    palette = Sought(("title",), ("place", "status"))
    # Any step needs the capability of the lifecycle; here it takes one to change events at all.
    method_actions: ClassVar[dict[str, Action]] = {"move": Action.UPDATE, "photo": Action.UPDATE, "attendance": Action.EXPORT, "attendance_csv": Action.EXPORT}
    list_columns: ClassVar[list[str]] = ["title", "status", "starts_at", "place", "coming", "hostel"]
    optional_columns: ClassVar[list[str]] = ["ends_at", "capacity", "reply_until", "created_at"]
    number_columns = ("coming",)
    show_columns: ClassVar[list[str]] = ["status", "starts_at", "place", "hostel", "coming", "ends_at", "reply_until", "capacity", "guests_most", "reason", "description"]
    add_fieldsets: ClassVar[list[Any]] = [
        (lazy_gettext("What it is"), {"fields": ["title", "description"]}),
        (lazy_gettext("When and where"), {"fields": ["hostel", "starts_at", "ends_at", "place"]}),
        (lazy_gettext("Who comes"), {"fields": ["capacity", "guests_most", "reply_until"]})]
    edit_fieldsets: ClassVar[list[Any]] = [add_fieldsets[0], (lazy_gettext("When and where"), {"fields": ["starts_at", "ends_at", "place"]}), add_fieldsets[2]]
    search_columns: ClassVar[list[str]] = ["title", "status", "starts_at", "hostel"]
    quick_filters = ((lazy_gettext("Drafts"), {"status": EventStatus.DRAFT.value}), (lazy_gettext("Published"), {"status": EventStatus.PUBLISHED.value}),
                     (lazy_gettext("Cancelled"), {"status": EventStatus.CANCELLED.value}))
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    enums: ClassVar[dict[str, Any]] = {"status": EventStatus}
    formatters_columns: ClassVar[dict[str, Any]] = {
        "hostel": lambda hostel: hostel.name if hostel else gettext("All houses"),
        **{name: lambda moment: formats.exact(moment) if moment else formats.missing() for name in ("starts_at", "ends_at", "reply_until")}}
    label_columns: ClassVar[dict[str, Any]] = {"starts_at": "Begins", "ends_at": "Ends", "reply_until": "Answers until", "capacity": "Places",
                                               "guests_most": "Guests of each", "coming": "Are coming", "reason": "Why it is cancelled"}
    description_columns: ClassVar[dict[str, Any]] = {
        "hostel": lazy_gettext("Empty: for all houses."), "capacity": lazy_gettext("Empty: for as many as like."),
        "guests_most": lazy_gettext("How many others each resident may bring."), "reply_until": lazy_gettext("Empty: until it begins.")}
    validators_columns: ClassVar[dict[str, Any]] = {"capacity": [NumberRange(1, CAPACITY_MAX)], "guests_most": [NumberRange(0, GUESTS_MAX)]}
    submit_text = lazy_gettext("Save the draft")
    state_column = "status"
    key_facts = ("starts_at", "place", "hostel", "coming")
    filled_facts = ("description", "reason")
    base_order = ("starts_at", "desc")
    empty_hint = lazy_gettext("Plan something for residents, and publish it when it is ready.")
    show_template = "events/show.html"

    # -- services ---------------------------------------------------------------------------------------------

    def create(self, session: Session, data: dict[str, Any]) -> HostelEvent:
        """A draft."""
        return events.planning.add(session, data, submission_id())

    def update(self, session: Session, item: HostelEvent, data: dict[str, Any]) -> None:
        """Those who answered hear of it."""
        events.planning.change(session, item, {**data, "guests_most": data.get("guests_most") or 0})

    def remove(self, session: Session, item: HostelEvent) -> None:
        """A draft, or what is over."""
        events.planning.remove(session, item)

    # -- list and page ----------------------------------------------------------------------------------------

    def prepare(self, items: Sequence[HostelEvent]) -> None:
        """Count who comes to all at once."""
        g.event_counts = events.replying.counts(self.session(), [one.id for one in items])

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """How many come is counted for the whole page at once."""
        if column != "coming":
            return super().display(item, column, short=short)
        coming = g.event_counts.get(item.id, Counts()).coming
        if item.capacity is None:
            return formats.number(coming)
        return gettext("%(count)s of %(most)s", count=formats.number(coming), most=formats.number(item.capacity))

    def steps(self, item: HostelEvent) -> list[Step]:
        """Publishing first; what is cancelled stays as it is, and what was published is cancelled, not removed."""
        if item.state is EventStatus.CANCELLED or not _in_hand(item):
            return []
        over = item.ends_at <= formats.now()
        found = [step for step in super().steps(item) if step.name != "delete" or item.state is EventStatus.DRAFT or over]
        moves = [self.lifecycle_step(item, move, gettext("Why? Those who answered are told.") if move.needs_note else "", danger=move.to is EventStatus.CANCELLED)
                 for move in ([] if over else _moves(item))]
        return [*(step for step in moves if step.kind != "danger"), *found, *(step for step in moves if step.kind == "danger")]

    def show_context(self, item: HostelEvent) -> dict[str, Any]:
        """Who answered, and what a photo may be."""
        people = events.replying.people(self.session(), item.id)
        return {"people": people, "states": [(state, [one for one in people if one.state is state]) for state in ReplyState], "accept": ",".join(sorted(PHOTOS)),
                "may_look": self.appbuilder.sm.has_access("can_small", "FilesView"), "may_change": self.allowed("photo") and _in_hand(item) and item.state is not EventStatus.CANCELLED}

    def render_show(self, pk: str) -> str:
        """Counted before it is drawn."""
        key = self.datamodel.parse_key(pk)
        g.event_counts = events.replying.counts(self.session(), [key] if key else [])
        return super().render_show(pk)

    @expose("/move/<pk>", methods=["POST"])
    @has_access
    def move(self, pk: str) -> Any:
        """Publish or cancel it."""
        item = self.find(pk)
        with service_call(gettext("Saved.")) as call:
            events.planning.move(call.session, item.id, request.form.get("event", ""), request.form.get("note", "").strip())
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/photo/<pk>", methods=["POST"])
    @has_access
    def photo(self, pk: str) -> Any:
        """Another cover photo, or none."""
        item, sent = self.find(pk), request.files.get("photo")
        wanted = request.form.get("remove") != "1"
        with service_call(gettext("The photo is stored.") if wanted else gettext("The photo is removed.")) as call:
            if wanted and not (sent and sent.filename):
                raise Invalid(gettext("Please choose a photo."))
            upload = files.Upload(sent.filename or "", sent.mimetype, sent.stream) if wanted and sent else None
            events.planning.set_photo(call.session, objects(), item, upload)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    # -- papers -----------------------------------------------------------------------------------------------

    @expose("/attendance/<pk>")
    @has_access
    def attendance(self, pk: str) -> Any:
        """Who comes, to tick at the door."""
        found = self._attendance(pk)
        page = to_html("reports/event_attendance.html", paper=found, when=when_said(found.event), made_at=formats.made_at(found.made_at, found.zone))
        return paper(to_pdf(page), event_attendance.filename(found, "pdf"))

    @expose("/attendance/<pk>/csv")
    @has_access
    def attendance_csv(self, pk: str) -> Any:
        """All answers, for a spreadsheet."""
        found = self._attendance(pk)
        return paper(to_csv(event_attendance.CSV_HEADS, event_attendance.csv_rows(found)), event_attendance.filename(found, "csv"))

    def _attendance(self, pk: str) -> Attendance:
        event = self.find(pk, columns=["hostel"])
        return Attendance(g.identity.org_name, g.identity.name, formats.now(), event, events.replying.people(self.session(), event.id))


def _in_hand(item: HostelEvent) -> bool:
    """Whether the caller changes events of its house; of those for all houses, whether they work in all."""
    if item.hostel_id is not None or g.identity.hostel_id is not None:
        return bool(g.identity.can(Resource.EVENTS, Action.UPDATE, item.hostel_id))
    return g.identity.capabilities.get((Resource.EVENTS, Action.UPDATE), frozenset()) is None


def _moves(item: HostelEvent) -> Iterable[Transition[EventStatus]]:
    capabilities = frozenset(needs for move in HOSTEL_EVENT if (needs := move.needs) and g.identity.can(*needs, item.hostel_id))
    return HOSTEL_EVENT.available(item.state, capabilities)
