"""The list of a model screen: rows filtered and sorted, in the columns that the link asks for; and comboboxes' options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import uuid4

from flask import flash, jsonify, redirect, request
from flask_appbuilder import expose
from flask_babel import gettext
from sqlalchemy import Integer, Numeric

from app.languages import sentence
from app.rules.errors import NotFound
from app.rules.lists import BULK_MAX
from app.views import bulk, export, fields
from app.views.filters import Applied, FilterBar
from app.views.interface import ConsoleInterface, Page
from app.views.paging import PAGE_SIZES, BadListRequest, Sort
from app.views.saved import SavedViews
from app.views.screens import has_access

_LABEL_COLUMNS = ("name", "title", "reference", "full_name", "code", "number")
_OF_A_PAGE = frozenset({"after", "before", "embed"})


@dataclass(frozen=True)
class Asked:
    """What a link asks of a list. `notes` are sentences about what it asked for and is left out."""

    statement: Any
    sort: Sort
    columns: Sequence[str]
    applied: Sequence[Applied]
    deleted: bool
    notes: list[str] = field(default_factory=list)


class ListPages(SavedViews):
    """Mixed into ConsoleModelView, which says what is declared."""

    datamodel: ConsoleInterface
    filter_bar: FilterBar
    add_form: Any
    edit_form: Any
    search_columns: Any
    order_columns: Any
    label_columns: Any
    list_columns: Any
    optional_columns: Sequence[str] = ()
    """Columns that are not shown unless somebody chooses them."""
    number_columns: Sequence[str] = ()
    """Columns that count something without being a number of the table: aligned like those."""
    quick_filters: Sequence[tuple[Any, Mapping[str, Any]]] = ()
    """(label, parameters of the link) of what people want to see most, one click away."""
    base_order: tuple[str, str]
    page_size = PAGE_SIZES[0]  # a page in any language stays below 60 kB of HTML
    list_title: str
    list_template: str
    sort_by: ClassVar[dict[str, str]] = {}
    eager: Sequence[str]
    relation_labels: ClassVar[dict[str, str]]
    option_depends: ClassVar[dict[str, Sequence[str]]]

    # -- pages ------------------------------------------------------------------------------------------------

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """One page of the list; with `embed=1` only its table, for related lists that load when opened.

        Asked for nothing at all it opens as the person likes it.
        """
        if not request.args and (preferred := self.preferred_view()) is not None:
            return redirect(self.view_url(preferred))
        return self.render_list()

    def render_list(self, outcome: bulk.Outcome | None = None) -> str:
        """The page, also drawn again after an action, with what became of it, or with a refusal."""
        embedded = bool(request.args.get("embed"))
        view = None if embedded else self.current_view()
        asked = self.asked(lenient=view is not None)
        page = self._read_page(asked)
        self.prepare(page.items)
        for note in asked.notes:
            flash(note, "warning")
        template = "base/list_table.html" if embedded else self.list_template
        actions = bulk.offered(self, multiple=True) if not asked.deleted and not embedded else []
        labels = {column: gettext(str(self.label_columns[column])) for column in self.all_columns()}
        html = self.page(
            template, title=self.list_title, page=page, applied=asked.applied, deleted=asked.deleted, columns=asked.columns,
            labels=labels, numbers=set(filter(self.is_number, asked.columns)), sizes=PAGE_SIZES, actions=actions,
            embedded=embedded, saved=view, outcome=outcome, once=uuid4(), bulk_max=BULK_MAX)
        return re.sub(r"\s*\n\s*", "\n", html)  # the templates' indentation is a tenth of such a page

    def prepare(self, items: Sequence[Any]) -> None:
        """Before rows are drawn: read what all of them need at once."""

    def asked(self, *, lenient: bool = False) -> Asked:
        """What the present link asks for. BadListRequest for what it cannot; `lenient` leaves that out with a note."""
        notes: list[str] = []
        deleted = request.args.get("deleted") == "1" and self.allowed("restore")
        conditions, applied = self.filter_bar.read(request.args, notes if lenient else None)
        statement = self.narrow(self.datamodel.rows(deleted=deleted)).where(*conditions)
        return Asked(statement, self._sort(notes if lenient else None), self._columns(notes), applied, deleted, notes)

    def _sort(self, notes: list[str] | None) -> Sort:
        column, direction = self.base_order
        usual = Sort(column, direction == "desc")
        sort = Sort.parse(request.args["sort"]) if request.args.get("sort") else usual
        if sort.column in {column, *(self.sort_by.get(name, name) for name in self.order_columns)}:
            return sort
        refusal = gettext("This list cannot be sorted by “%(column)s”.", column=sort.column[:40])
        if notes is None:
            raise BadListRequest(refusal)
        notes.append(refusal)
        return usual

    def _columns(self, notes: list[str]) -> Sequence[str]:
        """Those that the link names, in its order; the first of the list is its way to the rows and always there."""
        wanted = [name for text in request.args.getlist("cols") for name in text.split(",") if name]
        known = [name for name in dict.fromkeys(wanted) if name in self.all_columns()]
        if len(known) < len(set(wanted)):
            notes.append(gettext("A column of this link is not there any more; the others are shown."))
        first = self.list_columns[0]
        return [first, *(name for name in known if name != first)] if known else self.list_columns

    def _read_page(self, asked: Asked) -> Page:
        try:
            size = min(max(int(request.args.get("size", self.page_size)), 1), PAGE_SIZES[-1])
        except ValueError as error:
            raise BadListRequest(gettext("The number of rows per page must be a number.")) from error
        return self.datamodel.page(asked.statement, asked.sort, size, [*asked.columns, *self.eager],
                                   after=request.args.get("after"), before=request.args.get("before"))

    @expose("/export/", methods=["POST"])
    @has_access
    def export(self) -> Any:
        """What the link shows, or the selected rows of it, as CSV."""
        chosen = request.form.getlist("rowid") if request.form.get("all") != "1" else []
        return export.as_csv(self, chosen)

    # -- for templates ----------------------------------------------------------------------------------------

    def all_columns(self) -> list[str]:
        """Shown at first, then those on offer."""
        return [*self.list_columns, *(name for name in self.optional_columns if name not in self.list_columns)]

    def is_number(self, column: str) -> bool:
        """Whether a column is aligned to the right."""
        mapped = self.datamodel.mapper.columns.get(column)
        return column in self.number_columns or (mapped is not None and isinstance(mapped.type, Integer | Numeric))

    def list_url(self, method: str = "list", **changes: Any) -> str:
        """The present link with parameters changed (None takes one away); a change starts from the first page."""
        kept = {name: values for name, values in request.args.lists() if name not in _OF_A_PAGE}
        kept.update(changes)
        pairs = [(name, value) for name, values in kept.items()
                 for value in (values if isinstance(values, list | tuple) else [values]) if value not in (None, "")]
        return self.url(method) + (f"?{urlencode(pairs)}" if pairs else "")

    def all_url(self) -> str:
        """The present link without any filter, and not as a view."""
        return self.list_url(**dict.fromkeys([*self.filter_bar.parameters, "view"]))

    def quick_links(self) -> list[tuple[Any, str, bool]]:
        """(label, address, whether it is what is shown) of the quick filters, all rows first."""
        names = self.filter_bar.parameters
        now = {name: request.args.getlist(name) for name in names if request.args.get(name)}
        nothing = dict.fromkeys([*names, "view"])
        everything = "all" if self.preferred_view() is not None else None
        found = [(gettext("All"), self.list_url(**{**nothing, "view": everything}), not now)]
        for label, query in self.quick_filters:
            wanted = {name: value if isinstance(value, list) else [value] for name, value in query.items()}
            found.append((label, self.list_url(**{**nothing, **wanted}), now == wanted))
        return found

    # -- comboboxes -------------------------------------------------------------------------------------------

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
        return jsonify(options=[{"value": str(getattr(row, theirs.key)), "label": sentence(row)} for row in rows])
