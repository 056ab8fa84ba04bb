"""What tests of invoices share: residents who live here at a price, and what the tables say behind the walls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from app.services.billing import runs
from app.services.billing.terms import Settings, change_settings
from app.tenancy import tenant_scope
from tests.wallet import HOSTEL, residents
from tests.world import World

MARCH = date(2026, 3, 1)


def living(superuser: Engine, world: World, count: int, *, since: str = "2026-01-01", mess: str = "Meals") -> list[int]:
    """Residents with a stay, rent of 9,000 and meals of 3,100 a month; by id."""
    users = residents(superuser, world, count)
    lodge(superuser, world, users, since=since, mess=mess)
    with superuser.begin() as connection:
        connection.execute(text("""
            INSERT INTO tariffs (org_id, hostel_id, kind, name, amount_paise, per, valid_from)
            VALUES (:org, :hostel, 'rent', 'Rent', 900000, 'month', '2025-01-01'), (:org, :hostel, 'mess', 'Meals', 310000, 'month', '2025-01-01'),
                   (:org, :hostel, 'deposit', 'Deposit', 1500000, 'once', '2025-01-01')"""), {"org": world.a.org_id, "hostel": HOSTEL})
    return users


def lodge(superuser: Engine, world: World, users: Sequence[int], *, since: str, mess: str) -> None:
    """Their stays."""
    with superuser.begin() as connection:
        connection.execute(text("""
            INSERT INTO stays (org_id, hostel_id, resident_id, user_id, bed_id, from_on, rent_paise, mess_plan)
            SELECT org_id, hostel_id, id, user_id, :bed, :since, 900000, :mess FROM residents WHERE user_id = ANY (:users)"""),
            {"bed": world.a.places[0].beds[0], "since": since, "mess": mess, "users": list(users)})


def bill(world: World, month: date = MARCH) -> int:
    """The month, all of it; how many invoices are new."""
    issued, after = 0, None
    while True:
        with tenant_scope(world.a.org_id) as session:
            after, _, more = runs.step(session, HOSTEL, month, after)
        issued += more
        if after is None:
            return issued


def set_terms(world: World, **given: Any) -> None:
    with tenant_scope(world.a.org_id) as session:
        change_settings(session, HOSTEL, Settings(**given))


def invoices(superuser: Engine, user: int | None = None) -> list[Any]:
    """As they were issued."""
    with superuser.connect() as connection:
        return list(connection.execute(text(
            "SELECT * FROM invoices WHERE CAST(:user AS integer) IS NULL OR user_id = :user ORDER BY created_at, number"), {"user": user}))


def stay_of(superuser: Engine, user: int) -> UUID:
    with superuser.connect() as connection:
        found: UUID = connection.execute(text("SELECT id FROM stays WHERE user_id = :user"), {"user": user}).scalar_one()
    return found
