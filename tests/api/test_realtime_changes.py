"""A change reaches those whose policies cover the row, as what it is for them, and nobody else."""

from __future__ import annotations

import asyncio

from sqlalchemy import text


def run(work):
    return asyncio.run(work)


async def act(superuser, statement, **values):
    """Change something as the database's superuser, committed."""
    def change():
        with superuser.begin() as c:
            return c.execute(text(statement), values).scalar() if "RETURNING" in statement else c.execute(text(statement), values)
    return await asyncio.to_thread(change)


async def raise_request(superuser, organization, user_id=None, hostel=0, **values):
    """A new maintenance request; returns its id."""
    columns = {"org_id": organization.org_id, "hostel_id": organization.places[hostel].hostel_id, "user_id": user_id, **values}
    return str(await act(
        superuser, f"WITH org AS (SELECT set_config('app.org_id', '{organization.org_id}', true)) "
        f"INSERT INTO maintenance_requests ({', '.join(columns)}, number, category_id) "
        f"SELECT {', '.join(':' + c for c in columns)}, coalesce((SELECT max(number) FROM maintenance_requests), 0) + 1, "
        "(SELECT id FROM maintenance_categories WHERE org_id = :org_id LIMIT 1) FROM org RETURNING id", **columns))


def test_one_tenants_changes_reach_its_people_and_nobody_elses(world, superuser, wire, token):
    async def story():
        async with wire(token(world.owner)) as ours, wire(token(world.outsider)) as theirs:
            await ours.join("maintenance_requests")
            await theirs.join("maintenance_requests")
            first = await raise_request(superuser, world.a)
            assert (await ours.change())["record"]["id"] == first
            await act(superuser, "UPDATE maintenance_requests SET place = 'Roof' WHERE id = :id", id=first)
            changed = await ours.change()
            assert (changed["type"], changed["old_record"]["place"], changed["record"]["place"]) == ("UPDATE", "", "Roof")
            await act(superuser, "SET session_replication_role = replica; DELETE FROM maintenance_requests WHERE id = :id", id=first)
            gone = await ours.change()
            assert (gone["type"], gone["old_record"]["id"], "record" in gone) == ("DELETE", first, False)
            mark = await raise_request(superuser, world.b)
            assert await theirs.nothing_before(mark) == []
    run(story())
