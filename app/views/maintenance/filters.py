"""Filters of the list of requests that are no column: whether it is open, who has it in hand, whether its time is over."""

from __future__ import annotations

from typing import Any

from flask import g
from sqlalchemy import ColumnElement, and_

from app.services.maintenance import finding
from app.views import formats
from app.views.filters import Flag


class Open(Flag):
    """Neither resolved nor rejected."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """By the state."""
        return finding.is_open()


class Overdue(Flag):
    """Open, and beyond its target."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """Now, by the clock of the page."""
        return finding.is_overdue(formats.now())


class Mine(Flag):
    """Open, and in the caller's hands."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """By the active assignment."""
        return and_(finding.is_open(), finding.is_held_by(g.identity.user_id))
