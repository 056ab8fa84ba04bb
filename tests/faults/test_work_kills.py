"""kill −9 at the worst moments: what was committed is done once, what was not is never done."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.fault


def test_a_worker_killed_inside_a_handler_leaves_the_work_to_the_next(faults):
    faults.hold("letter")
    faults.ask("letter", "other")
    first = faults.start_worker()
    faults.wait_inside("letter")
    faults.kill(first)
    assert faults.notes() == []
    faults.let_go("letter")
    faults.start_worker()
    faults.wait_all_done()
    assert faults.notes() == ["letter", "other"]
