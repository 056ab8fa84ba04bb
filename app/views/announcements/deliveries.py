"""What became of each message on each channel; those given up are sent again, one by one or many at once."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from app.languages import sentence
from app.models.notifications import Delivery
from app.permissions import Action, Portal, Resource
from app.rules.notifications import KINDS, Channel, DeliveryState, SkipReason
from app.services.notifications import sending
from app.views import formats
from app.views.base import ConsoleInterface, ConsoleModelView, console_action

_SKIPPED = {one.value: one for one in SkipReason}


def _reason(text: str) -> Any:
    return formats.human(_SKIPPED[text]) if text in _SKIPPED else sentence(text) if text else formats.missing()


def _kind(name: str) -> str:
    return sentence(KINDS[name].label) if name in KINDS else formats.human(name)


class MessageView(ConsoleModelView):
    """A row for each channel that a message was meant for; what it said is its reader's alone."""

    datamodel = ConsoleInterface(Delivery)
    resource = Resource.ANNOUNCEMENTS
    portals = frozenset({Portal.ADMIN})
    route_base = "/deliveries"
    singular_name, plural_name = "Delivery", "Deliveries"
    enums: ClassVar[dict[str, Any]] = {"state": DeliveryState, "channel": Channel}
    state_column = "state"
    base_order = ("created_at", "desc")
    list_columns: ClassVar[list[str]] = ["member", "kind", "channel", "state", "reason", "created_at"]
    optional_columns: ClassVar[list[str]] = ["attempts", "due_at", "sent_at", "delivered_at", "read_at"]
    show_columns: ClassVar[list[str]] = ["member", "kind", "channel", "reason", "attempts", "created_at", "due_at", "sent_at", "delivered_at", "read_at"]
    filled_facts = ("reason", "sent_at", "delivered_at", "read_at")
    quick_filters = ((lazy_gettext("Given up"), {"state": "failed"}), (lazy_gettext("Waiting"), {"state": "queued"}),
                     (lazy_gettext("Skipped"), {"state": "skipped"}))
    search_columns: ClassVar[list[str]] = ["state", "channel", "member", "created_at"]
    relation_labels: ClassVar[dict[str, str]] = {"member": "name"}
    label_columns: ClassVar[dict[str, Any]] = {
        "member": lazy_gettext("To"), "kind": lazy_gettext("About"), "channel": lazy_gettext("Channel"), "reason": lazy_gettext("Why"),
        "due_at": lazy_gettext("Due"), "sent_at": lazy_gettext("Sent"), "delivered_at": lazy_gettext("Delivered"), "read_at": lazy_gettext("Read")}
    formatters_columns: ClassVar[dict[str, Any]] = {"reason": _reason, "kind": _kind}
    empty_hint = lazy_gettext("Every message that the console sends appears here, with what became of it.")

    @console_action("resend", lazy_gettext("Send again"), Action.UPDATE)
    def resend(self, session: Session, item: Delivery) -> None:
        """From the start."""
        sending.resend(session, item.id)
