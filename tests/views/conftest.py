"""The workshop (toy.py) on a database of its own, with an owner of organization A and an outsider of B."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event, select, text

from tests.servers import Servers
from tests.views import toy

ORG_A, ORG_B = uuid.UUID(int=0xA), uuid.UUID(int=0xB)


@dataclass
class Workshop:
    """The running toy app; `person` is who its requests come from."""

    app: Any
    db: Any
    person: toy.Person | None = None
    statements: list[str] = field(default_factory=list)

    def get(self, path: str, **options: Any) -> Any:
        return self.app.test_client().get(path, **options)

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        return self.app.test_client().post(path, data=data or {}, **options)

    def add(self, *rows: Any) -> list[Any]:
        with self.app.app_context():
            self.db.session.add_all(rows)
            self.db.session.commit()
            return [row.id for row in rows]

    def ticket(self, title: str = "Tap leaks", org: uuid.UUID = ORG_A, **values: Any) -> uuid.UUID:
        place = PLACES[org]
        return self.add(toy.Ticket(org_id=org, title=title, place_id=place, **values))[0]

    def tickets(self, **equal: Any) -> list[toy.Ticket]:
        with self.app.app_context():
            return list(self.db.session.scalars(select(toy.Ticket).filter_by(**equal).order_by(toy.Ticket.title)))

    def only(self) -> toy.Ticket:
        (ticket,) = self.tickets()
        return ticket


PLACES = {ORG_A: uuid.UUID(int=0xA1), ORG_B: uuid.UUID(int=0xB1)}
VENDORS = {ORG_A: uuid.UUID(int=0xA2), ORG_B: uuid.UUID(int=0xB2)}


@pytest.fixture(scope="session")
def running_workshop(servers: Servers) -> Iterator[Workshop]:
    holder: list[Workshop] = []
    app, db = toy.create_toy(servers.admin_url(servers.create_database()), lambda: holder[0].person)
    holder.append(Workshop(app, db))
    with app.app_context():
        with db.engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {toy.SCHEMA}"))
            toy.Base.metadata.create_all(connection)

        @event.listens_for(db.engine, "before_cursor_execute")
        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            holder[0].statements.append(statement)

    yield holder[0]
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def workshop(running_workshop: Workshop) -> Workshop:
    """Two organizations with a place and a vendor each, no tickets; the caller owns A."""
    shop = running_workshop
    with shop.app.app_context(), shop.db.engine.begin() as connection:
        tables = ", ".join(f"{toy.SCHEMA}.{name}" for name in ("tickets", "vendors", "places", "kinds"))
        connection.execute(text(f"TRUNCATE {tables}"))
    for org, name in ((ORG_A, "Lakeside"), (ORG_B, "Hilltop")):
        shop.add(toy.Place(org_id=org, id=PLACES[org], name=f"Kitchen of {name}"),
                 toy.Vendor(org_id=org, id=VENDORS[org], name=f"Plumber of {name}"))
    shop.person = owner_of(ORG_A)
    shop.statements.clear()
    return shop


def owner_of(org: uuid.UUID, **values: Any) -> toy.Person:
    names = {ORG_A: "Lakeside Hostels", ORG_B: "Hilltop Homes"}
    both = [toy.Choice(one, name) for one, name in names.items()]
    return toy.Person(org, org_name=names[org], organizations=both, **values)


def visible(html: str) -> str:
    """The text of a page as a reader sees it."""
    return re.sub(r"\s+", " ", re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL))
