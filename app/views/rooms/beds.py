"""The beds of all rooms: what there is to let, what each is today, and what can be done with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from flask import g
from flask_babel import gettext, lazy_gettext
from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import Session

from app.models.declare import STAFF
from app.models.rooms import Bed
from app.permissions import Action, Resource
from app.rules.residents import BedState, HoldState, ResidentStatus, StayStatus
from app.services import beds, occupancy, rooms
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
from app.views.filters import ChoiceFilter
from app.views.rooms import asking

# One by one: members of different enums with the same value are one key of a dictionary.
formats.register_tones({BedState.FREE: "success", BedState.HELD: "warning", BedState.TAKEN: "progress", BedState.BLOCKED: "danger"})
_VACANT = lazy_gettext("Vacant")
formats.register_words({BedState.FREE: _VACANT})
formats.register_tones({HoldState.OFFERED: "info", HoldState.HELD: "warning", HoldState.CONFIRMED: "success",
                        HoldState.EXPIRED: "danger", HoldState.LAPSED: "danger"})
formats.register_tones({StayStatus.UPCOMING: "info", StayStatus.CURRENT: "success"})
formats.register_tones({ResidentStatus.CURRENT: "success", ResidentStatus.NOTICE: "warning"})


class StandingFilter(ChoiceFilter):
    """What a bed is today."""

    def any_of(self, _parameter: str, values: Sequence[BedState]) -> ColumnElement[bool]:
        """By what it is given to."""
        return or_(*(occupancy.is_in(value, formats.today()) for value in values))


class BedView(ConsoleModelView):
    """Beds are added on the page of their room."""

    route_base = "/beds"
    datamodel = ConsoleInterface(Bed)
    resource = Resource.ROOMS
    portals = frozenset(STAFF)
    singular_name, plural_name = "Bed", "Beds"
    palette = Sought(("room.number", "label"), ("room.floor.name", "hostel.name"), joint="-")
    method_actions: ClassVar[dict[str, Action]] = dict.fromkeys(("hold", "move_in", "block", "unblock"), Action.UPDATE)
    list_columns: ClassVar[list[str]] = ["called", "standing", "occupant", "room.floor", "hostel"]
    show_columns: ClassVar[list[str]] = ["standing", "occupant", "room", "room.room_type", "room.floor", "hostel", "created_at"]
    optional_columns: ClassVar[list[str]] = ["room", "room.kind", "room.room_type", "created_at"]
    search_columns: ClassVar[list[str]] = ["room.number", "label", "room", "hostel"]
    quick_filters = tuple((text, {"state": state.value}) for text, state in (
        (_VACANT, BedState.FREE), (lazy_gettext("Held"), BedState.HELD), (lazy_gettext("Taken"), BedState.TAKEN),
        (lazy_gettext("Blocked"), BedState.BLOCKED)))
    relation_labels: ClassVar[dict[str, str]] = {"room": "number", "hostel": "name"}
    option_depends: ClassVar[dict[str, tuple[str, ...]]] = {"room": ("hostel",)}
    label_columns: ClassVar[dict[str, Any]] = {
        "called": "Bed", "room.floor": "Floor", "room.kind": "Kind of room", "room.room_type": "Sold as", "created_at": "Added",
        "standing": "Today", "occupant": "Whose"}
    formatters_columns: ClassVar[dict[str, Any]] = {"room.kind": formats.human}
    eager = ("room",)
    # The order in which they were made is that of the rooms and their letters.
    base_order = ("id", "asc")
    key_facts = ("standing", "occupant", "room", "room.floor")
    empty_hint = lazy_gettext("Rooms are made with their beds; more are added on the page of a room.")
    show_template = "rooms/bed.html"

    def _init_forms(self) -> None:
        super()._init_forms()
        self.filter_bar.filters += [StandingFilter(self.datamodel, "state", "Today", BedState)]

    def remove(self, session: Session, item: Bed) -> None:
        """Take it away."""
        rooms.remove_bed(session, item.id)

    def restore_item(self, session: Session, item: Bed) -> None:
        """Bring it back."""
        rooms.restore_bed(session, item)

    # -- list and page ----------------------------------------------------------------------------------------

    def prepare(self, items: Sequence[Bed]) -> None:
        """What all of them are today, at once."""
        g.bed_standings = beds.standings(self.session(), [bed.id for bed in items], formats.today())

    def raw(self, item: Any, column: str) -> Any:
        """Its standing is read for the whole page."""
        if column not in {"standing", "occupant"}:
            return super().raw(item, column)
        if "bed_standings" not in g:
            self.prepare([item])
        found = g.bed_standings.get(item.id, beds.FREE)
        return found.state if column == "standing" else found.who

    def show_context(self, item: Bed) -> dict[str, Any]:
        """Who is in line for it, and what happened in that line."""
        sees = g.identity.portal in asking.LETTING and g.identity.can(Resource.RESIDENTS, Action.READ, item.hostel_id)
        return {"sees_line": sees, "line": beds.line_of(self.session(), item.id) if sees else [],
                "log": beds.log_of(self.session(), item.id) if sees else [], "states": HoldState}

    def steps(self, item: Bed) -> list[Step]:
        """Give it to somebody, or keep it empty."""
        found = super().steps(item)
        if self.is_deleted(item) or not self.allowed("hold") or not g.identity.can(Resource.RESIDENTS, Action.CREATE, item.hostel_id):
            return found
        pk, standing = self.key_of(item), self.raw(item, "standing")
        person, period = asking.person_ask(self.session(), item.hostel_id), asking.periods()
        own = [Step("hold", gettext("Hold for somebody"), self.url("hold", pk=pk), "clock", asks=(person, *period))]
        if standing is BedState.FREE:
            own.insert(0, Step("move_in", gettext("Somebody moves in"), self.url("move_in", pk=pk), "key", asks=(person, *period)))
            own.append(Step("block", gettext("Keep it empty"), self.url("block", pk=pk), "lock", asks=(
                *period, asking.Ask("note", gettext("Why?"), most=500))))
        elif standing is BedState.BLOCKED:
            own.insert(0, Step("unblock", gettext("Give it free"), self.url("unblock", pk=pk), "undo"))
        return [*own, *found]

    def _write(self, pk: str, done: str, work: Callable[[Session, UUID], Any]) -> Any:
        item = self.find(pk)
        with service_call(done) as call:
            work(call.session, item.id)
        g.pop("bed_standings", None)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/hold/<pk>", methods=["POST"])
    @has_access
    def hold(self, pk: str) -> Any:
        """Held for a person, or a place in line for them."""
        return self._write(pk, gettext("Saved. The line below says how it stands."), lambda session, bed: beds.hold(
            session, bed, asking.given_day("from_on"), asking.optional_day("until_on"), asking.given_person(), submission_id()))

    @expose("/move-in/<pk>", methods=["POST"])
    @has_access
    def move_in(self, pk: str) -> Any:
        """A stay begins."""
        return self._write(pk, gettext("The stay is written down."), lambda session, bed: beds.begin_stay(session, beds.NewStay(
            asking.given_person(), bed, asking.given_day("from_on"), asking.optional_day("until_on"), stay_id=submission_id())))

    @expose("/block/<pk>", methods=["POST"])
    @has_access
    def block(self, pk: str) -> Any:
        """Nobody gets it."""
        return self._write(pk, gettext("The bed stays empty."), lambda session, bed: beds.block(
            session, bed, asking.given_day("from_on"), asking.optional_day("until_on"), why=asking.given_note()))

    @expose("/unblock/<pk>", methods=["POST"])
    @has_access
    def unblock(self, pk: str) -> Any:
        """It can be given again."""
        return self._write(pk, gettext("The bed can be given again."), lambda session, bed: beds.unblock_today(session, bed, formats.today()))
