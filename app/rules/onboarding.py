"""Onboarding: its steps, what is asked on each, what is sensitive, and what a revision leaves open (O1, O5, O6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum, StrEnum

from app.rules import personal
from app.rules.errors import Invalid
from app.rules.personal import DocumentKind, IdentityKind
from app.text import N_

TEXT_MAX = 500
OLDEST_DAYS = 100 * 366
AHEAD_DAYS = 366  # how far from today somebody may move in, as for holds


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


class Gender(StrEnum):
    """As people say it of themselves."""

    FEMALE = "female"
    MALE = "male"
    OTHER_GENDER = "other_gender"


class Relation(StrEnum):
    """Who stands in for somebody."""

    MOTHER = "mother"
    FATHER = "father"
    GUARDIAN = "guardian"


class Food(StrEnum):
    """What somebody eats."""

    VEGETARIAN = "vegetarian"
    JAIN = "jain"
    VEGAN = "vegan"
    EGGS = "eggs"
    EVERYTHING = "everything"


class Sleep(StrEnum):
    """When somebody goes to bed."""

    EARLY = "early"
    LATE = "late"
    VARIES = "varies"


class Study(StrEnum):
    """Where somebody learns or works."""

    IN_THE_ROOM = "in_the_room"
    ELSEWHERE = "elsewhere"


class Tidiness(StrEnum):
    """How somebody keeps a room."""

    VERY_TIDY = "very_tidy"
    RELAXED = "relaxed"


@dataclass(frozen=True)
class Field:
    """A question: on which step, of what kind; a sensitive one is a personal value of the same name."""

    name: str
    step: Step
    label: str
    kind: str = "text"
    required: bool = False
    choices: type[StrEnum] | None = None

    @property
    def sensitive(self) -> bool:
        """Whether the answer is kept encrypted under the person's key."""
        return self.name in personal.VALUES


_R, _P, _ROOM, _L, _END = Step
FIELDS = {field.name: field for field in (
    Field("full_name", _R, N_("Full name, as on your papers"), required=True),
    Field("date_of_birth", _R, N_("Date of birth"), "date", required=True),
    Field("gender", _R, N_("Gender"), "choice", choices=Gender),
    Field("phone", _R, N_("Your phone"), "tel", required=True),
    Field("address", _R, N_("Home address"), "long", required=True),
    Field("identity_kind", _R, N_("Which paper proves who you are?"), "choice", required=True, choices=IdentityKind),
    Field("identity_number", _R, N_("Its number"), required=True),
    Field("institution", _R, N_("Where do you study or work?")),
    Field("parent_name", _P, N_("Name of a parent or guardian"), required=True),
    Field("parent_relation", _P, N_("Who is this to you?"), "choice", required=True, choices=Relation),
    Field("parent_phone", _P, N_("Their phone"), "tel", required=True),
    Field("parent_email", _P, N_("Their e-mail address"), "email"),
    Field("parent_identity_number", _P, N_("Number of a paper of theirs")),
    Field("parent_address", _P, N_("Their address, if it is another one"), "long"),
    Field("emergency_phone", _P, N_("Whom else can we call in an emergency?"), "tel"),
    Field("move_in_on", _ROOM, N_("From when?"), "date", required=True),
    Field("mess_plan", _ROOM, N_("Meals"), "plan"),
    Field("lunchbox", _ROOM, N_("A lunchbox every day"), "check"),
    Field("food", _L, N_("What do you eat?"), "choice", choices=Food),
    Field("sleep", _L, N_("When do you go to bed?"), "choice", choices=Sleep),
    Field("study", _L, N_("Where do you study?"), "choice", choices=Study),
    Field("tidiness", _L, N_("How do you keep your room?"), "choice", choices=Tidiness),
    Field("about", _L, N_("What should people who share a room with you know?"), "long"),
    Field("agreed", _END, N_("What I have written is true, and I agree that it is checked."), "check", required=True),
)}
BED = "bed"  # what else a reviewer may object to, besides the fields
DOCUMENT = "document."  # before the kind of a document
FLAGS = (*(name for name, field in FIELDS.items() if field.step is not _END), BED, *(f"{DOCUMENT}{kind}" for kind in DocumentKind))
CLOSED = frozenset({SubmissionState.PENDING_REVIEW, SubmissionState.UNDER_REVIEW, SubmissionState.APPROVED})


def of_step(step: Step) -> list[Field]:
    """The questions of a step."""
    return [field for field in FIELDS.values() if field.step is step]


def step_of(flag: str) -> Step:
    """Where something that may be objected to is corrected."""
    if flag.startswith(DOCUMENT):
        return document_step(DocumentKind(flag.removeprefix(DOCUMENT)))
    return _ROOM if flag == BED else FIELDS[flag].step


def document_step(kind: DocumentKind) -> Step:
    """On which step a document is asked for."""
    return _P if kind is DocumentKind.PARENT_IDENTITY else _R


def open_names(state: SubmissionState | None, flagged: Collection[str]) -> frozenset[str]:
    """What may be changed: all before the first submission and after a rejection, what was objected to in a revision,
    nothing while it is with a reviewer or approved. The last step's consent is asked for each time.
    """
    if state in CLOSED:
        return frozenset()
    if state is SubmissionState.NEEDS_REVISION:
        return frozenset({*flagged, "agreed"})
    return frozenset({*FLAGS, "agreed"})


def wrong(step: Step, answers: Mapping[str, str], given: Collection[str], day: date, country: str,
          plans: Collection[str] = ()) -> dict[str, str]:
    """What is wrong on a step, as sentences by name; `given` are sensitive values that are kept from an earlier round."""
    found = {}
    for field in of_step(step):
        try:
            _check(field, answers, given, day, country, plans)
        except Invalid as error:
            found[field.name] = error.message
    return found


def _check(field: Field, answers: Mapping[str, str], given: Collection[str], day: date, country: str, plans: Collection[str]) -> None:
    value = answers.get(field.name, "").strip()
    if not value:
        if field.required and field.name not in given:
            raise Invalid("Please fill this in.")
        return
    plain_text(value)
    if field.choices is not None and value not in list(field.choices):
        raise Invalid("Please choose one of the answers.")
    if field.name == "mess_plan" and value not in plans:
        raise Invalid("This is not offered from that day on. Please choose again.")
    if field.sensitive:
        personal.normal(field.name, value, country)
    if field.name == "identity_number" and answers.get("identity_kind") in list(IdentityKind):
        personal.identity_number(IdentityKind(answers["identity_kind"]), value)
    if field.name == "date_of_birth" and not 0 < (day - date.fromisoformat(value)).days < OLDEST_DAYS:
        raise Invalid("Check the year: this is no date of birth.")
    if field.name == "move_in_on":
        move_in(value, day)


def plain_text(value: str, field: str | None = None) -> None:
    """Refuse what no field takes. Errors: Invalid."""
    if len(value) > TEXT_MAX:
        raise Invalid(f"This text is longer than {TEXT_MAX} characters.", field=field)
    if any(not c.isprintable() and c not in "\r\n\t" for c in value):
        raise Invalid("This text has characters in it that cannot be shown.", field=field)


def move_in(text: str, day: date) -> date:
    """The day somebody moves in. Errors: Invalid."""
    try:
        found = date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("Write the date as year, month and day.", field="move_in_on") from error
    if not day <= found <= day + timedelta(days=AHEAD_DAYS):
        raise Invalid("Choose today or a day within a year.", field="move_in_on")
    return found


def changed(before: Mapping[str, str] | None, now: Mapping[str, str], rewritten: Collection[str], beds: tuple[object, object]) -> list[str]:
    """Names of what is new since the round before: answers that differ, sensitive ones that were written again, the bed."""
    if before is None:
        return []
    names = [name for name, field in FIELDS.items() if field.step is not _END and (
        name in rewritten if field.sensitive else before.get(name, "") != now.get(name, ""))]
    return [*names, BED] if beds[0] != beds[1] else names
