"""The hostels that the organization runs: their list, and the page of one with its floors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session
from wtforms import IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, ValidationError
from wtforms.widgets import NumberInput

from app.models.declare import STAFF
from app.models.organizations import Hostel
from app.permissions import Action, Resource
from app.rules.moveout import INSPECTION_ITEMS, NOTICE_DAYS, NOTICE_DAYS_MAX
from app.rules.residents import (
    HOLD_HOURS,
    HOLD_HOURS_MAX,
    OFFER_MINUTES,
    OFFER_MINUTES_LEAST,
    OFFER_MINUTES_MAX,
)
from app.services import organizations, rooms
from app.services.search import Sought
from app.text import CONTROL
from app.views.base import ConsoleInterface, ConsoleModelView, submission_id
from app.views.fields import printable, strip
from app.views.organizations.choices import currency_field, currency_name, zone_field


class LinesField(TextAreaField):
    """Several things, each on a line of its own."""

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else "\n".join(self.data or [])

    def process_formdata(self, valuelist: list[str]) -> None:
        """A list without empty lines."""
        self.data = [line.strip() for line in valuelist[0].splitlines() if line.strip()] if valuelist else []

    def pre_validate(self, form: Any) -> None:
        """Each line may be stored."""
        if any(CONTROL.search(line) for line in self.data):
            raise ValidationError(gettext("This text contains characters that cannot be stored."))


def _number(label: Any, usual: int, least: int, most: int, description: Any) -> IntegerField:
    return IntegerField(label, default=usual, widget=NumberInput(), description=description, validators=[
        InputRequired(lazy_gettext("Please fill this in.")), NumberRange(least, most)])


class HostelView(ConsoleModelView):
    """Houses with rooms."""

    route_base = "/hostels"
    datamodel = ConsoleInterface(Hostel)
    resource = Resource.HOSTELS
    portals = frozenset(STAFF)
    singular_name, plural_name = "Hostel", "Hostels"
    palette = Sought(("name", "code"), ("city",))
    list_columns: ClassVar[list[str]] = ["name", "code", "city", "rooms", "beds"]
    show_columns: ClassVar[list[str]] = ["code", "city", "address", "timezone", "currency", "hold_hours", "offer_minutes", "notice_days",
                                         "inspection_items"]
    show_fieldsets: ClassVar[list[Any]] = [(None, {"fields": show_columns[:5]}), (lazy_gettext("Beds and moving out"), {"fields": show_columns[5:]})]
    submit_text = lazy_gettext("Add the hostel")
    add_fieldsets = edit_fieldsets = [
        (lazy_gettext("The house"), {"fields": ["name", "code", "city", "address"]}),
        (lazy_gettext("Its clock and money"), {"fields": ["timezone", "currency"], "help": lazy_gettext(
            "What is written already keeps its times; they are only shown by another clock.")}),
        (lazy_gettext("Beds and moving out"), {"fields": ["hold_hours", "offer_minutes", "notice_days", "inspection_items"], "help": lazy_gettext(
            "Holds and notices that there are already stay as they were promised.")})]
    key_facts = ("code", "city")
    optional_columns: ClassVar[list[str]] = ["address", "timezone", "currency", "created_at"]
    number_columns = ("rooms", "beds")
    search_columns: ClassVar[list[str]] = ["name", "code", "city"]
    label_columns: ClassVar[dict[str, Any]] = {
        "timezone": "Time zone", "hold_hours": "Hours that a bed is held", "offer_minutes": "Minutes that an offer stands",
        "notice_days": "Days of notice", "inspection_items": "Inspected at the end"}
    add_form_extra_fields = edit_form_extra_fields = {
        "code": StringField(lazy_gettext("Code"), filters=[strip], validators=[
            InputRequired(lazy_gettext("Please fill this in.")), Length(max=organizations.CODE_MAX), printable],
            description=lazy_gettext("A few letters that tell it from the others in lists, such as KTH.")),
        "city": StringField(lazy_gettext("City"), validators=[Length(max=120), printable], filters=[strip]),
        "timezone": zone_field(), "currency": currency_field(),
        "hold_hours": _number(lazy_gettext("Hours that a bed is held"), HOLD_HOURS, 1, HOLD_HOURS_MAX, lazy_gettext(
            "Then the bed is offered to the next in line.")),
        "offer_minutes": _number(lazy_gettext("Minutes that an offer stands"), OFFER_MINUTES, OFFER_MINUTES_LEAST, OFFER_MINUTES_MAX, lazy_gettext(
            "As long as the next in line has to take the bed.")),
        "notice_days": _number(lazy_gettext("Days of notice"), NOTICE_DAYS, 0, NOTICE_DAYS_MAX, lazy_gettext(
            "So long before residents say that they leave; for days that are missing, rent is charged.")),
        "inspection_items": LinesField(lazy_gettext("Inspected at the end"), default=list(INSPECTION_ITEMS), validators=[
            InputRequired(lazy_gettext("List at least one thing to inspect."))], description=lazy_gettext(
            "What is looked at when somebody leaves: one thing on each line.")),
    }
    formatters_columns: ClassVar[dict[str, Any]] = {"currency": currency_name}
    base_order = ("name", "asc")
    empty_hint = lazy_gettext("Add the first hostel; then its floors, rooms and beds.")
    show_template = "organizations/hostel.html"

    def create(self, session: Session, data: dict[str, Any]) -> Hostel:
        """One more, if the plan allows it."""
        return organizations.create_hostel(session, data, hostel_id=submission_id())

    def update(self, session: Session, item: Hostel, data: dict[str, Any]) -> None:
        """What it is called and where it is."""
        organizations.edit_hostel(session, item, data)

    def remove(self, session: Session, item: Hostel) -> None:
        """With its floors, rooms and beds."""
        organizations.remove_hostel(session, item.id)

    def restore_item(self, session: Session, item: Hostel) -> None:
        """With what went when it went."""
        organizations.restore_hostel(session, item)

    def prepare(self, items: Sequence[Hostel]) -> None:
        """Count the places of all at once."""
        g.places_of_hostels = rooms.count_places(self.session(), [hostel.id for hostel in items])

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """Rooms and beds are counted for the whole page at once."""
        if column in ("rooms", "beds"):
            return g.places_of_hostels.get(item.id, (0, 0))[column == "beds"]
        return super().display(item, column, short=short)

    def show_context(self, item: Hostel) -> dict[str, Any]:
        """Its floors, as the house stands, for those who may see rooms there."""
        sees = g.identity.can(Resource.ROOMS, Action.READ, item.id)
        return {"sees_rooms": sees, "floors": rooms.floors_of(self.session(), item.id) if sees else []}
