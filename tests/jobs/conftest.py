"""What tests of background work share: made-up kinds of work, and a drainer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from jobs import registry
from jobs.outbox import Drainer

registry.load()  # once, before a test puts another registry in its place


@pytest.fixture
def kinds(app, monkeypatch):
    """An empty registry, to be filled by `@handles` in the test; what the product registers comes back afterwards."""
    known: dict[str, Any] = {}
    monkeypatch.setattr(registry, "HANDLERS", known)
    return known


@pytest.fixture
def drainer(kinds):
    return Drainer("tester", timedelta(seconds=30))


@pytest.fixture
def rows(superuser):
    """A function: all outbox rows as dicts, the oldest first, seen from behind the walls."""

    def read():
        with superuser.begin() as connection:
            return [dict(row) for row in connection.execute(text("SELECT * FROM outbox ORDER BY id")).mappings()]

    return read


@pytest.fixture
def notes(superuser):
    """A function: the subjects that handlers wrote down with `note`."""

    def read():
        with superuser.begin() as connection:
            return list(connection.execute(text("SELECT row_id FROM audit_log WHERE action = 'worked' ORDER BY seq")).scalars())

    return read


def note(session, subject):
    """An effect in the database that shows how often it happened."""
    session.execute(text("SELECT app.note_event('worked', 'test', :subject, 'a test')"), {"subject": subject})
