"""The model screen that every domain declares: lists, one row, forms and actions, with every write made by a service."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, ClassVar

from flask import g, request
from flask_appbuilder import ModelView, expose
from flask_babel import gettext, lazy_gettext
from sqlalchemy import Enum as SqlEnum
from sqlalchemy import Uuid

from app.permissions import Action
from app.rules.errors import NotFound
from app.views import bulk, fields, formats
from app.views.edge import api_post, local_path, problem_json, problem_page, service_call, submission_id
from app.views.filters import FilterBar
from app.views.forms import FormPages
from app.views.interface import ConsoleInterface, Session
from app.views.lists import ListPages
from app.views.screens import ConsoleScreen, ConsoleView, console_action, has_access, to_sign_in
from app.views.show import Ask, ShowPages, Step, Story

__all__ = ["Ask", "ConsoleInterface", "ConsoleModelView", "ConsoleView", "Step", "Story", "api_post", "console_action",
           "expose", "has_access", "local_path", "problem_json", "problem_page", "service_call", "submission_id"]


class ConsoleModelView(ListPages, ShowPages, FormPages, ConsoleScreen, ModelView):
    """Declare columns; write `create`, `update`, `remove`, `restore` as calls of services: a door without one is shut.

    Forms give services values by column name (a relation `vendor` arrives as `vendor_id`). `search_columns` are
    explicit: text columns share one search box, others get a control each.
    """

    datamodel: ConsoleInterface
    method_actions: ClassVar[dict[str, Action]] = {
        "list": Action.READ, "show": Action.READ, "options": Action.READ, "version": Action.READ, "views": Action.READ, "add": Action.CREATE,
        "edit": Action.UPDATE, "delete": Action.DELETE, "restore": Action.DELETE, "export": Action.EXPORT,
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
        if "list" in self.exclude_route_methods:
            shut |= {"views", "export"}
        if "edit" in shut:
            shut.add("version")
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
        self._gen_labels_columns(self.all_columns())
        self.order_columns = [column for column in self.all_columns()
                              if self.sort_by.get(column, column) in self.datamodel.sortable]
        for column in [*self.all_columns(), *self.show_columns]:
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
        for title in ("singular_name", "plural_name", "list_title", "show_title", "add_title", "edit_title", "title"):
            setattr(self, title, lazy_gettext(str(getattr(self, title))))

    def _prettify_column(self, name: str) -> str:
        return formats.column_words(name)

    def _options_url(self, column: str, **narrowed: Any) -> str:
        return self.url("options", column=column, **narrowed)

    # -- for templates ----------------------------------------------------------------------------------------

    def raw(self, item: Any, column: str) -> Any:
        """One value of a row as it is kept; None also for columns that only `display` knows."""
        value = item
        for part in column.split("."):
            value = getattr(value, part, None)
            if callable(value):
                value = value()
        return value if value is None or column not in self.enums else self.enums[column](value)

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """One value of a row as people read it."""
        value = self.raw(item, column)
        if column.endswith("_paise") and value is not None and (currency := getattr(item, "currency", None)):
            return formats.money(value, currency)  # of the row: it need not be the organization's
        formatter = self.formatters_columns.get(column)
        return formatter(value) if formatter else formats.show_value(value, column, short=short)

    def key_of(self, item: Any) -> str:
        """The key as it stands in addresses."""
        return str(getattr(item, self.datamodel.key.key))

    def is_deleted(self, item: Any) -> bool:
        """Softly removed?"""
        return getattr(item, "deleted_at", None) is not None

    # -- one row ----------------------------------------------------------------------------------------------

    def find(self, pk: str, *, deleted: bool = False, columns: Sequence[str] = ()) -> Any:
        """The row, or NotFound."""
        item = self.datamodel.find(pk, deleted=deleted, columns=columns)
        if item is None:
            raise NotFound(gettext("%(thing)s not found. It may have been removed, or belong to another organization.",
                                   thing=self.singular_name))
        return item

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
