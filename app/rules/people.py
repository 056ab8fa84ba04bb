"""People in an organization: which roles count now, what they may do and why, and who may give roles (T3-T8, T13)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.permissions import ROLE_CAPABILITIES, ROLE_PORTAL, Action, Capability, Portal, Resource, Role, rank
from app.rules.errors import Conflict, Forbidden, Invalid
from app.text import N_


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
            return {MemberStatus.INVITED: N_("is invited"), MemberStatus.SUSPENDED: N_("is suspended")}[self.status]
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
    """A deviation from the matrix, in all hostels or in one: of the organization for a role, or (role None) for one member.

    `granted` False takes the capability away; at its level (role, member) taking away wins over giving.
    """

    capability: Capability
    granted: bool
    role: Role | None = None
    hostel_id: UUID | None = None

    def applies(self, capability: Capability, hostel_id: UUID | None) -> bool:
        """Whether it has a say about this capability in this place."""
        return self.capability == capability and self.hostel_id in (None, hostel_id)


# --- what a person may do (T7) --------------------------------------------------------------------------


def _said(overrides: Iterable[Override], capability: Capability, hostel_id: UUID | None) -> bool | None:
    """What overrides of one level say together: a refusal wins; None if they say nothing."""
    given = [o.granted for o in overrides if o.applies(capability, hostel_id)]
    return all(given) if given else None


@dataclass(frozen=True)
class Capabilities:
    """What a person may do and where: the roles that count now, and the overrides of both levels.

    The matrix gives, the organization's overrides of the role change that, and the member's own change it last.
    A member's gift holds where one of their roles does: overrides never admit a person, nor to another hostel.
    """

    memberships: tuple[Membership, ...]
    org_overrides: tuple[Override, ...]
    member_overrides: tuple[Override, ...]

    def can(self, resource: Resource, action: Action) -> bool:
        """Whether they may do it anywhere at all: decides about menus."""
        # A hostel that nothing names is like no hostel, so only those named need asking.
        named = {role.hostel_id for role in self.memberships}
        named |= {override.hostel_id for override in (*self.org_overrides, *self.member_overrides)}
        return any(self.can_in(resource, action, place) for place in {None, *named})

    def can_in(self, resource: Resource, action: Action, hostel_id: UUID | None) -> bool:
        """Whether they may do it in this hostel; with None, to what belongs to no hostel."""
        here = [m for m in self.memberships if m.covers(hostel_id)]
        own = _said(self.member_overrides, (resource, action), hostel_id)
        if own is not None:
            return own and bool(here)
        return any(role_may(m.role, self.org_overrides, (resource, action), hostel_id) for m in here)

    def in_hostel(self, hostel_id: UUID | None) -> frozenset[Capability]:
        """Everything they may do in one hostel."""
        return frozenset((r, a) for r in Resource for a in Action if self.can_in(r, a, hostel_id))


def role_may(role: Role, org_overrides: Iterable[Override], capability: Capability, hostel_id: UUID | None) -> bool:
    """Whether a role has a capability in a hostel, as the organization has changed the matrix."""
    said = _said([o for o in org_overrides if o.role is role], capability, hostel_id)
    return capability in ROLE_CAPABILITIES[role] if said is None else said


def role_capabilities(role: Role, org_overrides: Collection[Override] = (),
                      hostel_id: UUID | None = None) -> frozenset[Capability]:
    """The matrix row of a role as the organization has changed it; taking away wins over giving."""
    return frozenset((r, a) for r in Resource for a in Action if role_may(role, org_overrides, (r, a), hostel_id))


def effective(
    memberships: Iterable[Membership],
    org_overrides: Iterable[Override],
    member_overrides: Iterable[Override],
    now: datetime,
) -> Capabilities:
    """What somebody with these memberships and overrides may do at `now`; app.capabilities says the same in SQL."""
    active = tuple(m for m in memberships if m.is_active(now))
    return Capabilities(active, tuple(org_overrides), tuple(member_overrides))


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
    works_here = any(m.is_active(now) and m.covers(hostel_id) for m in memberships)
    if not memberships:
        steps.append(Step("No role in this organization.", Effect.NOTHING))
    steps += [_membership_step(m, org_overrides, capability, hostel_id, now) for m in memberships]
    for override in member_overrides:
        if not override.applies(capability, hostel_id):
            continue
        place = "in this hostel" if override.hostel_id else N_("everywhere")
        if not works_here:
            steps.append(Step("A personal override counts for nothing without an active role here.", Effect.NOTHING))
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
        return Step(f"The role “{name}” {reason}, so it does not count.", Effect.NOTHING)
    if not membership.covers(hostel_id):
        place = "another hostel" if hostel_id else "one hostel, not for the organization"
        return Step(f"The role “{name}” is for {place}, so it does not count here.", Effect.NOTHING)
    by_matrix = capability in ROLE_CAPABILITIES[role]
    has_it = role_may(role, org_overrides, capability, hostel_id)
    if has_it and by_matrix:
        said = f"The role “{name}” {where} has it by the matrix, through {ROLE_PORTAL[role].replace('_', ' ')}."
        return Step(said, Effect.GIVES)
    if has_it:
        return Step(f"The organization gives it to the role “{name}”, held {where}.", Effect.GIVES)
    if by_matrix:
        return Step(f"The organization takes it away from the role “{name}”.", Effect.NOTHING)
    return Step(f"The role “{name}” does not have it.", Effect.NOTHING)


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
        raise Invalid(f"The role {new.role.replace('_', ' ')} is for the whole organization, not for a hostel.", field="hostel_id")
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
