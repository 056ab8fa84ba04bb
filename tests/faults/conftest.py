"""A world with real processes of the product in it."""

from __future__ import annotations

import sys

import pytest

from tests.faults.processes import Faults


@pytest.fixture
def faults(app, settings, superuser, world, tmp_path):
    found = Faults(settings, superuser, world.a.org_id, tmp_path)
    try:
        yield found
    finally:
        found.end()
        if (tmp_path / "log").exists():
            sys.stderr.write((tmp_path / "log").read_text())  # shown with a failure
