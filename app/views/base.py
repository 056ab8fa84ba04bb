"""The model screen that every domain declares: lists, one row, forms and actions, with every write made by a service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, ClassVar

from flask import Response, flash, g, jsonify, make_response, redirect, request
from flask_appbuilder import ModelView, expose
from flask_appbuilder.hooks import before_request
from flask_babel import gettext
from sqlalchemy import Enum as SqlEnum
from sqlalchemy import Uuid, select

from app.permissions import Action
from app.rules.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.views import bulk, fields, formats
from app.views.edge import (
    OtherOrganization,
    already_submitted,
    api_post,
    local_path,
    problem_json,
    problem_page,
    remember_submission,
    service_call,
    submission_id,
)
from app.views.filters import FilterBar
from app.views.interface import ConsoleInterface, Page, Session
from app.views.paging import PAGE_SIZES, BadListRequest, Sort
from app.views.screens import ConsoleScreen, ConsoleView, console_action, has_access, to_sign_in

__all__ = ["ConsoleInterface", "ConsoleModelView", "ConsoleView", "api_post", "console_action", "expose",
           "has_access", "local_path", "problem_json", "problem_page", "service_call", "submission_id"]

VERSION = "updated_at"
_LABEL_COLUMNS = ("name", "title", "reference", "full_name", "code", "number")


class ConsoleModelView(ConsoleScreen, ModelView):
    """Declare columns; write `create`, `update`, `remove`, `restore` as calls of services: a door without one is shut.

    Forms give services values by column name (a relation `vendor` arrives as `vendor_id`). `search_columns` are
    explicit: text columns share one search box, others get a control each.
    """

    datamodel: ConsoleInterface
    method_actions: ClassVar[dict[str, Action]] = {
        "list": Action.READ, "show": Action.READ, "options": Action.READ, "add": Action.CREATE, "edit": Action.UPDATE,
        "delete": Action.DELETE, "restore": Action.DELETE, "export": Action.EXPORT,
    }
    singular_name = ""
    plural_name = ""
    enums: ClassVar[dict[str, type[Enum]]] = {}
    """Text columns that hold the members of an enum (states with a CHECK): shown as badges, offered as choices."""
    sort_by: ClassVar[dict[str, str]] = {}
    """List column → the indexed column that sorts as it does (`{"reference": "number"}`)."""
    state_column = ""
    """Shown as a badge beside the title of one row."""
    empty_hint: Any = ""
    """What to do when a list is empty."""
    eager: Sequence[str] = ()
    """Relations that list columns touch without naming them."""
    relation_labels: ClassVar[dict[str, str]] = {}
    """Relation → the related model's column that comboboxes search and sort by."""
    option_depends: ClassVar[dict[str, Sequence[str]]] = {}
    """Relation → form fields that narrow its options: `{"room": ["hostel"]}` offers rooms of the chosen hostel."""
    list_template = "base/list.html"
    show_template = "base/show.html"
    """Own templates extend these."""
    lock_for_edit = True
    """Off where the portal may not UPDATE the table and `update` calls a definer function, which locks by itself."""

    # -- what a service does ----------------------------------------------------------------------------------

    def create(self, session: Session, data: dict[str, Any]) -> Any:
        """Make the row with a service and return it. `submission_id()` as its id makes a double click harmless."""
        raise NotImplementedError

    def update(self, session: Session, item: Any, data: dict[str, Any]) -> Any:
        """Change the row with a service."""
        raise NotImplementedError

    def remove(self, session: Session, item: Any) -> Any:
        """Remove the row (softly, where the model has `deleted_at`) with a service."""
        raise NotImplementedError

    def restore_item(self, session: Session, item: Any) -> Any:
        """Bring a softly removed row back with a service."""
        raise NotImplementedError

    def narrow(self, statement: Any) -> Any:
        """Rows this screen is about. Never a wall between people: that is the policies' work."""
        return statement

    # -- declaration ------------------------------------------------------------------------------------------

    def __init__(self, **kwargs: Any) -> None:
        doors = {"add": "create", "edit": "update", "delete": "remove", "restore": "restore_item"}
        shut = {door for door, hook in doors.items() if getattr(type(self), hook) is getattr(ConsoleModelView, hook)}
        if not any(hasattr(getattr(type(self), name, None), "_action") for name in dir(type(self))):
            shut |= {"action", "action_post"}
        self.exclude_route_methods = {*self.exclude_route_methods, *shut, "download"}
        super().__init__(**kwargs)

    def _init_properties(self) -> None:
        searchable = list(self.search_columns or [])
        super()._init_properties()
        self.search_columns = searchable
        self.base_order = self.base_order or (self.datamodel.key.key, "desc")
        columns = self.datamodel.mapper.columns
        native = {name: column.type.enum_class for name, column in columns.items() if isinstance(column.type, SqlEnum)}
        self.enums = {**native, **self.enums}
        self.order_columns = [column for column in self.list_columns
                              if self.sort_by.get(column, column) in self.datamodel.sortable]
        for column in [*self.list_columns, *self.show_columns]:
            if column in columns and isinstance(columns[column].type, Uuid):
                raise TypeError(f"{type(self).__name__}: {column} is an identifier; show the relation instead")

    def _init_forms(self) -> None:
        common = {"labels": self.label_columns, "hints": self.description_columns, "validators": self.validators_columns,
                  "options_url": self._options_url, "depends": self.option_depends, "enums": self.enums}
        excluded = self.exclude_route_methods
        if not self.add_form and "add" not in excluded:
            self.add_form = fields.form_for(self.datamodel, self.add_columns, extra=self.add_form_extra_fields, **common)
        if not self.edit_form and "edit" not in excluded:
            self.edit_form = fields.form_for(self.datamodel, self.edit_columns, extra=self.edit_form_extra_fields, **common)
        self.filter_bar = FilterBar(self.datamodel, self.search_columns, self.label_columns, self._options_url,
                                    self.enums)

    def _init_titles(self) -> None:
        name = self.singular_name = self.singular_name or formats.words(self.datamodel.model_name)
        self.plural_name = self.plural_name or formats.plural(name)
        self.list_title = self.list_title or self.plural_name
        self.show_title = self.show_title or name
        self.add_title = self.add_title or f"New {name[:1].lower()}{name[1:]}"
        self.edit_title = self.edit_title or f"Edit {name[:1].lower()}{name[1:]}"
        self.title = self.list_title

    def _prettify_column(self, name: str) -> str:
        return formats.column_words(name)

    def _options_url(self, column: str) -> str:
        return self.url("options", column=column)

    # -- for templates ----------------------------------------------------------------------------------------

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """One value of a row as people read it."""
        value = item
        for part in column.split("."):
            value = getattr(value, part, None)
            if callable(value):
                value = value()
        if column in self.enums and value is not None:
            value = self.enums[column](value)
        formatter = self.formatters_columns.get(column)
        return formatter(value) if formatter else formats.show_value(value, column, short=short)

    def key_of(self, item: Any) -> str:
        """The key as it stands in addresses."""
        return str(getattr(item, self.datamodel.key.key))

    def is_deleted(self, item: Any) -> bool:
        """Softly removed?"""
        return getattr(item, "deleted_at", None) is not None

    def related_lists(self, item: Any) -> Iterable[tuple[Any, str]]:
        """(view, address of its list narrowed to this row) for each related view the caller may open."""
        for view in self._related_views:
            relation = view.datamodel.get_related_fk(self.datamodel.obj)
            if relation in view.search_columns and view.allowed("list"):
                yield view, view.url("list", **{relation: self.key_of(item), "embed": 1})

    # -- list -------------------------------------------------------------------------------------------------

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """One page of the list; with `embed=1` only its table, for related lists that load when opened."""
        deleted = request.args.get("deleted") == "1" and self.allowed("restore")
        conditions, applied = self.filter_bar.read(request.args)
        page = self._read_page(self.narrow(self.datamodel.rows(deleted=deleted)).where(*conditions))
        template = "base/list_table.html" if request.args.get("embed") else self.list_template
        return self.page(template, title=self.list_title, page=page, applied=applied, deleted=deleted,
                         sizes=PAGE_SIZES, actions=bulk.offered(self, multiple=True) if not deleted else [])

    def _read_page(self, statement: Any) -> Page:
        column, direction = self.base_order
        sort = Sort.parse(request.args["sort"]) if request.args.get("sort") else Sort(column, direction == "desc")
        if sort.column not in {column, *(self.sort_by.get(name, name) for name in self.order_columns)}:
            raise BadListRequest(gettext("This list cannot be sorted by “%(column)s”.", column=sort.column[:40]))
        try:
            size = min(max(int(request.args.get("size", self.page_size)), 1), PAGE_SIZES[-1])
        except ValueError as error:
            raise BadListRequest(gettext("The number of rows per page must be a number.")) from error
        return self.datamodel.page(statement, sort, size, [*self.list_columns, *self.eager],
                                   after=request.args.get("after"), before=request.args.get("before"))

    @expose("/options/<column>")
    @has_access
    def options(self, column: str) -> Any:
        """Up to twenty rows for a combobox of this screen's forms or filters."""
        forms = [form for form in (self.add_form, self.edit_form) if form]
        known = {*self.search_columns, *(name for form in forms for name in dir(form))}
        if column not in known or not self.datamodel.is_relation(column):
            raise NotFound(gettext("There are no options of this kind."))
        _, theirs = self.datamodel.target(column)
        other = ConsoleInterface(theirs.class_)
        label = self.relation_labels.get(column) or next(name for name in _LABEL_COLUMNS if hasattr(other.obj, name))
        narrowed = {self.datamodel.target(name)[0].key if self.datamodel.is_relation(name) else name: request.args[name]
                    for name in self.option_depends.get(column, ()) if request.args.get(name)}
        rows = fields.options(other, label, request.args.get("q", "").strip()[:100].replace("\x00", ""), narrowed)
        return jsonify(options=[{"value": str(getattr(row, theirs.key)), "label": str(row)} for row in rows])

    # -- one row ----------------------------------------------------------------------------------------------

    def find(self, pk: str, *, deleted: bool = False, columns: Sequence[str] = ()) -> Any:
        """The row, or NotFound."""
        item = self.datamodel.find(pk, deleted=deleted, columns=columns)
        if item is None:
            raise NotFound(gettext("%(thing)s not found. It may have been removed, or belong to another organization.",
                                   thing=self.singular_name))
        return item

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """One row; a softly removed one only for those who may bring it back."""
        return self.render_show(pk)

    def render_show(self, pk: str) -> str:
        """The row's page, also drawn again with a refusal."""
        columns = [*self.show_columns, *self.eager]
        item = self.datamodel.find(pk, columns=columns)
        if item is None:
            item = self.find(pk, deleted=self.allowed("restore"), columns=columns)
        sections = self.show_fieldsets or [(None, {"fields": self.show_columns})]
        return self.page(self.show_template, title=str(item), item=item, sections=sections, **self.show_context(item),
                         actions=bulk.offered(self, multiple=False) if not self.is_deleted(item) else [])

    def show_context(self, item: Any) -> dict[str, Any]:
        """More for this screen's own show template (which extends base/show.html and is named in `show_template`)."""
        return {}

    # -- forms ------------------------------------------------------------------------------------------------

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
        return self._save(form) if request.method == "POST" else self._form_page(form)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        """The row's form; sent, a change made by `update`."""
        item = self.find(pk, columns=self.edit_columns)
        form = self.edit_form(obj=item)
        return self._save(form, item) if request.method == "POST" else self._form_page(form, item)

    def _save(self, form: Any, item: Any = None) -> Response:
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

    # -- removal, restoration, actions ------------------------------------------------------------------------

    @expose("/delete/<pk>", methods=["POST"])
    @has_access
    def delete(self, pk: str) -> Any:
        """Remove one row by `remove`."""
        item = self.find(pk)
        with service_call(gettext("%(thing)s removed.", thing=self.singular_name)) as call:
            self.remove(call.session, item)
        return call.respond(self.url("list"), failed=lambda: self.render_show(pk))

    @expose("/restore/<pk>", methods=["POST"])
    @has_access
    def restore(self, pk: str) -> Any:
        """Bring one row back by `restore_item`."""
        item = self.find(pk, deleted=True)
        with service_call(gettext("%(thing)s restored.", thing=self.singular_name)) as call:
            self.restore_item(call.session, item)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: str) -> Any:
        """One of this screen's actions on one row."""
        return to_sign_in() if g.get("identity") is None else bulk.run_single(self, name, pk)

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Any:
        """One of this screen's actions on the rows selected in the list."""
        if g.get("identity") is None:
            return to_sign_in()
        return bulk.run_many(self, request.form.get("action", ""), request.form.getlist("rowid"))
