"""A repair keeps beds of its room empty until it is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import g
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.models.beds import BedAllocation
from app.models.maintenance import MaintenanceRequest
from app.permissions import Action, Resource
from app.rules.maintenance import CLOSED
from app.services import beds, rooms
from app.views.base import Ask, Step
from app.views.rooms import asking


def step(view: Any, item: MaintenanceRequest) -> Step | None:
    """For whoever may change rooms, while the request is open and its room has beds."""
    if (item.room_id is None or item.state in CLOSED or view.is_deleted(item) or not view.allowed("block_bed")
            or not g.identity.can(Resource.ROOMS, Action.UPDATE, item.hostel_id)):
        return None
    choices = [(bed.id, f"{item.room.number}-{bed.label}") for bed in rooms.beds_of(view.session(), item.room_id)]
    if not choices:
        return None
    return Step("block_bed", gettext("Keep a bed empty"), view.url("block_bed", pk=view.key_of(item)), "bed", asks=(
        Ask("bed", gettext("Bed"), "choice", choices=choices),
        *asking.periods(), Ask("note", gettext("Why?"), "line", required=False, most=500)))


def block(session: Session, request_id: UUID) -> None:
    """As the form says."""
    beds.block(session, asking.given_key("bed"), asking.given_day("from_on"), asking.optional_day("until_on"), request_id, asking.given_note())


def blocks(session: Session, item: MaintenanceRequest) -> Sequence[BedAllocation]:
    """The beds that stay empty for it."""
    return beds.blocks_of(session, item.id) if item.room_id is not None else []
