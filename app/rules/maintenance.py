"""Maintenance requests: states, categories, who may move them, limits, references and the SLA clock (M1-M9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from app.lifecycle import By, Machine, T, Transition
from app.permissions import Action, Capability, Resource
from app.rules.errors import Conflict, DomainError, Forbidden, Invalid, LimitReached

DAILY_REQUEST_LIMIT = 10  # per person and local day (M9)
ATTACHMENTS_PER_REQUEST = 5  # M5
ATTACHMENT_MAX_BYTES = 10 * 1024 * 1024  # M5
RESIDENT_LINK_MINUTES = 15  # M5: how long a signed link to an attachment lives
STAFF_LINK_MINUTES = 30
DESCRIPTION_MAX = 4000  # characters; also of a comment and a note
PLACE_MAX = 200  # characters
EXTERNAL_ID_MAX = 120  # characters of the id that another program gave an imported request
OUTSIDE_PARTY_MAX = 120  # characters of the name of who does the work without being a member
REOPEN_WINDOW = timedelta(days=7)  # how long a resident may say "it is not fixed"; staff are not bound by it


class RequestStatus(StrEnum):
    """Where a request stands."""

    SUBMITTED = "submitted"
    UNASSIGNED = "unassigned"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    REJECTED = "rejected"


class Priority(StrEnum):
    """How urgent the person who raised it says it is; it picks the SLA target."""

    HIGH = "high"
    NORMAL = "normal"


S, R, A = RequestStatus, Resource, Action
_RAISE, _WORK, _DECIDE = (R.MAINTENANCE, A.CREATE), (R.MAINTENANCE, A.UPDATE), (R.MAINTENANCE, A.APPROVE)

# The edges are M2's, exactly. Who may take them: staff do the work (update), administrators decide about
# others' work and turn requests down (approve), the product says that nobody is free or that time is up.
# A resident holds no update; `dispute` is their one move, on their own request (see `check_move`).
REQUEST = Machine("maintenance_request", S, initial=S.SUBMITTED, transitions=[
    T("claim", {S.SUBMITTED, S.UNASSIGNED, S.ESCALATED}, S.ASSIGNED, needs=_WORK),
    T("assign", {S.SUBMITTED, S.UNASSIGNED, S.ESCALATED}, S.ASSIGNED, needs=_DECIDE, label="Assign to…"),
    T("mark_unassigned", {S.SUBMITTED}, S.UNASSIGNED, needs=_DECIDE, by=By.EITHER, label="Nobody is free"),
    T("release", {S.ASSIGNED}, S.UNASSIGNED, needs=_WORK, label="Give back"),
    T("start", {S.ASSIGNED, S.ESCALATED}, S.IN_PROGRESS, needs=_WORK, label="Start work"),
    T("hold", {S.ASSIGNED, S.IN_PROGRESS, S.ESCALATED}, S.ON_HOLD, needs=_WORK, label="Put on hold"),
    T("resume", {S.ON_HOLD}, S.IN_PROGRESS, needs=_WORK),
    T("resolve", {S.IN_PROGRESS, S.ESCALATED}, S.RESOLVED, needs=_WORK),
    T("reopen", {S.RESOLVED}, S.IN_PROGRESS, needs=_WORK),
    T("dispute", {S.RESOLVED}, S.IN_PROGRESS, needs=_RAISE, needs_note=True, label="It is not fixed"),
    T("escalate", {S.SUBMITTED, S.UNASSIGNED, S.ASSIGNED, S.IN_PROGRESS, S.ON_HOLD}, S.ESCALATED,
      needs=_WORK, by=By.EITHER),
    T("reject", set(S) - {S.RESOLVED, S.REJECTED}, S.REJECTED, needs=_DECIDE, needs_note=True),
])

CLOSED = frozenset({S.RESOLVED, S.REJECTED})
OPEN = frozenset(S) - CLOSED
REASSIGNABLE = OPEN - {S.SUBMITTED, S.UNASSIGNED}  # changing hands is no change of state; before, it is `assign`
CLOCK_STOPS_IN = CLOSED | {S.ON_HOLD}


# --- who may do what ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """Who asks, with what they may do in the hostel of the request."""

    user_id: int
    capabilities: frozenset[Capability]

    @property
    def decides(self) -> bool:
        """Whether they may change any request of the hostel, not only their own work."""
        return _DECIDE in self.capabilities


@dataclass(frozen=True)
class Request:
    """What the rules must know of a request; `assignee_id` is who holds it, or held it when it was resolved.

    `outside_party` is set where somebody has it in hand who is no member.
    """

    status: RequestStatus
    raised_by: int | None = None
    assignee_id: int | None = None
    resolved_at: datetime | None = None
    outside_party: str | None = None


class AlreadyClaimed(Conflict):
    """Somebody else took the request first."""

    code = "already_claimed"

    def __init__(self, holder: str = "Somebody else") -> None:
        super().__init__(f"{holder} has claimed this request already.")


def may_change(person: Person, request: Request) -> bool:
    """Administrators change any request; staff what is assigned to them; nobody else any (M7)."""
    return person.decides or (_WORK in person.capabilities and request.assignee_id == person.user_id)


def check_move(event: str, person: Person, request: Request, now: datetime) -> Transition[RequestStatus]:
    """The transition, if this person may cause it now; IllegalTransition, Forbidden or Conflict if not."""
    transition = REQUEST.find(event, request.status)
    if not transition.permitted(person.capabilities):
        raise Forbidden(f"Your role does not let you “{transition.label.lower()}” a maintenance request.")
    if event == "dispute":
        _check_dispute(person, request, now)
    elif event == "claim":
        if request.outside_party:
            raise AlreadyClaimed(request.outside_party)
        if request.assignee_id not in (None, person.user_id):
            raise AlreadyClaimed
    elif not may_change(person, request):
        raise Forbidden(
            "This request is assigned to somebody else." if request.assignee_id or request.outside_party
            else "This request is assigned to nobody: claim it first."
        )
    return transition


def moves(person: Person, request: Request, now: datetime) -> list[Transition[RequestStatus]]:
    """What this person may do to the request now: the buttons of the screen."""

    def allowed(transition: Transition[RequestStatus]) -> bool:
        try:
            check_move(transition.name, person, request, now)
        except (Forbidden, Conflict):
            return False
        return True

    return [t for t in REQUEST.available(request.status, person.capabilities) if allowed(t)]


def refusals(person: Person, request: Request, now: datetime) -> dict[RequestStatus, DomainError]:
    """Why not, for each state that the lifecycle leads to from here and this person cannot bring it to now."""
    reached = {transition.to for transition in moves(person, request, now)}
    found: dict[RequestStatus, DomainError] = {}
    for transition in REQUEST.available(request.status):
        if transition.to not in reached:
            try:
                check_move(transition.name, person, request, now)
            except (Forbidden, Conflict) as error:
                found.setdefault(transition.to, error)
    return found


def _check_dispute(person: Person, request: Request, now: datetime) -> None:
    if request.raised_by != person.user_id:
        raise Forbidden("Only the person who raised a request can say that it is not fixed.")
    if request.resolved_at is None or now - request.resolved_at > REOPEN_WINDOW:
        raise Conflict(
            f"This request was resolved more than {REOPEN_WINDOW.days} days ago: please raise a new one."
        )


def may_reassign(person: Person, request: Request) -> bool:
    """Whether `person` may put the request in other hands, in the state it is in (M3)."""
    return person.decides and request.status in REASSIGNABLE


def check_daily_limit(raised_today: int) -> None:
    """Refuse the request after the tenth of the day; `raised_today` counts those already there (M9)."""
    if raised_today >= DAILY_REQUEST_LIMIT:
        raise LimitReached(
            f"You have raised {raised_today} requests today; the limit is {DAILY_REQUEST_LIMIT} a day. "
            "For an emergency, please call the hostel."
        )


def check_attachment_count(attached: int) -> None:
    """Refuse the file after the fifth; `attached` counts those already there (M5)."""
    if attached >= ATTACHMENTS_PER_REQUEST:
        raise LimitReached(f"A request takes {ATTACHMENTS_PER_REQUEST} files, and it has {attached} already.")


def reference(number: int) -> str:
    """How people call request `number` of a hostel: MR-0042, and MR-12345 when four digits are used up."""
    return f"MR-{number:04d}"


def parse_reference(text: str) -> int:
    """The number in a typed reference: "MR-0042", "mr 42" and "42" all mean 42."""
    found = re.fullmatch(r"\s*(?:MR[-\s]*)?0*([1-9][0-9]{0,8})\s*", text, re.IGNORECASE | re.ASCII)
    if not found:
        raise Invalid("A reference looks like MR-0042.", field="reference")
    return int(found[1])


# --- the SLA clock (M6) ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class SlaTarget:
    """How long a request may run before it should be resolved, and before administrators are called."""

    resolve: timedelta
    escalate: timedelta


SLA_TARGETS: dict[Priority, SlaTarget] = {  # seed 4, section 10
    Priority.HIGH: SlaTarget(resolve=timedelta(hours=4), escalate=timedelta(hours=6)),
    Priority.NORMAL: SlaTarget(resolve=timedelta(hours=24), escalate=timedelta(hours=36)),
}
_NOTHING = timedelta(0)


def resolve_by(started_at: datetime, priority: Priority, held: timedelta = _NOTHING) -> datetime:
    """When the request should be resolved, given how long its clock has stood still so far."""
    return started_at + SLA_TARGETS[priority].resolve + held


def escalate_at(started_at: datetime, priority: Priority, held: timedelta = _NOTHING) -> datetime:
    """When the sweep escalates the request, given how long its clock has stood still so far."""
    return started_at + SLA_TARGETS[priority].escalate + held


@dataclass(frozen=True)
class SlaClock:
    """A stopwatch over a request: `held` is how long it has stood still, `held_since` is set while it does.

    It stands still on hold, and once resolved or rejected: a reopened request goes on where it stopped, so
    that closing early wins nobody time.
    """

    started_at: datetime
    priority: Priority
    held: timedelta = _NOTHING
    held_since: datetime | None = None

    def hold(self, at: datetime) -> SlaClock:
        """Stop the clock; a stopped one stays as it is."""
        return self if self.held_since else replace(self, held_since=max(at, self.started_at))

    def resume(self, at: datetime) -> SlaClock:
        """Let the clock run on; a running one stays as it is."""
        if self.held_since is None:
            return self
        return replace(self, held=self.held + max(at - self.held_since, _NOTHING), held_since=None)

    def moved(self, to: RequestStatus, at: datetime) -> SlaClock:
        """The clock after the request moved to a state."""
        return self.hold(at) if to in CLOCK_STOPS_IN else self.resume(at)

    def elapsed(self, now: datetime) -> timedelta:
        """Time that counts, up to `now`."""
        return max((self.held_since or now) - self.started_at - self.held, _NOTHING)

    def is_breached(self, now: datetime) -> bool:
        """Whether it has run, or ran before it was stopped, beyond the target of its priority."""
        return self.elapsed(now) > SLA_TARGETS[self.priority].resolve

    def must_escalate(self, now: datetime) -> bool:
        """Whether the sweep should escalate: a clock on hold never gets there."""
        return self.held_since is None and self.elapsed(now) >= SLA_TARGETS[self.priority].escalate


def resolution_time(history: Iterable[tuple[datetime, RequestStatus]]) -> timedelta | None:
    """Time from submission to resolution without what it spent on hold, or resolved before it was reopened.

    `history` holds (event_at, to_state), the submission included, in the order of time; None while the
    request is not resolved.
    """
    steps = list(history)
    if not steps or steps[-1][1] is not S.RESOLVED:
        return None
    counted = _NOTHING
    for (begun, state), (ended, _) in pairwise(steps):
        if state not in CLOCK_STOPS_IN:
            counted += ended - begun
    return counted


def human_duration(length: timedelta) -> str:
    """A length in its two largest units, as people say it: 2 d 4 h, 3 h 20 min, 45 min; -1 h 5 min if past."""
    minutes = abs(int(length.total_seconds())) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    units = [(days, "d"), (hours, "h"), (minutes, "min")]
    first = next((i for i, (count, _) in enumerate(units) if count), None)
    if first is None:
        return "less than a minute"
    said = " ".join(f"{count} {unit}" for count, unit in units[first:first + 2] if count)
    return f"-{said}" if length < _NOTHING else said


# --- categories (M1) ------------------------------------------------------------------------------------


class CategoryCode(StrEnum):
    """The eight categories every hostel starts with; operators may add issue types and rename them."""

    ELECTRICITY = "electricity"
    PLUMBER = "plumber"
    WIFI = "wifi"
    HOUSEKEEPING = "housekeeping"
    CARPENTRY = "carpentry"
    AC_HEATING = "ac_heating"
    SECURITY = "security"
    OTHER = "other"


@dataclass(frozen=True)
class IssueType:
    """What exactly is wrong, within a category."""

    code: str
    label: str


@dataclass(frozen=True)
class Category:
    """A kind of work with its icon (Font Awesome name without `fa-`) and its usual issues."""

    code: CategoryCode
    label: str
    icon: str
    issue_types: tuple[IssueType, ...]


OTHER_ISSUE = IssueType("other", "Something else")


def _category(code: CategoryCode, label: str, icon: str, *issues: str) -> Category:
    slugs = [re.sub(r"[^a-z0-9]+", "_", issue.lower()).strip("_") for issue in issues]
    return Category(code, label, icon, (*map(IssueType, slugs, issues), OTHER_ISSUE))


C = CategoryCode
CATEGORIES: tuple[Category, ...] = (  # scopes of seed 4, section 10
    _category(C.ELECTRICITY, "Electricity", "bolt",
              "Power outlet", "Lighting", "Fan", "Switch", "Breaker trips", "Power failure", "Appliance"),
    _category(C.PLUMBER, "Plumber", "faucet",
              "Tap", "Pipe leak", "Drain blocked", "No water", "No hot water", "Toilet", "Shower"),
    _category(C.WIFI, "WiFi / Internet", "wifi",
              "No connection", "Slow speed", "Connection drops", "Router"),
    _category(C.HOUSEKEEPING, "Housekeeping", "broom",
              "Room cleaning", "Linen replacement", "Pest control", "Waste collection", "Mould"),
    _category(C.CARPENTRY, "Carpentry", "hammer",
              "Furniture", "Door", "Window", "Wardrobe", "Floor or stairs", "Paint or plaster"),
    _category(C.AC_HEATING, "AC / Heating", "snowflake",
              "Air conditioning", "Heating", "Ventilation"),
    _category(C.SECURITY, "Security / Lock", "lock",
              "Door lock", "Key lost", "Access card", "Safety equipment"),
    _category(C.OTHER, "Other", "wrench", "Noise", "Common area", "Lift"),
)
