"""Screens of hostels with their floors, rooms and beds, of who lives in them and what it costs."""

from __future__ import annotations

from flask_appbuilder import AppBuilder

from app.views.rooms.beds import BedView
from app.views.rooms.floors import FloorView
from app.views.rooms.holds import HoldView
from app.views.rooms.hostels import HostelView
from app.views.rooms.occupancy import OccupancyView
from app.views.rooms.residents import ResidentView
from app.views.rooms.rooms import RoomView
from app.views.rooms.tariffs import TariffView
from app.views.rooms.types import RoomTypeView


def register(builder: AppBuilder) -> None:
    """Add the screens; floors are reached from their hostel."""
    builder.add_view(OccupancyView, "Occupancy", icon="fa-calendar", category="Houses")
    builder.add_view(ResidentView, "Residents", icon="fa-users", category="Houses")
    builder.add_view(HoldView, "Holds", icon="fa-clock", category="Houses")
    builder.add_view(HostelView, "Hostels", icon="fa-building", category="Houses")
    builder.add_view_no_menu(FloorView)
    builder.add_view(RoomView, "Rooms", icon="fa-key", category="Houses")
    builder.add_view(BedView, "Beds", icon="fa-bed", category="Houses")
    builder.add_view(RoomTypeView, "Kinds of rooms", icon="fa-door", category="Houses")
    builder.add_view(TariffView, "Prices", icon="fa-tag", category="Houses")
