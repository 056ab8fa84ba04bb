"""What an entry changed, column by column, in words: names for references, times in the reader's zone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from flask import g
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import CheckConstraint, Column, Date, DateTime, String, Table, cast, select
from sqlalchemy.orm import Session

from app.languages import sentence
from app.models.audit import AuditEntry
from app.models.base import Model
from app.models.declare import PROTECTED
from app.models.people import Member
from app.views import formats
from app.views.edge import local_path

SHOWN_COLUMNS = 3  # of an entry, in the list
_LABELS = ("name", "title", "reference", "number", "label")
DEEDS = {"insert": "Added", "update": "Changed", "delete": "Removed", "export": "Taken out as a file"}
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")  # such as the name of a personal value
_KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_DECIDERS = {"decided_by"}  # people who may be of the platform, and then are no members: without a foreign key
_KEYS = {"org_id", "id", "hostel_key"}  # of the row itself: the page is about it


@dataclass(frozen=True, slots=True)
class Change:
    """One column: what it held, and what it holds; both already fit for a page."""

    label: str
    before: str | Markup
    after: str | Markup


def deed(action: str) -> str:
    """`Changed` for `update`; other events say it themselves."""
    return gettext(DEEDS.get(action) or formats.words(action))


@cache
def subjects() -> dict[str, str]:
    """Audited tables → their models' names as words."""
    names = {mapper.local_table.name: formats.words(mapper.class_.__name__) for mapper in Model.registry.mappers
             if isinstance(mapper.local_table, Table)}
    found = {name: names.get(name, formats.words(name)) for name, table in PROTECTED.items() if not table.unaudited}
    return {**found, "ab_user": "Account", "audit_log": "Audit log", "user_credentials": "Credentials"}


def subject(table: str) -> str:
    """What a table is about, in words."""
    return gettext(subjects().get(table) or formats.words(table))


def summary(entry: AuditEntry) -> str | Markup:
    """What a list says of an entry: which columns changed; of a row that came or went, what it is called."""
    if entry.before and entry.after:
        names = [formats.human(formats.column_words(name)) for name in entry.touched if name not in _KEYS]
        shown, more = names[:SHOWN_COLUMNS], len(names) - SHOWN_COLUMNS
        text = ", ".join(shown)
        return gettext("%(names)s and %(n)s more", names=text, n=more) if more > 0 else text
    row = entry.after or entry.before or {}
    called = next((str(row[name]) for name in _LABELS if row.get(name)), "")
    if _CODE.fullmatch(called):
        return formats.human(called)
    return formats.shortened(sentence(called)) if called else formats.missing()


def row_name(session: Session, entry: AuditEntry) -> str:
    """What people call the row: its name as it is now, else as the entry holds it; empty if it has none."""
    table = Model.metadata.tables.get(entry.table_name)
    label = _label(table) if table is not None else None
    if table is None or label is None or entry.row_id is None:
        return ""
    key = table.columns.get("id", table.columns.get("user_id"))
    found = session.scalar(select(cast(label, String)).where(cast(key, String) == entry.row_id)) if key is not None else None
    return found or str((entry.after or {}).get(label.name) or (entry.before or {}).get(label.name) or "")


def changes(session: Session, entry: AuditEntry) -> list[Change]:
    """Every column that the entry holds, in the order of the table."""
    return changes_of(session, entry.table_name, [(entry.before, entry.after)])[0]


def changes_of(session: Session, table_name: str, entries: Sequence[tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]],
               labels: Mapping[str, Any] | None = None) -> list[list[Change]]:
    """The changes of several entries (before, after) of one table; names of what they refer to are asked for once."""
    table = Model.metadata.tables.get(table_name)
    told = _names_of_references(session, table, entries)
    order = {column.name: place for place, column in enumerate(table.columns)} if table is not None else {}
    return [_changes(table, before or {}, after or {}, order, told, labels or {}) for before, after in entries]


def _changes(table: Table | None, before: Mapping[str, Any], after: Mapping[str, Any], order: Mapping[str, int],
             told: Mapping[tuple[str, str], str], labels: Mapping[str, Any]) -> list[Change]:
    found = []
    for name in sorted({*before, *after} - _KEYS, key=lambda name: (order.get(name, len(order)), name)):
        column = table.columns.get(name) if table is not None else None
        values = [_shown(value, name, column, told) for value in (before.get(name), after.get(name))]
        if values[0] != values[1]:  # a new row's empty columns tell nothing
            label = labels.get(name) or labels.get(name.removesuffix("_id"))
            found.append(Change(gettext(label) if label else formats.human(formats.column_words(name)), *values))
    return found


def _shown(value: Any, name: str, column: Column[Any] | None, told: Mapping[tuple[str, str], str]) -> str | Markup:
    if (name, str(value)) in told:
        return told[name, str(value)]
    if value is None or value == "":
        return formats.missing()
    if name in _DECIDERS:
        return gettext("The platform")
    if column is not None and column.foreign_keys:
        return gettext("one that you cannot see, or that is gone")
    if column is not None and isinstance(value, str):
        return _text_of(value, column)
    return formats.show_value(value, name)


def _text_of(value: str, column: Column[Any]) -> str | Markup:
    """JSON has texts only: the column tells times and codes from words."""
    if isinstance(column.type, DateTime):
        return formats.exact(datetime.fromisoformat(value))
    if isinstance(column.type, Date):
        return formats.day(date.fromisoformat(value))
    if column.name == "link" and local_path(value, "") == value:
        return Markup('<a href="{}">{}</a>').format(value, _KEY.sub("…", value))
    return formats.human(value) if column.name in _coded(column.table) else formats.show_value(value, column.name)


@cache
def _coded(table: Table) -> frozenset[str]:
    """Columns that hold one of some codes, which a CHECK lists."""
    checks = [str(rule.sqltext) for rule in table.constraints if isinstance(rule, CheckConstraint)]
    return frozenset(column.name for column in table.columns if any(check.startswith(f"{column.name} IN (") for check in checks))


def _names_of_references(session: Session, table: Table | None,
                         entries: Sequence[tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]]) -> dict[tuple[str, str], str]:
    """(column, value) → the name of what it refers to: one statement for each table that is referred to."""
    if table is None:
        return {}
    wanted: dict[Column[Any], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in (row for entry in entries for row in entry if row):
        for name, value in row.items():
            target = _target(table, name)
            if target is not None and value is not None:
                wanted[target][name].add(str(value))
    told = {}
    for target, columns in wanted.items():
        label = _label(target.table)
        values = set().union(*columns.values())
        if label is None or not values:
            continue
        key = cast(target, String)
        rows = session.execute(select(key, cast(label, String)).where(key.in_(values)))
        labels = {key: text for key, text in rows if text}
        told.update({(name, value): labels[value] for name, wished in columns.items() for value in wished if value in labels})
    return told


def _target(table: Table, name: str) -> Column[Any] | None:
    column = table.columns.get(name)
    if column is None:
        return None
    if name in _DECIDERS:
        return Member.__table__.c.user_id  # type: ignore[attr-defined]
    return next((key.column for key in column.foreign_keys if key.column.name != "org_id"), None)


def _label(table: Table) -> Column[Any] | None:
    """The column that names a row, if the reader's portal may read it."""
    protection = PROTECTED.get(table.name)
    label = next((table.columns[name] for name in (*_LABELS, "description") if name in table.columns), None)
    if protection is None or label is None:
        return None
    for grant in protection.grants:
        if g.identity.portal in grant.to and (grant.select is True or (grant.select and label.name in grant.select)):
            return label
    return None
