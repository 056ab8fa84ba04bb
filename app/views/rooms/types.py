"""Kinds of rooms: what a hostel sells, with what is in them."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import lazy_gettext
from sqlalchemy.orm import Session
from wtforms import StringField
from wtforms.validators import Length

from app.models.rooms import RoomType
from app.permissions import Resource
from app.services import residents
from app.services.search import Sought
from app.views.base import ConsoleInterface, ConsoleModelView, submission_id
from app.views.fields import printable
from app.views.rooms import asking


class WordsField(StringField):
    """Several words or names, typed with commas between them."""

    def _value(self) -> str:
        return ", ".join(self.data) if isinstance(self.data, list) else self.data or ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """A list without empty parts."""
        self.data = [part.strip() for part in valuelist[0].split(",") if part.strip()] if valuelist else []


def _short(_form: Any, field: WordsField) -> None:
    """Each part is a name, not a text."""
    for part in field.data or []:
        Length(max=60)(_form, type("Part", (), {"data": part, "ngettext": field.ngettext, "gettext": field.gettext})())


_AMENITIES = WordsField(lazy_gettext("Amenities"), validators=[_short, printable],
                        description=lazy_gettext("With commas between them: Bath, Balcony, Desk."))


class RoomTypeView(ConsoleModelView):
    """Rooms are of a kind; prices are for one."""

    route_base = "/room-types"
    datamodel = ConsoleInterface(RoomType)
    resource = Resource.ROOMS
    portals = asking.LETTING
    singular_name, plural_name = "Kind of room", "Kinds of rooms"
    palette = Sought(("name",), ("hostel.name",))
    list_columns: ClassVar[list[str]] = ["name", "hostel", "capacity", "amenities"]
    optional_columns: ClassVar[list[str]] = ["description", "created_at"]
    show_columns: ClassVar[list[str]] = ["hostel", "capacity", "amenities", "description"]
    add_columns: ClassVar[list[str]] = ["hostel", "name", "capacity", "amenities", "description"]
    edit_columns: ClassVar[list[str]] = ["name", "capacity", "amenities", "description"]
    search_columns: ClassVar[list[str]] = ["name", "hostel"]
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    label_columns: ClassVar[dict[str, Any]] = {"capacity": "Beds"}
    description_columns: ClassVar[dict[str, Any]] = {"name": lazy_gettext("Such as Double with bath.")}
    add_form_extra_fields = edit_form_extra_fields = {"amenities": _AMENITIES}
    submit_text = lazy_gettext("Add the kind of room")
    key_facts = ("hostel", "capacity")
    filled_facts = ("amenities", "description")
    base_order = ("name", "asc")
    empty_hint = lazy_gettext("A kind of room is what is sold: it has a price, and rooms are of it.")

    def create(self, session: Session, data: dict[str, Any]) -> RoomType:
        """A new one."""
        return residents.create_room_type(session, data, submission_id())

    def update(self, session: Session, item: RoomType, data: dict[str, Any]) -> None:
        """What it is called and has."""
        residents.edit_room_type(session, item, data)

    def remove(self, session: Session, item: RoomType) -> None:
        """When no room is of it any more."""
        residents.remove_room_type(session, item.id)
