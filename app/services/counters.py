"""What waits for the caller, counted for the sidebar: one statement for all domains, each count stopping at MOST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from app.identity import Identity
from app.models.canteen import CanteenOrder
from app.models.imports import ImportRun
from app.models.inquiries import Inquiry
from app.models.inventory import InventoryItem
from app.models.maintenance import MaintenanceAssignment as Assignment
from app.models.maintenance import MaintenanceRequest as Request
from app.models.onboarding import OnboardingSubmission as Submission
from app.models.people import Invitation
from app.models.wallet import LedgerProposal
from app.models.work import Work
from app.permissions import Action, Portal, Resource
from app.rules.canteen import OrderStatus
from app.rules.imports.runs import CHOOSING
from app.rules.maintenance import OPEN, RequestStatus
from app.rules.onboarding import SubmissionState
from app.rules.wallet import ProposalState
from app.rules.work import WorkState

MOST = 100  # shown as 99+

Rows = Callable[[Identity], "Select[Any]"]


@dataclass(frozen=True)
class Counter:
    """Rows that wait for those who hold a capability and work through one of the portals; each `rows` is counted."""

    resource: Resource
    action: Action
    portals: frozenset[Portal]
    rows: tuple[Rows, ...]


def _requests(identity: Identity) -> Select[Any]:
    found = select(literal(1)).select_from(Request).where(Request.org_id == identity.org_id, Request.deleted_at.is_(None))
    return found if identity.hostel_id is None else found.where(Request.hostel_id == identity.hostel_id)


_S = RequestStatus
_WAITING = tuple(state.value for state in (_S.SUBMITTED, _S.UNASSIGNED, _S.ESCALATED))  # for whoever comes first
_IN_HAND = tuple(state.value for state in OPEN if state.value not in _WAITING)


def _waiting(identity: Identity) -> Select[Any]:
    return _requests(identity).where(Request.status.in_(_WAITING))


def _in_my_hands(identity: Identity) -> Select[Any]:
    held = select(Assignment.request_id).where(
        Assignment.org_id == identity.org_id, Assignment.user_id == identity.user_id, Assignment.active)
    return _requests(identity).where(Request.status.in_(_IN_HAND), Request.id.in_(held))


def _my_own(identity: Identity) -> Select[Any]:
    return _requests(identity).where(Request.user_id == identity.user_id, Request.status.in_(_WAITING + _IN_HAND))


def _invitations(identity: Identity) -> Select[Any]:
    return select(literal(1)).select_from(Invitation).where(
        Invitation.org_id == identity.org_id, Invitation.status == "pending", Invitation.expires_at > func.app.now())


def _inquiries(identity: Identity) -> Select[Any]:
    """New ones, and what the caller was to do by now."""
    found = select(literal(1)).select_from(Inquiry).where(
        Inquiry.org_id == identity.org_id, Inquiry.deleted_at.is_(None), Inquiry.duplicate_of.is_(None),
        (Inquiry.status == "new") | ((Inquiry.owner_id == identity.user_id) & (Inquiry.next_action_at <= func.app.now())))
    return found if identity.hostel_id is None else found.where(Inquiry.hostel_id == identity.hostel_id)


def _submissions(identity: Identity) -> Select[Any]:
    """In nobody's hands, or in the caller's."""
    found = select(literal(1)).select_from(Submission).where(
        Submission.org_id == identity.org_id,
        (Submission.state == SubmissionState.PENDING_REVIEW.value)
        | ((Submission.state == SubmissionState.UNDER_REVIEW.value) & (Submission.reviewer_id == identity.user_id)))
    return found if identity.hostel_id is None else found.where(Submission.hostel_id == identity.hostel_id)


def _orders(identity: Identity) -> Select[Any]:
    """Placed, and accepted by nobody yet."""
    found = select(literal(1)).select_from(CanteenOrder).where(CanteenOrder.org_id == identity.org_id, CanteenOrder.status == OrderStatus.PLACED.value)
    return found if identity.hostel_id is None else found.where(CanteenOrder.hostel_id == identity.hostel_id)


def _low_stock(identity: Identity) -> Select[Any]:
    """What has to be bought."""
    found = select(literal(1)).select_from(InventoryItem).where(InventoryItem.org_id == identity.org_id, InventoryItem.low, InventoryItem.deleted_at.is_(None))
    return found if identity.hostel_id is None else found.where(InventoryItem.hostel_id == identity.hostel_id)


def _imports(identity: Identity) -> Select[Any]:
    return select(literal(1)).select_from(ImportRun).where(
        ImportRun.org_id == identity.org_id, ImportRun.created_by == identity.user_id, ImportRun.deleted_at.is_(None),
        ImportRun.status.in_([status.value for status in CHOOSING]))


def _proposals(identity: Identity) -> Select[Any]:
    """What somebody else proposed."""
    found = select(literal(1)).select_from(LedgerProposal).where(
        LedgerProposal.org_id == identity.org_id, LedgerProposal.status == ProposalState.PROPOSED.value,
        LedgerProposal.proposed_by.is_distinct_from(identity.user_id))
    return found if identity.hostel_id is None else found.where(LedgerProposal.hostel_id == identity.hostel_id)


def _dead_letters(identity: Identity) -> Select[Any]:
    return select(literal(1)).select_from(Work).where(Work.org_id == identity.org_id, Work.state == WorkState.DEAD.value)


_ADMIN = frozenset({Portal.ADMIN})
# By the name that a screen gives as its `counter`.
COUNTERS: dict[str, Counter] = {
    "requests": Counter(Resource.MAINTENANCE, Action.UPDATE, frozenset({Portal.ADMIN, Portal.MANAGEMENT}), (_waiting, _in_my_hands)),
    "inquiries": Counter(Resource.INQUIRIES, Action.UPDATE, frozenset({Portal.ADMIN, Portal.SALES}), (_inquiries,)),
    "orders": Counter(Resource.CANTEEN, Action.UPDATE, frozenset({Portal.ADMIN, Portal.CANTEEN}), (_orders,)),
    "low_stock": Counter(Resource.INVENTORY, Action.UPDATE, frozenset({Portal.ADMIN, Portal.CANTEEN}), (_low_stock,)),
    "my_requests": Counter(Resource.MAINTENANCE, Action.READ, frozenset({Portal.RESIDENT}), (_my_own,)),
    "invitations": Counter(Resource.MEMBERS, Action.CREATE, _ADMIN, (_invitations,)),
    "submissions": Counter(Resource.ONBOARDING, Action.UPDATE, _ADMIN, (_submissions,)),
    "imports": Counter(Resource.IMPORTS, Action.CREATE, _ADMIN, (_imports,)),
    "proposals": Counter(Resource.WALLET, Action.APPROVE, _ADMIN, (_proposals,)),
    "dead_letters": Counter(Resource.WORK, Action.UPDATE, _ADMIN, (_dead_letters,)),
}


def counters(session: Session, identity: Identity) -> dict[str, int]:
    """What waits for the caller, by the names of COUNTERS, no more than MOST each; what is none of theirs is left out."""
    mine = {name: counter for name, counter in COUNTERS.items()
            if identity.org_id and identity.portal in counter.portals and identity.can(counter.resource, counter.action)}
    if not mine:
        return {}
    parts = [select(literal(name), func.count()).select_from(rows(identity).limit(MOST).subquery())
             for name, counter in mine.items() for rows in counter.rows]
    found = dict.fromkeys(mine, 0)
    for name, count in session.execute(union_all(*parts)):
        found[name] = min(MOST, found[name] + count)
    return found
