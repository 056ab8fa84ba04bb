"""Documents of people on screens: how they are shown, taken, and asked for; a resident's own page."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from flask import g, make_response, redirect, request, url_for
from flask_appbuilder import AppBuilder
from flask_babel import gettext, lazy_gettext

from app.models.personal import Document
from app.permissions import Action, Portal, Resource, Role
from app.rules.errors import DomainError, Invalid, NotFound
from app.rules.personal import REMIND_BEFORE, VALUES, DocumentKind, Requirement
from app.services import documents, personal
from app.services.files import Upload
from app.services.personal.values import OWN_REASON
from app.views.base import ConsoleView, expose, has_access, problem_page, service_call, submission_id
from app.views.edge import already_submitted
from app.views.people.doors import ring
from app.wiring import objects

ACCEPT = "image/jpeg,image/png,image/heic,.heic,application/pdf"
KINDS = {
    DocumentKind.IDENTITY: lazy_gettext("Proof of identity"), DocumentKind.ADDRESS: lazy_gettext("Proof of address"),
    DocumentKind.PHOTO: lazy_gettext("Photo of the person"), DocumentKind.STUDENT: lazy_gettext("Student or work card"),
    DocumentKind.PARENT_IDENTITY: lazy_gettext("Identity of a parent"), DocumentKind.AGREEMENT: lazy_gettext("Rental agreement"),
    DocumentKind.POLICE: lazy_gettext("Police verification"), DocumentKind.OTHER: lazy_gettext("Another document"),
}
_ASKED = (Role.PENDING_RESIDENT, Role.RESIDENT, Role.MEMBER, Role.MAINTENANCE_STAFF, Role.CANTEEN_STAFF, Role.GUARD)


def kind_of(text: str) -> DocumentKind:
    """A kind as a form sends it. Errors: Invalid."""
    try:
        return DocumentKind(text)
    except ValueError as error:
        raise Invalid(gettext("Choose what this document is."), field="kind") from error


def key_of(text: str) -> UUID:
    """The id of a document in an address. Errors: NotFound."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(gettext("This document is not there any more.")) from error


def shown(found: list[Document], day: date) -> list[dict[str, Any]]:
    """Documents for a page: what each is, and whether it ends."""
    return [{"id": row.id, "kind": KINDS[DocumentKind(row.kind)], "file": row.file, "valid_until": row.valid_until,
             "added_at": row.created_at, "ended": row.valid_until is not None and row.valid_until < day,
             "ends_soon": row.valid_until is not None and 0 <= (row.valid_until - day).days <= max(REMIND_BEFORE)} for row in found]


def take(user_id: int, back: str, failed: Any) -> Any:
    """Store the document that a form has sent."""
    if (done := already_submitted()) is not None:
        return redirect(done, code=303)
    with service_call(gettext("The document is stored.")) as call:
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise Invalid(gettext("Choose a file or take a photo."), field="file")
        documents.add(call.session, ring(), objects(), user_id, kind_of(request.form.get("kind", "")),
                      Upload(sent.filename, sent.mimetype, sent.stream), valid_until=request.form.get("valid_until", ""))
    return call.respond(back, failed=lambda: failed(call.error))


def document_context(session: Any, user_id: int, role: Role) -> dict[str, Any]:
    """What the list and the form of documents need."""
    papers = documents.papers(session, user_id, role)
    return {"documents": shown(papers.documents, papers.day), "missing": [KINDS[kind] for kind in papers.missing], "kinds": KINDS,
            "with_expiry": [need.kind for need in papers.needs if need.has_expiry], "accept": ACCEPT, "once": submission_id(),
            "typed": request.form}


def readings(session: Any, user_id: int) -> list[dict[str, Any]]:
    """Who read what, in words."""
    return [{"at": one.at, "who": one.who, "own": one.own, "reason": one.reason,
             "what": [VALUES[name].label for name in one.names if name in VALUES] + ([KINDS[DocumentKind(one.kind)]] if one.kind else [])}
            for one in personal.readings(session, user_id)]


def private(page: Any) -> Any:
    """A page that no cache keeps."""
    answer = make_response(page)
    answer.cache_control.no_store = True
    return answer


class MyDocumentsView(ConsoleView):
    """What the organization keeps of the person who looks: values masked until asked for, documents to give and take back."""

    route_base = "/my/documents"
    resource = Resource.PERSONAL
    portals = frozenset({Portal.RESIDENT})
    default_view = "own"
    method_actions: ClassVar[dict[str, Action]] = {
        "own": Action.READ, "reveal": Action.READ, "add": Action.CREATE, "remove": Action.UPDATE}

    def _draw(self, error: DomainError | None = None, clear: dict[str, str] | None = None) -> Any:
        session, me = self.session(), g.identity.user_id
        role = Role.RESIDENT if Role.RESIDENT in g.identity.roles else Role.PENDING_RESIDENT
        return private(self.page("personal/own.html", title=gettext("My documents"), values=personal.masked(session, me),
                                 clear=clear or {}, error=error, readings=readings(session, me), **document_context(session, me, role)))

    @expose("/")
    @has_access
    def own(self) -> Any:
        """Values and documents."""
        return self._draw()

    @expose("/reveal", methods=["POST"])
    @has_access
    def reveal(self) -> Any:
        """One's own values in clear, which the audit log notes as well."""
        me, clear = g.identity.user_id, {}
        with service_call() as call:
            names = [value.name for value in personal.masked(call.session, me)]
            clear = personal.reveal_all(call.session, ring(), me, names, OWN_REASON)
        return problem_page(call.error, self.url("own")) if call.error else self._draw(clear=clear)

    @expose("/add", methods=["POST"])
    @has_access
    def add(self) -> Any:
        """One more document."""
        return take(g.identity.user_id, self.url("own"), self._draw)

    @expose("/remove/<pk>", methods=["POST"])
    @has_access
    def remove(self, pk: str) -> Any:
        """A document is taken back."""
        with service_call(gettext("The document is removed.")) as call:
            documents.remove(call.session, key_of(pk))
        return call.respond(self.url("own"))


class RequirementsView(ConsoleView):
    """Which documents the organization asks for, and from whom."""

    route_base = "/personal/requirements"
    resource = Resource.ORGANIZATION
    default_view = "edit"
    method_actions: ClassVar[dict[str, Action]] = {"edit": Action.UPDATE}

    @expose("/", methods=["GET", "POST"])
    @has_access
    def edit(self) -> Any:
        """All kinds on one page."""
        def draw() -> Any:
            return self.page("personal/requirements.html", title=gettext("Documents that are asked for"), kinds=KINDS, roles=_ASKED,
                             needs=wanted if request.method == "POST" else documents.requirements(self.session()),
                             back=url_for("MemberView.list"))

        wanted = [_wanted(kind) for kind in DocumentKind] if request.method == "POST" else []
        if request.method == "GET":
            return draw()
        with service_call(gettext("Saved.")) as call:
            documents.require(call.session, wanted)
        return call.respond(self.url("edit"), failed=draw)


def _wanted(kind: DocumentKind) -> Requirement:
    chosen = {str(role) for role in _ASKED} & set(request.form.getlist(f"{kind}-roles"))
    return Requirement(kind, f"{kind}-required" in request.form, f"{kind}-expiry" in request.form,
                       frozenset(Role(role) for role in chosen))


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(MyDocumentsView, "My documents", icon="fa-file-text")
    builder.add_view_no_menu(RequirementsView)
