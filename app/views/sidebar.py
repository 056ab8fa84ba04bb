"""The sidebar: the screens of a person by domain, how the palette and the keyboard reach them, and what waits there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app, g, request, url_for
from flask_babel import gettext, lazy_gettext

from app.permissions import Portal
from app.views.screens import menu_visible

PORTALS = {
    Portal.ADMIN: lazy_gettext("Administration"), Portal.MANAGEMENT: lazy_gettext("Maintenance"), Portal.SALES: lazy_gettext("Sales"),
    Portal.CANTEEN: lazy_gettext("Canteen"), Portal.AMENITY: lazy_gettext("Amenities"), Portal.RESIDENT: lazy_gettext("Resident"),
    Portal.PLATFORM: lazy_gettext("Platform"),
}
# The letter after `g` that leads to a screen, by its endpoint; screens of different portals may share one.
_KEYS = {"InquiryBoardView": "k", "InquiryView": "q", "BoardView": "b", "RequestView": "r", "FiguresView": "f", "MyRequestsView": "r", "HostelView": "s", "RoomView": "o",
         "BedView": "d", "MemberView": "m", "InvitationView": "i", "TeamView": "t", "PermissionsView": "p", "ImportView": "u",
         "KitchenView": "n", "MyCanteenView": "n", "AmenityCalendarView": "y", "MyAmenitiesView": "y", "CalendarView": "v", "MyEventsView": "v", "AuditView": "a", "WorkView": "w", "OrganizationView": "c", "UsageView": "l", "ReportsView": "e"}
# What else people call a screen.
_SYNONYMS = {
    "InquiryBoardView": lazy_gettext("leads sales kanban cards"), "InquiryView": lazy_gettext("leads prospects enquiries sales"),
    "BoardView": lazy_gettext("kanban cards"), "RequestView": lazy_gettext("tickets complaints repairs maintenance"),
    "FiguresView": lazy_gettext("statistics charts numbers"), "MemberView": lazy_gettext("people residents users roles staff"),
    "InvitationView": lazy_gettext("invite people"), "TeamView": lazy_gettext("employees contractors people staff"),
    "KitchenView": lazy_gettext("cook orders board"), "DishView": lazy_gettext("food dishes meals"), "MyCanteenView": lazy_gettext("food menu order meals"),
    "StoreroomView": lazy_gettext("inventory stock use buy waste count"), "StockItemView": lazy_gettext("inventory ingredients groceries"),
    "CalendarView": lazy_gettext("parties month agenda"), "EventView": lazy_gettext("parties guests replies"), "MyEventsView": lazy_gettext("parties calendar"),
    "AmenityCalendarView": lazy_gettext("slots gym laundry week"), "AmenityView": lazy_gettext("gym laundry study room hours maintenance"),
    "MyAmenitiesView": lazy_gettext("book gym laundry study room slots"),
    "HostelView": lazy_gettext("houses buildings properties"), "BedView": lazy_gettext("places occupancy"),
    "PermissionsView": lazy_gettext("rights capabilities roles access"), "AuditView": lazy_gettext("log history changes"),
    "WorkView": lazy_gettext("jobs queue failed dead letters"), "OrganizationView": lazy_gettext("company time zone currency"),
    "UsageView": lazy_gettext("limits subscription billing"), "ReportsView": lazy_gettext("pdf csv export"),
    "ImportView": lazy_gettext("upload csv excel"), "HealthView": lazy_gettext("status monitoring"),
}
# What a person chose on this device: `narrow`, and the names of the sections that are closed (sidebar.js sets it).
_COOKIE = "sidebar"


@dataclass(frozen=True)
class Entry:
    """A screen."""

    label: str
    url: str
    icon: str
    current: bool = False
    keys: str = ""
    words: str = ""
    counter: str = ""


@dataclass
class Section:
    """Screens of one domain; the first section has no name."""

    name: str
    label: str = ""
    entries: list[Entry] = field(default_factory=list)
    open: bool = True


def is_narrow() -> bool:
    """Whether the sidebar shows icons only."""
    return "narrow" in _kept()


def sections() -> list[Section]:
    """What the caller may open."""
    here = (request.endpoint or "").partition(".")[0]
    top = Section("", entries=[Entry(gettext("Home"), url_for("HomeView.index"), "home", here == "HomeView", "g h")])
    found = [top]
    for item in current_app.extensions["appbuilder"].menu.get_list():
        if not menu_visible(item):
            continue
        if item.childs:
            entries = [_entry(child, here) for child in item.childs if child.name != "-" and menu_visible(child)]
            shut = item.name in _kept() and not is_narrow() and not any(entry.current for entry in entries)
            found.append(Section(item.name, gettext(str(item.label)), entries, not shut))
        else:
            top.entries.append(_entry(item, here))
    return found


def _entry(item: Any, here: str) -> Entry:
    view = item.baseview
    name, counter = (view.endpoint, getattr(view, "counter", "")) if view is not None else ("", "")
    return Entry(gettext(str(item.label)), item.get_url(), (item.icon or "fa-dot").removeprefix("fa-"), name == here,
                 f"g {_KEYS[name]}" if name in _KEYS else "", str(_SYNONYMS.get(name, "")), counter)


def _kept() -> set[str]:
    return set(request.cookies.get(_COOKIE, "").split("."))


def portal_name(portal: Portal) -> str:
    """What people call a portal."""
    return str(PORTALS[portal])


def portals() -> list[Portal]:
    """The portals that the caller may choose between; none if there is no choice."""
    held = g.identity.portals
    return list(held) if len(held) > 1 else []


def init_app(app: Flask) -> None:
    """For the frame's templates."""
    app.jinja_env.globals.update(sidebar_sections=sections, sidebar_is_narrow=is_narrow, portals=portals, portal_name=portal_name)
