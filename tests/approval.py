"""What tests of approval share: somebody who has a bed held and has submitted."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from app.crypto import KeyRing
from app.permissions import Role
from app.services import approval, beds, personal
from tests.beds import today
from tests.maintenance import scope
from tests.world import Person, World

RING = KeyRing.parse(f"k1:{base64.b64encode(b'k' * 32).decode()}")


def newcomer(world: World) -> Person:
    return world.a.people[Role.PENDING_RESIDENT]


def submitted(superuser: Engine, person: Person, bed: UUID, name: str = "", round_: int = 1) -> UUID:
    """A submission that waits for review, with its bed held; committed."""
    with scope(person) as session:
        hold = beds.hold(session, bed, today(person)).id
        personal.put(session, RING, person.user_id, {"date_of_birth": "2004-05-06", "phone": "+91 98765 43210"})
    with superuser.begin() as connection:
        bound = {"org": person.org_id, "user": person.user_id, "hostel": person.hostel_id, "hold": hold, "name": name or person.name, "round": round_}
        made: UUID = connection.execute(text("""
            INSERT INTO onboarding_submissions (org_id, hostel_id, user_id, hold_id, mess_plan, lunchbox, submitted_at, round)
            VALUES (:org, :hostel, :user, :hold, 'Veg', true, now(), :round) RETURNING id"""), bound).scalar_one()
        connection.execute(text("""
            INSERT INTO kyc_records (org_id, hostel_id, user_id, kind, full_name, submission_id)
            VALUES (:org, :hostel, :user, 'residential', :name, :id)
            ON CONFLICT (org_id, user_id, kind) DO NOTHING"""), {**bound, "id": made})
    return made


def claimed(reviewer: Person, submission: UUID, **options: Any) -> None:
    with scope(reviewer) as session:
        approval.claim(session, RING, submission, **options)


def decided(reviewer: Person, submission: UUID, what: str = "approve", *values: Any) -> Any:
    with scope(reviewer) as session:
        return getattr(approval, what)(session, submission, *values)
