"""What the tests of live updates do to the database, and how they are run."""

from __future__ import annotations

import asyncio

from sqlalchemy import text


def run(story):
    """Run a coroutine; each test is one story."""
    return asyncio.run(asyncio.wait_for(story, 120))


async def act(superuser, statement, **values):
    """Change something as the database's superuser, committed; gives what it RETURNS."""
    def change():
        with superuser.begin() as c:
            done = c.execute(text(statement), values)
            return done.scalar() if done.returns_rows else None
    return await asyncio.to_thread(change)


async def quietly(superuser, statement, **values):
    """The same without triggers, for what no function of the product would do."""
    def change():
        with superuser.begin() as c:
            c.execute(text("SET LOCAL session_replication_role = replica"))
            c.execute(text(statement), values)
    await asyncio.to_thread(change)


async def raise_request(superuser, organization, person=None, hostel=0, **values):
    """A new maintenance request of a person; returns its id."""
    columns = {"org_id": organization.org_id, "hostel_id": organization.places[hostel].hostel_id,
               "user_id": person and person.user_id, **values}
    return str(await act(
        superuser, f"WITH org AS MATERIALIZED (SELECT set_config('app.org_id', '{organization.org_id}', true)) "
        f"INSERT INTO maintenance_requests ({', '.join(columns)}, number, category_id) "
        f"SELECT {', '.join(_cast(c) for c in columns)}, "
        "coalesce((SELECT max(number) FROM maintenance_requests), 0) + 1, "
        "(SELECT id FROM maintenance_categories WHERE org_id = :org_id ORDER BY position LIMIT 1) FROM org RETURNING id", **columns))


_TYPES = {"org_id": "uuid", "hostel_id": "uuid", "user_id": "integer"}


def _cast(column):
    return f"CAST(:{column} AS {_TYPES.get(column, 'text')})"
