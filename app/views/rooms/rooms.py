"""The rooms of a hostel: their list, the page of one with its beds and what is broken in it, many made at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import flash, g, make_response, redirect, request
from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import NumberInput

from app.models.declare import STAFF
from app.models.rooms import Floor, Room
from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, Invalid, NotFound
from app.rules.files import PHOTOS
from app.rules.rooms import BEDS_PER_ROOM, RoomKind, RoomPlan, plan_rooms
from app.services import beds, files, residents, rooms
from app.services.search import Sought
from app.views import fields, formats
from app.views.base import ConsoleInterface, ConsoleModelView, expose, has_access, service_call, submission_id
from app.views.edge import already_submitted, remember_submission
from app.views.fields import ChoiceField, printable, strip
from app.views.maintenance.parts import clock_badge
from app.views.rooms.parts import asked_for, meant_hostel
from app.wiring import objects

_NUMBERS_MAX = 2000  # characters of a list of numbers
_NUMBERS = StringField(
    lazy_gettext("Numbers"), validators=[InputRequired(lazy_gettext("Please fill this in.")), Length(max=_NUMBERS_MAX), printable],
    filters=[strip], description=lazy_gettext("For example 101-120, 125, Terrace."))
_KIND = ChoiceField(
    RoomKind, label=lazy_gettext("Kind"), required=True, default=RoomKind.SHARED,
    validators=[InputRequired(lazy_gettext("Choose one from the list."))],
    description=lazy_gettext("Common rooms (a kitchen, a stairwell) have no beds; repairs happen there too."))


def _beds(label: Any, default: int) -> IntegerField:
    return IntegerField(label, default=default, widget=NumberInput(min=0, max=BEDS_PER_ROOM), validators=[
        InputRequired(lazy_gettext("Please fill this in.")), NumberRange(0, BEDS_PER_ROOM)])


class RoomView(ConsoleModelView):
    """Rooms with beds, and those without."""

    route_base = "/rooms"
    datamodel = ConsoleInterface(Room)
    resource = Resource.ROOMS
    portals = frozenset(STAFF)
    singular_name, plural_name = "Room", "Rooms"
    palette = Sought(("number",), ("floor.name", "hostel.name"))
    method_actions: ClassVar[dict[str, Action]] = {
        "many": Action.CREATE, "add_beds": Action.CREATE, "remove_bed": Action.DELETE,
        "add_photos": Action.UPDATE, "remove_photo": Action.UPDATE}
    list_columns: ClassVar[list[str]] = ["number", "floor", "hostel", "kind", "beds"]
    optional_columns: ClassVar[list[str]] = ["room_type", "note", "created_at"]
    number_columns = ("beds",)
    quick_filters = (
        (lazy_gettext("To let"), {"kind": [kind.value for kind in RoomKind if kind is not RoomKind.COMMON]}),
        (lazy_gettext("Common rooms"), {"kind": RoomKind.COMMON.value}))
    show_columns: ClassVar[list[str]] = ["hostel", "floor", "kind", "room_type", "note"]
    _room = lazy_gettext("The room")
    add_fieldsets: ClassVar[list[Any]] = [(lazy_gettext("Where it is"), {"fields": ["hostel", "floor"]}),
                                          (_room, {"fields": ["number", "kind", "room_type", "beds", "note"]})]
    edit_fieldsets: ClassVar[list[Any]] = [(_room, {"fields": ["number", "kind", "room_type", "floor", "note"]})]
    description_columns: ClassVar[dict[str, Any]] = {
        "number": lazy_gettext("Such as 101, or a name: Kitchen."), "note": lazy_gettext("For colleagues; residents do not see it.")}
    submit_text = lazy_gettext("Add the room")
    key_facts = ("hostel", "floor", "kind")
    filled_facts = ("room_type", "note")
    label_columns: ClassVar[dict[str, Any]] = {"room_type": "Sold as"}
    many_columns: ClassVar[list[str]] = ["hostel", "floor", "numbers", "kind", "beds"]
    search_columns: ClassVar[list[str]] = ["number", "kind", "room_type", "floor", "hostel"]
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name", "floor": "name", "room_type": "name"}
    option_depends: ClassVar[dict[str, tuple[str, ...]]] = {"floor": ("hostel",), "room_type": ("hostel",)}
    enums: ClassVar[dict[str, Any]] = {"kind": RoomKind}
    formatters_columns: ClassVar[dict[str, Any]] = {"kind": formats.human}
    add_form_extra_fields: ClassVar[dict[str, Any]] = {"kind": _KIND, "beds": _beds(lazy_gettext("Beds"), 2)}
    edit_form_extra_fields: ClassVar[dict[str, Any]] = {"kind": _KIND}
    base_order = ("number", "asc")
    empty_hint = lazy_gettext("Make a floor's rooms at once, with their beds.")
    list_template = "rooms/rooms.html"
    show_template = "rooms/room.html"

    def _init_forms(self) -> None:
        super()._init_forms()
        self.many_form = fields.form_for(
            self.datamodel, self.many_columns, labels=self.label_columns, hints={}, validators={}, options_url=self._options_url,
            extra={"numbers": _NUMBERS, "kind": _KIND, "beds": _beds(lazy_gettext("Beds in each room"), 3)},
            depends=self.option_depends, enums=self.enums)

    # -- services ---------------------------------------------------------------------------------------------

    def create(self, session: Session, data: dict[str, Any]) -> Room:
        """One room with its beds."""
        plan = RoomPlan(data["number"], data["kind"], data["beds"])
        made = rooms.create_room(session, data["floor_id"], plan, data.get("note") or "", room_id=submission_id())
        made.room_type_id = data["room_type_id"]
        return made

    def update(self, session: Session, item: Room, data: dict[str, Any]) -> None:
        """Its number, what it is for, where it is."""
        rooms.edit_room(session, item, data)

    def remove(self, session: Session, item: Room) -> None:
        """With its beds."""
        rooms.remove_room(session, item.id)

    def restore_item(self, session: Session, item: Room) -> None:
        """With the beds that went when it went."""
        rooms.restore_room(session, item)

    # -- list and page ----------------------------------------------------------------------------------------

    def prepare(self, items: Sequence[Room]) -> None:
        """Count the beds of all at once."""
        g.beds_of_rooms = rooms.count_beds(self.session(), [room.id for room in items])

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """The number of beds is counted for the whole page at once."""
        if column == "beds":
            return g.beds_of_rooms.get(item.id, 0)
        return super().display(item, column, short=short)

    def heading(self, item: Room) -> str:
        """Numbers say that they are rooms; names such as Kitchen say it themselves."""
        numbered = item.number[:1].isdigit() or item.kind != RoomKind.COMMON
        return gettext("Room %(number)s", number=item.number) if numbered else item.number

    def show_context(self, item: Room) -> dict[str, Any]:
        """Its beds, and what waits for repair in it, for those who may see that."""
        may_see = g.identity.can(Resource.MAINTENANCE, Action.READ, item.hostel_id)
        sees = may_see and g.identity.portal in {Portal.ADMIN, Portal.MANAGEMENT}
        return {"beds": (found := rooms.beds_of(self.session(), item.id)), "accept": ",".join(sorted(PHOTOS)),
                "photos": residents.photos_of(self.session(), item.id) if g.identity.portal is Portal.ADMIN else [],
                "standings": beds.standings(self.session(), [bed.id for bed in found], formats.today()) if found else {}, "free": beds.FREE,
                "sees_requests": sees, "clock_badge": clock_badge,
                "waiting": rooms.open_requests(self.session(), item.id) if sees else []}

    # -- beds of one room -------------------------------------------------------------------------------------

    @expose("/add-beds/<pk>", methods=["POST"])
    @has_access
    def add_beds(self, pk: str) -> Any:
        """Some more beds, under the next letters."""
        item = self.find(pk)
        with service_call() as call:
            labels = rooms.add_beds(call.session, item, _count(request.form.get("count", "")))
            call.done = ngettext("Bed %(labels)s added.", "Beds %(labels)s added.", len(labels), labels=", ".join(labels))
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/remove-bed/<pk>/<bed>", methods=["POST"])
    @has_access
    def remove_bed(self, pk: str, bed: str) -> Any:
        """Take one bed away."""
        item = self.find(pk)
        key = self.datamodel.parse_key(bed)
        if key is None:
            raise NotFound(gettext("There is no such bed."))
        with service_call(gettext("The bed was taken away; the list of beds can bring it back.")) as call:
            rooms.remove_bed(call.session, key, room_id=item.id)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    # -- photos -----------------------------------------------------------------------------------------------

    @expose("/add-photos/<pk>", methods=["POST"])
    @has_access
    def add_photos(self, pk: str) -> Any:
        """For those who look for a bed."""
        item = self.find(pk)
        uploads = [files.Upload(sent.filename or "", sent.mimetype, sent.stream) for sent in request.files.getlist("files") if sent.filename]
        with service_call(gettext("The photos are stored.")) as call:
            residents.add_photos(call.session, objects(), item, uploads)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/remove-photo/<pk>/<photo>", methods=["POST"])
    @has_access
    def remove_photo(self, pk: str, photo: str) -> Any:
        """Nobody sees it any more."""
        item, key = self.find(pk), self.datamodel.parse_key(photo)
        if key is None:
            raise NotFound(gettext("There is no such photo."))
        with service_call(gettext("The photo is removed.")) as call:
            residents.remove_photo(call.session, item.id, key)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    # -- many at once -----------------------------------------------------------------------------------------

    @expose("/many", methods=["GET", "POST"])
    @has_access
    def many(self) -> Any:
        """Rooms by a list of numbers: first what would be made, then made."""
        form = self.many_form()
        if request.method == "GET":
            form.hostel.data, form.floor.data = meant_hostel(), asked_for("floor")
            return self._many_page(form)
        if (outcome := already_submitted()) is not None:
            return redirect(outcome, code=303)
        if not form.validate():
            return self._many_page(form, error=Invalid(gettext("Please look at the marked fields.")))
        try:
            plans, floor = plan_rooms(form.numbers.data, form.kind.data, form.beds.data), self._chosen_floor(form)
        except DomainError as error:
            return self._many_page(form, error=error)
        return self._make_many(form, plans, floor)

    def _make_many(self, form: Any, plans: list[RoomPlan], floor: Floor) -> Any:
        if request.form.get("step") != "create":
            taken = rooms.taken_numbers(self.session(), floor.hostel_id, [plan.number for plan in plans])
            return self._many_page(form, plans, taken)
        outcome = self.url("list", floor=floor.id)
        with service_call() as call:
            rooms.create_rooms(call.session, floor, plans)
        if call.error is not None:
            return self._many_page(form, plans, error=call.error)
        flash(_made(plans), "success")
        remember_submission(outcome)
        return redirect(outcome, code=303)

    def _chosen_floor(self, form: Any) -> Floor:
        floor = self.session().scalar(select(Floor).where(Floor.id == form.floor.data, Floor.hostel_id == form.hostel.data,
                                                          Floor.deleted_at.is_(None)))
        if floor is None:
            raise Invalid(gettext("Choose a floor of this hostel."), field="floor")
        return floor

    def _many_page(self, form: Any, plans: list[RoomPlan] | None = None, taken: list[str] | None = None,
                   error: DomainError | None = None) -> Any:
        if error is not None and form.attach(error.message, getattr(error, "field", None)):
            error = Invalid(gettext("Please look at the marked fields."))
        page = self.page("rooms/many.html", title=gettext("New rooms"), form=form, plans=plans or [], taken=set(taken or ()),
                         beds=sum(plan.beds for plan in plans or ()), error=error, once=submission_id())
        return make_response(page, error.status if error else 200)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4):  # noqa: PLR2004 - no room has a thousand beds
        raise Invalid(gettext("Write how many beds."), field="count")
    return int(text)


def _made(plans: list[RoomPlan]) -> str:
    made = ngettext("%(num)s room made", "%(num)s rooms made", len(plans))
    beds = sum(plan.beds for plan in plans)
    return f"{made}, {ngettext('with %(num)s bed', 'with %(num)s beds', beds)}." if beds else f"{made}."
