"""Holds: who has a bed for a while, to whom one is offered, who waits; with the log that shows it was fair."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from app.models.beds import BedHold, BedHoldEvent
from app.permissions import Action, Resource
from app.rules.residents import LIVE_HOLDS, HoldState
from app.services import beds
from app.services.search import Sought
from app.views import formats
from app.views.base import (
    Ask,
    ConsoleInterface,
    ConsoleModelView,
    Step,
    Story,
    expose,
    has_access,
    service_call,
)
from app.views.rooms import asking

_WHY = 500  # characters of a reason


class HoldView(ConsoleModelView):
    """Made on the page of a bed, or by residents themselves."""

    route_base = "/holds"
    datamodel = ConsoleInterface(BedHold)
    resource = Resource.RESIDENTS
    portals = asking.LETTING
    singular_name, plural_name = "Hold", "Holds"
    palette = Sought(("member.name",), ("state",))
    method_actions: ClassVar[dict[str, Action]] = dict.fromkeys(("accept", "confirm", "release"), Action.UPDATE)
    list_columns: ClassVar[list[str]] = ["bed", "member", "state", "ends_at", "from_on", "until_on", "queued_at"]
    optional_columns: ClassVar[list[str]] = ["hostel", "created_at"]
    show_columns: ClassVar[list[str]] = ["state", "bed", "member", "hostel", "from_on", "until_on", "ends_at", "queued_at"]
    search_columns: ClassVar[list[str]] = ["member.name", "state", "hostel"]
    quick_filters = (
        (lazy_gettext("Not ended"), {"state": [state.value for state in HoldState if state in LIVE_HOLDS]}),
        (lazy_gettext("Held"), {"state": HoldState.HELD.value}), (lazy_gettext("Offered"), {"state": HoldState.OFFERED.value}),
        (lazy_gettext("In line"), {"state": HoldState.QUEUED.value}))
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    label_columns: ClassVar[dict[str, Any]] = {"member": "Person", "ends_at": "Ends", "from_on": "From", "until_on": "Until",
                                               "queued_at": "Asked for"}
    enums: ClassVar[dict[str, Any]] = {"state": HoldState}
    state_column = "state"
    eager = ("bed.room",)
    key_facts = ("member", "bed", "ends_at")
    filled_facts = ("until_on", "ends_at")
    story = Story("hold_id", state="state", history=BedHoldEvent)
    base_order = ("queued_at", "desc")
    empty_hint = lazy_gettext("A bed is held on its page; residents hold one themselves while they sign up.")
    show_template = "rooms/hold.html"

    def show_context(self, item: BedHold) -> dict[str, Any]:
        """The line that it stands in."""
        return {"line": beds.line_of(self.session(), item.bed_id), "states": HoldState}

    def heading(self, item: BedHold) -> str:
        """Whose hold on which bed."""
        return f"{item.bed.called}, {item.member.name}"

    def steps(self, item: BedHold) -> list[Step]:
        """What its state allows."""
        if not self.allowed("release") or item.standing not in LIVE_HOLDS:
            return []
        pk = self.key_of(item)
        found = {
            HoldState.OFFERED: [Step("accept", gettext("Take the offer"), self.url("accept", pk=pk), "check")],
            HoldState.HELD: [Step("confirm", gettext("Confirm"), self.url("confirm", pk=pk), "check",
                                  question=gettext("Confirm this bed? The hold then has no end, and their other holds are released."))],
        }.get(item.standing, [])
        release = Step("release", gettext("Release"), self.url("release", pk=pk), "close", kind="danger",
                       asks=(Ask("note", gettext("Why?"), "line", required=False, most=_WHY),))
        return [*found, release]

    def _write(self, pk: str, done: str, work: Any) -> Any:
        item = self.find(pk)
        with service_call(done) as call:
            work(call.session, item)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/accept/<pk>", methods=["POST"])
    @has_access
    def accept(self, pk: str) -> Any:
        """What was offered is held."""
        return self._write(pk, gettext("The bed is held."), beds.accept)

    @expose("/confirm/<pk>", methods=["POST"])
    @has_access
    def confirm(self, pk: str) -> Any:
        """It is theirs."""
        return self._write(pk, gettext("The bed is confirmed."), lambda session, item: beds.confirm(session, item.id))

    @expose("/release/<pk>", methods=["POST"])
    @has_access
    def release(self, pk: str) -> Any:
        """For the next in line."""

        def work(session: Session, item: BedHold) -> None:
            beds.release(session, item.id, asking.given_note())

        return self._write(pk, gettext("Released. The next in line is offered the bed."), work)

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """The end of what ends by itself counts down."""
        if column == "ends_at":
            return formats.countdown(item.ends_at)
        return super().display(item, column, short=short)
