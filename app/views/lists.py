"""The list of a model screen: one page of rows, filtered and sorted, and the options of its comboboxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import jsonify, request
from flask_appbuilder import expose
from flask_babel import gettext

from app.rules.errors import NotFound
from app.views import bulk, fields
from app.views.filters import FilterBar
from app.views.interface import ConsoleInterface, Page
from app.views.paging import PAGE_SIZES, BadListRequest, Sort
from app.views.screens import has_access

_LABEL_COLUMNS = ("name", "title", "reference", "full_name", "code", "number")


class ListPages:
    """Mixed into ConsoleModelView, which says what is declared."""

    datamodel: ConsoleInterface
    filter_bar: FilterBar
    add_form: Any
    edit_form: Any
    search_columns: Any
    order_columns: Any
    list_columns: Any
    base_order: tuple[str, str]
    page_size: int
    list_title: str
    list_template: str
    sort_by: ClassVar[dict[str, str]]
    eager: Sequence[str]
    relation_labels: ClassVar[dict[str, str]]
    option_depends: ClassVar[dict[str, Sequence[str]]]

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
