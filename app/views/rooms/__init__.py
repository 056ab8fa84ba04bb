"""Screens of hostels with their floors, rooms and beds."""

from __future__ import annotations

from flask_appbuilder import AppBuilder

from app.views.rooms.beds import BedView
from app.views.rooms.floors import FloorView
from app.views.rooms.hostels import HostelView
from app.views.rooms.rooms import RoomView


def register(builder: AppBuilder) -> None:
    """Add the screens; floors are reached from their hostel."""
    builder.add_view(HostelView, "Hostels", icon="fa-building", category="Houses")
    builder.add_view_no_menu(FloorView)
    builder.add_view(RoomView, "Rooms", icon="fa-key", category="Houses")
    builder.add_view(BedView, "Beds", icon="fa-bed", category="Houses")
