"""What tests of hostels, rooms and organizations share: asking the superuser, counting statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event, text


def scalar(superuser: Engine, statement: str, **values: Any) -> Any:
    """One value, seen from behind the walls."""
    with superuser.connect() as connection:
        return connection.scalar(text(statement), values)


def execute(superuser: Engine, statement: str, **values: Any) -> None:
    """A change that no product role could make."""
    with superuser.begin() as connection:
        connection.execute(text(statement), values)


@contextmanager
def statements(app: Any) -> Iterator[list[str]]:
    """What the web login sends to the server meanwhile."""
    from app.wiring import db

    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)
