"""Filters of the list of requests that are no column: who has it in hand, whether its time is over."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_babel import gettext
from sqlalchemy import ColumnElement, and_

from app.services.maintenance import finding
from app.views import formats
from app.views.filters import Filter


class _Flag(Filter):
    """A choice with one value."""

    kind = "choice"

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Yes, or not asked for."""
        return [("yes", "yes")]

    def parse(self, _parameter: str, text: str) -> bool:
        """`yes`."""
        return {"yes": True}[text]

    def describe(self, _parameter: str, _value: Any) -> str:
        """Said by the label."""
        return gettext("yes")


class Overdue(_Flag):
    """Open, and beyond its target."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """Now, by the clock of the page."""
        return finding.is_overdue(formats.now())


class Mine(_Flag):
    """Open, and in the caller's hands."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """By the active assignment."""
        return and_(finding.is_open(), finding.is_held_by(g.identity.user_id))
