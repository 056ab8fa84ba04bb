"""Marks English text that is put into another language later, where somebody reads it."""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """The text itself; `flask translations extract` finds what is marked, also f-strings with what they hold."""
    return text
