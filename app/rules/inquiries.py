"""Inquiries: the stages of a lead, what a stranger may send, how much of it is shown, how often it may be tried (I1–I7)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from app.lifecycle import Machine, T
from app.permissions import Action, Resource
from app.rules.errors import Invalid, LimitReached
from app.rules.organizations import clean_name
from app.rules.phones import clean_phone, country_code
from app.rules.signin import clean_email
from app.text import is_visible

ATTEMPTS_PER_HOUR = 3  # of one network address (I1)
ATTEMPTS_WINDOW = timedelta(hours=1)
MESSAGE_MAX = 2000  # characters
SHORT_MAX = 120  # characters of a source, a campaign, a referrer, a next action
FURTHEST_MOVE = timedelta(days=730)
DEVICE_KEPT = timedelta(days=365)  # after it was seen last


class Stage(StrEnum):
    """Where an inquiry stands."""

    NEW = "new"
    CONTACTED = "contacted"
    VISIT_SCHEDULED = "visit_scheduled"
    VISITED = "visited"
    NEGOTIATING = "negotiating"
    WON = "won"
    LOST = "lost"


class LostReason(StrEnum):
    """Why it came to nothing."""

    PRICE = "price"
    LOCATION = "location"
    NO_FREE_BED = "no_free_bed"
    NOT_AS_EXPECTED = "not_as_expected"
    CHOSE_ANOTHER = "chose_another"
    NO_ANSWER = "no_answer"
    NOT_SERIOUS = "not_serious"
    OTHER = "other"


class Source(StrEnum):
    """How somebody came to us, where staff write it down; forms on the web keep what their link says."""

    WALK_IN = "walk_in"
    PHONE_CALL = "phone_call"
    REFERRAL = "referral"
    WEBSITE = "website"
    SOCIAL_MEDIA = "social_media"
    BROKER = "broker"
    OTHER = "other"


S = Stage
_WORK = (Resource.INQUIRIES, Action.UPDATE)
OPEN = frozenset(S) - {S.WON, S.LOST}

# People skip stages and go back: from any open one to any other.
INQUIRY = Machine("inquiry", S, initial=S.NEW, transitions=[
    T("contact", OPEN - {S.CONTACTED}, S.CONTACTED, needs=_WORK, label="Contacted"),
    T("schedule_visit", OPEN - {S.VISIT_SCHEDULED}, S.VISIT_SCHEDULED, needs=_WORK, label="Schedule a visit"),
    T("visit", OPEN - {S.VISITED}, S.VISITED, needs=_WORK, label="Visited"),
    T("negotiate", OPEN - {S.NEGOTIATING}, S.NEGOTIATING, needs=_WORK, label="Negotiating"),
    T("win", OPEN, S.WON, needs=_WORK, label="Won"),
    T("lose", OPEN, S.LOST, needs=_WORK, label="Lost"),
    T("reopen", {S.WON, S.LOST}, S.CONTACTED, needs=_WORK, label="Open again"),
])


@dataclass(frozen=True)
class Lead:
    """What is known of somebody who asks; `phone` and `email` in the one form that two writings of them share."""

    full_name: str
    phone: str
    email: str | None = None
    message: str = ""
    move_in_on: date | None = None
    source: str = Source.WEBSITE.value
    campaign: str = ""
    referrer: str = ""
    language: str = ""


def clean_lead(lead: Lead, country: str, today: date) -> Lead:
    """The same with everything in its proper form; Invalid with the field for what cannot be."""
    try:
        name = clean_name(lead.full_name)
    except Invalid as error:
        raise Invalid(error.message, field="full_name") from error
    phone = clean_phone(lead.phone, country)
    email = clean_email(lead.email) if lead.email and lead.email.strip() else None
    if len(lead.message) > MESSAGE_MAX:
        raise Invalid(f"This takes at most {MESSAGE_MAX} characters, and {len(lead.message)} were given.", field="message")
    if "\x00" in lead.message:
        raise Invalid("This text contains characters that cannot be stored.", field="message")
    if lead.move_in_on is not None and not today - timedelta(days=1) <= lead.move_in_on <= today + FURTHEST_MOVE:
        raise Invalid("Please give a day within the next two years.", field="move_in_on")
    return Lead(name, phone, email, lead.message.strip(), lead.move_in_on, tag(lead.source) or Source.WEBSITE.value,
                tag(lead.campaign), tag(lead.referrer), lead.language[:12])


def tag(text: str) -> str:
    """A source, campaign or referrer as it is kept: one line of printable text, cut off where it is too long."""
    return "".join(c for c in re.sub(r"\s+", " ", text) if is_visible(c)).strip()[:SHORT_MAX]


def parse_reference(text: str) -> int:
    """The number in a typed reference: "I-0042", "i 42" and "42" all mean 42."""
    found = re.fullmatch(r"\s*(?:I[-\s]*)?0*([1-9][0-9]{0,8})\s*", text, re.IGNORECASE | re.ASCII)
    if not found:
        raise Invalid("A reference looks like I-0042.", field="into")
    return int(found[1])


def mask_phone(phone: str) -> str:
    """+91 •••••••210: enough to tell two apart, too little to call."""
    code = country_code(phone)
    return f"{code} {'•' * max(len(phone) - len(code) - 3, 3)}{phone[-3:]}"


def mask_email(email: str) -> str:
    """a•••@example.org."""
    name, _, host = email.partition("@")
    return f"{name[:1]}•••@{host}"


def network_of(address: str) -> str:
    """Whom attempts are counted for: an address, or the /64 of IPv6 that one household has to itself."""
    plain = re.fullmatch(r"\[(.+)\](?::\d+)?|([^:]+):\d+", address)  # some proxies name the port as well
    try:
        found = ipaddress.ip_address((plain[1] or plain[2]) if plain else address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), 64), strict=False))
    return str(found)


class TooManyAttempts(LimitReached):
    """The network address has used up its attempts; `retry_after` in seconds."""

    code = "too_many_attempts"

    def __init__(self, retry_after: int) -> None:
        super().__init__("There were several inquiries from your network within the last hour. Please try again later.")
        self.retry_after = retry_after
