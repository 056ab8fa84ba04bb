"""Onboarding: its steps, what is asked on each, what is sensitive, and what a revision leaves open (O1, O5, O6)."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Step(IntEnum):
    """The five steps, in their order."""

    RESIDENTIAL = 1
    PARENTAL = 2
    ROOM = 3
    PREFERENCES = 4
    REVIEW = 5


class SubmissionState(StrEnum):
    """Where what was submitted stands."""

    PENDING_REVIEW = "pending_review"
    UNDER_REVIEW = "under_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    NEEDS_REVISION = "needs_revision"


class KycKind(StrEnum):
    """Whom a record is about."""

    RESIDENTIAL = "residential"
    PARENTAL = "parental"
