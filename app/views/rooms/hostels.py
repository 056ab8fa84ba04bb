"""The hostels that the organization runs: their list, and the page of one with its floors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.models.declare import STAFF
from app.models.organizations import Hostel
from app.permissions import Action, Resource
from app.services import organizations, rooms
from app.services.search import Sought
from app.views.base import ConsoleInterface, ConsoleModelView, submission_id
from app.views.fields import printable, strip
from app.views.organizations.choices import currency_field, currency_name, zone_field


class HostelView(ConsoleModelView):
    """Houses with rooms."""

    route_base = "/hostels"
    datamodel = ConsoleInterface(Hostel)
    resource = Resource.HOSTELS
    portals = frozenset(STAFF)
    singular_name, plural_name = "Hostel", "Hostels"
    palette = Sought(("name", "code"), ("city",))
    list_columns: ClassVar[list[str]] = ["name", "code", "city", "rooms", "beds"]
    show_columns: ClassVar[list[str]] = ["code", "city", "address", "timezone", "currency"]
    submit_text = lazy_gettext("Add the hostel")
    add_fieldsets = edit_fieldsets = [
        (lazy_gettext("The house"), {"fields": ["name", "code", "city", "address"]}),
        (lazy_gettext("Its clock and money"), {"fields": ["timezone", "currency"], "help": lazy_gettext(
            "What is written already keeps its times; they are only shown by another clock.")})]
    key_facts = ("code", "city")
    optional_columns: ClassVar[list[str]] = ["address", "timezone", "currency", "created_at"]
    number_columns = ("rooms", "beds")
    search_columns: ClassVar[list[str]] = ["name", "code", "city"]
    label_columns: ClassVar[dict[str, Any]] = {"timezone": "Time zone"}
    add_form_extra_fields = edit_form_extra_fields = {
        "code": StringField(lazy_gettext("Code"), filters=[strip], validators=[
            InputRequired(lazy_gettext("Please fill this in.")), Length(max=organizations.CODE_MAX), printable],
            description=lazy_gettext("A few letters that tell it from the others in lists, such as KTH.")),
        "city": StringField(lazy_gettext("City"), validators=[Length(max=120), printable], filters=[strip]),
        "timezone": zone_field(), "currency": currency_field(),
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
