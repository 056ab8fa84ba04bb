"""The forms of a model screen: what was typed survives every refusal, and nobody overwrites what they have not seen."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from flask import Response, flash, g, jsonify, make_response, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.hooks import before_request
from flask_babel import gettext
from sqlalchemy import select

from app.rules.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.services.timeline import Sight, last_edit
from app.views import edge, formats, timeline
from app.views.edge import (
    OtherOrganization,
    remember_submission,
    saved_before,
    service_call,
    submission_id,
)
from app.views.fields import RelationField, posted
from app.views.interface import HOSTEL, ConsoleInterface, Session
from app.views.screens import has_access

VERSION = "updated_at"


class FormPages:
    """Mixed into ConsoleModelView, which says what is declared."""

    datamodel: ConsoleInterface
    add_form: Any
    edit_form: Any
    singular_name: str
    lock_for_edit: bool
    endpoint: str
    submit_text: ClassVar[Any] = ""
    """What the button of the form for a new row says; “Save” where nothing is declared."""

    @before_request
    def same_organization(self) -> Any:
        """As everywhere, but a form comes back with what was typed into it."""
        try:
            return super().same_organization()
        except OtherOrganization as error:
            form = {"add": self.add_form, "edit": self.edit_form}.get((request.endpoint or "").rpartition(".")[2])
            if not form:
                raise
            return self._form_page(form(), error=error)

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """A form with what the address says already (`/rooms/add?floor=…`); sent, a row made by `create`."""
        form = self.add_form()
        if request.method == "POST":
            return self._submitted(form)
        self._prefill(form)
        return self._form_page(form)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        """The row's form; sent, a change made by `update`."""
        item = self.find(pk, columns=self.edit_columns)
        form = self.edit_form(obj=item)
        return self._submitted(form, item) if request.method == "POST" else self._form_page(form, item)

    @expose("/version/<pk>")
    @has_access
    def version(self, pk: str) -> Any:
        """For a form that is open: whether somebody saved since the version that it has `seen`, and who."""
        item = self.find(pk)
        current = _stamp(item)
        return jsonify(version=current, said=self._who_saved(item) if current != request.args.get("seen") else "")

    # -- what is there before anybody types -------------------------------------------------------------------

    def _prefill(self, form: Any) -> None:
        """What the address names, what that belongs to, and the hostel where only one can be meant."""
        relations = [field for field in form if isinstance(field, RelationField)]
        for field in form:
            if (text := request.args.get(field.name)) and field.name != "csrf_token":
                field.choose(text) if isinstance(field, RelationField) else _type_into(field, text)
        for field in relations:
            for above in field.depends if field.data is not None else ():
                other = form._fields.get(above)
                if isinstance(other, RelationField) and other.data is None:
                    other.choose(str(getattr(field.row(), other.column, None) or ""))
        for field in relations:
            if field.column == HOSTEL and field.data is None and field.flags.required:
                field.data = only_hostel()

    def _narrow_options(self, form: Any, item: Any) -> None:
        """A form that does not ask what its options depend on gets those that fit the row."""
        for field in form:
            for above in field.depends if isinstance(field, RelationField) and item is not None else ():
                if above not in form._fields:
                    field.narrowed[above] = getattr(item, self.datamodel.target(above)[0].key)

    # -- saving -----------------------------------------------------------------------------------------------

    def _submitted(self, form: Any, item: Any = None) -> Response:
        if (before := saved_before()) is not None:
            return before
        if not form.validate():
            return self._form_page(form, item, error=Invalid(gettext("Please look at the marked fields.")))
        pk = self.key_of(item) if item is not None else ""
        with service_call() as call:
            if item is None:
                saved = self.create(call.session, form.values())
            else:
                self._check_version(call.session, pk)
                saved = self.update(call.session, item, form.values()) or item
            call.session.flush()
            pk = self.key_of(saved) if isinstance(saved, self.datamodel.obj) else pk
        if call.error is not None:
            return self._refused(form, pk, call.error, new=item is None)
        flash(gettext("%(thing)s saved.", thing=gettext(self.singular_name)), "success")
        target = self.url("show", pk=pk) if pk else self.url("list")
        remember_submission(target)
        return redirect(target, code=303)

    def _refused(self, form: Any, pk: str, error: DomainError, *, new: bool) -> Response:
        item = None if new else self.datamodel.find(pk)
        if new and isinstance(error, Conflict) and self.datamodel.find(submission_id()) is not None:
            flash(gettext("This was saved already."), "info")
            return redirect(self.url("show", pk=submission_id()), code=303)
        if form.attach(error.message, getattr(error, "field", None)):
            error = type("AtField", (DomainError,), {"status": error.status})(gettext("Please look at the marked fields."))
        return self._form_page(form, item, error=error)

    # -- versions ---------------------------------------------------------------------------------------------

    def seen_version(self) -> datetime | None:
        """The version that the form was opened with."""
        try:
            return datetime.fromisoformat(request.form.get("_version", ""))
        except ValueError:
            return None

    def _check_version(self, session: Session, pk: str) -> None:
        """Hold the row from here to the commit, and refuse if somebody saved since the form was opened.

        Where the portal may not lock the row, `update` hands `seen_version()` to the function that does.
        """
        model = self.datamodel.obj
        if not hasattr(model, VERSION):
            return
        row = select(model.updated_at).where(self.datamodel.key == self.datamodel.parse_key(pk))
        if self.lock_for_edit:
            row = row.with_for_update(key_share=True)
        current = session.execute(row).scalar_one_or_none()
        if current is None:
            raise Forbidden(gettext("You may not change this."))
        if not request.form.get("_version"):
            raise Conflict(gettext("The form did not say which version it was opened with, so it might undo what somebody "
                                   "else saved. What you typed is still here: compare, and save again to keep yours."))
        if current != self.seen_version():
            raise Conflict(gettext("Somebody saved this first. What you typed is still here."))

    def _who_saved(self, item: Any) -> str:
        """Who saved last and when, as far as the caller may know."""
        if timeline.sight(self) is not Sight.NONE and (last := last_edit(self.session(), timeline.subject(self, item))):
            return gettext("%(who)s saved this %(when)s.", who=timeline.who_did(last), when=formats.ago(last.at))
        return gettext("Somebody saved this %(when)s.", when=formats.ago(getattr(item, VERSION)))

    def _compare(self, form: Any, item: Any) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """(what both changed: theirs by field, labels of what only they changed, which is taken over)."""
        current, was = type(form)(formdata=None, obj=item), _marks(request.form.get("_was", ""))
        mine, theirs = form.fingerprints(), current.fingerprints()
        both, taken = {}, []
        for name in (name for name in theirs if hasattr(item, name) and mine[name] != theirs[name]):
            field = current._fields[name]
            if was.get(name) == mine[name]:
                form.take(name, current)
                taken.append(gettext(str(field.label.text)))
            elif was.get(name) != theirs[name]:
                shown = self.display(item, name)
                both[name] = {"shown": shown, "value": posted(field), "label": str(getattr(item, name) or "")}
        return both, taken

    # -- the page ---------------------------------------------------------------------------------------------

    def _form_page(self, form: Any, item: Any = None, error: DomainError | None = None) -> Response:
        new = request.endpoint == f"{self.endpoint}.add"
        overtaken = isinstance(error, Conflict) and item is not None and hasattr(item, VERSION)
        theirs, taken = self._compare(form, item) if overtaken else ({}, [])
        self._narrow_options(form, item)
        # A form that was refused for something else still says what it was opened with.
        again = request.method == "POST" and not overtaken
        was = request.form.get("_was", "") if again else "" if item is None else json.dumps(
            type(form)(formdata=None, obj=item).fingerprints())
        identity = g.get("identity")
        page = self.page(
            "base/form.html", title=self.add_title if new else self.edit_title, form=form, item=item, error=error,
            theirs=theirs, taken=taken, who_saved=self._who_saved(item) if overtaken else "", new=new, once=submission_id(),
            org=request.form.get("_org") or (identity.org_id if identity else ""), was=was,
            version=request.form.get("_version", "") if again else _stamp(item),
            watched="" if item is None or not hasattr(item, VERSION) else self.url("version", pk=self.key_of(item)),
            other_organization=isinstance(error, OtherOrganization),
            files_lost=any(sent.filename for sent in request.files.values()),
            submit_text=self.submit_text if new and self.submit_text else gettext("Save"),
            sections=(self.add_fieldsets if new else self.edit_fieldsets) or
                     [(None, {"fields": self.add_columns if new else self.edit_columns})],
            back=self.url(self.default_view) if new or item is None else self.url("show", pk=self.key_of(item)),
        )
        return make_response(page, error.status if error else 200)


def only_hostel() -> UUID | None:
    """The hostel that is meant where nobody says so: the one chosen in the top bar, or the only one."""
    hostels = g.identity.hostels
    found: UUID | None = g.identity.hostel_id or (hostels[0].id if len(hostels) == 1 else None)
    return found


def reachable(hostel_id: UUID | None) -> UUID:
    """One of the hostels that the reader works in; NotFound for any other."""
    if hostel_id is None or hostel_id not in {place.id for place in g.identity.hostels}:
        raise NotFound(gettext("There is no such hostel."))
    return hostel_id


def chosen_hostel(text: str | None) -> UUID:
    """The hostel that is named, else the one chosen in the top bar, else the first. Error: NotFound."""
    first = next((place.id for place in g.identity.hostels), None)
    return reachable(edge.given_id(text, gettext("There is no such hostel.")) if text else only_hostel() or first)


def _type_into(field: Any, text: str) -> None:
    try:
        field.process_formdata([text])
    except ValueError:
        field.data = None


def _stamp(item: Any) -> str:
    moment = getattr(item, VERSION, None)
    return moment.isoformat() if moment else ""


def _marks(text: str) -> dict[str, str]:
    """The fingerprints that a form was opened with; of what is none, nothing."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
