"""The forms of a model screen: what was typed survives every refusal, and nobody overwrites what they have not seen."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, g, make_response, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.hooks import before_request
from flask_babel import gettext
from sqlalchemy import select

from app.rules.errors import Conflict, DomainError, Forbidden, Invalid
from app.views import formats
from app.views.edge import (
    OtherOrganization,
    already_submitted,
    remember_submission,
    service_call,
    submission_id,
)
from app.views.interface import ConsoleInterface, Session
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
        """An empty form; sent, a row made by `create`."""
        form = self.add_form()
        return self._submitted(form) if request.method == "POST" else self._form_page(form)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        """The row's form; sent, a change made by `update`."""
        item = self.find(pk, columns=self.edit_columns)
        form = self.edit_form(obj=item)
        return self._submitted(form, item) if request.method == "POST" else self._form_page(form, item)

    def _submitted(self, form: Any, item: Any = None) -> Response:
        if (outcome := already_submitted()) is not None:
            flash(gettext("This was saved already."), "info")
            return redirect(outcome, code=303)
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
        flash(gettext("%(thing)s saved.", thing=self.singular_name), "success")
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

    def _check_version(self, session: Session, pk: str) -> None:
        """Hold the row from here to the commit, and refuse if somebody saved since the form was opened."""
        model = self.datamodel.obj
        opened = request.form.get("_version")
        if not self.lock_for_edit or not hasattr(model, VERSION):
            return
        row = select(model.updated_at).where(self.datamodel.key == self.datamodel.parse_key(pk))
        current = session.execute(row.with_for_update(key_share=True)).scalar_one_or_none()
        if current is None:
            raise Forbidden(gettext("You may not change this."))
        if not opened:
            raise Conflict(gettext("The form did not say which version it was opened with, so it might undo what somebody "
                                   "else saved. What you typed is still here: compare, and save again to keep yours."))
        if current.isoformat() != opened:
            raise Conflict(gettext("Somebody saved this first, %(when)s. What you typed is still here: compare, and "
                                   "save again to keep yours.", when=formats.exact(current)))

    def _form_page(self, form: Any, item: Any = None, error: DomainError | None = None) -> Response:
        new = request.endpoint == f"{self.endpoint}.add"
        theirs = {}
        if isinstance(error, Conflict) and item is not None:
            current = type(form)(formdata=None, obj=item)
            theirs = {name: self.display(item, name) for name, field in current._fields.items()
                      if name in form._fields and hasattr(item, name) and field.data != form._fields[name].data}
        identity = g.get("identity")
        version = getattr(item, VERSION, None)
        page = self.page(
            "base/form.html", title=self.add_title if new else self.edit_title, form=form, item=item, error=error,
            theirs=theirs, new=new, org=request.form.get("_org") or (identity.org_id if identity else ""),
            once=submission_id(), version=version.isoformat() if version else "",
            other_organization=isinstance(error, OtherOrganization),
            sections=(self.add_fieldsets if new else self.edit_fieldsets) or
                     [(None, {"fields": self.add_columns if new else self.edit_columns})],
            back=self.url("list") if new or item is None else self.url("show", pk=self.key_of(item)),
        )
        return make_response(page, error.status if error else 200)
