"""kill −9 in the middle of an import: what is left goes in afterwards, once."""

from __future__ import annotations

import pytest

from app.services import imports
from tests.faults.processes import wait_until
from tests.imports import NEW_YORK, NYC, as_, checked, manager, there, told

pytestmark = pytest.mark.fault
WHOLE = [(990, 990, 990)]


@pytest.fixture
def inside(superuser):
    """Waits until some requests are in, and says how many."""
    count = "SELECT count(*) FROM maintenance_requests"
    return lambda: wait_until(lambda: there(superuser, count)[0][0])


def counted(superuser):
    return there(superuser, "SELECT count(*), count(DISTINCT external_id), max(number) FROM maintenance_requests")


def test_the_next_worker_goes_on_where_a_killed_one_was(world, faults, superuser, inside):
    boss = manager(world)
    run_id = checked(boss, NYC.read_bytes())
    with as_(boss) as session:
        imports.start(session, run_id)
    first = faults.start_worker()
    assert inside() < 990
    faults.kill(first)
    faults.start_worker()
    wait_until(lambda: told(boss, run_id)[0].status == "done")
    assert counted(superuser) == WHOLE


def test_a_killed_command_run_again_finishes_the_file(world, faults, superuser, inside):
    def command():
        return faults.start("-m", "flask", "--app", "app", "imports", "requests", str(NYC), "--org", "asha", "--hostel", "H1",
                            "--zone", NEW_YORK)

    killed = command()
    assert inside() < 990
    faults.kill(killed)
    assert command().wait() == 0
    assert counted(superuser) == WHOLE
