"""kill −9 in the middle of a bulk action: the next worker goes on where it was, and no row is changed twice."""

from __future__ import annotations

import pytest

from app.services import progress
from tests.faults.processes import wait_until
from tests.imports import there
from tests.maintenance import raised, scope

pytestmark = pytest.mark.fault
COUNTED = "SELECT count(DISTINCT request_id), count(*) FROM maintenance_assignments"


def test_the_next_worker_goes_on_where_a_killed_one_was(world, faults, superuser):
    keys = [str(raised(world.owner, hostel_id=world.a.places[0].hostel_id)) for _ in range(60)]
    with scope(world.staff) as session:
        task_id = progress.start_bulk(session, "RequestView", "claim", keys)
    first = faults.start_worker()
    wait_until(lambda: there(superuser, COUNTED)[0][0])
    faults.kill(first)
    assert there(superuser, COUNTED)[0][0] < len(keys)
    faults.start_worker()
    done = "SELECT done FROM tasks WHERE id = :id AND status = 'done'"
    assert wait_until(lambda: there(superuser, done, id=task_id)) == [(len(keys),)]
    assert there(superuser, COUNTED) == [(len(keys), len(keys))]
