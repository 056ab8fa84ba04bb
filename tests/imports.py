"""What tests of imports share: a file taken through its steps the way the console and its workers do it."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from app.crypto import KeyRing
from app.permissions import Role
from app.services import imports
from app.services.files import Upload
from app.tenancy import tenant_scope
from app.wiring import objects, settings
from jobs import registry
from jobs.outbox import Drainer
from tests.world import World

NYC = Path(__file__).parent / "data" / "nyc-311-2018.csv"
NEW_YORK = "America/New_York"
HEADER = "Unique Key,Created Date,Closed Date,Complaint Type,Descriptor,Incident Address,Status,Resolution Description"
registry.load()


def rows(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def row(number: int, status: str = "Closed", *, closed: str = "06/26/2018 12:50:01 PM", place: str = "1 MAIN STREET",
        what: str = "PLUMBING", said: str = "It was mended.") -> str:
    return f"{number},06/26/2018 10:58:54 AM,{closed if status == 'Closed' else ''},{what},TOILET,{place},{status},{said}"


@contextmanager
def as_(person):
    with tenant_scope(person.org_id, person.user_id) as session:
        yield session


def manager(world):
    return world.a.people[Role.HOSTEL_MANAGER]


def ring() -> KeyRing:
    return KeyRing(dict(settings().field_keys))


def uploaded(person, content: bytes, *, name="old.csv", zone=NEW_YORK, encoding=None, kind="requests", **changes):
    """The id of a run whose choices are what was guessed, but for `zone` and `changes`."""
    with as_(person) as session:
        run = imports.upload(session, objects(), Upload(name, "", io.BytesIO(content)), person.hostel_id or World.known().a.places[0].hostel_id, encoding, kind)
        with imports.table_of(session, objects(), run) as (table, _):
            imports.choose_values(session, run, table, replace(imports.Choices.load(run.mapping), zone=zone, **changes))
        return run.id


def work() -> None:
    """Let a worker do everything that waits."""
    Drainer.new().drain()


def checked(person, content: bytes, **options):
    run_id = uploaded(person, content, **options)
    with as_(person) as session:
        imports.ask_for_check(session, run_id)
    work()
    return run_id


def imported(person, content: bytes, **options):
    run_id = checked(person, content, **options)
    with as_(person) as session:
        imports.start(session, run_id)
    work()
    return run_id


def undone(person, run_id):
    with as_(person) as session:
        imports.undo(session, run_id)
    work()


def told(person, run_id):
    """(run, progress) as the person sees them."""
    with as_(person) as session:
        run = imports.find(session, run_id)
        session.refresh(run)
        return run, imports.progress(session, run_id)


def there(superuser, query: str, **values):
    """What the database holds, seen from behind the walls."""
    with superuser.begin() as connection:
        return connection.execute(text(query), values).all()
