"""First guesses an import offers: which column means which field, which value which category, state, priority."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache

from app.rules.maintenance import CATEGORIES, OTHER_ISSUE, CategoryCode, Priority, RequestStatus


class Field(StrEnum):
    """What an imported request may be told about itself."""

    EXTERNAL_ID = "external_id"
    CREATED_AT = "created_at"
    CLOSED_AT = "closed_at"
    CATEGORY = "category"
    ISSUE_TYPE = "issue_type"
    DESCRIPTION = "description"
    PLACE = "place"
    STATUS = "status"
    RESOLUTION = "resolution"
    PRIORITY = "priority"
    ASSIGNEE = "assignee"


F = Field
REQUIRED = frozenset({F.CREATED_AT})

# How other programs call our fields, the surest name first.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    F.EXTERNAL_ID: ("unique key", "external id", "request id", "ticket id", "ticket number", "request number",
                    "work order", "reference", "case number", "id", "key", "number"),
    F.CREATED_AT: ("created date", "created at", "created", "date created", "opened", "open date", "opened at",
                   "submitted at", "submitted", "reported at", "reported", "raised", "date reported",
                   "creation date", "requested at", "request date", "date"),
    F.CLOSED_AT: ("closed date", "closed at", "closed", "date closed", "resolved at", "resolved date", "resolved",
                  "resolution date", "completed at", "completed", "completion date", "finished"),
    F.CATEGORY: ("category", "complaint type", "request type", "service type", "type", "department", "trade"),
    F.ISSUE_TYPE: ("issue type", "descriptor", "issue", "subcategory", "sub category", "problem", "sub type"),
    F.DESCRIPTION: ("description", "details", "summary", "subject", "comment", "comments", "notes", "complaint",
                    "title"),
    F.PLACE: ("place", "incident address", "location", "room", "room number", "address", "unit", "flat", "site",
              "building"),
    F.STATUS: ("status", "state", "current status", "stage"),
    F.RESOLUTION: ("resolution description", "resolution", "resolution notes", "outcome", "closing notes",
                   "action taken", "work done"),
    F.PRIORITY: ("priority", "urgency", "severity"),
    F.ASSIGNEE: ("assignee", "assigned to", "assigned", "technician", "owner", "handled by", "agent", "staff"),
}
# The same for everything else that can be imported.
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "requests": dict(SYNONYMS),
    "rooms": {
        "number": ("room number", "room no", "number", "room", "unit", "flat", "name"),
        "hostel": ("hostel", "property", "hostel code", "hostel name", "building", "branch"),
        "floor": ("floor", "level", "storey", "floor number"),
        "type": ("room type", "type", "category", "sharing"),
        "beds": ("beds", "capacity", "bed count", "number of beds", "occupancy"),
        "kind": ("kind", "use", "what for"),
        "note": ("note", "notes", "remarks", "comment"),
    },
    "beds": {
        "bed": ("bed", "bed number", "bed no", "bed label", "label", "bed name"),
        "room": ("room", "room number", "room no", "unit", "flat"),
        "hostel": ("hostel", "property", "hostel code", "hostel name", "building", "branch"),
    },
    "stock": {
        "name": ("item", "name", "item name", "ingredient", "product", "material", "description"),
        "unit": ("unit", "uom", "unit of measure", "measured in", "measure"),
        "hostel": ("hostel", "property", "hostel code", "hostel name", "building", "branch"),
        "category": ("category", "group", "type", "shelf"),
        "reorder_level": ("reorder level", "buy again at", "minimum", "min level", "min stock", "par level", "reorder point"),
        "fill_to": ("filled up to", "fill to", "maximum", "max level", "max stock"),
        "supplier": ("supplier", "vendor", "preferred supplier"),
    },
    "residents": {
        "name": ("name", "full name", "resident name", "resident", "student name", "tenant"),
        "email": ("email", "e mail", "email address", "mail", "email id"),
        "moved_in_on": ("moved in on", "move in date", "moved in", "check in date", "check in", "date of joining", "joining date", "joined on", "joined", "from"),
        "hostel": ("hostel", "property", "hostel code", "hostel name", "building", "branch"),
        "phone": ("phone", "mobile", "phone number", "mobile number", "contact number"),
        "parent_phone": ("guardian phone", "parent phone", "father phone", "guardian mobile", "parent mobile", "emergency contact"),
        "identity_number": ("identity number", "id number", "aadhaar", "aadhaar number", "aadhar", "passport", "pan"),
        "date_of_birth": ("date of birth", "dob", "birth date", "birthday"),
        "address": ("home address", "permanent address", "address"),
    },
    "occupancy": {
        "resident": ("resident", "resident number", "resident id"),
        "email": ("email", "e mail", "email address", "mail", "email id"),
        "bed": ("bed", "bed number", "bed no", "bed label"),
        "room": ("room", "room number", "room no", "unit", "flat"),
        "from": ("from", "from date", "start date", "start", "check in date", "check in", "moved in on", "move in date"),
        "until": ("until", "to", "to date", "end date", "end", "check out date", "check out"),
        "rent": ("rent", "monthly rent", "rent amount", "amount", "price"),
        "hostel": ("hostel", "property", "hostel code", "hostel name", "building", "branch"),
    },
    "contacts": {
        "external_id": ("contact id", "id", "external id"),
        "location_id": ("location id", "location", "sub account id"),
        "name": ("name", "full name", "contact name"),
        "first_name": ("first name", "given name"),
        "last_name": ("last name", "surname", "family name"),
        "phone": ("phone", "phone number", "mobile"),
        "email": ("email", "e mail", "email address"),
        "source": ("source", "contact source", "lead source"),
        "known_since": ("created", "created at", "date added", "created on"),
    },
}
_EXACT, _PART = 100, 40
_remembered = lru_cache(maxsize=10_000)  # files repeat few values over many rows


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())


def _score(header: str, synonyms: Sequence[str]) -> int:
    """How well a header names a field; 0 where it does not."""
    words = _words(header)
    best = 0
    for position, synonym in enumerate(synonyms):
        wanted = synonym.split()
        if words == wanted or "".join(words) == "".join(wanted):
            best = max(best, _EXACT - position)
        elif len(wanted) > 1 and set(wanted) <= set(words):
            best = max(best, _PART - position)
    return best


def guess_columns(headers: Sequence[str], synonyms: Mapping[str, Sequence[str]] = SYNONYMS) -> dict[str, str]:
    """The likeliest header for each field, each header used once; fields that no header names are left out."""
    scored = [(_score(header, names), -position, field, header)
              for position, header in enumerate(headers) for field, names in synonyms.items()]
    guess: dict[str, str] = {}
    for score, _, field, header in sorted(scored, key=lambda s: s[:2], reverse=True):
        if score and field not in guess and header not in guess.values():
            guess[field] = header
    return {field: guess[field] for field in synonyms if field in guess}


# The first rule that fits decides, so the narrow ones stand before the wide ones.
_CATEGORY_RULES: tuple[tuple[str, CategoryCode], ...] = (
    (r"noise|parking|vehicle|driveway|traffic|police|tax", CategoryCode.OTHER),
    (r"wi-?fi|internet|network|router|broadband", CategoryCode.WIFI),
    (r"water heater|geyser", CategoryCode.PLUMBER),
    (r"\bheat|\bac\b|a/c|air.?con|radiator|ventilat|boiler|indoor air", CategoryCode.AC_HEATING),
    (r"\block\b|\blocks\b|\bkeys?\b|access card|security|\bsafety\b|burglar|intercom", CategoryCode.SECURITY),
    (r"plumb|water|\btaps?\b|faucet|\bpipes?\b|drain|sewer|leak|toilet|shower|sink|flush", CategoryCode.PLUMBER),
    (r"electric(al|ity)?\b|\blight|\bbulb|\bpower\b|socket|outlet|\bfans?\b|switch|breaker|wiring|appliance",
     CategoryCode.ELECTRICITY),
    (r"clean|linen|laundry|pests?\b|rodent|mice|cockroach|bed ?bug|mou?ld|sanita|sweeping|housekeep",
     CategoryCode.HOUSEKEEPING),
    (r"waste|garbage|trash|collection|dirty|graffiti", CategoryCode.HOUSEKEEPING),
    (r"carpent|furniture|\bdoors?\b|window|wardrobe|cupboard|cabinet|\bfloor|stairs|paint|plaster|\bwood",
     CategoryCode.CARPENTRY),
)


@_remembered
def guess_category(value: str, issue: str = "") -> CategoryCode:
    """The category that a foreign category, or failing that its issue, speaks of; Other if neither does."""
    for text in (value.lower(), issue.lower()):
        for pattern, code in _CATEGORY_RULES:
            if re.search(pattern, text):
                return code
    return CategoryCode.OTHER


_ISSUE_TYPES = {category.code: category.issue_types for category in CATEGORIES}


@_remembered
def guess_issue_type(category: CategoryCode, *texts: str) -> str:
    """The code of the category's issue type that shares most words with the texts; "other" if none does."""
    heard = {_stem(word) for text in texts for word in _words(text)}
    scores = {issue.code: len({_stem(w) for w in _words(issue.label)} & heard) for issue in _ISSUE_TYPES[category]}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] else OTHER_ISSUE.code


def _stem(word: str) -> str:
    return word.removesuffix("s").removesuffix("ing")


S = RequestStatus
_STATUS_WORDS: dict[RequestStatus, str] = {
    S.RESOLVED: "closed|resolved|done|completed?|fixed|solved|finished",
    S.REJECTED: "rejected|declined|cancell?ed|duplicate|invalid|withdrawn|void|wont fix",
    S.ON_HOLD: "on hold|hold|waiting|deferred|paused|blocked|awaiting parts",
    S.ESCALATED: "escalated|overdue",
    S.IN_PROGRESS: "in progress|started|working|work in progress|wip|active|ongoing|reopened",
    S.UNASSIGNED: "unassigned|queued",
    S.ASSIGNED: "assigned|accepted|scheduled|dispatched|acknowledged",
    S.SUBMITTED: "submitted|open|new|pending|received|e ?mail sent|reported|logged|unspecified",
}


@_remembered
def guess_status(value: str, *, closed: bool = False) -> RequestStatus | None:
    """The state a foreign status means, None if a person must say; a blank one follows from the closing time."""
    words = " ".join(_words(value))
    if not words:
        return S.RESOLVED if closed else S.SUBMITTED
    return next((state for state, pattern in _STATUS_WORDS.items() if re.fullmatch(pattern, words)), None)


@_remembered
def guess_priority(value: str) -> Priority:
    """High for what calls itself urgent, normal for everything else."""
    urgent = re.fullmatch(r"high|highest|urgent|critical|emergency|immediate|p?[01]|major", " ".join(_words(value)))
    return Priority.HIGH if urgent else Priority.NORMAL
