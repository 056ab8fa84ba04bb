"""Filters of the audit log: who, what kind of deed, about which table, about which row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext
from sqlalchemy import ColumnElement, select

from app.models.audit import AuditEntry
from app.models.people import Member
from app.views import difference
from app.views.edge import db_session
from app.views.filters import Filter
from app.views.interface import ConsoleInterface

_KEY_LENGTH = 100


class Who(Filter):
    """One member, chosen in a combobox."""

    kind = "relation"

    def __init__(self, interface: ConsoleInterface, options_url: Callable[[], str]) -> None:
        super().__init__(interface, "person", "Who")
        self.options_url = options_url

    def parse(self, _parameter: str, text: str) -> int:
        """A user's number."""
        value = int(text)
        if not 0 < value < 2**31:
            raise ValueError(text)
        return value

    def condition(self, _parameter: str, value: Any) -> ColumnElement[bool]:
        """By who acted."""
        return AuditEntry.actor_id == value

    def describe(self, _parameter: str, value: Any) -> str:
        """The member's name."""
        name = db_session().scalar(select(Member.name).where(Member.user_id == value))
        return name or gettext("(not found)")


class Deed(Filter):
    """Added, changed, removed; or something that happened without changing a row."""

    kind = "choice"
    choices = (("insert", "Added"), ("update", "Changed"), ("delete", "Removed"), ("account", "Sign-ins and accounts"),
               ("export", "Taken out as a file"))

    def __init__(self, interface: ConsoleInterface) -> None:
        super().__init__(interface, "action", "What")

    def parse(self, _parameter: str, text: str) -> str:
        """One of the choices."""
        return {value: value for value, _ in self.choices}[text]

    def condition(self, _parameter: str, value: Any) -> ColumnElement[bool]:
        """Account events go by their table: there are many kinds."""
        return AuditEntry.table_name == "ab_user" if value == "account" else AuditEntry.action == value

    def describe(self, _parameter: str, value: Any) -> str:
        """As it was chosen."""
        return gettext(dict(self.choices)[value])


class About(Filter):
    """One table, by its name for people."""

    kind = "choice"

    def __init__(self, interface: ConsoleInterface) -> None:
        super().__init__(interface, "table", "About")
        self.choices = sorted(difference.subjects().items(), key=lambda choice: choice[1])

    def parse(self, _parameter: str, text: str) -> str:
        """A table that is audited."""
        return {name: name for name, _ in self.choices}[text]

    def condition(self, _parameter: str, value: Any) -> ColumnElement[bool]:
        """By its name in the database."""
        return AuditEntry.table_name == value

    def describe(self, _parameter: str, value: Any) -> str:
        """Its name for people."""
        return difference.subject(value)


class Row(Filter):
    """One row, as links from an entry name it; nobody types an identifier, so there is no control."""

    kind = "link"

    def __init__(self, interface: ConsoleInterface) -> None:
        super().__init__(interface, "row", "Row")

    def parse(self, _parameter: str, text: str) -> str:
        """Any short text: keys of tables differ in kind."""
        if len(text) > _KEY_LENGTH or not text.isprintable():
            raise ValueError(text)
        return text

    def condition(self, _parameter: str, value: Any) -> ColumnElement[bool]:
        """By the key in the log."""
        return AuditEntry.row_id == value

    def describe(self, _parameter: str, _value: Any) -> str:
        """Which one, the list shows."""
        return gettext("only this one")
