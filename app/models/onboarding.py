"""A newcomer's way in: how far they are, what they have typed, what was submitted, and what was objected to."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, DateTime, Index, Integer, SmallInteger, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Authored, Model, Tenant, Timestamps, in_tenant, line, link, person, quoted
from app.models.beds import BedHold
from app.models.declare import (
    IN_ORG,
    MINE,
    Grant,
    Policy,
    Published,
    functions,
    protect,
    publish,
    staff_policies,
    trigger,
)
from app.models.organizations import Hostel
from app.models.people import Member
from app.permissions import Portal, Resource
from app.rules.onboarding import KycKind, Step, SubmissionState


class OnboardingProgress(Tenant, Timestamps, Model):
    """How far somebody is, and the bed they chose."""

    __tablename__ = "onboarding_progress"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    last_completed_step: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    hold_id: Mapped[UUID | None] = mapped_column(Uuid)
    onboarding_complete: Mapped[bool] = mapped_column(Boolean, server_default="false")
    hold: Mapped[BedHold | None] = link("BedHold", "hold_id", here="OnboardingProgress", viewonly=True)

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("user_id"), in_tenant("hold_id", "bed_holds"),
        Index("onboarding_progress_person_key", "org_id", "user_id", unique=True),
        CheckConstraint(f"last_completed_step BETWEEN 0 AND {max(Step)}", name="onboarding_progress_step"),
    )


class OnboardingDraft(Tenant, Timestamps, Model):
    """What somebody typed on a step, without what is sensitive: that is kept as personal values `draft.<name>`."""

    __tablename__ = "onboarding_drafts"

    user_id: Mapped[int] = mapped_column(Integer)
    step: Mapped[int] = mapped_column(SmallInteger)
    data: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    __table_args__ = (
        person("user_id"),
        Index("onboarding_drafts_step_key", "org_id", "user_id", "step", unique=True),
        CheckConstraint(f"step BETWEEN 1 AND {max(Step)}", name="onboarding_drafts_step_known"),
    )


class OnboardingSubmission(Tenant, Timestamps, Authored, Model):
    """What was submitted in one round; a round that follows is a row of its own and says in `changed` what is new."""

    __tablename__ = "onboarding_submissions"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    round: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    state: Mapped[str] = mapped_column(Text, server_default=SubmissionState.PENDING_REVIEW)
    reviewer_id: Mapped[int | None] = mapped_column(Integer)
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    hold_id: Mapped[UUID | None] = mapped_column(Uuid)
    mess_plan: Mapped[str] = line(80)
    lunchbox: Mapped[bool] = mapped_column(Boolean, server_default="false")
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    changed: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    submitted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str] = mapped_column(Text, server_default="")
    handover: Mapped[str] = mapped_column(Text, server_default="")
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="OnboardingSubmission")
    member: Mapped[Member] = link("Member", "user_id", here="OnboardingSubmission", key="user_id")
    reviewer: Mapped[Member | None] = link("Member", "reviewer_id", here="OnboardingSubmission", key="user_id")
    hold: Mapped[BedHold | None] = link("BedHold", "hold_id", here="OnboardingSubmission", viewonly=True)

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("user_id"), person("reviewer_id"), person("created_by"), in_tenant("hold_id", "bed_holds"),
        Index("onboarding_submissions_round_key", "org_id", "user_id", "round", unique=True),
        Index("onboarding_submissions_open_key", "org_id", "user_id", unique=True,
              postgresql_where=text("state IN ('pending_review', 'under_review')")),
        Index("onboarding_submissions_sort_submitted", "org_id", "submitted_at", "id"),
        Index("onboarding_submissions_queue", "org_id", "hostel_id", "state"),
        CheckConstraint(f"state IN ({quoted(SubmissionState)})", name="onboarding_submissions_state_known"),
        CheckConstraint("round BETWEEN 1 AND 100", name="onboarding_submissions_round"),
    )

    def __repr__(self) -> str:
        return self.member.name


class SubmissionFlag(Tenant, Timestamps, Authored, Model):
    """A field of a submission that its person must correct, and why; the names are those of rules.onboarding."""

    __tablename__ = "submission_flags"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    submission_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    field: Mapped[str] = line(60)
    reason: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("submission_id", "onboarding_submissions"), person("user_id"), person("created_by"),
        Index("submission_flags_field_key", "org_id", "submission_id", "field", unique=True),
    )


class ResidentPreference(Tenant, Timestamps, Authored, Model):
    """How somebody likes to live, as they said it: by name of the question."""

    __tablename__ = "resident_preferences"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    answers: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("user_id"), person("created_by"),
        Index("resident_preferences_person_key", "org_id", "user_id", unique=True),
    )


class KycRecord(Tenant, Timestamps, Authored, Model):
    """Who somebody or their parent is, without what is sensitive: that is kept as personal values."""

    __tablename__ = "kyc_records"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    full_name: Mapped[str] = line()
    facts: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    submission_id: Mapped[UUID] = mapped_column(Uuid)

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("user_id"), person("created_by"), in_tenant("submission_id", "onboarding_submissions"),
        Index("kyc_records_kind_key", "org_id", "user_id", "kind", unique=True),
        CheckConstraint(f"kind IN ({quoted(KycKind)})", name="kyc_records_kind_known"),
    )


functions("onboarding")

# Written by functions alone. The audit keeps no names: what is erased must not live on in it.
_OWN = Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE}")
_BOTH = Grant((Portal.ADMIN, Portal.RESIDENT), select=True)
for _model, _masked in ((OnboardingProgress, ()), (OnboardingSubmission, ("answers",)), (SubmissionFlag, ("reason",)),
                        (ResidentPreference, ("answers",)), (KycRecord, ("full_name", "facts"))):
    protect(_model.__table__, masked=_masked, grants=[_BOTH],  # type: ignore[attr-defined]
            policies=[*staff_policies(Resource.ONBOARDING, commands=("SELECT",)), _OWN])
# The queue of those who review, without what was answered.
publish(OnboardingSubmission.__table__, Published(  # type: ignore[arg-type]
    key=("org_id", "hostel_id", "user_id", "id"),
    columns=("org_id", "hostel_id", "user_id", "id", "state", "round", "reviewer_id", "claimed_at", "submitted_at", "updated_at")))
protect(OnboardingDraft.__table__, unaudited="what is being typed; what is submitted is audited",
        grants=[Grant((Portal.RESIDENT,), select=True)], policies=[_OWN])
trigger("person_keys", "y_forget_onboarding", "AFTER UPDATE OF destroyed_at", "app.forget_onboarding()")
