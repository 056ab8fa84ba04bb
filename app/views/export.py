"""A list as a CSV file: the rows that its link shows, in its columns and order, with flat memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from itertools import chain
from typing import Any

from flask import Response, stream_with_context
from flask_babel import gettext
from markupsafe import Markup

from app.rules.errors import Invalid
from app.rules.imports.table import guarded_cell
from app.rules.lists import EXPORT_MAX
from app.services import audit
from app.views import formats
from app.views.edge import problem_page, service_call

_BATCH = 500
_BOM = "\ufeff"  # tells Excel that the file is UTF-8


def as_csv(view: Any, keys: Sequence[str] = ()) -> Response:
    """The whole list of the present link, or some of its rows; that it was taken out is written into the audit log."""
    asked = view.asked()
    statement = asked.statement
    if keys:
        statement = statement.where(view.datamodel.key.in_(list(filter(None, map(view.datamodel.parse_key, keys)))))
    with service_call() as call:
        count = view.datamodel.capped_count(statement, EXPORT_MAX)
        if count > EXPORT_MAX:
            raise Invalid(gettext("This is more than %(n)s rows: narrow the filters, and take out part by part.",
                                  n=formats.number(EXPORT_MAX)))
        # Which filters, not what for: somebody may have searched for a person.
        audit.note_export(call.session, subject=view.datamodel.obj.__tablename__, taken={
            "rows": count, "columns": list(asked.columns), "filters": [one.name for one in asked.applied]})
    if call.error is not None:
        return problem_page(call.error, view.list_url())
    lines = _lines(view, asked, statement)
    lines = chain([next(lines), *([next(lines)] if count else [])], lines)  # what fails at once fails before the answer begins
    name = f"{view.route_base.strip('/').replace('/', '-')}-{formats.now().astimezone(formats.zone()):%Y-%m-%d}.csv"
    return Response(stream_with_context(lines), content_type="text/csv; charset=utf-8", headers={
        "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"})


def _lines(view: Any, asked: Any, statement: Any) -> Iterator[str]:
    """The heading, then some hundred rows at a time."""
    yield _BOM + _written([[_heading(view, column) for column in asked.columns]])
    for items in view.datamodel.batches(statement, asked.sort, _BATCH, [*asked.columns, *view.eager]):
        view.prepare(items)
        yield _written([[plain(view, item, column) for column in asked.columns] for item in items])


def _heading(view: Any, column: str) -> str:
    label = gettext(str(view.label_columns.get(column) or column))
    return f"{label} ({formats.currency()})" if column.endswith("_paise") else label


def plain(view: Any, item: Any, column: str) -> str:
    """One value in the words of the list; times exact and numbers bare, so that a spreadsheet can count with them."""
    value = view.raw(item, column)
    if isinstance(value, datetime):
        return f"{value.astimezone(formats.zone()):%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and column not in view.formatters_columns:
        return str(Decimal(value) / 100 if column.endswith("_paise") else value)
    if isinstance(value, Enum) and column not in view.formatters_columns:
        return formats.human(value)
    shown = view.display(item, column)
    text = shown.striptags() if isinstance(shown, Markup) else str(shown)
    return guarded_cell("" if shown == formats.missing() else text)


def _written(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
