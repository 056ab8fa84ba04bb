"""What tests of onboarding share: a newcomer who types, chooses and sends."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import Engine, text

from app.crypto import KeyRing
from app.permissions import Role
from app.rules.onboarding import Step
from app.rules.personal import DocumentKind
from app.services import onboarding
from app.services.onboarding import Standing
from app.wiring import settings
from tests.maintenance import scope as as_
from tests.services.test_documents_keeping import give
from tests.world import Person, World

FILLED: dict[Step, dict[str, str]] = {
    Step.RESIDENTIAL: {"full_name": "Meera Joshi", "date_of_birth": "2005-03-04", "gender": "female", "phone": "98765 43210",
                       "address": "12 Lake Road", "identity_kind": "pan", "identity_number": "ABCPE1234F"},
    Step.PARENTAL: {"parent_name": "Asha Joshi", "parent_relation": "mother", "parent_phone": "98765 43211"},
    Step.ROOM: {"mess_plan": "", "lunchbox": "y"}, Step.PREFERENCES: {"food": "jain"}, Step.REVIEW: {"agreed": "y"},
}


def ring() -> KeyRing:
    return KeyRing(dict(settings().field_keys))


def newcomer(world: World) -> Person:
    return world.a.people[Role.PENDING_RESIDENT]


def standing(person: Person) -> Standing:
    with as_(person) as session:
        return onboarding.read(session, ring(), person.user_id)


def type_in(person: Person, step: Step, values: dict[str, str], version: int | None = None) -> int:
    """Keep what is typed on a step, as of the version there is unless one is given."""
    with as_(person) as session:
        now = onboarding.read(session, ring(), person.user_id)
        return onboarding.keep(session, ring(), person.user_id, step, values, now.versions.get(step, 0) if version is None else version, now)


def choose(person: Person, bed: UUID) -> None:
    with as_(person) as session:
        onboarding.choose_bed(session, bed, onboarding.read(session, ring(), person.user_id))


def fill(person: Person, bed: UUID) -> None:
    """Everything up to the last step."""
    for kind in (DocumentKind.IDENTITY, DocumentKind.PHOTO):
        give(person, person, kind)
    for step, values in FILLED.items():
        day = {"move_in_on": standing(person).house.today.isoformat()} if step is Step.ROOM else {}
        type_in(person, step, values | day)
        if step is Step.ROOM:
            choose(person, bed)
        if step is not Step.REVIEW:
            with as_(person) as session:
                onboarding.complete(session, step)


def send(person: Person, submission: UUID | None = None) -> UUID:
    submission = submission or uuid4()
    with as_(person) as session:
        onboarding.submit(session, ring(), person.user_id, submission)
    return submission


def decide(superuser: Engine, submission: UUID, state: str, **flags: str) -> None:
    """What a reviewer would do."""
    with superuser.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("UPDATE onboarding_submissions SET state = :state, reason = 'Look again' WHERE id = :id"), {"state": state, "id": submission})
        for field, reason in flags.items():
            connection.execute(text("""
                INSERT INTO submission_flags (org_id, hostel_id, submission_id, user_id, field, reason)
                SELECT org_id, hostel_id, id, user_id, :field, :reason FROM onboarding_submissions WHERE id = :id"""),
                {"field": field, "reason": reason, "id": submission})
