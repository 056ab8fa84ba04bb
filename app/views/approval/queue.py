"""What the queue of submissions shows besides columns: whose turn it is, for how long, and how long it takes of late."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_babel import gettext
from sqlalchemy import ColumnElement, and_

from app.models.onboarding import OnboardingSubmission
from app.rules.onboarding import SubmissionState
from app.services import approval
from app.views import formats
from app.views.filters import Flag
from app.views.interface import Session

S = SubmissionState
OPEN = (S.PENDING_REVIEW.value, S.UNDER_REVIEW.value)


class Open(Flag):
    """Not decided yet."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """By the state."""
        return OnboardingSubmission.state.in_(OPEN)


class Mine(Flag):
    """Under the caller's review."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """By the reviewer."""
        return and_(OnboardingSubmission.state == S.UNDER_REVIEW.value, OnboardingSubmission.reviewer_id == g.identity.user_id)


def waited(item: OnboardingSubmission) -> str:
    """From the submission until it was decided, or until now."""
    return formats.duration((item.decided_at or formats.now()) - item.submitted_at)


def pace(session: Session) -> list[tuple[str, str]]:
    """How long decisions took, as (what, how much)."""
    found = approval.pace(session, g.identity.org_id, g.identity.hostel_id)
    said = [(gettext("Decided in the last %(n)s days", n=approval.DAYS), formats.number(found.decided))]
    if found.median is not None and found.most is not None:
        said += [(gettext("Half of them within"), formats.duration(found.median)), (gettext("Nineteen of twenty within"), formats.duration(found.most))]
    return said
