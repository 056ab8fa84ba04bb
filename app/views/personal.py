"""Personal data of a member: masked values, which are shown in clear for a reason, and documents (O2, O3, O12)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import request
from flask_appbuilder import AppBuilder
from flask_babel import gettext
from sqlalchemy import select

from app.models.people import Member, Membership
from app.permissions import Action, Resource, Role
from app.rules.errors import DomainError, NotFound
from app.rules.personal import VALUES
from app.services import documents, personal
from app.views.base import ConsoleView, expose, has_access, service_call
from app.views.documents import document_context, key_of, private, readings, take
from app.views.people.doors import ring


def _person(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - what fits into the database's integer
        raise NotFound(gettext("There is no such person in this organization."))
    return int(text)


class PersonalView(ConsoleView):
    """One person; every door asks the database whether the caller reaches them."""

    route_base = "/personal"
    resource = Resource.PERSONAL
    default_view = "show"
    method_actions: ClassVar[dict[str, Action]] = {
        "show": Action.READ, "reveal": Action.APPROVE, "add": Action.UPDATE, "remove": Action.DELETE}

    def _draw(self, user_id: int, error: DomainError | None = None, clear: dict[str, str] | None = None) -> Any:
        session = self.session()
        rows = session.execute(
            select(Member.name, Membership.role, Membership.id)
            .outerjoin(Membership, (Membership.org_id == Member.org_id) & (Membership.user_id == Member.user_id))
            .where(Member.user_id == user_id)).all()
        if not rows:
            raise NotFound(gettext("There is no such person in this organization."))
        roles = {Role(row.role) for row in rows if row.role}
        role = next((role for role in Role if role in roles), Role.RESIDENT)
        return private(self.page(
            "personal/show.html", title=gettext("Personal data"), name=rows[0].name, user_id=user_id, membership=rows[0].id,
            values=personal.masked(session, user_id), clear=clear or {}, error=error,
            readings=readings(session, user_id), **document_context(session, user_id, role)))

    @expose("/<who>")
    @has_access
    def show(self, who: str) -> Any:
        """Values masked, documents by name."""
        return self._draw(_person(who))

    @expose("/<who>/reveal", methods=["POST"])
    @has_access
    def reveal(self, who: str) -> Any:
        """One value in clear, on this one page, with the reason in the audit log."""
        user_id, name, clear = _person(who), request.form.get("name", ""), {}
        with service_call() as call:
            if name not in VALUES:
                raise NotFound(gettext("This value is not there any more."))
            value = personal.reveal(call.session, ring(), user_id, name, request.form.get("note", ""))
            clear = {name: value} if value is not None else {}
        if call.error is None:
            return self._draw(user_id, clear=clear)
        return call.respond("", failed=lambda: self._draw(user_id, error=call.error))

    @expose("/<who>/add", methods=["POST"])
    @has_access
    def add(self, who: str) -> Any:
        """One more document."""
        user_id = _person(who)
        return take(user_id, self.url("show", who=who), lambda error: self._draw(user_id, error=error))

    @expose("/<who>/remove/<pk>", methods=["POST"])
    @has_access
    def remove(self, who: str, pk: str) -> Any:
        """A document counts no more."""
        with service_call(gettext("The document is removed.")) as call:
            documents.remove(call.session, key_of(pk))
        return call.respond(self.url("show", who=who))


def register(builder: AppBuilder) -> None:
    """Reached from a member's page."""
    builder.add_view_no_menu(PersonalView)
