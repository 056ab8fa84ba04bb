"""The beds of all rooms: what there is to let."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from app.models.declare import STAFF
from app.models.rooms import Bed
from app.permissions import Resource
from app.services import rooms
from app.services.search import Sought
from app.views import formats
from app.views.base import ConsoleInterface, ConsoleModelView


class BedView(ConsoleModelView):
    """Beds are added on the page of their room."""

    route_base = "/beds"
    datamodel = ConsoleInterface(Bed)
    resource = Resource.ROOMS
    portals = frozenset(STAFF)
    singular_name, plural_name = "Bed", "Beds"
    palette = Sought(("room.number", "label"), ("room.floor.name", "hostel.name"), joint="-")
    list_columns: ClassVar[list[str]] = ["called", "room.floor", "hostel", "room.kind"]
    show_columns: ClassVar[list[str]] = ["room", "room.floor", "hostel", "created_at"]
    optional_columns: ClassVar[list[str]] = ["room", "created_at"]
    search_columns: ClassVar[list[str]] = ["room.number", "label", "room", "hostel"]
    relation_labels: ClassVar[dict[str, str]] = {"room": "number", "hostel": "name"}
    option_depends: ClassVar[dict[str, tuple[str, ...]]] = {"room": ("hostel",)}
    label_columns: ClassVar[dict[str, Any]] = {"called": "Bed", "room.floor": "Floor", "room.kind": "Kind of room",
                                               "created_at": "Added"}
    formatters_columns: ClassVar[dict[str, Any]] = {"room.kind": formats.human}
    eager = ("room",)
    # The order in which they were made is that of the rooms and their letters.
    base_order = ("id", "asc")
    key_facts = ("room", "room.floor", "hostel")
    empty_hint = lazy_gettext("Rooms are made with their beds; more are added on the page of a room.")

    def remove(self, session: Session, item: Bed) -> None:
        """Take it away."""
        rooms.remove_bed(session, item.id)

    def restore_item(self, session: Session, item: Bed) -> None:
        """Bring it back."""
        rooms.restore_bed(session, item)
