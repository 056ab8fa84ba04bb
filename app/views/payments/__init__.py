"""Screens of payments: accounts at gateways, payments, webhooks, what was noticed; and for residents, topping up."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext

from app.rules.payments import Effect, FlagKind, Gateway, IntentState, RefundState, Verdict
from app.views.formats import register_tones, register_words
from app.views.payments.accounts import GatewayAccountView
from app.views.payments.staff import DeliveryView, FlagView, PaymentView
from app.views.payments.top_up import TopUpView

register_words(
    {Gateway.PHONEPE: "PhonePe", Gateway.RAZORPAY: "Razorpay", Gateway.STRIPE: "Stripe"},
    {IntentState.CREATED: lazy_gettext("Begun"), IntentState.PENDING: lazy_gettext("Not paid yet"), IntentState.REVIEW: lazy_gettext("To be looked at"),
     IntentState.REFUNDED: lazy_gettext("Sent back")},
    {RefundState.SENT: lazy_gettext("On its way"), RefundState.DONE: lazy_gettext("Refunded")},
    {Verdict.BAD_SIGNATURE: lazy_gettext("Signature missing, wrong or old"), Verdict.FOREIGN_ADDRESS: lazy_gettext("From another address"),
     Verdict.WRONG_TYPE: lazy_gettext("Not JSON")},
    {Effect.KNOWN: lazy_gettext("Nothing: known already"), Effect.IGNORED: lazy_gettext("Nothing"), Effect.ASKED: lazy_gettext("The gateway was asked"),
     Effect.HELD_BACK: lazy_gettext("Held back for review"), Effect.CREDITED_LATE: lazy_gettext("Credited, though late"),
     Effect.UNKNOWN_INTENT: lazy_gettext("Flagged: no such payment here"), Effect.AMOUNT_DIFFERS: lazy_gettext("Flagged: another amount"),
     Effect.CURRENCY_DIFFERS: lazy_gettext("Flagged: another currency"), Effect.PAID_TWICE: lazy_gettext("Flagged: paid twice")},
    {FlagKind.VELOCITY: lazy_gettext("Many payments in a minute"), FlagKind.UNKNOWN_INTENT: lazy_gettext("No such payment here"),
     FlagKind.AMOUNT_DIFFERS: lazy_gettext("Another amount"), FlagKind.CURRENCY_DIFFERS: lazy_gettext("Another currency"),
     FlagKind.LATE_PAYMENT: lazy_gettext("Paid after its time")})
register_tones(
    {IntentState.CREATED: "neutral", IntentState.PENDING: "info", IntentState.PAID: "success", IntentState.REVIEW: "warning", IntentState.FAILED: "danger",
     IntentState.EXPIRED: "neutral", IntentState.REFUNDED: "neutral"},
    {RefundState.PROPOSED: "warning", RefundState.APPROVED: "info", RefundState.SENT: "progress", RefundState.DONE: "success", RefundState.FAILED: "danger",
     RefundState.REJECTED: "neutral", RefundState.WITHDRAWN: "neutral"},
    {Verdict.ACCEPTED: "success", Verdict.BAD_SIGNATURE: "danger", Verdict.FOREIGN_ADDRESS: "danger", Verdict.TOO_LARGE: "danger", Verdict.WRONG_TYPE: "danger"},
    {Effect.CREDITED: "success", Effect.CREDITED_LATE: "warning", Effect.HELD_BACK: "warning", Effect.UNKNOWN_INTENT: "danger",
     Effect.AMOUNT_DIFFERS: "danger", Effect.CURRENCY_DIFFERS: "danger", Effect.PAID_TWICE: "danger", Effect.UNREADABLE: "danger"},
    {FlagKind.UNUSUAL_AMOUNT: "warning", FlagKind.VELOCITY: "warning", FlagKind.LATE_PAYMENT: "info", FlagKind.UNKNOWN_INTENT: "danger",
     FlagKind.AMOUNT_DIFFERS: "danger", FlagKind.CURRENCY_DIFFERS: "danger", FlagKind.PAID_TWICE: "danger", FlagKind.REFUND_FAILED: "danger"})


def register(builder: AppBuilder) -> None:
    """Add the screens; the gateways' own way in is app/api/webhooks.py."""
    builder.add_view(PaymentView, "Payments", icon="fa-inbox", category="Money")
    builder.add_view(FlagView, "Payments to look at", icon="fa-check", category="Money")
    builder.add_view(DeliveryView, "Webhooks", icon="fa-list", category="Money")
    builder.add_view(GatewayAccountView, "Payment gateways", icon="fa-layers", category="Money")
    builder.add_view_no_menu(TopUpView)
