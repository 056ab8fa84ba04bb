"""List pages against stock Flask-AppBuilder on the same model and data: statements, time, depth, size.

Ours is the whole product: row-level security, the binding of the request, permissions from the database. The stock
side is `ModelView` with its `search_columns` set, permissions synced, signed in as its Admin, connected as superuser
(no policies), triggers off. Both answer through Flask's test client, so no network is measured.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder, ModelView
from flask_appbuilder.models.sqla.base import SQLA
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import event, text

from app.models.base import Model
from app.models.maintenance import MaintenanceRequest
from app.permissions import Resource
from app.views.base import ConsoleInterface, ConsoleModelView
from app.views.paging import Place, Sort
from bench._compare import heading, interleaved, line, milliseconds
from bench._console import Console, console
from tests.servers import running_servers

COLUMNS = ["reference", "status", "priority", "category", "room", "requester", "raised_at"]
SEARCH = ["status", "priority"]
BIG, SMALL, DEEP = 1_000_000, 10_000, 500_000


class BenchRequests(ConsoleModelView):
    """The requests as our list."""

    datamodel = ConsoleInterface(MaintenanceRequest)
    resource = Resource.MAINTENANCE
    route_base = "/bench"
    list_columns = COLUMNS
    show_columns = ["reference"]
    search_columns = SEARCH


class StockRequests(ModelView):
    """The requests as the framework's list."""

    datamodel = SQLAInterface(MaintenanceRequest)
    route_base = "/stock"
    list_columns = COLUMNS
    search_columns = SEARCH
    show_columns = add_columns = edit_columns = ["reference"]


def _ours(house: Console) -> Any:
    from app.security import register_screens

    with house.app.app_context():
        builder = house.app.extensions["appbuilder"]
        view = builder.add_view_no_menu(BenchRequests())
        register_screens(house.app, [view])
    return house.client(house.world.owner.user_id)


@contextmanager
def _stock(house: Console) -> Iterator[tuple[Flask, Any]]:
    app = Flask("stock")
    app.config.update(
        SECRET_KEY="stock", SQLALCHEMY_DATABASE_URI=house.admin_url, FAB_CREATE_DB=False,  # noqa: S106
        SQLALCHEMY_ENGINE_OPTIONS={"connect_args": {"options": "-c session_replication_role=replica"}},
    )
    db = SQLA(metadata=Model.metadata)
    db.init_app(app)
    user = house.world.owner.user_id
    with app.app_context():
        db.session.execute(text("INSERT INTO ab_role (id, name) VALUES (901, 'Admin'), (902, 'Public') ON CONFLICT DO NOTHING"))
        db.session.commit()
        builder = AppBuilder(app, db.session)
        builder.add_view(StockRequests, "Requests")
        db.session.execute(text(
            "INSERT INTO ab_user_role (id, user_id, role_id) SELECT 901, :user, id FROM ab_role WHERE name = 'Admin'"), {"user": user})
        db.session.commit()
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie.update({"_user_id": str(user), "_fresh": True})
    yield app, client
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def _get(client: Any, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, (path, response.status_code, response.text[:300])
    return response


def _statements(app: Flask, client: Any, path: str) -> int:
    """Statements to the server in one request; BEGIN and COMMIT are the driver's own and don't pass here."""
    seen: list[str] = []
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
    note = lambda _connection, _cursor, statement, *_: seen.append(statement)  # noqa: E731
    event.listen(engine, "before_cursor_execute", note)
    _get(client, path)
    event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def _deep_path(house: Console) -> str:
    """The page beginning at row 500,000 of the requests by the time they were raised."""
    with house.app.app_context():
        from sqlalchemy import create_engine

        engine = create_engine(house.admin_url)
        with engine.connect() as connection:
            raised_at, key = connection.execute(text(
                "SELECT raised_at, id FROM maintenance_requests ORDER BY raised_at, id OFFSET :n LIMIT 1"), {"n": DEEP}).one()
        engine.dispose()
    return f"/bench/list/?sort=raised_at&after={Place(raised_at, key).token(Sort('raised_at'))}"


def _against_stock(house: Console, ours: Any) -> None:
    with _stock(house) as (stock_app, stock):
        for name, mine, theirs in (("list page", "/bench/list/", "/stock/list/"), (
                "list page, sorted", "/bench/list/?sort=-raised_at",
                "/stock/list/?_oc_StockRequests=raised_at&_od_StockRequests=desc")):
            own, peer = _statements(house.app, ours, mine), _statements(stock_app, stock, theirs)
            line(f"{name}, statements", str(own), str(peer), f"{peer / own:.1f}", "≤ 6", own <= 6)
            found = interleaved(lambda path=mine: _get(ours, path), lambda path=theirs: _get(stock, path))
            line(f"{name}, {BIG:,} rows, time", milliseconds(found.ours), milliseconds(found.peer),
                 found.spread, "≥ 3 × faster", found.ratio >= 3)


def _depth(house: Console, ours: Any) -> None:
    deep = _deep_path(house)
    found = interleaved(lambda: _get(ours, "/bench/list/?sort=raised_at"), lambda: _get(ours, deep), times=15)
    line(f"row {DEEP:,} against the first page", milliseconds(found.peer), milliseconds(found.ours),
         found.spread, "≤ 1.2 ×", found.ratio <= 1.2)


def main() -> None:
    """Print every figure with its goal."""
    logging.disable(logging.WARNING)
    with running_servers() as servers, console(servers, BIG) as big, console(servers, SMALL) as small:
        heading()
        ours, little = _ours(big), _ours(small)
        _against_stock(big, ours)
        _depth(big, ours)
        path = "/bench/list/?sort=-raised_at"
        found = interleaved(lambda: _get(little, path), lambda: _get(ours, path), times=15)
        line(f"{BIG:,} rows against {SMALL:,}", milliseconds(found.peer), milliseconds(found.ours),
             found.spread, "≤ 1.2 ×", found.ratio <= 1.2)


if __name__ == "__main__":
    main()
