"""What stands before row-level security's own conditions cannot walk an index: the search's conditions must not need to wait."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql

from app.models.maintenance import MaintenanceRequest
from app.models.people import Membership
from app.rules.search import wanted
from app.services import search
from tests.houses import execute
from tests.maintenance import scope


def plan(session, model, sought, typed):
    source = search.Source("x", select(model).where(model.org_id == text("app.current_org()")), sought)
    session.execute(text("SET LOCAL enable_seqscan = off"))
    session.execute(text("SET LOCAL enable_bitmapscan = off"))
    part = next(iter(search._parts(source, wanted(typed))))
    sql = str(part.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
    return "\n".join(session.scalars(text("EXPLAIN (COSTS OFF) " + sql.replace(":", r"\:"))))


@pytest.mark.parametrize(("model", "sought", "typed", "condition"), [
    (MaintenanceRequest, search.Sought(("reference",), number="number", series="MR"), "mr-42", "number = 42"),
    (Membership, search.Sought(("member.name",), keys=("member.name_key",)), "Pat", "name_key >= 'pat'"),
    (Membership, search.Sought(("member.name",), keys=("member.last_name_key",)), "Pat", "last_name_key >= 'pat'"),
])
def test_large_tables_are_searched_along_an_index(app, world, superuser, model, sought, typed, condition):
    execute(superuser, "SET LOCAL session_replication_role = replica; INSERT INTO maintenance_requests (org_id, hostel_id, number, category_id) "
            "SELECT :org, :hostel, n, (SELECT id FROM maintenance_categories LIMIT 1) FROM generate_series(1, 2000) n; "
            "ANALYZE maintenance_requests", org=world.a.org_id, hostel=world.a.places[0].hostel_id)
    with scope(world.owner) as session:
        found = plan(session, model, sought, typed)
    assert any(condition in line for line in found.splitlines() if "Index Cond" in line), found
