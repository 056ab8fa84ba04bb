"""What is said to people and typed by them: English text marked for other languages, letters that may be typed."""

from __future__ import annotations

import re

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
"""Characters that no keyboard types, or that PostgreSQL cannot store."""


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """The text itself; `flask translations extract` finds what is marked, also f-strings with what they hold."""
    return text


JOINERS = "\u200c\u200d"  # unseen, and a part of how Hindi and some emoji are written


def is_visible(text: str) -> bool:
    """Whether nothing in it is unseen but joiners, which Hindi and some emoji are written with."""
    return text.translate(dict.fromkeys(map(ord, JOINERS))).isprintable()
