"""Submissions of newcomers under review: claimed by one, checked, decided with all that follows (O6, O7, O8).

The database's functions decide and write; each is one transaction, so that a decision happens wholly or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session, joinedload

from app.crypto import KeyRing
from app.models.approval import SubmissionCheck
from app.models.beds import BedHold
from app.models.onboarding import KycRecord, OnboardingSubmission, SubmissionFlag
from app.models.people import Member
from app.models.rooms import Bed
from app.permissions import Role
from app.rules import approval as rules
from app.rules.approval import Check, CheckName
from app.rules.onboarding import KycKind, SubmissionState
from app.services import documents, personal
from app.services.notifications import Message, tell
from app.services.onboarding.submitting import REVIEW_LINK

REASON = "Review of a submission"
MAIL = "approval.mail"
DAYS = 30
_CLAIM = text("SELECT app.claim_submission(:id, :over, :reason)")
_RELEASE = text("SELECT app.release_submission(:id, :reason)")
_NOTE = text("SELECT app.note_checks(:id, CAST(:checks AS jsonb))")
_MATCHES = text("SELECT what, user_id FROM app.submission_matches(:id)")
_APPROVE = text("SELECT app.approve_submission(:id)")
_REJECT = text("SELECT app.reject_submission(:id, :reason)")
_REVISE = text("SELECT app.request_revision(:id, CAST(:flags AS jsonb), :reason)")
_LETTER = text("SELECT * FROM app.decision_letter(:id)")


# Errors of all below (as DBAPIError, translated at the edge): VR404 unknown or foreign, VR403 not allowed, VR409 decided
# already, in somebody else's hands, or not possible as things stand (a hold that ran out), VR422 a reason is missing.


def claim(session: Session, ring: KeyRing, submission_id: UUID, *, over: str | None = None, may_read: bool = True) -> None:
    """Take a submission into one's hands and check it, also out of another's with a reason in `over`; nothing happens if
    it is in one's hands. `may_read` is whether the reviewer may read personal values, without which the age stays
    unchecked. Reading it leaves a row in the audit log.
    """
    asked = {"id": submission_id, "over": over is not None, "reason": rules.reason(over) if over is not None else ""}
    if not session.execute(_CLAIM, asked).scalar_one():
        return
    session.expire_all()
    found = session.scalars(select(OnboardingSubmission).where(OnboardingSubmission.id == submission_id)).one()
    checks = _checks(session, ring, found, may_read=may_read)
    session.execute(_NOTE, {"id": submission_id, "checks": json.dumps([asdict(check) for check in checks])})
    session.expire_all()


def _checks(session: Session, ring: KeyRing, item: OnboardingSubmission, *, may_read: bool) -> list[Check]:
    day = documents.today(session)
    names = {row.kind: row.full_name for row in session.scalars(select(KycRecord).where(KycRecord.user_id == item.user_id))}
    account = session.scalars(select(Member.name).where(Member.user_id == item.user_id)).one()
    born = personal.reveal(session, ring, item.user_id, "date_of_birth", REASON) if may_read else None
    same: dict[str, list[int]] = {}
    for row in session.execute(_MATCHES, {"id": item.id}):
        same.setdefault(row.what, []).append(row.user_id)
    papers = documents.papers(session, item.user_id, Role.PENDING_RESIDENT)
    ended = any(row.valid_until is not None and row.valid_until < papers.day for row in papers.documents)
    return [
        rules.check_names(names.get(KycKind.RESIDENTIAL, ""), account, names.get(KycKind.PARENTAL, "")),
        rules.check_age(date.fromisoformat(born) if born else None, day),
        *(rules.check_same(name, same.get(name, ())) for name in (CheckName.PHONE, CheckName.EMAIL, CheckName.IDENTITY)),
        rules.check_documents(missing=bool(papers.missing), ended=ended),
    ]


def release(session: Session, submission_id: UUID, why: str) -> None:
    """Put it back into the queue, with a word for whoever takes it next."""
    _write(session, _RELEASE, id=submission_id, reason=rules.reason(why))


def approve(session: Session, submission_id: UUID) -> UUID:
    """All that an approval brings; the stay that begins."""
    made: UUID = session.execute(_APPROVE, {"id": submission_id}).scalar_one()
    session.expire_all()
    return made


def reject(session: Session, submission_id: UUID, why: str) -> None:
    """With words that the person reads; their bed is free for others."""
    _write(session, _REJECT, id=submission_id, reason=rules.reason(why))


def request_revision(session: Session, submission_id: UUID, flags: Mapping[str, str], why: str = "") -> None:
    """Open named fields again, each with what is wrong with it."""
    named = [{"field": field, "reason": rules.reason(reason)} for field, reason in flags.items()]
    _write(session, _REVISE, id=submission_id, flags=json.dumps(named), reason=why.strip()[:rules.REASON_MAX])


def _write(session: Session, statement: object, **values: object) -> None:
    session.execute(statement, values)  # type: ignore[call-overload]
    session.expire_all()


# --- reading --------------------------------------------------------------------------------------------


def checks_of(session: Session, submission_id: UUID) -> Sequence[SubmissionCheck]:
    """What was found at the last claim, in the order in which it is declared."""
    rows = {row.name: row for row in session.scalars(select(SubmissionCheck).where(SubmissionCheck.submission_id == submission_id))}
    return [rows[name] for name in CheckName if name in rows]


def flags_of(session: Session, user_id: int, in_round: int) -> Sequence[SubmissionFlag]:
    """What was objected to in a round."""
    return session.scalars(
        select(SubmissionFlag).join(OnboardingSubmission, (OnboardingSubmission.org_id == SubmissionFlag.org_id)
                                    & (OnboardingSubmission.id == SubmissionFlag.submission_id))
        .where(OnboardingSubmission.user_id == user_id, OnboardingSubmission.round == in_round)
        .order_by(SubmissionFlag.field)).all()


def before(session: Session, item: OnboardingSubmission) -> OnboardingSubmission | None:
    """The round before, with the bed that was held then."""
    return session.scalar(
        select(OnboardingSubmission).options(joinedload(OnboardingSubmission.hold).joinedload(BedHold.bed).joinedload(Bed.room))
        .where(OnboardingSubmission.user_id == item.user_id, OnboardingSubmission.round == item.round - 1)) if item.round > 1 else None


def is_newest(session: Session, item: OnboardingSubmission) -> bool:
    """Whether no round follows: what is kept of the person is what this one says."""
    return session.scalar(select(OnboardingSubmission.id).where(
        OnboardingSubmission.user_id == item.user_id, OnboardingSubmission.round > item.round).limit(1)) is None


@dataclass(frozen=True)
class Pace:
    """How long decisions of the last DAYS took from the submission on: the middle one, and all but the slowest twentieth."""

    decided: int
    median: timedelta | None
    most: timedelta | None


def pace(session: Session, org_id: UUID, hostel_id: UUID | None) -> Pace:
    """Of a hostel, or of all that the caller reaches."""
    took = OnboardingSubmission.decided_at - OnboardingSubmission.submitted_at
    asked = select(func.count(), func.percentile_cont(0.5).within_group(took), func.percentile_cont(0.95).within_group(took)).where(
        OnboardingSubmission.org_id == org_id, OnboardingSubmission.decided_at > func.app.now() - timedelta(days=DAYS))
    return Pace(*session.execute(asked if hostel_id is None else asked.where(OnboardingSubmission.hostel_id == hostel_id)).one())


# --- telling --------------------------------------------------------------------------------------------

_TOLD = {
    SubmissionState.APPROVED: ("Welcome! You are approved, and your bed is yours.", "/"),
    SubmissionState.REJECTED: ("Your sign-up was not approved. You can correct it and send it again.", "/onboarding/"),
    SubmissionState.NEEDS_REVISION: ("Something in your sign-up has to be corrected.", "/onboarding/"),
}


def tell_of_decision(session: Session, submission_id: UUID) -> None:
    """Tell the person what was decided."""
    found = session.scalar(select(OnboardingSubmission).where(OnboardingSubmission.id == submission_id))
    if found is None or (state := SubmissionState(found.state)) not in _TOLD:
        return
    words, link = _TOLD[state]
    tell(session, {found.user_id}, Message(f"approval.{state}", f"submission:{found.id}", words, found.hostel_id, link))


def tell_of_takeover(session: Session, submission_id: UUID, from_user: int) -> None:
    """Tell whoever had it in hand that somebody else goes on with it."""
    found = session.scalar(select(OnboardingSubmission).options(joinedload(OnboardingSubmission.reviewer), joinedload(OnboardingSubmission.member))
                           .where(OnboardingSubmission.id == submission_id))
    if found is not None and found.reviewer is not None and found.claimed_at is not None and found.reviewer_id != from_user:
        tell(session, {from_user}, Message(
            "approval.taken_over", f"submission:{found.id}:{found.claimed_at.isoformat()}",
            f"{found.reviewer.name} reviews the registration of {found.member.name} instead of you.", found.hostel_id,
            REVIEW_LINK.format(found.id), found.handover))


def letter(session: Session, submission_id: UUID) -> Row[tuple[str, str, str, str, str, str, str | None]] | None:
    """What the message about a decision says; None where there is none to send any more."""
    return session.execute(_LETTER, {"id": submission_id}).one_or_none()
