"""What a newcomer types and chooses, kept as they do: plain answers in drafts, sensitive ones as drafts of personal values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.models.beds import BedHold
from app.rules import onboarding as rules
from app.rules.errors import Invalid
from app.rules.onboarding import FIELDS, Step
from app.rules.personal import DRAFT
from app.rules.residents import HoldState
from app.services import beds, personal
from app.services.onboarding.standing import Standing

_SAVE = text("SELECT app.save_onboarding_draft(:step, CAST(:data AS jsonb), :version)")
_CHOOSE = text("SELECT app.choose_onboarding_bed(:hold)")
_LEAVE = text("SELECT app.leave_onboarding_bed(:hold)")
_COMPLETE = text("SELECT app.complete_onboarding_step(:step)")


def keep(session: Session, ring: KeyRing, user_id: int, step: Step, typed: Mapping[str, str], version: int, standing: Standing) -> int:
    """Keep what was typed on a step as it was typed, of what is open; returns the new version of the step's draft.

    Errors: Invalid (too long), VR409 if somebody saved since `version`, or it lies with a reviewer.
    """
    # What is known already was shown, so the first save of a step keeps it too.
    known = {} if step in standing.versions else {name: value for name, value in standing.answers.items() if FIELDS[name].step is step}
    fields = {name: value for name, value in (known | dict(typed)).items() if name in FIELDS and FIELDS[name].step is step and name in standing.open}
    for name, value in fields.items():
        rules.plain_text(value, name)
    plain = {name: value for name, value in fields.items() if not FIELDS[name].sensitive}
    new: int = session.execute(_SAVE, {"step": int(step), "data": json.dumps(plain), "version": version}).scalar_one()
    if secret := {f"{DRAFT}{name}": value for name, value in fields.items() if FIELDS[name].sensitive}:
        personal.put(session, ring, user_id, secret)
    session.expire_all()
    return new


def complete(session: Session, step: Step) -> None:
    """A step is done. Errors: VR409 while one before it is not."""
    session.execute(_COMPLETE, {"step": int(step)})
    session.expire_all()


def choose_bed(session: Session, bed_id: UUID, standing: Standing) -> BedHold:
    """Hold a bed from the day of moving in, or stand in line for it; what was offered is taken. Errors: those of `beds.hold`, Invalid."""
    day, now = rules.move_in(standing.answers.get("move_in_on", ""), standing.house.today), next((one for one in standing.holds if one.bed_id == bed_id), None)
    if rules.BED not in standing.open:
        raise Invalid("Nobody asked you to change the bed.", field=rules.BED)
    if now is not None and now.from_on != day:
        session.execute(_LEAVE, {"hold": now.id})
    hold = beds.hold(session, bed_id, day)
    if hold.standing is not HoldState.QUEUED or not standing.holding:  # a place in line is no reason to give up a bed
        session.execute(_CHOOSE, {"hold": hold.id})
    session.expire_all()
    return hold
