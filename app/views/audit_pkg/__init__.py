"""Screens of audit."""

from __future__ import annotations

from flask_appbuilder import AppBuilder


def register(builder: AppBuilder) -> None:
    """Add the screens."""
