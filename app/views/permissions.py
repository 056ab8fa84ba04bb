"""The permission matrix by role, by resource and by person; two roles compared; why somebody may (T7, T8)."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from flask import Response, g, request, url_for
from flask_appbuilder import AppBuilder
from flask_babel import gettext
from sqlalchemy import select

from app.models.people import Member
from app.permissions import ROLE_PORTAL, Action, Capability, Resource, Role
from app.rules.errors import DomainError, NotFound
from app.rules.people import may_grant
from app.services import permissions
from app.services.permissions import Cell
from app.views.base import ConsoleView, expose, has_access, service_call
from app.views.edge import db_session

ROLES = [role for role in Role if role is not Role.SUPER_ADMIN]


class BadChoice(DomainError):
    """A link that no page of ours gave out."""

    code = "bad_choice"
    status = 400


def _member_of(kind: Any, text: str | None, otherwise: Any = None) -> Any:
    """A member of an enum by its value; nothing chosen is `otherwise`."""
    if not text:
        return otherwise
    try:
        return kind(text)
    except ValueError as error:
        raise BadChoice(gettext("“%(text)s” is not one of the choices.", text=text[:40])) from error


def _named(kind: Any, text: str) -> Any:
    """The same where a button always names one: nothing is not a choice."""
    found = _member_of(kind, text)
    if found is None:
        raise BadChoice(gettext("The button that sent this named nothing to change. Open the page again."))
    return found


def _hostel(text: str | None) -> UUID | None:
    """The chosen hostel; somebody else's looks like none."""
    if not text:
        return None
    for hostel in g.identity.hostels:
        if str(hostel.id) == text:
            found: UUID = hostel.id
            return found
    raise NotFound(gettext("There is no such hostel."))


def _capability(text: str) -> Capability:
    resource, _, action = text.partition(".")
    return _named(Resource, resource), _named(Action, action)


def _cell(text: str) -> tuple[str, bool]:
    """`maintenance.update:yes` as a button sends it."""
    name, _, wanted = text.rpartition(":")
    if wanted not in {"yes", "no"} or "." not in name:
        raise BadChoice(gettext("“%(text)s” is not one of the choices.", text=text[:40]))
    return name, wanted == "yes"


class PermissionsView(ConsoleView):
    """Roles × resources × actions, one role or one resource at a time."""

    route_base = "/permissions"
    default_view = "matrix"
    resource = Resource.PERMISSIONS
    method_actions: ClassVar[dict[str, Action]] = {
        "matrix": Action.READ, "compare": Action.READ, "explain": Action.READ, "change": Action.UPDATE}

    @expose("/")
    @has_access
    def matrix(self) -> Any:
        """The rows of one role, or the column of one resource over all roles."""
        hostel = _hostel(request.args.get("hostel"))
        overrides = permissions.role_overrides(self.session())
        resource = _member_of(Resource, request.args.get("resource"))
        role = _member_of(Role, request.args.get("role"), Role.HOSTEL_MANAGER)
        rows: list[tuple[str, str, dict[Action, Cell], bool]] = []
        if resource is not None:
            for one in ROLES:
                cells = permissions.role_row(one, overrides, hostel)
                rows.append((one, f"{one}.{resource}", {a: cells[resource, a] for a in Action}, self._may_change(one)))
        else:
            cells = permissions.role_row(role, overrides, hostel)
            rows = [(r, f"{role}.{r}", {a: cells[r, a] for a in Action}, self._may_change(role)) for r in Resource]
        return self.page("permissions/matrix.html", title=gettext("Permissions"), rows=rows, role=role, chosen=resource,
                         hostel=hostel, roles=ROLES, resources=list(Resource), actions=list(Action),
                         portal=ROLE_PORTAL[role], changed=len(overrides))

    def _may_change(self, role: Role) -> bool:
        """A guess for drawing buttons; the database decides."""
        return self.allowed("change") and role is not Role.OWNER and may_grant(g.identity.roles, role)

    @expose("/change", methods=["POST"])
    @has_access
    def change(self) -> Response:
        """One cell, to the state that its button named: clicked twice, the same."""
        name, wanted = _cell(request.form.get("cell", ""))
        role_name, _, rest = name.partition(".")
        role, capability = _named(Role, role_name), _capability(rest)
        hostel = _hostel(request.form.get("hostel"))
        with service_call() as call:
            permissions.set_for_role(call.session, role, capability, wanted, hostel)
        args = {"hostel": hostel, "role": role} if request.form.get("by") != "resource" else {
            "hostel": hostel, "resource": capability[0]}
        back = url_for(".matrix", **args, _anchor=f"row-{role}.{capability[0]}")
        return call.respond(back)

    @expose("/compare")
    @has_access
    def compare(self) -> Any:
        """Two roles side by side."""
        first = _member_of(Role, request.args.get("first"), Role.ADMINISTRATOR)
        second = _member_of(Role, request.args.get("second"), Role.HOSTEL_MANAGER)
        found = permissions.difference(self.session(), first, second)
        return self.page("permissions/compare.html", title=gettext("Compare two roles"), first=first, second=second,
                         found=found, roles=ROLES, resources=list(Resource), actions=list(Action))

    @expose("/explain")
    @has_access
    def explain(self) -> Any:
        """For a person, a resource and an action: yes or no, and why."""
        resource = _member_of(Resource, request.args.get("resource"), Resource.MAINTENANCE)
        action = _member_of(Action, request.args.get("action"), Action.UPDATE)
        hostel = _hostel(request.args.get("hostel"))
        person = _person(request.args["person"]) if request.args.get("person") else None
        found = None
        if person is not None:
            found = permissions.explain(self.session(), person.user_id, resource, action, hostel)
        return self.page("permissions/explain.html", title=gettext("Why may somebody?"), person=person, found=found,
                         chosen=resource, action=action, hostel=hostel, resources=list(Resource), actions=list(Action))


def _person(text: str) -> Member:
    """Somebody of this organization."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 - an int4
    found = None
    if number is not None:
        found = db_session().scalars(
            select(Member).where(Member.org_id == g.identity.org_id, Member.user_id == number)).one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such person in this organization."))
    return found


class PersonPermissionsView(ConsoleView):
    """What one person may do, and the exceptions made for them."""

    route_base = "/permissions/people"
    resource = Resource.PERMISSIONS
    method_actions: ClassVar[dict[str, Action]] = {"show": Action.READ, "change": Action.UPDATE}

    @expose("/<user_id>")
    @has_access
    def show(self, user_id: str) -> Any:
        """Their row of the matrix."""
        person, hostel = _person(user_id), _hostel(request.args.get("hostel"))
        known = permissions.facts(self.session(), person.user_id)
        cells = permissions.person_row(known, hostel)
        editable = self.allowed("change") and person.user_id != g.identity.user_id and all(
            m.role is not Role.OWNER and may_grant(g.identity.roles, m.role) for m in known.memberships)
        rows = [(r, r, {a: cells[r, a] for a in Action}, editable) for r in Resource]
        return self.page("permissions/person.html", title=gettext("Permissions of %(who)s", who=person.name),
                         person=person, rows=rows, hostel=hostel, actions=list(Action), memberships=known.memberships,
                         exceptions=len(known.own_overrides))

    @expose("/<user_id>/change", methods=["POST"])
    @has_access
    def change(self, user_id: str) -> Response:
        """One cell, to the state that its button named."""
        person, hostel = _person(user_id), _hostel(request.form.get("hostel"))
        name, wanted = _cell(request.form.get("cell", ""))
        capability = _capability(name)
        with service_call() as call:
            permissions.set_for_person(call.session, person.user_id, capability, wanted, hostel)
        return call.respond(url_for(".show", user_id=person.user_id, hostel=hostel, _anchor=f"row-{capability[0]}"))


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(PermissionsView, "Permissions", icon="fa-key", category="People")
    builder.add_view_no_menu(PersonPermissionsView)


