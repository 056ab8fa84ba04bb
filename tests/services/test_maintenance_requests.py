"""Requests are raised, moved and handed over by services, and the database has the last word (M1-M4)."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.problems import translate_database_error
from app.rules.errors import Invalid
from app.rules.maintenance import RequestStatus as S
from app.services import maintenance
from app.tenancy import tenant_scope
from tests.maintenance import refusal, raised, scope


def test_a_request_gets_the_next_reference_of_its_hostel(app, world):
    first, second = raised(world.resident), raised(world.resident)
    with scope(world.owner) as session:
        found = session.execute(text("SELECT reference FROM maintenance_requests ORDER BY number")).scalars().all()
    assert found == ["MR-0001", "MR-0002"] and first != second
