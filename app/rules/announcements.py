"""Announcements and templates: their states, and what a template may hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

from app.rules.errors import Invalid
from app.rules.notifications import DeliveryState

BODY_MAX = 4000
TEMPLATE_MAX = 8000
VARIABLES = ("title", "body", "name", "organization", "link")
_BRACES = re.compile(r"\{\{|\}\}|\{[^{}\n]*\}|[{}]")


class AnnouncementState(StrEnum):
    """Written, waiting for its time, sent."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENT = "sent"


def so_far(states: Mapping[DeliveryState, int]) -> dict[DeliveryState, int]:
    """How many came as far as each state: what was read was delivered, and what was delivered was sent."""
    counts = {state: states.get(state, 0) for state in DeliveryState}
    counts[DeliveryState.DELIVERED] += counts[DeliveryState.READ]
    counts[DeliveryState.SENT] += counts[DeliveryState.DELIVERED]
    return counts


def check_template(text: str, field: str) -> None:
    """Refuse what is not text with `{variables}`; the sentence says where. A brace itself is written twice."""
    for found in _BRACES.finditer(text):
        if found[0] in {"{{", "}}"} or found[0][1:-1].strip() in VARIABLES:
            continue
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        if len(found[0]) == 1:
            raise Invalid(f"Line {line}, place {column}: a brace stands alone. Write it twice if it is meant.", field=field)
        raise Invalid(f"Line {line}, place {column}: there is no variable “{found[0][1:-1].strip()}”. "
                      f"There are {', '.join(VARIABLES)}.", field=field)


def fill(template: str, values: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
    """The template with its variables filled in, each escaped for its channel; nothing of a value is read as template."""
    return _BRACES.sub(lambda found: found[0][0] if found[0] in {"{{", "}}"} else escape(values[found[0][1:-1].strip()]), template)
