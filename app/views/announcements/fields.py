"""Several of some choices, one box to tick for each."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from flask_babel import gettext
from markupsafe import Markup
from wtforms import Field

from app.views import formats


class _Boxes:
    """A group of boxes, named by the field."""

    def __call__(self, field: TicksField, **kwargs: Any) -> Markup:
        boxes = Markup("").join(
            Markup('<label class="tick"><input type="checkbox" name="{}" value="{}"{}> {}</label>').format(
                field.name, one.value, Markup(" checked") if one.value in (field.data or ()) else "", formats.human(one)) for one in field.members)
        described = Markup(' aria-describedby="{}"').format(kwargs["aria-describedby"]) if kwargs.get("aria-describedby") else ""
        return Markup('<div class="ticks" role="group" id="{}" aria-label="{}"{}>{}</div>').format(field.id, field.label.text, described, boxes)


class TicksField(Field):
    """Any of `members`."""

    widget = _Boxes()

    def __init__(self, *args: Any, members: Iterable[StrEnum], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.members = tuple(members)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Those that are ticked."""
        self.data = [text for text in valuelist if text]
        if not set(self.data) <= {one.value for one in self.members}:
            raise ValueError(gettext("Choose one from the list."))
