"""The residents' pages: raise a request, follow it, say that it is not fixed. Made for a phone; they work without scripts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from flask import g, make_response, redirect, request
from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from app.models.maintenance import MaintenanceCategory, MaintenanceIssueType, MaintenanceRequest
from app.models.rooms import Room
from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, Invalid
from app.rules.maintenance import DESCRIPTION_MAX, PLACE_MAX, Priority, RequestStatus, moves
from app.services import maintenance
from app.services.maintenance import residents
from app.services.search import Sought
from app.views import formats
from app.views.base import ConsoleInterface, ConsoleView, expose, has_access, service_call, submission_id
from app.views.edge import already_submitted
from app.views.fields import ConsoleForm, printable, strip
from app.views.forms import only_hostel
from app.views.maintenance import parts
from app.views.paging import BadListRequest

_NONE = SelectChoice("", "—")


def _key(text: Any) -> UUID | None:
    return UUID(str(text)) if text else None


class NewRequestForm(ConsoleForm):
    """What a resident says about what is broken; choices are filled in by the view."""

    hostel = SelectField(lazy_gettext("Hostel"), coerce=_key)
    issue_type = SelectField(lazy_gettext("What is wrong?"), coerce=_key)
    room = SelectField(lazy_gettext("Room"), coerce=_key)
    place = StringField(lazy_gettext("Place"), validators=[Length(max=PLACE_MAX), printable], filters=[strip],
                        description=lazy_gettext("If it is not in a room: kitchen, stairs, terrace…"))
    description = TextAreaField(lazy_gettext("Description"), filters=[strip],
                                validators=[Length(max=DESCRIPTION_MAX), printable],
                                description=lazy_gettext("What happens, and since when?"))
    priority = RadioField(lazy_gettext("How urgent is it?"), validators=[InputRequired()], default=Priority.NORMAL.value, choices=[
        SelectChoice(Priority.NORMAL.value, lazy_gettext("Normal")),
        SelectChoice(Priority.HIGH.value, lazy_gettext("High: danger, no water, no power"))])


class MyRequestsView(ConsoleView):
    """A resident's own requests."""

    resource = Resource.MAINTENANCE
    portals = frozenset({Portal.RESIDENT})
    route_base = "/my/requests"
    default_view = "mine"
    singular_name, plural_name = "Request", "My requests"
    counter = "my_requests"
    palette = Sought(("reference",), ("issue_type.name", "category.name", "status"), number="number", series="MR",
                     recent="raised_at", texts=("issue_type.name", "category.name", "place"), model=MaintenanceRequest)
    palette_commands: ClassVar[dict[str, Any]] = {"new": lazy_gettext("Report a problem")}
    enums: ClassVar[dict[str, Any]] = {"status": RequestStatus}
    method_actions: ClassVar[dict[str, Action]] = {
        "mine": Action.READ, "show": Action.READ, "new": Action.CREATE, "comment": Action.CREATE, "attach": Action.CREATE,
        "dispute": Action.CREATE,
    }

    @expose("/")
    @has_access
    def mine(self) -> Any:
        """All of them, newest first."""
        before = request.args.get("before")
        try:
            moment = datetime.fromisoformat(before) if before else None
        except ValueError as error:
            raise BadListRequest(gettext("This link to a page of the list is broken. Start from the first page.")) from error
        found = residents.own_requests(self.session(), moment)
        return self.page("maintenance/mine.html", title=gettext("My requests"), requests=found,
                         older=found[-1].raised_at.isoformat() if len(found) == residents.PAGE else None)

    # -- a new one --------------------------------------------------------------------------------------------

    @expose("/new", methods=["GET", "POST"])
    @has_access
    def new(self) -> Any:
        """First the category, then the form for it."""
        categories = self.session().scalars(
            ConsoleInterface(MaintenanceCategory).rows().order_by(MaintenanceCategory.position)).all()
        chosen = next((one for one in categories if str(one.id) == request.values.get("category")), None)
        if chosen is None:
            return self.page("maintenance/choose.html", title=gettext("What is it about?"), categories=categories)
        form = self._form(chosen)
        if request.method == "GET":
            return self._form_page(form, chosen)
        if (outcome := already_submitted()) is not None:
            return redirect(outcome, code=303)
        if not form.validate():
            return self._form_page(form, chosen, Invalid(gettext("Please look at the marked fields.")))
        return self._submit(form, chosen)

    def _form(self, category: MaintenanceCategory) -> NewRequestForm:
        form = NewRequestForm()
        form.hostel.choices = [SelectChoice(place.id, place.name) for place in g.identity.hostels]
        if request.method == "GET" or not form.hostel.raw_data:
            form.hostel.data = only_hostel()
        types = select(MaintenanceIssueType).where(
            MaintenanceIssueType.category_id == category.id, MaintenanceIssueType.deleted_at.is_(None))
        form.issue_type.choices = [_NONE, *(SelectChoice(one.id, one.name) for one in self.session().scalars(
            types.order_by(MaintenanceIssueType.position, MaintenanceIssueType.name)))]
        rooms = select(Room).where(Room.deleted_at.is_(None)).order_by(Room.hostel_id, Room.number)
        names = {place.id: place.name for place in g.identity.hostels}
        form.room.choices = [_NONE, *(
            SelectChoice(room.id, room.number if len(names) == 1 else f"{names.get(room.hostel_id, '')} {room.number}")
            for room in self.session().scalars(rooms))]
        return form

    def _submit(self, form: NewRequestForm, category: MaintenanceCategory) -> Any:
        new = maintenance.NewRequest(
            form.hostel.data, category.id, form.issue_type.data, form.room.data, form.place.data or "",
            form.description.data or "", Priority(form.priority.data), id=submission_id())
        with service_call(gettext("Thank you. We have your request.")) as call:
            made = maintenance.submit(call.session, new)
            parts.attach_uploads(call.session, made, new.hostel_id)
        if call.error is None:
            return call.respond(self.url("show", pk=made))
        if residents.is_own(call.session, submission_id()):  # sent twice, and the other one came first
            return redirect(self.url("show", pk=submission_id()), code=303)
        form.attach(call.error.message, getattr(call.error, "field", None))
        return self._form_page(self._refilled(form, category), category, call.error)

    def _refilled(self, form: NewRequestForm, category: MaintenanceCategory) -> NewRequestForm:
        """The same form with what was typed; its choices were lost with the transaction."""
        again = self._form(category)
        for name, field in again._fields.items():
            field.errors = form._fields[name].errors
        return again

    def _form_page(self, form: NewRequestForm, category: MaintenanceCategory, error: DomainError | None = None) -> Any:
        files_lost = bool(error and any(sent.filename for sent in request.files.getlist("files")))
        page = self.page("maintenance/new.html", title=gettext("New request"), form=form, category=category, error=error,
                         once=submission_id(), files_lost=files_lost, **parts.helpers())
        return make_response(page, error.status if error else 200)

    # -- one of them ------------------------------------------------------------------------------------------

    @expose("/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """What became of it."""
        return self._show(parts.given_id(pk))

    def _show(self, key: UUID) -> str:
        item = residents.own_request(self.session(), key)
        steps = moves(parts.asking(item.hostel_id), item.facts, formats.now())
        return self.page("maintenance/own.html", title=item.reference, item=item, steps=steps,
                         entries=residents.own_story(self.session(), key), once=submission_id(),
                         typed=request.form if request.method == "POST" else {}, **parts.helpers())

    def _write(self, pk: str, done: str, work: Any) -> Any:
        key = parts.given_id(pk)
        with service_call(done) as call:
            work(call.session, key)
        if call.error is not None and parts.was_attached(call.session, key):
            call.error = None
        return call.respond(self.url("show", pk=key), failed=lambda: self._show(key))

    @expose("/<pk>/comment", methods=["POST"])
    @has_access
    def comment(self, pk: str) -> Any:
        """Say something about it."""
        body = request.form.get("body", "")
        return self._write(pk, gettext("Sent."), lambda session, key: maintenance.comment(
            session, key, body, comment_id=parts.remark_id(key, body)))

    @expose("/<pk>/attach", methods=["POST"])
    @has_access
    def attach(self, pk: str) -> Any:
        """Another photo."""

        def work(session: Any, key: UUID) -> None:
            parts.attach_uploads(session, key, residents.own_request(session, key).hostel_id, needed=True)

        return self._write(pk, gettext("Attached."), work)

    @expose("/<pk>/dispute", methods=["POST"])
    @has_access
    def dispute(self, pk: str) -> Any:
        """It was called resolved, and is not."""
        return self._write(pk, gettext("Thank you for telling us. It is open again."),
                           lambda session, key: maintenance.move(session, key, "dispute", request.form.get("note", "").strip()))
