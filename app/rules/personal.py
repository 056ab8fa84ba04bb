"""Personal values and documents: what each is called, how it is written, shown and looked for (O2, O3, O12)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from app.permissions import Role
from app.rules.errors import Invalid
from app.rules.phones import clean_phone
from app.rules.signin import clean_email
from app.text import N_

DRAFT = "draft."  # before the name of a value that was typed and not yet submitted: kept as it was typed
TEXT_MAX = 500
REASON_MIN = 5
REASON_MAX = 200
SHOWN_DIGITS = 4
HIDDEN = "••••"


class IdentityKind(StrEnum):
    """The papers whose numbers are understood."""

    AADHAAR = "aadhaar"
    PAN = "pan"
    PASSPORT = "passport"
    DRIVING_LICENCE = "driving_licence"
    VOTER_ID = "voter_id"


class DocumentKind(StrEnum):
    """What a document proves."""

    IDENTITY = "identity"
    ADDRESS = "address"
    PHOTO = "photo"
    STUDENT = "student"
    PARENT_IDENTITY = "parent_identity"
    AGREEMENT = "agreement"
    POLICE = "police_verification"
    OTHER = "other"


class DocumentStatus(StrEnum):
    """Whether a document still counts."""

    CURRENT = "current"
    REPLACED = "replaced"
    REMOVED = "removed"


@dataclass(frozen=True)
class Requirement:
    """What an organization asks for: a kind of document, from people in these roles."""

    kind: DocumentKind
    required: bool = False
    has_expiry: bool = False
    roles: frozenset[Role] = frozenset({Role.RESIDENT, Role.PENDING_RESIDENT})


DEFAULT_REQUIREMENTS = (
    Requirement(DocumentKind.IDENTITY, required=True), Requirement(DocumentKind.PHOTO, required=True),
    Requirement(DocumentKind.ADDRESS), Requirement(DocumentKind.STUDENT, has_expiry=True),
    Requirement(DocumentKind.PARENT_IDENTITY), Requirement(DocumentKind.AGREEMENT, has_expiry=True),
    Requirement(DocumentKind.POLICE, has_expiry=True), Requirement(DocumentKind.OTHER),
)


# -- numbers ------------------------------------------------------------------------------------------------------


_PATTERNS = {
    IdentityKind.AADHAAR: r"[2-9]\d{11}",
    IdentityKind.PAN: r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]",
    IdentityKind.PASSPORT: r"[A-Z][A-Z0-9]{5,8}",
    IdentityKind.DRIVING_LICENCE: r"[A-Z]{2}\d{2}\d{11}|[A-Z]{2}\d{2}[A-Z0-9]{5,11}",
    IdentityKind.VOTER_ID: r"[A-Z]{3}\d{7}",
}
_WRONG = {
    IdentityKind.AADHAAR: N_("An Aadhaar number has twelve digits. Check each of them: this one does not add up."),
    IdentityKind.PAN: N_("A PAN has five letters, four digits and a letter, such as ABCPE1234F."),
    IdentityKind.PASSPORT: N_("A passport number begins with a letter and has six to nine letters and digits."),
    IdentityKind.DRIVING_LICENCE: N_("A driving licence number begins with the state and the office, such as MH12, and has up to 15 characters."),
    IdentityKind.VOTER_ID: N_("A voter ID has three letters and seven digits."),
}


def compact(text: str) -> str:
    """Capitals and digits alone: how numbers of papers are kept and compared."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def identity_number(kind: IdentityKind, text: str) -> str:
    """The number of a paper, checked and compact. Errors: Invalid, which never repeats it."""
    number = compact(text)
    if not re.fullmatch(_PATTERNS[kind], number) or (kind is IdentityKind.AADHAAR and not verhoeff(number)):
        raise Invalid(_WRONG[kind], field="identity_number")
    return number


# Verhoeff's check digit: the product of the dihedral group of order ten, and the permutation of each place.
_HALF = 5


def _product(a: int, b: int) -> int:
    turned = (a + b if a < _HALF else a - b) % _HALF
    return turned + _HALF if (a < _HALF) != (b < _HALF) else turned


_PLACE = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def verhoeff(digits: str) -> bool:
    """Whether the last digit is the check of those before it."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        turned = int(digit)
        for _ in range(place % 8):
            turned = _PLACE[turned]
        check = _product(check, turned)
    return check == 0


def birth_date(text: str) -> str:
    """A day in the past as 2001-12-31. Errors: Invalid."""
    try:
        found = date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("Write the date of birth as year, month and day.", field="date_of_birth") from error
    return found.isoformat()


def _free(text: str) -> str:
    cleaned = re.sub(r"[ \t]+", " ", text.strip())
    if len(cleaned) > TEXT_MAX:
        raise Invalid(f"This text is longer than {TEXT_MAX} characters.")
    return cleaned


# -- values -------------------------------------------------------------------------------------------------------


def _tail(text: str) -> str:
    known = compact(text)
    return f"{HIDDEN} {known[-SHOWN_DIGITS:]}" if len(known) > 2 * SHOWN_DIGITS else HIDDEN


def _phone(text: str) -> str:
    return clean_phone(text, "IN")


def _nothing(_text: str) -> str:
    return HIDDEN


@dataclass(frozen=True)
class Spec:
    """How a value is called, written, shown to those who may not read it, and in which family it is looked for."""

    label: str
    normal: Callable[[str], str]
    mask: Callable[[str], str]
    family: str = ""


VALUES: dict[str, Spec] = {
    "phone": Spec(N_("Phone"), _phone, _tail, "phone"),
    "emergency_phone": Spec(N_("Phone in an emergency"), _phone, _tail, "phone"),
    "parent_phone": Spec(N_("Phone of a parent"), _phone, _tail, "phone"),
    "identity_number": Spec(N_("Identity number"), compact, _tail, "identity"),
    "parent_identity_number": Spec(N_("Identity number of a parent"), compact, _tail, "identity"),
    "date_of_birth": Spec(N_("Date of birth"), birth_date, _nothing),
    "address": Spec(N_("Home address"), _free, _nothing),
    "parent_address": Spec(N_("Address of a parent"), _free, _nothing),
    "parent_email": Spec(N_("E-mail of a parent"), clean_email, _nothing, "email"),
    "bank_account": Spec(N_("Bank account"), compact, _tail, "account"),
}


def spec(name: str) -> Spec:
    """What is known of a value; KeyError for a name that nothing declares."""
    return VALUES[name.removeprefix(DRAFT)]


def normal(name: str, text: str, country: str = "IN") -> str:
    """A value as it is kept: drafts as they were typed, others checked. Errors: Invalid, with the name as field."""
    found = spec(name)
    if name.startswith(DRAFT):
        if len(text) > TEXT_MAX:
            raise Invalid(f"This text is longer than {TEXT_MAX} characters.", field=name)
        return text
    try:
        return clean_phone(text, country) if found.normal is _phone else found.normal(text)
    except Invalid as error:
        raise Invalid(error.message, field=name) from error


def family(name: str) -> str:
    """In which index a value can be looked for; '' for none, and for drafts."""
    return "" if name.startswith(DRAFT) else spec(name).family


def reason_for_reveal(text: str) -> str:
    """Why somebody reads a value, for the audit log. Errors: Invalid."""
    cleaned = " ".join(text.split())
    if not REASON_MIN <= len(cleaned) <= REASON_MAX:
        raise Invalid(f"Say in {REASON_MIN} to {REASON_MAX} characters why you need to read this.", field="reason")
    return cleaned


# -- documents ----------------------------------------------------------------------------------------------------

REMIND_BEFORE = (30, 7, 0)  # days before a document ends; 0 is the day itself
DOCUMENTS_MAX = 6  # of one kind: both sides of a card, and some pages
DOCUMENT_YEARS = 50


def valid_until(text: str, today: date, *, needed: bool) -> date | None:
    """Until when a document counts. Errors: Invalid (none where one is needed, in the past, absurd)."""
    if not text.strip():
        if needed:
            raise Invalid("Say until when this document is valid.", field="valid_until")
        return None
    try:
        found = date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("Write the date as year, month and day.", field="valid_until") from error
    if found < today:
        raise Invalid("This document is not valid any more. Please send one that is.", field="valid_until")
    if found > today + timedelta(days=366 * DOCUMENT_YEARS):
        raise Invalid("This date is too far away. Check the year.", field="valid_until")
    return found


def due_reminder(ends: date, today: date) -> int | None:
    """Which reminder is due, as days before the end: the nearest one that has come; None before the first, and long after."""
    left = (ends - today).days
    return min((days for days in REMIND_BEFORE if left <= days), default=None) if left >= 0 else None


def missing(requirements: list[Requirement], role: Role, held: dict[DocumentKind, date | None], today: date) -> list[DocumentKind]:
    """Required kinds of which there is no document that still counts; `held` is until when the best of each kind does."""
    def counts(kind: DocumentKind) -> bool:
        until = held.get(kind)
        return kind in held and (until is None or until >= today)

    return [need.kind for need in requirements if need.required and role in need.roles and not counts(need.kind)]


# -- retention ----------------------------------------------------------------------------------------------------

RETENTION_DAYS = 365  # after somebody has left, unless the organization's settings say otherwise
RETENTION_SETTING = "personal_retention_days"


def retention(settings: dict[str, object]) -> timedelta:
    """How long personal values are kept after somebody has left."""
    wanted = settings.get(RETENTION_SETTING)
    return timedelta(days=wanted if isinstance(wanted, int) and wanted > 0 else RETENTION_DAYS)
