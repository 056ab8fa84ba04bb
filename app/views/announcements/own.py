"""Announcements: written as drafts, looked at, given a time; then what became of them, live."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import request
from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy.orm import Session
from wtforms.validators import Optional

from app.models.announcements import Announcement
from app.permissions import Action, Portal, Resource, Role
from app.rules.announcements import AnnouncementState, so_far
from app.rules.errors import Invalid
from app.rules.notifications import Channel, DeliveryState
from app.services import announcements
from app.services.search import Sought
from app.views import formats
from app.views.announcements.fields import TicksField
from app.views.base import (
    Ask,
    ConsoleInterface,
    ConsoleModelView,
    Step,
    expose,
    has_access,
    service_call,
    submission_id,
)

_ROLES = TicksField(lazy_gettext("Roles"), [Optional()], members=[role for role in Role if role is not Role.SUPER_ADMIN], default=[],
                    description=lazy_gettext("None: everybody."))
_CHANNELS = TicksField(lazy_gettext("Channels"), [Optional()], members=Channel, default=[Channel.IN_APP.value],
                       description=lazy_gettext("Whoever has no such channel, or turned it off, is skipped. An emergency asks nobody."))


def _names(kind: Any, empty: Any) -> Any:
    return lambda values: ", ".join(formats.human(kind(one)) for one in values) or str(empty)


class AnnouncementView(ConsoleModelView):
    """To a hostel, a floor, some roles, or everybody."""

    route_base = "/announcements"
    datamodel = ConsoleInterface(Announcement)
    resource = Resource.ANNOUNCEMENTS
    portals = frozenset({Portal.ADMIN})
    singular_name, plural_name = "Announcement", "Announcements"
    palette = Sought(("title",), ("state",))
    method_actions: ClassVar[dict[str, Action]] = {"send": Action.CREATE, "take_back": Action.UPDATE, "figures": Action.READ}
    enums: ClassVar[dict[str, Any]] = {"state": AnnouncementState}
    state_column = "state"
    list_columns: ClassVar[list[str]] = ["title", "state", "hostel", "emergency", "told", "send_at", "created_at"]
    optional_columns: ClassVar[list[str]] = ["floor", "sent_at"]
    search_columns: ClassVar[list[str]] = ["title", "state", "hostel", "created_at"]
    quick_filters = ((lazy_gettext("Drafts"), {"state": "draft"}), (lazy_gettext("Waiting"), {"state": "scheduled"}),
                     (lazy_gettext("Sent"), {"state": "sent"}))
    show_columns: ClassVar[list[str]] = ["body", "hostel", "floor", "roles", "channels", "emergency", "send_at", "sent_at", "told"]
    key_facts = ("hostel", "roles", "channels", "emergency")
    filled_facts = ("floor", "send_at", "sent_at", "told")
    add_fieldsets: ClassVar[list[Any]] = [
        (lazy_gettext("What"), {"fields": ["title", "body"]}),
        (lazy_gettext("For whom"), {"fields": ["hostel", "floor", "roles"], "help": lazy_gettext(
            "No hostel: everybody in all hostels. A floor: those who live there.")}),
        (lazy_gettext("How"), {"fields": ["channels", "emergency"]})]
    edit_fieldsets = add_fieldsets
    add_form_extra_fields: ClassVar[dict[str, Any]] = {"roles": _ROLES, "channels": _CHANNELS}
    edit_form_extra_fields = add_form_extra_fields
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name", "floor": "name"}
    option_depends: ClassVar[dict[str, Any]] = {"floor": ["hostel"]}
    label_columns: ClassVar[dict[str, Any]] = {
        "title": lazy_gettext("Title"), "body": lazy_gettext("Text"), "told": lazy_gettext("People told"), "send_at": lazy_gettext("Goes out"),
        "sent_at": lazy_gettext("Sent"), "roles": lazy_gettext("Roles"), "channels": lazy_gettext("Channels"), "emergency": lazy_gettext("Emergency")}
    description_columns: ClassVar[dict[str, Any]] = {
        "emergency": lazy_gettext("It breaks quiet hours and reaches those, too, who turned announcements off. Only who may approve can send it.")}
    formatters_columns: ClassVar[dict[str, Any]] = {"roles": _names(Role, lazy_gettext("Everybody")), "channels": _names(Channel, "")}
    base_order = ("created_at", "desc")
    submit_text = lazy_gettext("Keep as a draft")
    empty_hint = lazy_gettext("Tell a hostel, a floor or some roles something at once: now, or at a time.")
    show_template = "announcements/show.html"

    def create(self, session: Session, data: dict[str, Any]) -> Announcement:
        """A draft."""
        return announcements.add(session, data, submission_id())

    def update(self, session: Session, item: Announcement, data: dict[str, Any]) -> None:
        """Other words."""
        announcements.change(session, item, data)

    def remove(self, session: Session, item: Announcement) -> None:
        """A draft that nobody needs."""
        announcements.remove(session, item, formats.now())

    def steps(self, item: Announcement) -> list[Step]:
        """Send it, now or at a time; what was sent stays as it is."""
        drafted = item.state == AnnouncementState.DRAFT
        found = super().steps(item) if drafted else []
        if drafted and self.allowed("send") and not self.is_deleted(item):
            many = announcements.reach(self.session(), item.id)
            question = ngettext("It goes to %(num)s person.", "It goes to %(num)s people.", many)
            found.insert(0, Step("send", gettext("Send"), self.url("send", pk=self.key_of(item)), "mail",
                                 kind="danger" if item.emergency else "default", question=question, asks=(
                Ask("at", gettext("When?"), "moment", required=False, help=gettext("Empty: now.")),)))
        if item.state == AnnouncementState.SCHEDULED and self.allowed("take_back"):
            found.insert(0, Step("take_back", gettext("Take back"), self.url("take_back", pk=self.key_of(item)), "undo",
                                 question=gettext("It becomes a draft again.")))
        return found

    def show_context(self, item: Announcement) -> dict[str, Any]:
        """What became of it, and with whom."""
        sent = item.state == AnnouncementState.SENT
        people = [(one, Channel(one.channel), DeliveryState(one.state)) for one in announcements.receipts(self.session(), item.id)] if sent else []
        return {**self._figures(item), "people": people, "most": announcements.MOST_RECEIPTS}

    def _figures(self, item: Announcement) -> dict[str, Any]:
        found = announcements.figures(self.session(), item.id) if item.state == AnnouncementState.SENT else {}
        return {"figures": {channel: so_far(states) for channel, states in sorted(found.items())}, "states": DeliveryState}

    @expose("/figures/<pk>")
    @has_access
    def figures(self, pk: str) -> Any:
        """The part of the page that follows the database."""
        item = self.find(pk)
        return self.page("announcements/figures.html", item=item, **self._figures(item))

    @expose("/send/<pk>", methods=["POST"])
    @has_access
    def send(self, pk: str) -> Any:
        """Now, or at a time."""
        item = self.find(pk)
        with service_call() as call:
            due = announcements.release(call.session, item.id, _moment(request.form.get("at", "")))
            call.done = gettext("It goes out %(when)s.", when=formats.exact(due)) if due > formats.now() else gettext("It is on its way.")
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/take-back/<pk>", methods=["POST"])
    @has_access
    def take_back(self, pk: str) -> Any:
        """Before its time."""
        item = self.find(pk)
        with service_call(gettext("It is a draft again.")) as call:
            announcements.withdraw(call.session, item.id)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))


def _moment(text: str) -> datetime | None:
    """In the zone of the hostel that the page is about."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=formats.zone()).astimezone(UTC) if text else None
    except (ValueError, OverflowError) as error:
        raise Invalid(gettext("Please give a date and a time."), field="at") from error
