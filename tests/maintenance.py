"""What tests of maintenance share: raising requests, working as somebody, reading a refusal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.models.maintenance import MaintenanceRequest
from app.permissions import ROLE_PORTAL
from app.problems import translate_database_error
from app.rules.errors import DomainError
from app.services import maintenance
from app.services.maintenance import finding
from app.tenancy import tenant_scope
from tests.world import Person, World


def scope(person: Person) -> Any:
    """A session as this person, through the portal of their role."""
    return tenant_scope(person.org_id, person.user_id, portal=ROLE_PORTAL[person.role])


def category(session: Any, code: str = "plumber") -> UUID:
    found: UUID = session.execute(text("SELECT id FROM maintenance_categories WHERE code = :code"), {"code": code}).scalar_one()
    return found


def first_hostel(person: Person) -> UUID:
    """The person's own hostel, or the first of their organization."""
    world = World.known()
    home = next(org for org in (world.a, world.b) if org.org_id == person.org_id)
    return person.hostel_id or home.places[0].hostel_id


def raised(person: Person, **values: Any) -> UUID:
    """A request that this person raised; committed."""
    with scope(person) as session:
        return maintenance.submit(session, maintenance.NewRequest(
            hostel_id=values.pop("hostel_id", None) or first_hostel(person),
            category_id=category(session, values.pop("code", "plumber")), **values))


def moved(person: Person, request_id: UUID, *events: str, **options: Any) -> None:
    """Each event in a transaction of its own."""
    for event in events:
        with scope(person) as session:
            maintenance.move(session, request_id, event, **options)


def found(person: Person, request_id: UUID) -> MaintenanceRequest:
    """A request with its relations, as this person sees it."""
    with scope(person) as session:
        item = session.get(MaintenanceRequest, request_id, options=finding.with_relations())
        session.expunge_all()
        return item


def today() -> date:
    """The date at the hostels; asked when it is needed, as midnight may pass while tests are collected."""
    return datetime.now(ZoneInfo("Asia/Kolkata")).date()


def at(superuser: Engine, shift: timedelta) -> None:
    """Move the product's clock to `shift` from the real time."""
    with superuser.begin() as connection:
        connection.execute(text("UPDATE clock SET shift = :shift"), {"shift": shift})


def refusal(call: Callable[[], Any]) -> DomainError:
    """What a person would be told; fails if nothing is refused."""
    with pytest.raises((DBAPIError, DomainError)) as caught:
        call()
    error = caught.value
    found = error if isinstance(error, DomainError) else translate_database_error(error)
    assert found is not None, error
    return found
