"""What tests of beds and stays share: people who want beds, and what the tables say behind the walls."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from app.rules.residents import HoldState
from app.services import beds
from tests.maintenance import scope
from tests.world import Person, World


def today(person: Person) -> date:
    """The day in the first hostel."""
    with scope(person) as session:
        return beds.house_day(session, World.known().a.places[0].hostel_id)


def people(superuser: Engine, world: World, count: int) -> list[int]:
    """More residents of A's first hostel, by id."""
    with superuser.begin() as connection:
        return list(connection.scalars(text("""
            WITH accounts AS (
              INSERT INTO ab_user (id, first_name, last_name, username, email, active)
              SELECT nextval('ab_user_id_seq'), 'P', n::text, 'p' || n || '@x.example', 'p' || n || '@x.example', true FROM generate_series(1, :count) n RETURNING id),
            joined AS (
              INSERT INTO members (org_id, user_id, name, email) SELECT :org, id, 'Person ' || id, id || '@x.example' FROM accounts RETURNING user_id)
            INSERT INTO memberships (org_id, user_id, role, hostel_id) SELECT :org, user_id, 'pending_resident', :hostel FROM joined
            RETURNING user_id"""), {"count": count, "org": world.a.org_id, "hostel": world.a.places[0].hostel_id}))


def held(person: Person, bed: UUID, user: int | None = None, first: date | None = None, until: date | None = None) -> tuple[UUID, HoldState]:
    """A hold, or a place in line; committed."""
    with scope(person) as session:
        hold = beds.hold(session, bed, first or today(person), until, user)
        return hold.id, hold.standing


def states(superuser: Engine) -> dict[UUID, str]:
    """Every hold's state."""
    with superuser.connect() as connection:
        return dict(map(tuple, connection.execute(text("SELECT id, state FROM bed_holds"))))


def stay(person: Person, user: int, bed: UUID, first: date | None = None, until: date | None = None, **more: Any) -> UUID:
    """A stay; committed."""
    with scope(person) as session:
        return beds.begin_stay(session, beds.NewStay(user, bed, first or today(person), until, **more))


def taken(superuser: Engine) -> set[tuple[UUID, str, str]]:
    """(bed, kind, days) of all that counts."""
    with superuser.connect() as connection:
        return set(map(tuple, connection.execute(text("SELECT bed_id, kind, period::text FROM bed_allocations WHERE state = 'active'"))))


DAY = timedelta(days=1)
