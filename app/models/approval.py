"""What an approval leaves: who may come in, and on what ground; the account of their money; what was checked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Authored, Model, Tenant, Timestamps, in_tenant, person, quoted
from app.models.declare import (
    IN_ORG,
    MINE,
    Grant,
    Policy,
    can,
    functions,
    protect,
    staff_policies,
    trigger,
)
from app.permissions import Action, Portal, Resource
from app.rules.approval import CheckName, Outcome


class KycCompletion(Tenant, Timestamps, Authored, Model):
    """That an organization knows somebody well enough to let them live here (`kyc_complete`).

    Because of a submission that was approved; without one, because an administrator gave them the role themselves.
    """

    __tablename__ = "kyc_completions"

    user_id: Mapped[int] = mapped_column(Integer)
    submission_id: Mapped[UUID | None] = mapped_column(Uuid)

    __table_args__ = (
        person("user_id"), person("created_by"), in_tenant("submission_id", "onboarding_submissions"),
        Index("kyc_completions_person_key", "org_id", "user_id", unique=True),
    )


class SubmissionCheck(Tenant, Timestamps, Authored, Model):
    """What was found when a submission was claimed; kept, because what it was found in is not shown."""

    __tablename__ = "submission_checks"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    submission_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    others: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{}'"))

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("submission_id", "onboarding_submissions"), person("created_by"),
        Index("submission_checks_name_key", "org_id", "submission_id", "name", unique=True),
        CheckConstraint(f"name IN ({quoted(CheckName)})", name="submission_checks_name_known"),
        CheckConstraint(f"outcome IN ({quoted(Outcome)})", name="submission_checks_outcome_known"),
    )


functions("approval")

_OWN: dict[str, Any] = {"command": "SELECT", "to": (Portal.RESIDENT,)}
_BOTH = Grant((Portal.ADMIN, Portal.RESIDENT), select=True)
protect(
    KycCompletion.__table__, definer="SELECT, INSERT, UPDATE", grants=[_BOTH],
    policies=[Policy("staff_select", "SELECT", (Portal.ADMIN,),
                     using=f"{IN_ORG} AND {can(Resource.ONBOARDING, Action.READ)} AND app.member_in_reach(user_id)"),
              Policy("own_select", using=f"{IN_ORG} AND {MINE}", **_OWN)],
)
protect(
    SubmissionCheck.__table__, masked=("reason",), grants=[Grant((Portal.ADMIN,), select=True)],
    policies=staff_policies(Resource.ONBOARDING, commands=("SELECT",)),
)
trigger("onboarding_submissions", "b_lifecycle", "BEFORE INSERT OR UPDATE OF state", "app.guard_lifecycle('onboarding_submission', 'state')")
# Who comes in is decided here, also for what was worked out before.
trigger("kyc_completions", "w_access", "AFTER INSERT OR UPDATE OR DELETE", "app.change_access()")
trigger("memberships", "x_vouch", "AFTER INSERT OR UPDATE OF role", "app.vouch_for_resident()", each="FOR EACH ROW WHEN (NEW.role = 'resident')")

