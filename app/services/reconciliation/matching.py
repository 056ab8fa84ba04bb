"""Finds for each line of an account's statements what it is on our side, and says what does not agree."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Date, exists, func, or_, select, text
from sqlalchemy.orm import Session

from app.gateways.payments import LineKind
from app.models.payments import GatewayAccount, PaymentConfirmation, PaymentIntent, PaymentRefund
from app.models.reconciliation import ReconciliationBreak, SettlementLine, SettlementStatement
from app.models.wallet import LedgerProposal
from app.rules.payments import RefundState
from app.rules.reconciliation import (
    Break,
    BreakState,
    Cause,
    Known,
    Side,
    Stated,
    match,
    overdue,
)
from app.rules.wallet import ProposalState

_SETTLE = text("SELECT app.settle_matches(:pairs, :lines, :breaks)")
_CHECK = text("SELECT app.check_clearing()")
_BOOKED = (RefundState.APPROVED.value, RefundState.SENT.value, RefundState.DONE.value)


def match_account(session: Session, account_id: UUID) -> int:
    """Match what is not matched yet, book it, and write down what does not agree; how many breaks are new. By the product itself."""
    row = SettlementLine
    account = session.get_one(GatewayAccount, account_id)
    settled = _settled()
    lines = session.scalars(select(row).where(row.account_id == account_id, row.confirmation_id.is_(None), row.refund_id.is_(None))
                            .where(~exists().where(ReconciliationBreak.line_id == row.id, settled))).all()
    stated = [_stated(line) for line in lines if line.kind in {Side.PAYMENT.value, Side.REFUND.value}]
    ours = _ours(session, account_id, {name for line in stated for name in line.names})
    found = match(stated, ours)
    paired = {pair.ours.id for pair in found.pairs}
    told_until = session.scalar(select(func.max(SettlementStatement.last_on, type_=Date)).where(SettlementStatement.account_id == account_id))
    breaks = list(found.breaks)
    if told_until is not None:
        breaks += overdue([one for one in ours if one.id not in paired], datetime.combine(told_until, time(), UTC))
    other = [line for line in lines if line.kind == LineKind.ADJUSTMENT.value]
    documents = [_break(account, one) for one in breaks] + [_unasked(account, line) for line in other]
    pairs = [{"line": str(pair.line.id), ("confirmation" if pair.line.kind is Side.PAYMENT else "refund"): str(pair.ours.id)} for pair in found.pairs]
    new: int = session.execute(_SETTLE, {"pairs": json.dumps(pairs), "lines": [line.id for line in lines], "breaks": json.dumps(documents)}).scalar_one()
    session.expire_all()
    return new


def check_clearing(session: Session) -> int:
    """Compare what is on its way with what payments say, in every hostel; how many new differences there are."""
    found: int = session.execute(_CHECK).scalar_one()
    session.expire_all()
    return found


def _settled() -> Any:
    """Breaks on which somebody has decided, or is about to."""
    one = ReconciliationBreak
    waiting = exists().where(LedgerProposal.id == one.proposal_id, LedgerProposal.status == ProposalState.PROPOSED.value)
    return or_(one.status.in_([BreakState.WRITTEN_OFF.value, BreakState.CORRECTED.value, BreakState.RESOLVED.value]), waiting)


def _stated(line: SettlementLine) -> Stated:
    side = Side(line.kind)
    names = (line.payment_id, line.reference) if side is Side.PAYMENT else (line.gateway_refund_id, line.reference)
    at = line.occurred_at or datetime.combine(line.settled_on, time(), UTC)
    return Stated(line.id, side, line.amount_paise, line.currency, names, at, line.line_id, line.fee_paise + line.tax_paise)


def _ours(session: Session, account_id: UUID, names: set[str]) -> list[Known]:
    """Payments and refunds through an account that no line has told of yet, and those that these lines name."""
    paid, back, line = PaymentConfirmation, PaymentRefund, SettlementLine
    settled = _settled()
    taken = exists().where(line.confirmation_id == paid.id).correlate(paid)
    payments = session.execute(
        select(paid.id, paid.amount_paise, paid.currency, paid.payment_id, PaymentIntent.reference, paid.paid_at, taken.label("taken"))
        .join(paid.intent).where(PaymentIntent.account_id == account_id, or_(~taken, paid.payment_id.in_(names), PaymentIntent.reference.in_(names)))
        .where(~exists().where(ReconciliationBreak.confirmation_id == paid.id, ReconciliationBreak.cause == Cause.MISSING_AT_GATEWAY.value, settled)))
    returned = exists().where(line.refund_id == back.id).correlate(back)
    refunds = session.execute(
        select(back.id, back.amount_paise, back.currency, back.refund_id, back.key, func.coalesce(back.attempted_at, back.created_at), returned)
        .join(back.intent).where(PaymentIntent.account_id == account_id, back.status.in_(_BOOKED),
                                 or_(~returned, back.refund_id.in_(names), back.key.in_(names)))
        .where(~exists().where(ReconciliationBreak.refund_id == back.id, ReconciliationBreak.cause == Cause.MISSING_AT_GATEWAY.value, settled)))
    return [*_known(payments.all(), Side.PAYMENT, 1), *_known(refunds.all(), Side.REFUND, -1)]


def _known(rows: Sequence[Any], side: Side, sign: int) -> list[Known]:
    return [Known(key, side, sign * amount, currency, frozenset({one, other} - {""}), at, taken) for key, amount, currency, one, other, at, taken in rows]


def _break(account: GatewayAccount, found: Break) -> dict[str, Any]:
    ours, line = found.ours, found.line
    side = "confirmation" if ours and ours.kind is Side.PAYMENT else "refund"
    return {"account": str(account.id), "gateway": account.gateway, "cause": found.cause.value, "amount": found.amount_paise,
            "about": f"line {line.id}" if line else f"{side} {ours.id if ours else ''}", "line": str(line.id) if line else None,
            "currency": line.currency if line else ours.currency if ours else "", side: str(ours.id) if ours else None}


def _unasked(account: GatewayAccount, line: SettlementLine) -> dict[str, Any]:
    """An adjustment of the gateway: money that nothing of ours explains."""
    return {"account": str(account.id), "gateway": account.gateway, "cause": Cause.MISSING_IN_LEDGER.value, "amount": -line.amount_paise,
            "about": f"line {line.id}", "line": str(line.id), "currency": line.currency}
