"""What a list costs the database, in the real application: binding, permissions, page and count together."""

from __future__ import annotations

from contextlib import contextmanager

from sqlalchemy import event

from app.permissions import Portal
from app.views.base import ConsoleModelView
from app.wiring import db
from tests.maintenance import raised

MOST = 5  # who asks, views kept, the page, its count; rooms count their beds too


@contextmanager
def statements():
    """Every statement sent meanwhile; BEGIN and COMMIT are the driver's own and don't pass here."""
    seen = []
    note = lambda _connection, _cursor, statement, *_: seen.append(statement)  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def lists(app):
    return [screen for screen in app.extensions["screens"].values() if isinstance(screen, ConsoleModelView)]


def test_every_list_of_the_administrator_is_answered_in_five_statements(app, world, browser):
    for _ in range(3):
        raised(world.owner)
    owner = browser(world.owner)
    counted = {}
    for screen in lists(app):
        if Portal.ADMIN in screen.portals and "list" not in screen.exclude_route_methods:
            with statements() as seen:
                response = owner.get(f"{screen.route_base}/list/?size=2")  # more than a page, so that counting takes its statement too
            assert response.status_code == 200, screen
            counted[screen.__class__.__name__] = len(seen)
    assert counted
    assert {name: count for name, count in counted.items() if count > MOST} == {}
