"""Payments for staff: where each stands, what gateways sent, and what somebody has to look at."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import flash, request
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup
from wtforms import Form

from app.models.payments import PaymentFlag, PaymentIntent, WebhookDelivery
from app.permissions import Action, Portal, Resource
from app.rules.errors import Invalid
from app.rules.payments import OPEN_INTENTS, Effect, FlagKind, Gateway, IntentState, RefundState, Verdict
from app.services import payments
from app.services.search import Sought
from app.views import formats
from app.views.base import (
    Ask,
    ConsoleInterface,
    ConsoleModelView,
    Step,
    expose,
    has_access,
    service_call,
    submission_id,
)
from app.views.inputs import MoneyField


class _Reading(ConsoleModelView):
    """What payments' screens share: nothing is typed into them."""

    resource = Resource.PAYMENTS
    portals = frozenset({Portal.ADMIN})
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name", "account": "name"}

    def _write(self, pk: str, done: str, work: Any) -> Any:
        item = self.find(pk)
        with service_call(done) as call:
            work(call.session, item)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))


class PaymentView(_Reading):
    """Top-ups, with what may be done about them."""

    route_base = "/payments"
    datamodel = ConsoleInterface(PaymentIntent)
    singular_name, plural_name = "Payment", "Payments"
    palette = Sought(("member.name",), ("status", "hostel.name"))
    method_actions: ClassVar[dict[str, Action]] = {"accept": Action.APPROVE, "send_back": Action.APPROVE, "refund": Action.CREATE, "ask": Action.READ}
    list_columns: ClassVar[list[str]] = ["member", "amount_paise", "status", "gateway", "hostel", "created_at"]
    optional_columns: ClassVar[list[str]] = ["paid_at", "payment_id", "refunded_paise"]
    show_columns: ClassVar[list[str]] = ["hostel", "gateway", "amount_paise", "created_at", "expires_at", "paid_at", "payment_id", "reference", "refunded_paise", "reason"]
    search_columns: ClassVar[list[str]] = ["member.name", "payment_id", "reference", "status", "gateway", "hostel", "created_at"]
    quick_filters = ((lazy_gettext("To be looked at"), {"status": "review"}), (lazy_gettext("Not paid yet"), {"status": ["created", "pending"]}),
                     (lazy_gettext("Paid"), {"status": "paid"}))
    label_columns: ClassVar[dict[str, Any]] = {
        "member": lazy_gettext("Person"), "amount_paise": lazy_gettext("Amount"), "created_at": lazy_gettext("Begun"), "expires_at": lazy_gettext("To be paid until"),
        "paid_at": lazy_gettext("Paid"), "payment_id": lazy_gettext("Number at the gateway"), "reference": lazy_gettext("Our number"),
        "refunded_paise": lazy_gettext("Sent back"), "reason": lazy_gettext("Why")}
    enums: ClassVar[dict[str, Any]] = {"status": IntentState, "gateway": Gateway}
    state_column = "status"
    key_facts = ("amount_paise", "gateway", "created_at")
    filled_facts = ("paid_at", "payment_id", "reason")
    eager = ("member",)
    base_order = ("created_at", "desc")
    empty_hint = lazy_gettext("When residents top up their wallets, their payments appear here.")
    show_template = "payments/show.html"

    def heading(self, item: PaymentIntent) -> str:
        """Who pays."""
        return item.member.name

    def show_context(self, item: PaymentIntent) -> dict[str, Any]:
        """What came with it."""
        session = self.session()
        return {"refunds": payments.refunds_of(session, item.id), "flags": payments.flags_of(session, item.id), "kinds": FlagKind, "states": RefundState}

    def steps(self, item: PaymentIntent) -> list[Step]:
        """What its state allows."""
        pk, found = self.key_of(item), []
        if item.standing is IntentState.REVIEW and self.allowed("accept"):
            found = [Step("accept", gettext("Credit it"), self.url("accept", pk=pk), "check", question=gettext("Put this payment into the wallet?")),
                     Step("send_back", gettext("Send it back"), self.url("send_back", pk=pk), "undo", kind="danger",
                          asks=(Ask("note", gettext("Why?"), most=500),))]
        if item.standing is IntentState.PAID and self.allowed("refund"):
            found.append(Step("refund", gettext("Propose a refund"), self.url("refund", pk=pk), "undo", fields={"_once": str(submission_id())}, asks=(
                Ask("amount", gettext("Amount"), "line", value=formats.amount(item.amount_paise - item.refunded_paise)),
                Ask("note", gettext("Why?"), most=500, help=gettext("Somebody else has to approve it; then it is taken out of the wallet and sent.")))))
        if item.standing in {*OPEN_INTENTS, IntentState.EXPIRED, IntentState.FAILED} and self.allowed("ask"):
            found.append(Step("ask", gettext("Ask the gateway"), self.url("ask", pk=pk), "refresh"))
        return found

    @expose("/accept/<pk>", methods=["POST"])
    @has_access
    def accept(self, pk: str) -> Any:
        """It is in order."""
        return self._write(pk, gettext("The payment is in the wallet."), lambda session, item: payments.decide(session, item.id, "accept"))

    @expose("/send_back/<pk>", methods=["POST"])
    @has_access
    def send_back(self, pk: str) -> Any:
        """It is not."""
        return self._write(pk, gettext("The payment is being sent back."), lambda session, item: payments.decide(
            session, item.id, "send_back", request.form.get("note", "")))

    @expose("/refund/<pk>", methods=["POST"])
    @has_access
    def refund(self, pk: str) -> Any:
        """Proposed; a second person decides."""
        return self._write(pk, gettext("The refund is proposed. Somebody else has to approve it."), lambda session, item: payments.propose_refund(
            session, submission_id(), item.id, paise(request.form.get("amount", "")), request.form.get("note", "")))

    @expose("/ask/<pk>", methods=["POST"])
    @has_access
    def ask(self, pk: str) -> Any:
        """Where it stands."""
        return self._write(pk, gettext("The gateway is being asked. Look again in a moment."), lambda session, item: payments.ask(session, item.id))


def paise(text: str) -> int:
    """An amount that was typed. Errors: Invalid."""
    field = MoneyField().bind(form=Form(), name="amount")
    try:
        field.process_formdata([text])
    except ValueError as error:
        raise Invalid(str(error), field="amount") from error
    if field.data is None:
        raise Invalid(gettext("Please give an amount."), field="amount")
    return int(field.data)


def _pairs(found: dict[str, str] | None) -> Any:
    """Headers, one per line."""
    return Markup("<br>").join(Markup("<code>{}: {}</code>").format(name, value) for name, value in sorted((found or {}).items())) or formats.missing()


def _told(found: list[dict[str, Any]] | None) -> Any:
    """What a webhook tells, as the adapters read it."""
    return Markup("<br>").join(
        Markup("<code>{}</code> {} <code>{}</code>").format(one.get("name") or one["kind"], formats.money(one.get("amount") or None, one.get("currency") or None), one.get("payment_id", ""))
        for one in found or ()) or formats.missing()


class DeliveryView(_Reading):
    """The flight recorder: every webhook, what it was taken for, and what it did."""

    route_base = "/payments/webhooks"
    datamodel = ConsoleInterface(WebhookDelivery)
    singular_name, plural_name = "Webhook", "Webhooks"
    method_actions: ClassVar[dict[str, Action]] = {"replay": Action.UPDATE}
    list_columns: ClassVar[list[str]] = ["received_at", "gateway", "verdict", "effect", "events", "address"]
    show_columns: ClassVar[list[str]] = ["gateway", "account", "received_at", "address", "size", "reason", "processed_at", "effect", "events", "intent", "headers",
                                            "digest"]
    search_columns: ClassVar[list[str]] = ["gateway", "verdict", "effect", "address", "received_at"]
    quick_filters = ((lazy_gettext("Refused"), {"verdict": [v.value for v in Verdict if v is not Verdict.ACCEPTED]}),
                     (lazy_gettext("Credited"), {"effect": ["credited", "credited_late"]}))
    label_columns: ClassVar[dict[str, Any]] = {
        "received_at": lazy_gettext("Came"), "verdict": lazy_gettext("Verdict"), "effect": lazy_gettext("What it did"), "events": lazy_gettext("What it told"),
        "address": lazy_gettext("From"), "size": lazy_gettext("Bytes"), "reason": lazy_gettext("Why"), "processed_at": lazy_gettext("Read"),
        "intent": lazy_gettext("Payment"), "headers": lazy_gettext("Headers"), "digest": lazy_gettext("SHA-256 of the body"), "account": lazy_gettext("Account")}
    formatters_columns: ClassVar[dict[str, Any]] = {"headers": _pairs, "events": _told, "digest": bytes.hex}
    enums: ClassVar[dict[str, Any]] = {"gateway": Gateway, "verdict": Verdict, "effect": Effect}
    state_column = "verdict"
    key_facts = ("effect", "received_at", "gateway")
    filled_facts = ("reason", "processed_at", "intent")
    base_order = ("received_at", "desc")
    empty_hint = lazy_gettext("Whatever gateways send to the address of an account is written down here.")

    def heading(self, item: WebhookDelivery) -> str:
        """Whose, and when."""
        return gettext("Webhook of %(gateway)s", gateway=formats.human(Gateway(item.gateway)))

    def steps(self, item: WebhookDelivery) -> list[Step]:
        """See what it would do again."""
        allowed = item.verdict == Verdict.ACCEPTED and item.events is not None and self.allowed("replay")
        return [Step("replay", gettext("What would it do now?"), self.url("replay", pk=self.key_of(item)), "refresh")] if allowed else []

    @expose("/replay/<pk>", methods=["POST"])
    @has_access
    def replay(self, pk: str) -> Any:
        """Done, looked at, and taken back."""
        item, effects = self.find(pk), list[str]()
        with service_call() as call:
            effects = payments.replay(call.session, item.id)
        if call.error is None:
            if set(effects) <= {Effect.KNOWN, Effect.IGNORED}:
                flash(gettext("It would change nothing."), "success")
            else:
                flash(gettext("It would do this: %(what)s. Nothing was changed now.", what=", ".join(formats.human(Effect(one)) for one in effects)), "warning")
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))


class FlagView(_Reading):
    """What was noticed about payments, until somebody says what they found."""

    route_base = "/payments/flags"
    datamodel = ConsoleInterface(PaymentFlag)
    singular_name, plural_name = "Flag", "Payments to look at"
    method_actions: ClassVar[dict[str, Action]] = {"resolve": Action.UPDATE}
    list_columns: ClassVar[list[str]] = ["kind", "member", "amount_paise", "gateway", "hostel", "created_at", "resolved_at"]
    show_columns: ClassVar[list[str]] = ["member", "hostel", "gateway", "amount_paise", "currency", "intent", "about", "created_at", "resolved_at", "resolver", "resolution"]
    search_columns: ClassVar[list[str]] = ["kind", "about", "gateway", "hostel", "resolved_at", "created_at"]
    label_columns: ClassVar[dict[str, Any]] = {
        "kind": lazy_gettext("What was noticed"), "member": lazy_gettext("Person"), "amount_paise": lazy_gettext("Amount"), "created_at": lazy_gettext("Noticed"),
        "intent": lazy_gettext("Payment"), "about": lazy_gettext("Number"), "resolved_at": lazy_gettext("Looked at"), "resolver": lazy_gettext("By"),
        "resolution": lazy_gettext("What they found")}
    enums: ClassVar[dict[str, Any]] = {"kind": FlagKind, "gateway": Gateway}
    state_column = "kind"
    key_facts = ("amount_paise", "gateway", "created_at")
    filled_facts = ("member", "hostel", "intent", "resolved_at", "resolver", "resolution")
    eager = ("member",)
    base_order = ("created_at", "desc")
    empty_hint = lazy_gettext("Nothing was noticed that somebody has to look at.")

    def heading(self, item: PaymentFlag) -> str:
        """Who or what it is about."""
        return item.member.name if item.member else gettext("A payment")

    def steps(self, item: PaymentFlag) -> list[Step]:
        """Say what was found."""
        if item.resolved_at is not None or not self.allowed("resolve"):
            return []
        return [Step("resolve", gettext("Looked at"), self.url("resolve", pk=self.key_of(item)), "check", asks=(Ask("note", gettext("What did you find?"), most=500),))]

    @expose("/resolve/<pk>", methods=["POST"])
    @has_access
    def resolve(self, pk: str) -> Any:
        """Somebody has looked."""
        return self._write(pk, gettext("Saved."), lambda session, item: payments.resolve(session, item.id, request.form.get("note", "")))
