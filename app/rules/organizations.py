"""Organizations: what their plan allows, how they are named, how ownership passes on (T1, T5, P2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum

from app.permissions import Role
from app.rules.errors import Forbidden, Invalid, LimitReached
from app.text import JOINERS, N_

NAME_MAX = 120
SLUG_MIN, SLUG_MAX = 3, 40
# Words that are, or may become, part of an address of the product.
RESERVED_SLUGS = frozenset({
    "admin", "api", "app", "auth", "billing", "canteen", "console", "demo", "docs", "health", "help", "login",
    "mail", "manage", "metrics", "platform", "public", "sales", "staff", "static", "status", "support", "v1",
    "viramah", "www",
})


class SubscriptionStatus(StrEnum):
    """Where an organization stands with the platform."""

    TRIAL = "trial"
    ACTIVE = "active"
    INACTIVE = "inactive"
    CANCELLED = "cancelled"

    @property
    def may_write(self) -> bool:
        """Whether its people may change anything; the others may still read and export."""
        return self in {SubscriptionStatus.TRIAL, SubscriptionStatus.ACTIVE}


class Plan(StrEnum):
    """What an organization has subscribed to."""

    FREE = "free"
    STARTER = "starter"
    PROFESSIONAL = "professional"
    ENTERPRISE = "enterprise"


class Grouping(StrEnum):
    """How an organization groups the digits of large numbers."""

    INDIAN = "indian"
    INTERNATIONAL = "international"


# Countries that count in lakh and crore.
_LAKH_COUNTRIES = frozenset({"IN", "BD", "BT", "LK", "NP", "PK"})


def grouping_of(chosen: str, country: str) -> Grouping:
    """What the organization chose, else what is usual in its country."""
    if chosen in set(Grouping):
        return Grouping(chosen)
    return Grouping.INDIAN if country in _LAKH_COUNTRIES else Grouping.INTERNATIONAL


class Limit(StrEnum):
    """What a plan counts; `describe_limit` says it in words."""

    USERS = "users"
    HOSTELS = "hostels"
    RESIDENTS = "residents"
    WORKFLOWS = "workflows"
    BOTS = "bots"
    STORAGE_BYTES = "storage_bytes"
    MESSAGES_PER_MONTH = "messages_per_month"


_GB = 1024**3
UNLIMITED = None

PLAN_LIMITS: dict[Plan, dict[Limit, int | None]] = {
    plan: dict(zip(Limit, numbers, strict=True))
    for plan, numbers in {
        #                  users hostels residents workflows bots   storage   messages
        Plan.FREE:         (5,      1,       50,       3,     1,     1 * _GB,     1_000),
        Plan.STARTER:      (20,     3,      300,      20,     3,    10 * _GB,    10_000),
        Plan.PROFESSIONAL: (100,   15,    3_000,     100,    20,   100 * _GB,   100_000),
        Plan.ENTERPRISE:   (UNLIMITED,) * 7,
    }.items()
}


class PlanLimitReached(LimitReached):
    """The organization's plan does not allow one more."""

    code = "plan_limit_reached"
    status = 409

    def __init__(self, limit: Limit, allowed: int, plan: Plan) -> None:
        super().__init__(
            f"The {plan} plan allows {describe_limit(limit, allowed)}, and they are used up. "
            "An owner can change the plan."
        )
        self.limit, self.allowed, self.plan = limit, allowed, plan


_LIMIT_WORDS = {
    Limit.USERS: (N_("1 user"), N_("%(n)s users"), N_("unlimited users")),
    Limit.HOSTELS: (N_("1 hostel"), N_("%(n)s hostels"), N_("unlimited hostels")),
    Limit.RESIDENTS: (N_("1 resident"), N_("%(n)s residents"), N_("unlimited residents")),
    Limit.WORKFLOWS: (N_("1 workflow"), N_("%(n)s workflows"), N_("unlimited workflows")),
    Limit.BOTS: (N_("1 bot"), N_("%(n)s bots"), N_("unlimited bots")),
    Limit.STORAGE_BYTES: ("", N_("%(n)s GB of storage"), N_("unlimited storage")),
    Limit.MESSAGES_PER_MONTH: (N_("1 message a month"), N_("%(n)s messages a month"), N_("unlimited messages a month")),
}


def describe_limit(limit: Limit, allowed: int | None) -> str:
    """A limit with its unit: 3 hostels, 10 GB of storage, unlimited users."""
    one, many, unlimited = _LIMIT_WORDS[limit]
    if allowed is None:
        return unlimited
    if limit is Limit.STORAGE_BYTES:
        return many % {"n": f"{allowed / _GB:g}"}
    return one if allowed == 1 else many % {"n": f"{allowed:,}"}


def limit_of(plan: Plan, limit: Limit, agreed: Mapping[Limit, int | None] | None = None) -> int | None:
    """What the organization may use: the number agreed with it, else its plan's; None is without limit."""
    return agreed[limit] if agreed and limit in agreed else PLAN_LIMITS[plan][limit]


def check_limit(plan: Plan, limit: Limit, used: int, adding: int = 1,
                agreed: Mapping[Limit, int | None] | None = None) -> None:
    """Refuse what would go beyond the limit; `used` counts what is there already."""
    allowed = limit_of(plan, limit, agreed)
    if allowed is not None and used + adding > allowed:
        raise PlanLimitReached(limit, allowed, plan)


def clean_name(text: str) -> str:
    """A name for people: trimmed, inner spaces single, no control characters."""
    words = "".join(c if c in JOINERS or unicodedata.category(c)[0] != "C" else " " for c in text).split()
    name = " ".join(filter(None, (word.strip(JOINERS) for word in words)))
    if not name:
        raise Invalid("Please give a name.", field="name")
    if len(name) > NAME_MAX:
        raise Invalid(f"A name has at most {NAME_MAX} characters; this one has {len(name)}.", field="name")
    return name


def slug_from(name: str) -> str:
    """A slug proposed for a name: "Café Höstel & Co." becomes cafe-hostel-co; may be empty or taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_MAX].strip("-")


def check_slug(slug: str) -> str:
    """The slug, if it may stand in an address: 3 to 40 of a-z, 0-9 and single inner hyphens, not reserved."""
    if not SLUG_MIN <= len(slug) <= SLUG_MAX or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise Invalid("A short name has 3 to 40 small letters, digits and single hyphens.", field="slug")
    if slug in RESERVED_SLUGS:
        raise Invalid(f"The short name {slug} is reserved.", field="slug")
    return slug


def check_transfer(giver_roles: frozenset[Role], receiver_is_active: bool, same_person: bool) -> None:
    """Refuse a transfer of ownership that would not pass from an owner to another active member."""
    if Role.OWNER not in giver_roles:
        raise Forbidden("Only an owner can hand over ownership.")
    if same_person:
        raise Invalid("You are the owner already.", field="user_id")
    if not receiver_is_active:
        raise Invalid("Ownership can only go to an active member of this organization.", field="user_id")
