"""Residents of the hostels: their list, and the page of one with stays, beds and what can change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from flask import g, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from app.models.residents import Resident, Stay
from app.permissions import Action, Portal, Resource, Role
from app.rules.errors import Conflict
from app.rules.moveout import WHY_MAX
from app.rules.residents import ResidentStatus, StayStatus
from app.services import beds, residents
from app.services.people import invitations
from app.services.people.invitations import Offer
from app.services.search import Sought
from app.views import formats
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
from app.views.rooms import asking
from app.wiring import settings


class ResidentView(ConsoleModelView):
    """Somebody becomes a resident by moving in, which is written down on the page of a bed or by an approval."""

    route_base = "/residents"
    datamodel = ConsoleInterface(Resident)
    resource = Resource.RESIDENTS
    portals = asking.LETTING
    singular_name, plural_name = "Resident", "Residents"
    palette = Sought(("member.name", "reference"), ("hostel.name", "status"), number="number", series="R")
    method_actions: ClassVar[dict[str, Action]] = dict.fromkeys(("transfer", "swap", "end", "invite"), Action.UPDATE)
    list_columns: ClassVar[list[str]] = ["member", "reference", "status", "hostel", "moved_in_on", "moved_out_on"]
    optional_columns: ClassVar[list[str]] = ["created_at"]
    show_columns: ClassVar[list[str]] = ["status", "reference", "hostel", "moved_in_on", "moved_out_on"]
    search_columns: ClassVar[list[str]] = ["member.name", "reference", "status", "hostel"]
    quick_filters = (
        (lazy_gettext("Living here"), {"status": [ResidentStatus.CURRENT.value, ResidentStatus.NOTICE.value]}),
        (lazy_gettext("Leaving soon"), {"status": ResidentStatus.NOTICE.value}), (lazy_gettext("Left"), {"status": ResidentStatus.LEFT.value}))
    sort_by: ClassVar[dict[str, str]] = {"reference": "number"}
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    label_columns: ClassVar[dict[str, Any]] = {"member": "Person", "moved_in_on": "Moved in", "moved_out_on": "Moved out"}
    enums: ClassVar[dict[str, Any]] = {"status": ResidentStatus}
    state_column = "status"
    key_facts = ("reference", "hostel", "moved_in_on")
    filled_facts = ("moved_out_on",)
    eager = ("member",)
    base_order = ("number", "desc")
    empty_hint = lazy_gettext("Somebody becomes a resident by moving in: open a free bed.")
    show_template = "rooms/resident.html"

    def heading(self, item: Resident) -> str:
        """By name."""
        return item.member.name

    def show_context(self, item: Resident) -> dict[str, Any]:
        """Their stays, and the beds of each."""
        stays = self._stays(item)
        return {"stays": [(stay, StayStatus(stay.status), beds.placements(self.session(), stay.id)) for stay in stays]}

    def _stays(self, item: Resident) -> list[Stay]:
        if "resident_stays" not in g:
            g.resident_stays = residents.stays_of(self.session(), item.id)
        found: list[Stay] = g.resident_stays
        return found

    def steps(self, item: Resident) -> list[Step]:
        """Another bed, a swap, the end: of the stay that lasts or comes; and into the console, for whom an import brought."""
        invite = [Step("invite", gettext("Invite to the console"), self.url("invite", pk=self.key_of(item)), "user-plus", question=gettext(
            "They get a link by e-mail, %(email)s, and choose a password.", email=item.member.email))] if self._may_invite(item) else []
        return invite + self._stay_steps(item)

    def _may_invite(self, item: Resident) -> bool:
        return (g.identity.portal is Portal.ADMIN and g.identity.can(Resource.MEMBERS, Action.CREATE, item.hostel_id)
                and invitations.waits_for_one(self.session(), item.member, Role.RESIDENT, item.hostel_id))

    def _stay_steps(self, item: Resident) -> list[Step]:
        stay = next((one for one in self._stays(item) if one.status != StayStatus.ENDED.value), None)
        if stay is None or not self.allowed("transfer"):
            return []
        pk, day = self.key_of(item), asking.day_ask("on", gettext("From"))
        others = [(one.id, f"{one.member.name}, {one.bed.called}") for one in beds.open_stays(self.session(), item.hostel_id) if one.id != stay.id]
        return [
            Step("transfer", gettext("Another bed"), self.url("transfer", pk=pk), "bed",
                 asks=(asking.free_bed_ask(self.session(), item.hostel_id, formats.today()), day)),
            Step("swap", gettext("Swap beds"), self.url("swap", pk=pk), "users", asks=(
                Ask("other", gettext("With whom?"), "choice", choices=others), day)),
            *([Step("notice", gettext("Gives notice"), url_for("MoveOutView.give", stay=stay.id), "sign-out", asks=(
                asking.day_ask("on", gettext("First day without them")), Ask("note", gettext("Why?"), "line", required=False, most=WHY_MAX)))]
              if stay.until_on is None and g.identity.can(Resource.MOVE_OUTS, Action.CREATE, item.hostel_id) else []),
            Step("end", gettext("Moves out"), self.url("end", pk=pk), "sign-out", kind="danger", asks=(
                asking.day_ask("on", gettext("First day without them"), help=gettext("The bed is free from this day on.")),)),
        ]

    def _write(self, pk: str, done: str, work: Callable[[Session, Stay], None]) -> Any:
        item = self.find(pk)
        with service_call(done) as call:
            stay = next((one for one in self._stays(item) if one.status != StayStatus.ENDED.value), None)
            if stay is None:
                raise Conflict(gettext("This stay has ended already."))
            work(call.session, stay)
        g.pop("resident_stays", None)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/transfer/<pk>", methods=["POST"])
    @has_access
    def transfer(self, pk: str) -> Any:
        """To a bed that is free."""
        return self._write(pk, gettext("Saved."), lambda session, stay: beds.transfer(
            session, stay.id, asking.given_key("bed"), asking.given_day("on")))

    @expose("/swap/<pk>", methods=["POST"])
    @has_access
    def swap(self, pk: str) -> Any:
        """With somebody else of the house."""
        return self._write(pk, gettext("Saved."), lambda session, stay: beds.swap(
            session, stay.id, asking.given_key("other"), asking.given_day("on")))

    @expose("/end/<pk>", methods=["POST"])
    @has_access
    def end(self, pk: str) -> Any:
        """Today or on a later day."""
        return self._write(pk, gettext("Saved. The bed is free from that day on."), lambda session, stay: beds.end_stay(
            session, stay.id, asking.given_day("on")))

    @expose("/invite/<pk>", methods=["POST"])
    @has_access
    def invite(self, pk: str) -> Any:
        """By e-mail, to the account that an import made for them."""
        item = self.find(pk)
        with service_call(gettext("Invited. They choose a password and go on from there.")) as call:
            if not self._may_invite(item):
                raise Conflict(gettext("They can sign in already, or an invitation is on its way."))
            invitations.invite(call.session, settings().secret_key, submission_id(), Offer(
                item.member.email, item.member.name, Role.RESIDENT, item.hostel_id), formats.now())
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """References stand in their column as they are."""
        if column == "reference":
            return formats.show_value(item.reference, short=True)
        return super().display(item, column, short=short)
