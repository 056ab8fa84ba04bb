"""People in an organization: which roles count now, what they may do and why, and who may give roles (T3-T8, T13)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.permissions import ROLE_CAPABILITIES, ROLE_PORTAL, Action, Capability, Portal, Resource, Role, rank
from app.rules.errors import Conflict, Forbidden, Invalid


class MemberStatus(StrEnum):
    """Whether a person, or one of their roles, counts."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True)
class Membership:
    """A role that a person holds, in the whole organization or (hostel_id) in one hostel, perhaps for a time.

    It counts from `valid_from` (included) until `valid_until` (excluded).
    """

    role: Role
    hostel_id: UUID | None = None
    status: MemberStatus = MemberStatus.ACTIVE
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        """Whether it counts at `now`."""
        return self.why_inactive(now) is None

    def why_inactive(self, now: datetime) -> str | None:
        """The reason why it does not count at `now`; None if it does."""
        if self.status is not MemberStatus.ACTIVE:
            return f"is {self.status}"
        if self.valid_from is not None and now < self.valid_from:
            return f"begins only on {self.valid_from:%d %B %Y}"
        if self.valid_until is not None and now >= self.valid_until:
            return f"ended on {self.valid_until:%d %B %Y}"
        return None

    def covers(self, hostel_id: UUID | None) -> bool:
        """Whether it reaches a hostel; with None, whether it reaches the organization as a whole."""
        return self.hostel_id is None or self.hostel_id == hostel_id


@dataclass(frozen=True)
class Override:
    """A deviation from the matrix: of the organization for a role, or (role None) for one member.

    `granted` False takes the capability away; a member's loss wins over everything.
    """

    capability: Capability
    granted: bool
    role: Role | None = None
    hostel_id: UUID | None = None


# --- what a person may do (T7) --------------------------------------------------------------------------

Places = frozenset[UUID | None]  # hostels; None among them stands for the whole organization


@dataclass(frozen=True)
class Capabilities:
    """What a person may do and where; `lost` holds what member overrides took away, and wins."""

    held: dict[Capability, Places]
    lost: dict[Capability, Places]

    def can(self, resource: Resource, action: Action) -> bool:
        """Whether they may do it anywhere at all: decides about menus."""
        held, lost = self._places((resource, action))
        return None not in lost and (None in held or bool(held - lost))

    def can_in(self, resource: Resource, action: Action, hostel_id: UUID | None) -> bool:
        """Whether they may do it in this hostel; with None, to what belongs to no hostel."""
        held, lost = self._places((resource, action))
        return not {None, hostel_id} & lost and bool({None, hostel_id} & held)

    def in_hostel(self, hostel_id: UUID | None) -> frozenset[Capability]:
        """Everything they may do in one hostel."""
        return frozenset(c for c in self.held if self.can_in(*c, hostel_id))

    def _places(self, capability: Capability) -> tuple[Places, Places]:
        return self.held.get(capability, frozenset()), self.lost.get(capability, frozenset())


def role_capabilities(role: Role, org_overrides: Iterable[Override] = ()) -> frozenset[Capability]:
    """The matrix row of a role as the organization has changed it; taking away wins over giving."""
    mine = [o for o in org_overrides if o.role is role]
    given = {o.capability for o in mine if o.granted}
    taken = {o.capability for o in mine if not o.granted}
    return (ROLE_CAPABILITIES[role] | given) - taken


def effective(
    memberships: Iterable[Membership],
    org_overrides: Collection[Override],
    member_overrides: Iterable[Override],
    now: datetime,
) -> Capabilities:
    """The union over the roles that count now, as the organization changed them, and then the member's own.

    Without any role that counts there is nothing, whatever the overrides say: they never admit a person.
    """
    active = [m for m in memberships if m.is_active(now)]
    held: dict[Capability, Places] = {}
    lost: dict[Capability, Places] = {}
    for membership in active:
        for capability in role_capabilities(membership.role, org_overrides):
            held[capability] = held.get(capability, frozenset()) | {membership.hostel_id}
    for override in member_overrides if active else ():
        side = held if override.granted else lost
        side[override.capability] = side.get(override.capability, frozenset()) | {override.hostel_id}
    return Capabilities(held, lost)


def portals(memberships: Iterable[Membership], now: datetime) -> list[Portal]:
    """The portals a person may work through, that of the highest role first."""
    roles = sorted({m.role for m in memberships if m.is_active(now)}, key=rank, reverse=True)
    return list(dict.fromkeys(ROLE_PORTAL[role] for role in roles))


# --- why (T8) -------------------------------------------------------------------------------------------


class Effect(StrEnum):
    """What one step of an explanation does to the answer."""

    GIVES = "gives"
    TAKES = "takes"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Step:
    """One sentence of an explanation and what it does."""

    sentence: str
    effect: Effect


@dataclass(frozen=True)
class Explanation:
    """Yes or no, and every membership, role and override that had a say."""

    allowed: bool
    steps: tuple[Step, ...]


def explain(
    memberships: Collection[Membership],
    org_overrides: Collection[Override],
    member_overrides: Collection[Override],
    now: datetime,
    resource: Resource,
    action: Action,
    hostel_id: UUID | None = None,
) -> Explanation:
    """Why a person may or may not do something in a hostel; always the answer that `effective` gives."""
    capability, steps = (resource, action), []
    anyone = any(m.is_active(now) for m in memberships)
    if not memberships:
        steps.append(Step("No role in this organization.", Effect.NOTHING))
    steps += [_membership_step(m, org_overrides, capability, hostel_id, now) for m in memberships]
    for override in member_overrides:
        if override.capability != capability or override.hostel_id not in (None, hostel_id):
            continue
        place = "in this hostel" if override.hostel_id else "everywhere"
        if not anyone:
            steps.append(Step("A personal override counts for nothing without an active role.", Effect.NOTHING))
        elif override.granted:
            steps.append(Step(f"A personal override gives it {place}.", Effect.GIVES))
        else:
            steps.append(Step(f"A personal override takes it away {place}, which wins.", Effect.TAKES))
    verdict = effective(memberships, org_overrides, member_overrides, now).can_in(resource, action, hostel_id)
    return Explanation(verdict, tuple(steps))


def _membership_step(
    membership: Membership, org_overrides: Collection[Override], capability: Capability,
    hostel_id: UUID | None, now: datetime,
) -> Step:
    role = membership.role
    name = role.replace("_", " ")
    where = "for one hostel" if membership.hostel_id else "for the whole organization"
    reason = membership.why_inactive(now)
    if reason:
        return Step(f"The role {name} {reason}, so it does not count.", Effect.NOTHING)
    if not membership.covers(hostel_id):
        place = "another hostel" if hostel_id else "one hostel, not for the organization"
        return Step(f"The role {name} is for {place}, so it does not count here.", Effect.NOTHING)
    by_matrix = capability in ROLE_CAPABILITIES[role]
    has_it = capability in role_capabilities(role, org_overrides)
    if has_it and by_matrix:
        said = f"The role {name} {where} has it by the matrix, through {ROLE_PORTAL[role]}."
        return Step(said, Effect.GIVES)
    if has_it:
        return Step(f"The organization gives it to the role {name}, held {where}.", Effect.GIVES)
    if by_matrix:
        return Step(f"The organization takes it away from the role {name}.", Effect.NOTHING)
    return Step(f"The role {name} does not have it.", Effect.NOTHING)


@dataclass(frozen=True)
class RoleDifference:
    """What two roles share and what only one of them may."""

    both: frozenset[Capability]
    only_first: frozenset[Capability]
    only_second: frozenset[Capability]


def compare_roles(first: Role, second: Role, org_overrides: Collection[Override] = ()) -> RoleDifference:
    """The difference between two roles in an organization with these overrides."""
    one, two = role_capabilities(first, org_overrides), role_capabilities(second, org_overrides)
    return RoleDifference(one & two, one - two, two - one)


# --- giving roles (T5, T13) -----------------------------------------------------------------------------


WIDE_ROLES = frozenset({Role.OWNER, Role.ADMINISTRATOR})  # never for one hostel only


class LastOwner(Conflict):
    """An organization always keeps an owner."""

    code = "last_owner"


def may_grant(granter_roles: Iterable[Role], role: Role) -> bool:
    """Whether somebody with these roles may give, change or take away `role`.

    Nobody at or above their own rank, but an owner up to owner; a platform role only a super admin.
    """
    highest = max((rank(r) for r in granter_roles), default=0)
    return rank(role) < highest or (role is Role.OWNER and highest == rank(Role.OWNER)) or (
        role is Role.SUPER_ADMIN and highest == rank(Role.SUPER_ADMIN)
    )


def check_grant(granter: Iterable[Membership], new: Membership, now: datetime) -> None:
    """Refuse a grant above the granter's rank or beyond the hostels that their rank reaches.

    Only roles count that reach the place of the new one: the manager of one hostel makes nobody anything
    in another. Owners are so without an end, or an organization could wake up ownerless.
    """
    if new.role in WIDE_ROLES and new.hostel_id:
        raise Invalid(f"The role {new.role} is for the whole organization, not for a hostel.", field="hostel_id")
    if new.role is Role.OWNER and new.valid_until:
        raise Invalid("Ownership has no end date.", field="valid_until")
    if new.valid_from and new.valid_until and new.valid_until <= new.valid_from:
        raise Invalid("A role cannot end before it begins.", field="valid_until")
    roles = [m.role for m in granter if m.is_active(now) and m.covers(new.hostel_id)]
    if not may_grant(roles, new.role):
        raise Forbidden(f"You cannot give the role {new.role.replace('_', ' ')}: it is not below your own.")


def check_override(granter: Capabilities, granter_roles: Collection[Role], override: Override) -> None:
    """Refuse an override that would lift its author, or anybody, above the author, or lock the owners out."""
    if override.role is Role.OWNER and not override.granted:
        raise Forbidden("Nothing can be taken from owners: somebody has to be able to put things right.")
    if override.role is not None and not may_grant(granter_roles, override.role):
        raise Forbidden(f"You cannot change the role {override.role.replace('_', ' ')}: it is not below your own.")
    if override.granted and not granter.can_in(*override.capability, override.hostel_id):
        raise Forbidden("You cannot give a permission that you do not have yourself.")


def check_owner_remains(owners: Collection[UUID], leaving: UUID) -> None:
    """Refuse to let the last owner leave, be suspended, removed or demoted; `owners` are the active ones."""
    if not set(owners) - {leaving}:
        raise LastOwner("An organization needs an owner: make somebody else owner first.")
