"""Submitting: the submission, the records and preferences it is about, and the word to its reviewers, all or nothing."""

from __future__ import annotations

import json
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from app.crypto import KeyRing
from app.models.onboarding import OnboardingSubmission
from app.permissions import Action, Resource
from app.rules import onboarding as rules
from app.rules import personal as values
from app.rules.errors import Invalid
from app.rules.onboarding import FIELDS, KycKind, Step
from app.rules.personal import DRAFT
from app.rules.residents import TariffKind
from app.services import notifications, personal
from app.services.notifications import Message
from app.services.onboarding.standing import Standing, prices, read

REVIEW_LINK = "/onboarding/submissions/show/{}"
_WAS = text("SELECT app.was_submitted(:id)")
_SUBMIT = text("SELECT app.submit_onboarding(:id, CAST(:answers AS jsonb), :changed, CAST(:kyc AS jsonb), CAST(:preferences AS jsonb))")


class Unfinished(Invalid):
    """Something is missing or wrong on a step before."""

    def __init__(self, step: Step, message: str, field: str) -> None:
        super().__init__(message, field=field)
        self.step = step


def submit(session: Session, ring: KeyRing, user_id: int, submission_id: UUID) -> None:
    """Submit what is in the drafts; under one id only once. Errors: Unfinished, VR409 (with a reviewer, bed lost)."""
    if session.execute(_WAS, {"id": submission_id}).scalar_one():
        return
    standing = read(session, ring, user_id)
    for step in Step:
        if found := standing.wrong(step, plans(session, standing) if step is Step.ROOM else frozenset()):
            field, message = next(iter(found.items()))
            raise Unfinished(step, message, field)
    plain = {name: standing.answers.get(name, "") for name, field in FIELDS.items() if not field.sensitive and field.step is not Step.REVIEW}
    written = {name: standing.answers[name] for name, field in FIELDS.items() if field.sensitive and standing.answers.get(name, "").strip()}
    last = standing.submission
    changed = rules.changed(last.answers if last else None, plain, written, (
        last.hold_id if last else None, standing.hold.id if standing.hold else None))
    session.execute(_SUBMIT, {
        "id": submission_id, "answers": json.dumps(plain | _hidden(standing, written)), "changed": changed, "kyc": json.dumps(_records(plain)),
        "preferences": json.dumps({field.name: plain[field.name] for field in rules.of_step(Step.PREFERENCES)})})
    # Written again only where something was typed: what is kept from an earlier round stays as it is.
    personal.put(session, ring, user_id, {**written, **{f"{DRAFT}{name}": None for name, field in FIELDS.items() if field.sensitive}})
    session.expire_all()


def _hidden(standing: Standing, written: dict[str, str]) -> dict[str, str]:
    """Sensitive answers as they may be shown: a later round replaces the values, and its reviewer sees from what to what."""
    fresh = {name: values.spec(name).mask(values.normal(name, text, standing.house.country)) for name, text in written.items()}
    return {name: fresh.get(name, standing.masked.get(name, "")) for name, field in FIELDS.items() if field.sensitive}


def plans(session: Session, standing: Standing) -> frozenset[str]:
    """Names of the meals that are offered from the day of moving in."""
    try:
        day = rules.move_in(standing.answers.get("move_in_on", ""), standing.house.today)
    except Invalid:
        return frozenset()
    return frozenset(price.name for price in prices(session, day) if price.kind is TariffKind.MESS)


def _records(plain: dict[str, str]) -> list[dict[str, object]]:
    names = {KycKind.RESIDENTIAL: (Step.RESIDENTIAL, "full_name"), KycKind.PARENTAL: (Step.PARENTAL, "parent_name")}
    return [{"kind": kind, "full_name": plain[name].strip(), "facts": {
                field.name: plain[field.name] for field in rules.of_step(step) if field.name in plain and field.name != name}}
            for kind, (step, name) in names.items()]


def tell_of_submission(session: Session, submission_id: UUID) -> None:
    """Tell those who review that somebody waits."""
    found = session.scalar(select(OnboardingSubmission).options(joinedload(OnboardingSubmission.member))
                           .where(OnboardingSubmission.id == submission_id))
    if found is not None:
        people = notifications.people_who_can(session, Resource.ONBOARDING, Action.APPROVE, found.hostel_id)
        notifications.tell(session, people, Message(
            "onboarding.submitted", f"onboarding:{found.id}", f"{found.member.name} has sent a registration to be reviewed.", found.hostel_id,
            REVIEW_LINK.format(found.id)))
