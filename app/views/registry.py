"""Every screen in the order of the menu: the one list of what the console shows."""

from __future__ import annotations

from importlib import import_module

from flask_appbuilder import AppBuilder, IndexView

# Modules whose `register(builder)` adds their screens; the order is the menu's.
_MODULES = ("home", "onboarding", "inquiries", "maintenance", "canteen", "meals", "inventory", "amenities", "events", "rooms", "moveout", "wallet", "billing", "payments", "reconciliation", "approval", "organizations", "people", "personal", "documents", "permissions", "imports", "files", "announcements", "notifications", "mailbox",
            "reports", "audit", "progress", "work", "health", "language", "palette", "design", "live")


def index_view() -> type[IndexView]:
    """The home page."""
    from app.views.home import HomeView

    return HomeView


def register(builder: AppBuilder) -> None:
    """Add the screens of every module."""
    for name in _MODULES:
        import_module(f"app.views.{name}").register(builder)
