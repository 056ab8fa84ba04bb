"""Breaks: what is proposed and decided about them, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select, text
from sqlalchemy.orm import Session, joinedload

from app.models.payments import PaymentConfirmation, PaymentIntent, PaymentRefund
from app.models.reconciliation import ReconciliationBreak, SettlementLine
from app.permissions import Action, Resource
from app.rules.errors import NotFound
from app.rules.reconciliation import ALARMING, Cause, Side
from app.rules.wallet import ProposedKind
from app.services import wallet
from app.services.notifications import Message, people_who_can, tell

_MATCH = text("SELECT app.match_break(:id, :other, :note)")
_PROPOSE = text("SELECT app.propose_break(:id, :kind, :hostel, :reason, :proposal)")
_RESOLVE = text("SELECT app.resolve_break(:id, :note)")
_OFFERED = 10
FROZEN_BECAUSE = "The gateway and the ledger do not agree on a payment into this wallet."

# Errors of what writes below (as DBAPIError): VR404 unknown or foreign, VR403 not allowed, VR409 settled already or not
# possible, VR422 what is missing.


@dataclass(frozen=True)
class Candidate:
    """A payment or a refund of ours without a line, that a line could be."""

    id: UUID
    amount_paise: int
    currency: str
    at: datetime
    name: str
    number: str


def find(session: Session, break_id: UUID) -> ReconciliationBreak:
    """One break that the caller may see; NotFound."""
    found = session.scalars(select(ReconciliationBreak).where(ReconciliationBreak.id == break_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such break.")
    return found


def match_by_hand(session: Session, break_id: UUID, other_id: UUID, note: str = "") -> None:
    """Say which payment, or refund, the line of a break is."""
    _write(session, _MATCH, id=break_id, other=other_id, note=note)


def propose(session: Session, break_id: UUID, kind: ProposedKind, reason: str, proposal_id: UUID, hostel_id: UUID | None = None) -> None:
    """Propose to write a break off, or to correct the books by it; a second person decides. Sent again, it is the same."""
    _write(session, _PROPOSE, id=break_id, kind=kind.value, hostel=hostel_id, reason=reason, proposal=proposal_id)


def resolve(session: Session, break_id: UUID, note: str) -> None:
    """Close a break about which there is nothing to book."""
    _write(session, _RESOLVE, id=break_id, note=note)


def _write(session: Session, statement: Any, **given: Any) -> None:
    session.flush()
    session.execute(statement, given)
    session.expire_all()


def candidates(session: Session, line: SettlementLine) -> list[Candidate]:
    """What a line could be, the nearest amount and time first."""
    at = line.occurred_at or line.created_at
    paid, back, other = PaymentConfirmation, PaymentRefund, SettlementLine
    if line.kind == Side.PAYMENT.value:
        asked = select(paid).where(paid.gateway == line.gateway, paid.currency == line.currency, ~exists().where(other.confirmation_id == paid.id)).options(
            joinedload(paid.intent).joinedload(PaymentIntent.member)).order_by(
            func.abs(paid.amount_paise - line.amount_paise), func.abs(func.extract("epoch", paid.paid_at - at)), paid.id).limit(_OFFERED)
        return [Candidate(one.id, one.amount_paise, one.currency, one.paid_at, one.intent.member.name, one.payment_id) for one in session.scalars(asked)]
    if line.kind == Side.REFUND.value:
        wanted = select(back).join(back.intent).where(
            PaymentIntent.gateway == line.gateway, back.currency == line.currency, back.status.in_(["approved", "sent", "done"]),
            ~exists().where(other.refund_id == back.id)).options(joinedload(back.intent).joinedload(PaymentIntent.member)).order_by(
            func.abs(back.amount_paise + line.amount_paise), func.abs(func.extract("epoch", back.created_at - at)), back.id).limit(_OFFERED)
        return [Candidate(one.id, -one.amount_paise, one.currency, one.attempted_at or one.created_at, one.intent.member.name, one.refund_id or one.key)
                for one in session.scalars(wanted)]
    return []


def freeze_for(session: Session, found: ReconciliationBreak) -> bool:
    """Freeze the wallet that was credited for what the gateway does not confirm; whether the alarm has to be raised."""
    if Cause(found.cause) not in ALARMING:
        return False
    if found.confirmation is not None and (held := wallet.wallet_of(session, found.confirmation.hostel_id, found.confirmation.user_id)):
        wallet.freeze(session, held.id, FROZEN_BECAUSE)
    return True


def tell_of_break(session: Session, found: ReconciliationBreak, *, alarm: bool) -> None:
    """Tell who can decide on it; what belongs to no hostel yet is in the list."""
    if found.hostel_id is None:
        return
    title = ("A gateway and the ledger do not agree. The wallets concerned are frozen until somebody has looked into it." if alarm
             else "A line of a gateway's statement has to be looked at.")
    tell(session, people_who_can(session, Resource.WALLET, Action.APPROVE, found.hostel_id), Message(
        "ledger.alarm" if alarm else "reconciliation.break", f"break:{found.id}", title, found.hostel_id, f"/reconciliation/show/{found.id}"))
