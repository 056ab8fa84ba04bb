"""Approval of newcomers: where a submission can go, and what is checked of it, with reasons (O6, O7, O8)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.lifecycle import Machine, T
from app.permissions import Action, Resource
from app.rules.errors import Invalid
from app.rules.onboarding import SubmissionState
from app.text import N_

LEAST_AGE = 18  # below it somebody else signs for them
ABSURD_AGES = (10, 100)
REASON_MAX = 500

S = SubmissionState
_REVIEW, _DECIDE = (Resource.ONBOARDING, Action.UPDATE), (Resource.ONBOARDING, Action.APPROVE)

# What was decided stays decided: what a person corrects is a submission of its own, of the next round. The functions of
# app/models/sql/approval.sql take these steps, with all that follows from them; each but the first by its reviewer alone.
SUBMISSION = Machine("onboarding_submission", S, initial=S.PENDING_REVIEW, transitions=[
    T("claim", {S.PENDING_REVIEW}, S.UNDER_REVIEW, needs=_REVIEW),
    T("release", {S.UNDER_REVIEW}, S.PENDING_REVIEW, needs=_REVIEW, label="Put back"),
    T("approve", {S.UNDER_REVIEW}, S.APPROVED, needs=_DECIDE),
    T("request_revision", {S.UNDER_REVIEW}, S.NEEDS_REVISION, needs=_DECIDE, needs_note=True, label="Ask for corrections"),
    T("reject", {S.UNDER_REVIEW}, S.REJECTED, needs=_DECIDE, needs_note=True),
])


class CheckName(StrEnum):
    """What is checked."""

    NAMES = "names"
    AGE = "age"
    PHONE = "phone"
    EMAIL = "email"
    IDENTITY = "identity"
    DOCUMENTS = "documents"


class Outcome(StrEnum):
    """What came of it: nothing to see, something to look at, something that should not be approved as it is."""

    FINE = "fine"
    DOUBT = "doubt"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """One check with its reason in a sentence; `others` are the people whom it found."""

    name: CheckName
    outcome: Outcome
    reason: str
    others: tuple[int, ...] = ()


_TITLES = {"mr", "mrs", "ms", "miss", "dr", "shri", "smt", "kumari"}


def name_parts(name: str) -> list[str]:
    """The words of a name as they are compared: no accents, no titles, no case."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not "\u0300" <= c <= "\u036f")
    return sorted(word for word in re.split(r"[\s.,'’-]+", plain.casefold()) if word and word not in _TITLES)


def _goes_with(one: Sequence[str], other: Sequence[str]) -> bool:
    """Each word of the shorter name stands in the longer one, perhaps as an initial."""
    short, long = sorted((list(one), list(other)), key=len)
    left = list(long)
    for word in sorted(short, key=len, reverse=True):
        found = next((w for w in left if w == word), None) or next(
            (w for w in left if min(len(w), len(word)) == 1 and w[0] == word[0]), None)
        if found is None:
            return False
        left.remove(found)
    return bool(short)


def check_names(form: str, account: str, parent: str = "") -> Check:
    """The name on the form against that of the account, and against the parent's, which must be another."""
    own, known = name_parts(form), name_parts(account)
    if parent and name_parts(parent) == own:
        return Check(CheckName.NAMES, Outcome.PROBLEM, N_("The parent has the same name as the resident."))
    if own == known:
        return Check(CheckName.NAMES, Outcome.FINE, N_("The name is the same on the form and on the account."))
    if _goes_with(own, known):
        return Check(CheckName.NAMES, Outcome.DOUBT, N_("The names on the form and on the account go together, but one says more."))
    return Check(CheckName.NAMES, Outcome.PROBLEM, N_("The names on the form and on the account differ."))


def age_on(born: date, day: date) -> int:
    """Full years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def check_age(born: date | None, day: date) -> Check:
    """Old enough to sign, and an age that can be meant; None where the date could not be read."""
    if born is None:
        return Check(CheckName.AGE, Outcome.DOUBT, N_("The age could not be checked: there is no date of birth to read."))
    age = age_on(born, day)
    if not ABSURD_AGES[0] <= age <= ABSURD_AGES[1]:
        return Check(CheckName.AGE, Outcome.PROBLEM, N_("This date of birth cannot be meant."))
    if age < LEAST_AGE:
        return Check(CheckName.AGE, Outcome.DOUBT, N_("Not of age yet: a parent has to sign."))
    return Check(CheckName.AGE, Outcome.FINE, N_("Of age."))


_SAME = {
    CheckName.PHONE: (N_("Nobody else has this phone number."), N_("Somebody else has the same phone number.")),
    CheckName.EMAIL: (N_("Nobody else has this e-mail address."), N_("Somebody else has the same e-mail address.")),
    CheckName.IDENTITY: (N_("Nobody else has this identity number."), N_("Somebody else has the same identity number.")),
}


def check_same(name: CheckName, others: Collection[int]) -> Check:
    """Whether others have the same phone, e-mail or identity number; the last is never right."""
    alone, shared = _SAME[name]
    if not others:
        return Check(name, Outcome.FINE, alone)
    outcome = Outcome.PROBLEM if name is CheckName.IDENTITY else Outcome.DOUBT
    return Check(name, outcome, shared, tuple(sorted(others)))


def check_documents(*, missing: bool, ended: bool) -> Check:
    """Whether what is asked for is there and still counts."""
    if ended:
        return Check(CheckName.DOCUMENTS, Outcome.PROBLEM, N_("A document is not valid any more."))
    if missing:
        return Check(CheckName.DOCUMENTS, Outcome.PROBLEM, N_("A document that is asked for is missing."))
    return Check(CheckName.DOCUMENTS, Outcome.FINE, N_("All documents that are asked for are there and valid."))


def reason(text: str) -> str:
    """Why something is refused, as the person will read it. Errors: Invalid."""
    cleaned = text.strip()
    if not cleaned:
        raise Invalid("Please say why.", field="note")
    if len(cleaned) > REASON_MAX:
        raise Invalid(f"A reason has at most {REASON_MAX} characters.", field="note")
    return cleaned
