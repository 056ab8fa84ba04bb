"""The floors of a hostel."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session
from wtforms import StringField
from wtforms.validators import Length

from app.models.declare import STAFF
from app.models.rooms import Floor
from app.permissions import Resource
from app.services import rooms
from app.views.base import ConsoleInterface, ConsoleModelView, Step, submission_id
from app.views.fields import printable, strip
from app.views.rooms.rooms import RoomView

_NAME = StringField(lazy_gettext("Name"), validators=[Length(max=60), printable], filters=[strip],
                    description=lazy_gettext("Empty: it is called after its level, such as Floor 3."))


class FloorView(ConsoleModelView):
    """Reached from the page of its hostel."""

    route_base = "/floors"
    datamodel = ConsoleInterface(Floor)
    resource = Resource.ROOMS
    portals = frozenset(STAFF)
    singular_name, plural_name = "Floor", "Floors"
    list_columns: ClassVar[list[str]] = ["name", "hostel", "level"]
    optional_columns: ClassVar[list[str]] = ["created_at"]
    show_columns: ClassVar[list[str]] = ["hostel", "level"]
    add_columns: ClassVar[list[str]] = ["hostel", "level", "name"]
    edit_columns: ClassVar[list[str]] = ["level", "name"]
    search_columns: ClassVar[list[str]] = ["name", "hostel"]
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    add_form_extra_fields = edit_form_extra_fields = {"name": _NAME}
    description_columns: ClassVar[dict[str, Any]] = {"level": lazy_gettext("0 is the ground floor, -1 the first basement.")}
    submit_text = lazy_gettext("Add the floor")
    key_facts = ("hostel", "level")
    empty_hint = lazy_gettext("A hostel begins with its floors; rooms are on floors.")
    base_order = ("level", "asc")
    related_views: ClassVar[list[Any]] = [RoomView]

    def create(self, session: Session, data: dict[str, Any]) -> Floor:
        """A new floor."""
        return rooms.create_floor(session, data["hostel_id"], data["level"], data["name"] or "", floor_id=submission_id())

    def update(self, session: Session, item: Floor, data: dict[str, Any]) -> None:
        """Its name and level."""
        rooms.edit_floor(session, item, data["level"], data["name"] or "")

    def remove(self, session: Session, item: Floor) -> None:
        """With its rooms and beds."""
        rooms.remove_floor(session, item.id)

    def restore_item(self, session: Session, item: Floor) -> None:
        """With what went when it went."""
        rooms.restore_floor(session, item)

    def steps(self, item: Floor) -> list[Step]:
        """Rooms first: a floor begins with them."""
        rooms_of_it = self.appbuilder.sm.has_access("can_many", "RoomView") and not self.is_deleted(item)
        new = [Step("rooms", gettext("New rooms"), url_for("RoomView.many", hostel=item.hostel_id, floor=item.id), "plus",
                    link=True)] if rooms_of_it else []
        return new + super().steps(item)
