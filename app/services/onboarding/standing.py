"""Where a newcomer stands: what they typed on whatever device, chose, submitted, and what was objected to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.models.beds import BedHold
from app.models.onboarding import OnboardingDraft, OnboardingProgress, OnboardingSubmission, SubmissionFlag
from app.permissions import Role
from app.rules import onboarding as rules
from app.rules.onboarding import FIELDS, Step, SubmissionState
from app.rules.phones import shown_phone
from app.rules.residents import LIVE_HOLDS, HoldState, TariffKind
from app.services import inquiries, personal
from app.services.documents import Papers, papers

_HOUSE = text("SELECT id, name, currency, country, today FROM app.onboarding_house()")
_PRICES = text("SELECT kind, name, amount_paise, currency, per, room_type_id, room_type FROM app.onboarding_prices(:day)")


@dataclass(frozen=True)
class House:
    """Where somebody moves in, as far as they may know it."""

    id: UUID
    name: str
    currency: str
    country: str
    today: date


@dataclass(frozen=True)
class Price:
    """What something costs, for the rooms of a kind or for all."""

    kind: TariffKind
    name: str
    amount_paise: int
    currency: str
    per: str
    room_type_id: UUID | None
    room_type: str | None


@dataclass(frozen=True)
class Standing:
    """All that the wizard shows of a person; `hold` is the bed they chose, `holds` all that they hold or wait for."""

    house: House
    last_completed: int
    hold: BedHold | None
    holds: Sequence[BedHold]
    submission: OnboardingSubmission | None
    flags: Mapping[str, str]
    answers: Mapping[str, str]
    versions: Mapping[int, int]
    masked: Mapping[str, str]
    papers: Papers

    @property
    def state(self) -> SubmissionState | None:
        """Where the last round stands."""
        return SubmissionState(self.submission.state) if self.submission else None

    @property
    def holding(self) -> bool:
        """Whether a bed is held, as far as is known without ending what is overdue."""
        return self.hold is not None and self.hold.standing is HoldState.HELD

    @property
    def open(self) -> frozenset[str]:
        """What may be changed; a bed that is lost has to be chosen again whoever objected to what."""
        names = rules.open_names(self.state, self.flags)
        lost = self.state is SubmissionState.NEEDS_REVISION and not self.holding
        return names | {rules.BED, "move_in_on"} if lost else names

    @property
    def next_step(self) -> Step:
        """Where to go on: in a revision where the first objection is."""
        if self.state is SubmissionState.NEEDS_REVISION:
            return min((rules.step_of(name) for name in self.open if name != "agreed"), default=Step.REVIEW)
        return Step(min(self.last_completed + 1, Step.REVIEW))

    def wrong(self, step: Step, plans: frozenset[str] = frozenset()) -> dict[str, str]:
        """What is wrong or missing on a step, by name."""
        found = rules.wrong(step, self.answers, self.masked, self.house.today, self.house.country, plans)
        for kind in self.papers.missing:
            if rules.document_step(kind) is step:
                found[f"{rules.DOCUMENT}{kind}"] = "This document is still missing."
        if step is Step.ROOM and not self.holding:
            found[rules.BED] = "Please choose a bed that is free."
        elif step is Step.ROOM and self.hold and self.hold.from_on.isoformat() != self.answers.get("move_in_on", "").strip():
            found[rules.BED] = "Your bed is held from another day on: please choose it again."
        return found


def read(session: Session, ring: KeyRing, user_id: int) -> Standing:
    """The standing of the signed-in person `user_id`. Errors: VR403 for whoever is not moving in, VR409 while no house is known."""
    house = House(**session.execute(_HOUSE).mappings().one())
    progress = session.scalar(select(OnboardingProgress).where(OnboardingProgress.user_id == user_id))
    submission = session.scalar(select(OnboardingSubmission).where(OnboardingSubmission.user_id == user_id)
                                .order_by(OnboardingSubmission.round.desc()).limit(1))
    if submission is not None and submission.state == SubmissionState.APPROVED:
        submission = None  # of an earlier stay: an approval takes the role that brings people here
    flags = session.execute(select(SubmissionFlag.field, SubmissionFlag.reason).where(
        SubmissionFlag.submission_id == submission.id)).all() if submission and submission.state == SubmissionState.NEEDS_REVISION else []
    drafts = list(session.scalars(select(OnboardingDraft).where(OnboardingDraft.user_id == user_id)))
    versions = {draft.step: draft.version for draft in drafts}
    answers = _known(session, ring, house, versions) | {name: value for draft in drafts for name, value in draft.data.items() if name in FIELDS}
    chosen = progress.hold_id if progress else None
    holds = session.scalars(select(BedHold).where(BedHold.user_id == user_id, BedHold.hostel_id == house.id,
                                                  or_(BedHold.state.in_(sorted(LIVE_HOLDS)), BedHold.id == chosen))).all()
    return Standing(
        house, progress.last_completed_step if progress else 0, next((one for one in holds if one.id == chosen), None),
        [one for one in holds if one.standing in LIVE_HOLDS], submission, {flag.field: flag.reason for flag in flags},
        answers | personal.own_drafts(session, ring, user_id), versions,
        {value.name: value.masked for value in personal.masked(session, user_id)}, papers(session, user_id, Role.PENDING_RESIDENT))


def _known(session: Session, ring: KeyRing, house: House, versions: Mapping[int, int]) -> dict[str, str]:
    """What they said when they asked for a bed, on steps of which nothing has been saved yet."""
    if {Step.RESIDENTIAL, Step.ROOM} <= set(versions) or (lead := inquiries.own_lead(session, ring)) is None:
        return {}
    day = lead.move_in_on.isoformat() if lead.move_in_on and lead.move_in_on >= house.today else ""
    said = {"full_name": lead.full_name, "phone": shown_phone(lead.phone), "move_in_on": day}
    return {name: value for name, value in said.items() if FIELDS[name].step not in versions}


def prices(session: Session, day: date) -> list[Price]:
    """What the house costs from a day on."""
    return [Price(**{**row, "kind": TariffKind(row["kind"])}) for row in session.execute(_PRICES, {"day": day}).mappings()]
