"""Permissions of an organization: the matrix with its overrides, changed cell by cell, and why somebody may or may not.

The database refuses what nobody may change: their own permissions, those of a role at or above their own, and giving
what they do not hold (app.guard_override). A change counts from the next request of whoever it is about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.models.declare import FUNCTIONS, PROTECTED
from app.models.permissions import PermissionOverride
from app.permissions import ROLE_PORTAL, Action, Capability, Portal, Resource, Role
from app.rules import people as rules
from app.rules.errors import Conflict, Forbidden
from app.rules.people import Effect, Explanation, Membership, MemberStatus, Override, Step

_FACTS = text("SELECT app.person_facts(:user)")
KEY = ["org_id", "role", "user_id", "resource", "action", "hostel_id"]

# --- the ceiling: what the tables and functions of a portal allow at all ----------------------------------

_TABLE: dict[Resource, str] = {
    Resource.ORGANIZATION: "organizations", Resource.HOSTELS: "hostels", Resource.ROOMS: "rooms",
    Resource.MEMBERS: "memberships", Resource.TEAM: "team_members", Resource.PERMISSIONS: "permission_overrides",
    Resource.MAINTENANCE: "maintenance_requests", Resource.NOTIFICATIONS: "notifications", Resource.FILES: "files",
    Resource.IMPORTS: "import_runs", Resource.REPORTS: "maintenance_requests", Resource.AUDIT: "audit_log",
    Resource.WORK: "outbox", Resource.TASKS: "tasks", Resource.RESIDENTS: "residents", Resource.MOVE_OUTS: "move_outs",
    Resource.ONBOARDING: "onboarding_submissions", Resource.PERSONAL: "personal_values", Resource.INQUIRIES: "inquiries",
    Resource.WALLET: "ledger_entries", Resource.BILLING: "invoices", Resource.PAYMENTS: "payment_intents", Resource.CANTEEN: "canteen_menu",
    Resource.INVENTORY: "inventory_items", Resource.AMENITIES: "amenities", Resource.TELEGRAM: "telegram_bots", Resource.ANNOUNCEMENTS: "announcements", Resource.EVENTS: "hostel_events",
}
"""The table that stands for a resource: what a portal may do to it, it may do to the resource."""
_BY_FUNCTION: dict[Capability, str] = {
    (Resource.MEMBERS, Action.CREATE): "grant_role", (Resource.MEMBERS, Action.UPDATE): "change_role",
    (Resource.MEMBERS, Action.DELETE): "change_role", (Resource.MEMBERS, Action.APPROVE): "transfer_ownership",
    (Resource.MAINTENANCE, Action.CREATE): "submit_request", (Resource.MAINTENANCE, Action.UPDATE): "move",
    (Resource.MAINTENANCE, Action.APPROVE): "reassign_request", (Resource.MAINTENANCE, Action.DELETE): "reassign_request",
    (Resource.TASKS, Action.UPDATE): "move_task", (Resource.WORK, Action.UPDATE): "resend_work", (Resource.HEALTH, Action.READ): "audit_state",
    (Resource.ORGANIZATION, Action.CREATE): "set_plan",
    (Resource.RESIDENTS, Action.CREATE): "begin_stay", (Resource.RESIDENTS, Action.UPDATE): "transfer_stay",
    (Resource.RESIDENTS, Action.DELETE): "end_stay",
    (Resource.INQUIRIES, Action.CREATE): "add_inquiry", (Resource.INQUIRIES, Action.APPROVE): "convert_inquiry",
    (Resource.PERSONAL, Action.CREATE): "put_personal", (Resource.PERSONAL, Action.UPDATE): "put_personal",
    (Resource.PERSONAL, Action.APPROVE): "reveal_personal", (Resource.PERSONAL, Action.DELETE): "erase_person",
    (Resource.ONBOARDING, Action.CREATE): "submit_onboarding", (Resource.ONBOARDING, Action.UPDATE): "claim_submission",
    (Resource.ONBOARDING, Action.APPROVE): "approve_submission",
    (Resource.MOVE_OUTS, Action.CREATE): "give_notice", (Resource.MOVE_OUTS, Action.UPDATE): "withdraw_notice",
    (Resource.MOVE_OUTS, Action.APPROVE): "settle_move_out",
    (Resource.CANTEEN, Action.CREATE): "place_order", (Resource.CANTEEN, Action.APPROVE): "set_canteen",
    (Resource.INVENTORY, Action.APPROVE): "reverse_stock", (Resource.TELEGRAM, Action.UPDATE): "put_telegram_bot", (Resource.ANNOUNCEMENTS, Action.APPROVE): "release_announcement",
    (Resource.AMENITIES, Action.CREATE): "book_slot", (Resource.AMENITIES, Action.APPROVE): "close_amenity",
    (Resource.EVENTS, Action.CREATE): "reply_to_event", (Resource.EVENTS, Action.APPROVE): "event_people",
    (Resource.WALLET, Action.CREATE): "propose", (Resource.WALLET, Action.UPDATE): "freeze_wallet",
    (Resource.WALLET, Action.APPROVE): "decide_proposal",
    (Resource.BILLING, Action.CREATE): "pay_invoices", (Resource.BILLING, Action.UPDATE): "propose_discount",
    (Resource.BILLING, Action.APPROVE): "set_billing",
    (Resource.PAYMENTS, Action.CREATE): "ask_about_payment", (Resource.PAYMENTS, Action.UPDATE): "resolve_payment_flag",
    (Resource.PAYMENTS, Action.APPROVE): "decide_payment",
}
"""What is done through a function rather than to the table."""


@cache
def ceiling(portal: Portal) -> frozenset[Capability]:
    """What somebody who works through a portal can do at most, whatever the matrix says.

    Follows from the grants on the tables and the functions declared beside the models. Exporting is reading.
    """
    executable = {f.entity.signature.partition("(")[0] for f in FUNCTIONS if portal in f.execute}
    granted = {(resource, action) for resource, table in _TABLE.items() for action in _granted(table, portal)
               if resource is not Resource.REPORTS or action in {Action.READ, Action.EXPORT}}
    # A function is of no use to who cannot even see what it changes.
    by_function = {(resource, action) for (resource, action), function in _BY_FUNCTION.items() if function in executable
                   and (resource not in _TABLE or (resource, Action.READ) in granted)}
    return frozenset(granted | by_function)


def _granted(table: str, portal: Portal) -> Iterable[Action]:
    columns = set(PROTECTED[table].table.columns.keys())
    for grant in PROTECTED[table].grants:
        if portal not in grant.to:
            continue
        changed = columns if grant.update is True else set(grant.update or ())
        if grant.select:
            yield from (Action.READ, Action.EXPORT)
        if grant.insert:
            yield Action.CREATE
        if changed - {"deleted_at"}:
            yield Action.UPDATE
        if grant.delete or "deleted_at" in changed:
            yield Action.DELETE


# --- reading ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One capability of a role or a person, in all hostels or in one.

    `inherited` is what it would be without the override of its own (`override`, None if there is none); `reachable`
    says whether it lies below the ceiling.
    """

    capability: Capability
    inherited: bool
    override: bool | None
    allowed: bool
    reachable: bool


@dataclass(frozen=True)
class Facts:
    """Everything that decides what a person may do."""

    memberships: tuple[Membership, ...]
    org_overrides: tuple[Override, ...]
    own_overrides: tuple[Override, ...]
    now: datetime

    @property
    def portals(self) -> list[Portal]:
        """Those that the person works through now."""
        return rules.portals(self.memberships, self.now)

    def capabilities(self) -> rules.Capabilities:
        """What it comes to."""
        return rules.effective(self.memberships, self.org_overrides, self.own_overrides, self.now)


def role_overrides(session: Session) -> list[Override]:
    """The organization's overrides of roles."""
    return _overrides(session, select(PermissionOverride).where(PermissionOverride.role.is_not(None)))


def _overrides(session: Session, statement: Select[PermissionOverride]) -> list[Override]:
    return [Override((Resource(o.resource), Action(o.action)), o.allowed, Role(o.role) if o.role else None, o.hostel_id)
            for o in session.scalars(statement) if o.resource in set(Resource)]


def role_row(role: Role, overrides: Collection[Override], hostel_id: UUID | None = None) -> dict[Capability, Cell]:
    """All cells of a role, in all hostels or in one."""
    return {c: _role_cell(role, overrides, c, hostel_id) for c in _all()}


def _all() -> list[Capability]:
    return [(resource, action) for resource in Resource for action in Action]


def _role_cell(role: Role, overrides: Collection[Override], capability: Capability, hostel_id: UUID | None) -> Cell:
    mine = [o for o in overrides if o.role is role and o.capability == capability]
    own = next((o.granted for o in mine if o.hostel_id == hostel_id), None)
    wider = [o for o in mine if o.hostel_id != hostel_id]
    return Cell(capability, rules.role_may(role, wider, capability, hostel_id), own,
                rules.role_may(role, mine, capability, hostel_id), capability in ceiling(ROLE_PORTAL[role]))


def facts(session: Session, user_id: int) -> Facts:
    """What decides about a person, all of it. Errors: VR404 for somebody of another organization."""
    found: dict[str, Any] = session.execute(_FACTS, {"user": user_id}).scalar_one()
    memberships = [] if found["removed"] else found["memberships"]
    overrides = [Override((Resource(o["resource"]), Action(o["action"])), o["allowed"],
                          Role(o["role"]) if o["role"] else None, _uuid(o["hostel_id"])) for o in found["overrides"]]
    return Facts(
        tuple(Membership(Role(m["role"]), _uuid(m["hostel_id"]), MemberStatus(m["status"]), _moment(m["valid_from"]),
                         _moment(m["valid_until"])) for m in memberships),
        tuple(o for o in overrides if o.role), tuple(o for o in overrides if not o.role),
        datetime.fromisoformat(found["now"]))


def _uuid(value: str | None) -> UUID | None:
    return UUID(value) if value else None


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def person_row(known: Facts, hostel_id: UUID | None = None) -> dict[Capability, Cell]:
    """All cells of a person, in all hostels or in one."""
    reachable = frozenset[Capability]().union(*(ceiling(portal) for portal in known.portals))
    now = known.capabilities()
    found = {}
    for capability in _all():
        mine = [o for o in known.own_overrides if o.capability == capability]
        own = next((o.granted for o in mine if o.hostel_id == hostel_id), None)
        wider = tuple(o for o in mine if o.hostel_id != hostel_id)
        without = rules.Capabilities(now.memberships, now.org_overrides, wider).can_in(*capability, hostel_id)
        found[capability] = Cell(capability, without, own, now.can_in(*capability, hostel_id), capability in reachable)
    return found


def explain(session: Session, user_id: int, resource: Resource, action: Action, hostel_id: UUID | None = None) -> Explanation:
    """Why somebody may or may not do something in a hostel, or (None) to what belongs to no hostel."""
    known = facts(session, user_id)
    found = rules.explain(known.memberships, known.org_overrides, known.own_overrides, known.now, resource, action, hostel_id)
    if found.allowed and not any((resource, action) in ceiling(portal) for portal in known.portals):
        portals = ", ".join(known.portals)
        note = Step(f"Whoever works through {portals} finds nothing that it opens: the portal's grants end below.", Effect.NOTHING)
        return Explanation(found.allowed, (*found.steps, note))
    return found


def difference(session: Session, first: Role, second: Role) -> rules.RoleDifference:
    """What two roles share and what only one of them may, in this organization."""
    return rules.compare_roles(first, second, [o for o in role_overrides(session) if o.hostel_id is None])


# --- changing ---------------------------------------------------------------------------------------------


def set_for_role(session: Session, role: Role, capability: Capability, wanted: bool, hostel_id: UUID | None = None) -> None:
    """Give a role a capability, or take it away; what the matrix says anyway needs no override.

    Errors: Forbidden above the ceiling; Conflict where a wider refusal would win; VR403 by the database.
    """
    if role is Role.SUPER_ADMIN:
        raise Forbidden("The role of the platform is not an organization's to change.")
    cell = _role_cell(role, role_overrides(session), capability, hostel_id)
    _set(session, cell, wanted, {"role": role.value, "user_id": None}, hostel_id)


def set_for_person(session: Session, user_id: int, capability: Capability, wanted: bool,
                   hostel_id: UUID | None = None) -> None:
    """The same for one person, over whatever their roles say."""
    known = facts(session, user_id)
    cell = person_row(known, hostel_id)[capability]
    if wanted and hostel_id and any(
            o.capability == capability and o.hostel_id is None and not o.granted for o in known.own_overrides):
        raise Conflict("It is taken away in all hostels, which wins: change it there.")
    _set(session, cell, wanted, {"role": None, "user_id": user_id}, hostel_id)


def _set(session: Session, cell: Cell, wanted: bool, target: dict[str, Any], hostel_id: UUID | None) -> None:
    resource, action = cell.capability
    if wanted and not cell.reachable:
        raise Forbidden("The portal of this role has no access to it, so the permission would open nothing.")
    if wanted == cell.inherited:
        session.execute(delete(PermissionOverride).where(_is(target, cell.capability, hostel_id)))
        return
    if wanted and target["role"] and hostel_id and session.scalar(
            select(PermissionOverride.allowed).where(_is(target, cell.capability, None))) is False:
        raise Conflict("It is taken away in all hostels, which wins: change it there.")
    row = upsert(PermissionOverride).values(
        **target, resource=resource.value, action=action.value, hostel_id=hostel_id, allowed=wanted)
    session.execute(row.on_conflict_do_update(index_elements=KEY, set_={"allowed": wanted}))


def _is(target: dict[str, Any], capability: Capability, hostel_id: UUID | None) -> ColumnElement[bool]:
    row = PermissionOverride
    return and_(row.role.is_not_distinct_from(target["role"]), row.user_id.is_not_distinct_from(target["user_id"]),
                row.resource == capability[0].value, row.action == capability[1].value,
                row.hostel_id.is_not_distinct_from(hostel_id))
