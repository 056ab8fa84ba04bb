"""What the screens of rooms share: which hostel or floor is meant before anybody chose one."""

from __future__ import annotations

from uuid import UUID

from flask import request

from app.views.forms import only_hostel


def asked_for(name: str) -> UUID | None:
    """The key that a link to a form names, such as /rooms/add?floor=…; None for what is no key."""
    try:
        return UUID(request.args.get(name, ""))
    except ValueError:
        return None


def meant_hostel() -> UUID | None:
    """The hostel that the link names, else the one chosen in the top bar, else the only one."""
    return asked_for("hostel") or only_hostel()
