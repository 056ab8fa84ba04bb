"""The canteen: the menu, orders, what the kitchen sees, and who is told. The database's functions decide and write."""

from __future__ import annotations

from app.services.canteen import kitchen, menu, ordering, telling

__all__ = ["kitchen", "menu", "ordering", "telling"]
