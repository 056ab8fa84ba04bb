"""Top-ups of residents, and what staff decide about payments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from app.gateways.payments import GatewayRefused, GatewayUnavailable, NewOrder
from app.models.payments import PaymentFlag, PaymentIntent, PaymentRefund
from app.permissions import Action, Resource
from app.rules.errors import Conflict, NotFound
from app.rules.payments import INTENT_LIFETIME, FlagKind, IntentState, checked_amount
from app.services.notifications import Message, people_who_can, tell
from app.services.payments.accounts import Keeper

_BEGIN = text("SELECT id, outcome FROM app.begin_top_up(:id, :hostel, :account, :amount, :confirmed, :lifetime)")
_OPEN = text("SELECT app.open_checkout(:id, :gateway_id, :url)")
_DECIDE = text("SELECT app.decide_payment(:id, :event, :note)")
_REFUND = text("SELECT app.propose_payment_refund(:id, :intent, :amount, :reason)")
_RESOLVE = text("SELECT app.resolve_payment_flag(:id, :note)")
_REPLAY = text("SELECT app.replay_delivery(:id)")


def begin(session: Session, intent_id: UUID, hostel_id: UUID, account_id: UUID, amount_paise: int | None, *, confirmed: bool,
          lifetime: timedelta = INTENT_LIFETIME) -> UUID | None:
    """Begin a top-up of one's own wallet; its id, which may be that of one begun a moment ago, or None where the password
    has to be given first. Errors: Invalid; VR403, VR404, VR429.
    """
    row = session.execute(_BEGIN, {"id": intent_id, "hostel": hostel_id, "account": account_id, "amount": checked_amount(amount_paise),
                                   "confirmed": confirmed, "lifetime": lifetime}).one()
    session.expire_all()
    begun: UUID | None = row.id
    return begun


def hand_over(session: Session, keeper: Keeper, intent_id: UUID, return_url: str, description: str) -> PaymentIntent:
    """Make the order at the gateway, unless that was done. Errors: NotFound, Conflict if the gateway cannot just now."""
    intent = find_intent(session, intent_id)
    if intent.standing is not IntentState.CREATED:
        return intent
    try:
        order = keeper.open(session, intent.account_id).create_order(NewOrder(
            intent.reference, intent.amount_paise, intent.currency, return_url, description, intent.expires_at))
    except (GatewayUnavailable, GatewayRefused) as error:
        raise Conflict("The payment provider does not answer just now. Nothing was taken. Please try again in a minute.") from error
    session.execute(_OPEN, {"id": intent_id, "gateway_id": order.gateway_id, "url": order.checkout_url})
    session.expire_all()
    return intent


def find_intent(session: Session, intent_id: UUID) -> PaymentIntent:
    """One payment that the caller may see; NotFound."""
    found = session.scalars(select(PaymentIntent).where(PaymentIntent.id == intent_id).options(joinedload(PaymentIntent.hostel))).one_or_none()
    if found is None:
        raise NotFound("There is no such payment.")
    return found


def own_intents(session: Session, user_id: int, most: int = 10) -> Sequence[PaymentIntent]:
    """A resident's own, the newest first."""
    return session.scalars(select(PaymentIntent).where(PaymentIntent.user_id == user_id).order_by(PaymentIntent.created_at.desc()).limit(most)).all()


def refunds_of(session: Session, intent_id: UUID) -> Sequence[PaymentRefund]:
    """What was sent back of a payment, or is to be."""
    return session.scalars(select(PaymentRefund).where(PaymentRefund.intent_id == intent_id).order_by(PaymentRefund.created_at)).all()


def flags_of(session: Session, intent_id: UUID) -> Sequence[PaymentFlag]:
    """What was noticed about a payment."""
    return session.scalars(select(PaymentFlag).where(PaymentFlag.intent_id == intent_id).order_by(PaymentFlag.created_at)).all()


# Errors of what staff do (as DBAPIError, translated at the edge): VR404, VR403, VR409 decided already, VR422.


def decide(session: Session, intent_id: UUID, event: str, note: str = "") -> None:
    """`accept` credits a payment that was held back, `send_back` returns it and needs a note."""
    session.execute(_DECIDE, {"id": intent_id, "event": event, "note": note})
    session.expire_all()


def propose_refund(session: Session, refund_id: UUID, intent_id: UUID, amount_paise: int, reason: str) -> UUID:
    """Propose to send money back; a second person decides."""
    made: UUID = session.execute(_REFUND, {"id": refund_id, "intent": intent_id, "amount": amount_paise, "reason": reason}).scalar_one()
    session.expire_all()
    return made


def resolve(session: Session, flag_id: UUID, note: str) -> None:
    """Say what was found."""
    session.execute(_RESOLVE, {"id": flag_id, "note": note})
    session.expire_all()


def replay(session: Session, delivery_id: UUID) -> list[str]:
    """What a webhook would do if it came again; nothing is left of the attempt."""
    effects: str = session.execute(_REPLAY, {"id": delivery_id}).scalar_one()
    session.expire_all()
    return effects.split()


# -- telling -------------------------------------------------------------------------------------------------------------

_SAID = {IntentState.PAID: "Your payment has arrived in your wallet.",
         IntentState.REVIEW: "Your payment has arrived. The office looks at it before it is in your wallet.",
         IntentState.REFUNDED: "Your payment is being sent back to you."}
_FLAGGED = {FlagKind.UNUSUAL_AMOUNT: "A payment waits for your decision.", FlagKind.VELOCITY: "Somebody begins many payments in a short time."}


def tell_of_payment(session: Session, intent_id: UUID) -> None:
    """Tell who paid what became of it."""
    found = find_intent(session, intent_id)
    if title := _SAID.get(found.standing):
        tell(session, {found.user_id}, Message("payments.settled", f"payment:{found.id}:{found.status}", title, found.hostel_id, f"/my/wallet/top-up/{found.id}"))


def tell_of_flag(session: Session, flag_id: UUID) -> None:
    """Tell those who can do something about it."""
    found = session.scalars(select(PaymentFlag).where(PaymentFlag.id == flag_id)).one()
    if found.hostel_id is None:
        return  # the list of flags shows it
    title = _FLAGGED.get(FlagKind(found.kind), "Something about a payment has to be looked at.")
    tell(session, people_who_can(session, Resource.PAYMENTS, Action.APPROVE, found.hostel_id),
         Message("payments.flagged", f"flag:{found.id}", title, found.hostel_id, f"/payments/flags/show/{found.id}"))
