"""The members of an organization: who holds which role, where and until when (T3, T5, T13)."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any, ClassVar

from flask import g, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.models.organizations import Organization
from app.models.people import Member, Membership
from app.permissions import Action, Resource, Role
from app.rules.errors import Forbidden
from app.rules.people import MemberStatus
from app.services.people import members, sessions
from app.services.search import Sought
from app.views import formats
from app.views.base import (
    ConsoleInterface,
    ConsoleModelView,
    ConsoleView,
    Step,
    console_action,
    expose,
    has_access,
    service_call,
)
from app.views.people.account import myself
from app.views.people.forms import RoleField, SecurityForm

# An organization's own; the platform's is none of them.
OrganizationRole = StrEnum("OrganizationRole", {r.name: r.value for r in Role if r is not Role.SUPER_ADMIN})  # type: ignore[misc]

formats.register_tones({MemberStatus.ACTIVE: "success", MemberStatus.SUSPENDED: "warning", MemberStatus.INVITED: "info"})


class MemberView(ConsoleModelView):
    """One row for each role that somebody holds."""

    route_base = "/members"
    datamodel = ConsoleInterface(Membership)
    resource = Resource.MEMBERS
    singular_name, plural_name = "Member", "Members"
    palette = Sought(("member.name",), ("role", "hostel.name"), keys=("member.name_key", "member.last_name_key"))
    add_title = "Give a role"
    edit_title = "Limit in time"
    empty_hint = lazy_gettext("Invite somebody to begin.")
    method_actions: ClassVar[dict[str, Action]] = {
        "remove_person": Action.DELETE, "suspend_person": Action.UPDATE}
    list_columns = ["member", "member.email", "role", "hostel", "status", "valid_until"]
    optional_columns = ["valid_from", "member.joined_at", "created_at"]
    quick_filters = ((lazy_gettext("Active"), {"status": "active"}), (lazy_gettext("Suspended"), {"status": "suspended"}),
                     (lazy_gettext("Residents"), {"role": ["resident", "pending_resident"]}),
                     (lazy_gettext("Staff"), {"role": [role.value for role in OrganizationRole if "resident" not in role]}))
    show_columns = ["member.email", "role", "hostel", "status", "valid_from", "valid_until", "member.joined_at"]
    _time = (lazy_gettext("For how long"), {"fields": ["valid_from", "valid_until"]})
    add_fieldsets = [(lazy_gettext("Who may do what"), {"fields": ["member", "role", "hostel"]}), _time]
    edit_fieldsets = [_time]
    submit_text = lazy_gettext("Give the role")
    search_columns = ["member.name", "member.email", "member", "role", "hostel", "status"]
    relation_labels: ClassVar[dict[str, str]] = {"member": "name", "hostel": "name"}
    add_form_extra_fields: ClassVar[dict[str, Any]] = {"role": RoleField(lazy_gettext("Role"))}
    label_columns: ClassVar[dict[str, Any]] = {
        "member": "Person", "member.email": "E-mail", "hostel": "Hostel", "valid_from": "From", "valid_until": "Until",
        "member.joined_at": "Member since"}
    description_columns: ClassVar[dict[str, Any]] = {
        "hostel": lazy_gettext("Empty for all hostels."), "valid_from": lazy_gettext("Empty: at once."),
        "valid_until": lazy_gettext("Empty: until it is taken away.")}
    enums: ClassVar[dict[str, Any]] = {"role": OrganizationRole, "status": MemberStatus}
    formatters_columns: ClassVar[dict[str, Any]] = {
        "role": formats.human, "hostel": lambda hostel: str(hostel) if hostel else gettext("All hostels")}
    state_column = "status"
    lock_for_edit = False
    key_facts = ("member.email", "hostel", "valid_until")
    list_template = "people/members.html"
    show_template = "people/member.html"

    def narrow(self, statement: Any) -> Any:
        """With addresses, which are not loaded with a person otherwise."""
        return statement.options(joinedload(Membership.member).undefer(Member.email))

    def create(self, session: Session, data: dict[str, Any]) -> None:
        """One more role for a person who is here already."""
        members.grant_role(session, data["user_id"], data["role"], data["hostel_id"], valid_from=data["valid_from"],
                           valid_until=data["valid_until"])

    def update(self, session: Session, item: Membership, data: dict[str, Any]) -> None:
        """From when until when the role counts."""
        members.change_role(session, item.id, MemberStatus(item.status), valid_from=data["valid_from"],
                            valid_until=data["valid_until"], version=self.seen_version())

    def remove(self, session: Session, item: Membership) -> None:
        """Take the role away."""
        members.take_role(session, item.id)

    @console_action("suspend", lazy_gettext("Suspend"), needs=Action.UPDATE,
                    confirmation=lazy_gettext("Suspend this role? It stops counting at once, and can be brought back."))
    def suspend(self, session: Session, item: Membership) -> None:
        """The role stops counting."""
        members.change_role(session, item.id, MemberStatus.SUSPENDED, valid_from=item.valid_from,
                            valid_until=item.valid_until)

    @console_action("reactivate", lazy_gettext("Reactivate"), needs=Action.UPDATE)
    def reactivate(self, session: Session, item: Membership) -> None:
        """The role counts again."""
        members.change_role(session, item.id, MemberStatus.ACTIVE, valid_from=item.valid_from,
                            valid_until=item.valid_until)

    @console_action("sign_out", lazy_gettext("Sign out everywhere"), needs=Action.UPDATE,
                    confirmation=lazy_gettext("End all sessions of this person, on all devices?"))
    def sign_out(self, session: Session, item: Membership) -> None:
        """All of the person's sessions end."""
        sessions.end_all(session, item.user_id)

    @console_action("make_owner", lazy_gettext("Hand over ownership"), needs=Action.APPROVE, multiple=False, danger=True,
                    confirmation=lazy_gettext("Make this person owner of the organization? You stay as administrator."))
    def make_owner(self, session: Session, item: Membership) -> None:
        """From the caller to this person."""
        members.transfer_ownership(session, item.user_id)

    def steps(self, item: Membership) -> list[Step]:
        """What fits the state of the role; nobody suspends, limits or signs out themselves here."""
        pk, own, active = self.key_of(item), item.user_id == g.identity.user_id, item.status == MemberStatus.ACTIVE
        who = item.member.name
        out = {"suspend" if not active else "reactivate"} | ({"suspend", "edit", "sign_out"} if own else set())
        if own or Role.OWNER not in g.identity.roles:
            out.add("make_owner")
        said = {
            "edit": {"text": gettext("Limit in time"), "glyph": "clock"},
            "make_owner": {"question": gettext("Make %(who)s owner of the organization? You stay as administrator.", who=who)},
            "delete": {"text": gettext("Take this role away"), "question": gettext(
                "Take the role %(role)s away from %(who)s?", role=formats.human(item.role).lower(), who=who)},
        }
        found = [replace(step, **said.get(step.name, {})) for step in super().steps(item) if step.name not in out]
        whole = {
            "suspend_person": (gettext("Suspend in all roles"), gettext("Suspend %(who)s in all roles?", who=who), not own),
            "remove_person": (gettext("Remove from the organization"), gettext("Take all roles of %(who)s away?", who=who), True)}
        return found + [Step(name, text, self.url(name, pk=pk), kind="danger", question=question)
                        for name, (text, question, fits) in whole.items() if fits and self.allowed(name)]

    def show_context(self, item: Membership) -> dict[str, Any]:
        """The person's other roles."""
        others = self.session().scalars(
            self.datamodel.rows(hostel=False).where(Membership.user_id == item.user_id, Membership.id != item.id)
            .options(*self.datamodel.eager(["hostel"])).order_by(Membership.id)).all()
        return {"others": others, "person": item.member}

    @expose("/suspend-person/<pk>", methods=["POST"])
    @has_access
    def suspend_person(self, pk: str) -> Any:
        """All roles of the person stop counting."""
        item = self.find(pk)
        with service_call(gettext("%(who)s is suspended.", who=str(item.member))) as call:
            members.suspend_person(call.session, item.user_id)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/remove-person/<pk>", methods=["POST"])
    @has_access
    def remove_person(self, pk: str) -> Any:
        """All roles of the person are taken away."""
        item = self.find(pk)
        with service_call(gettext("%(who)s is no longer a member.", who=str(item.member))) as call:
            members.remove_person(call.session, item.user_id)
        return call.respond(self.url("list"), failed=lambda: self.render_show(pk))


class SecurityView(ConsoleView):
    """What the organization asks of everybody who works for it."""

    route_base = "/members"
    resource = Resource.ORGANIZATION
    method_actions: ClassVar[dict[str, Action]] = {"security": Action.UPDATE}

    @expose("/security", methods=["GET", "POST"])
    @has_access
    def security(self) -> Any:
        """Whether staff need a second factor, and new devices a code."""
        me, form, title = myself(), SecurityForm(), gettext("Security")
        organization = self.session().scalars(select(Organization).where(Organization.id == me.org_id)).one()
        if not form.is_submitted():
            form.require_totp.data = bool(organization.settings.get(members.REQUIRE_TOTP))
            form.verify_devices.data = bool(organization.settings.get(members.VERIFY_DEVICES))
            return self.page("people/security.html", title=title, form=form)
        with service_call(gettext("Saved.")) as call:
            if form.require_totp.data and not me.second_factor:
                raise Forbidden(gettext("Set up a second factor for yourself first, and sign in with it."))
            members.secure_sign_in(call.session, organization, second_factor=bool(form.require_totp.data),
                                   known_devices=bool(form.verify_devices.data))
        return call.respond(url_for("MemberView.list"),
                            failed=lambda: self.page("people/security.html", title=title, form=form))
