"""PhonePe, standard checkout version 2.

Formats: developer.phonepe.com/payment-gateway/website-integration/standard-checkout/api-integration/api-reference (token,
pay, order-status, refund, webhook) and developer.phonepe.com/docs/settlement (columns of the statement). The statement
comes as a file only: its API names settlements, not what they consist of.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from app.gateways.payments import (
    NO_API,
    BodyInvalid,
    EventKind,
    GatewayEvent,
    GatewayKeys,
    GatewayRefused,
    HostedOrder,
    LineKind,
    NewOrder,
    NewRefund,
    PaymentState,
    PaymentStatus,
    RefundState,
    RefundStatus,
    SettlementLine,
    SignatureInvalid,
)
from app.gateways.payments.wire import (
    UNAUTHORIZED,
    Wire,
    check_order,
    header,
    hundredths,
    needed,
    needed_url,
    part,
    reading,
    same,
    sent,
    statement,
    whole,
    word,
    written_day,
    written_moment,
)

_STATES: Final = {"PENDING": PaymentState.PENDING, "COMPLETED": PaymentState.PAID, "FAILED": PaymentState.FAILED,
                  "EXPIRED": PaymentState.EXPIRED}
_REFUNDS: Final = {"PENDING": RefundState.PENDING, "CONFIRMED": RefundState.PENDING, "ACCEPTED": RefundState.PENDING,
                   "COMPLETED": RefundState.DONE, "FAILED": RefundState.FAILED}
# By the state in the payload, as PhonePe asks for, not by the name of the event.
_EVENTS: Final = {("checkout.order", "COMPLETED"): EventKind.PAYMENT_PAID, ("checkout.order", "FAILED"): EventKind.PAYMENT_FAILED,
                  ("pg.refund", "COMPLETED"): EventKind.REFUND_DONE, ("pg.refund", "FAILED"): EventKind.REFUND_FAILED}
_LIVES: Final = (300, 3600)  # seconds that an order may be open
_MARGIN: Final = 60  # seconds before its end at which a token is asked for anew
COLUMNS: Final = ("PaymentType", "MerchantReferenceId", "PhonePeReferenceId", "From", "Instrument", "CreationDate",
                  "TransactionDate", "SettlementDate", "BankReferenceNo", "Amount", "Fee", "IGST", "CGST", "SGST")
_READ: Final = tuple(name for name in COLUMNS if name not in ("From", "CreationDate"))

_TOKENS: dict[tuple[str, str, str], tuple[float, str]] = {}  # of this process, by address and client


class PhonePe:
    """Orders are known by our reference, refunds by our key; its webhooks carry a password and no signature."""

    name = "phonepe"
    trusted_body = False

    def __init__(self, keys: GatewayKeys, base_url: str) -> None:
        self._keys = keys
        self._base = base_url.rstrip("/")
        self._wire = Wire(base_url, keys)

    def create_order(self, order: NewOrder) -> HostedOrder:
        check_order(order, frozenset({"INR"}))
        left = int((order.expires_at - datetime.now(UTC)).total_seconds())
        answer = self._ask("POST", "/checkout/v2/pay", json={
            "merchantOrderId": order.reference, "amount": order.amount_paise, "expireAfter": min(max(left, _LIVES[0]), _LIVES[1]),
            "metaInfo": {"udf1": order.description[:256]},
            "paymentFlow": {"type": "PG_CHECKOUT", "message": order.description[:100], "merchantUrls": {"redirectUrl": order.return_url}},
        })
        with reading():
            return HostedOrder(needed(answer["orderId"]), needed_url(answer["redirectUrl"]))

    def fetch(self, reference: str, gateway_id: str) -> PaymentStatus:
        answer = self._ask("GET", f"/checkout/v2/order/{part(reference)}/status", params={"details": "true", "errorContext": "true"})
        with reading():
            if gateway_id and answer["orderId"] != gateway_id:
                raise ValueError("another order")
            state = _STATES[answer["state"]]
            attempts = answer.get("paymentDetails") or []
            paid = next((one for one in attempts if one["state"] == "COMPLETED"), None)
            if state is not PaymentState.PAID:
                context = answer.get("errorContext") or {}
                reason = word(context.get("description") or answer.get("detailedErrorCode") or answer.get("errorCode"))
                return PaymentStatus(state, whole(answer["amount"]), "INR", reason=reason)
            if paid is None:
                raise ValueError("paid by nothing")
            return PaymentStatus(state, whole(answer["amount"]), "INR", needed(paid["transactionId"]), None, _moment(paid["timestamp"]))

    def refund(self, refund: NewRefund) -> RefundStatus:
        try:
            answer = self._ask("POST", "/payments/v2/refund", json={
                "merchantRefundId": refund.key, "originalMerchantOrderId": refund.reference, "amount": refund.amount_paise})
        except GatewayRefused as refused:
            try:  # perhaps because the first answer was lost on the way
                found = self.fetch_refund("", refund.key)
            except GatewayRefused:
                raise refused from None
            if found.amount_paise != refund.amount_paise:
                raise
            return found
        return _refund(answer)

    def fetch_refund(self, refund_id: str, key: str) -> RefundStatus:  # noqa: ARG002 - known by our key
        return _refund(self._ask("GET", f"/payments/v2/refund/{part(key)}/status"))

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:  # noqa: ARG002 - see trusted_body
        user, password = self._keys.extra.get("webhook_user", ""), self._keys.webhook_secret
        if not user or not password:
            raise SignatureInvalid("no secret is set")
        given = header(headers, "authorization").strip()
        if not given:
            raise SignatureInvalid("missing")
        if not same(given.lower(), hashlib.sha256(f"{user}:{password}".encode()).hexdigest()):
            raise SignatureInvalid("wrong")

    def parse(self, headers: Mapping[str, str], body: bytes) -> list[GatewayEvent]:  # noqa: ARG002 - all is in the body
        event = sent(body)
        with reading(BodyInvalid):
            name, told = needed(event["event"]), event["payload"]
            state, attempts = needed(told["state"]), told.get("paymentDetails") or [{}]
            last = next((one for one in attempts if one.get("state") == "COMPLETED"), attempts[-1])
            when = told.get("timestamp") or last.get("timestamp") or event.get("timestamp")
            kind = _EVENTS.get((name.rpartition(".")[0], state), EventKind.OTHER)
            order, refund = word(told.get("orderId")), word(told.get("refundId"))
            payment = "" if refund else word(last.get("transactionId"))  # that of a refund is another one
            # It numbers no events: the same change of the same thing is the same event.
            return [GatewayEvent(
                ":".join((name, refund or order, payment, state)), kind,
                word(told.get("originalMerchantOrderId") or told.get("merchantOrderId")), order, payment, whole(told["amount"]), "INR",
                _moment(when) if when else None, refund, word(told.get("merchantRefundId")), name)]

    def settlements(self, day: date) -> Iterable[SettlementLine]:
        raise GatewayRefused(NO_API, f"PhonePe gives the statement of {day:%d-%m-%Y} as a file: download it from the dashboard.")

    def parse_settlement_csv(self, content: bytes) -> list[SettlementLine]:
        return statement(content, _READ, _line)

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        token, fresh = self._token()
        try:
            return self._asked(token, method, path, options)
        except GatewayRefused as refused:
            if fresh or refused.code != UNAUTHORIZED:
                raise
        _TOKENS.pop(self._place, None)  # taken back before its end
        return self._asked(self._token()[0], method, path, options)

    def _asked(self, token: str, method: str, path: str, options: dict[str, Any]) -> dict[str, Any]:
        return self._wire.ask(method, path, _refusal, headers={"Authorization": f"O-Bearer {token}"}, **options)

    @property
    def _place(self) -> tuple[str, str, str]:
        return self._base, self._keys.key_id, hashlib.sha256(self._keys.secret.encode()).hexdigest()

    def _token(self) -> tuple[str, bool]:
        """A token, and whether it was made just now."""
        ends, token = _TOKENS.get(self._place, (0.0, ""))
        if ends > time.time():
            return token, False
        # In production tokens come from a service beside the gateway, in the sandbox from the same.
        base = self._base.removesuffix("/pg") + "/identity-manager" if self._base.endswith("/apis/pg") else self._base
        answer = self._wire.ask("POST", f"{base}/v1/oauth/token", _refusal, data={
            "client_id": self._keys.key_id, "client_secret": self._keys.secret, "grant_type": "client_credentials",
            "client_version": self._keys.extra.get("client_version", "1")})
        with reading():
            token = answer["access_token"]
            if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
                raise ValueError("token")
            _TOKENS[self._place] = (whole(answer["expires_at"]) - _MARGIN, token)
        return token, True


def _refusal(answer: Mapping[str, Any]) -> tuple[Any, Any]:
    return answer.get("code"), answer.get("message")


def _moment(milliseconds: object) -> datetime:
    return datetime.fromtimestamp(whole(milliseconds) / 1000, UTC)


def _refund(answer: Mapping[str, Any]) -> RefundStatus:
    with reading():
        return RefundStatus(needed(answer["refundId"]), _REFUNDS[answer["state"]], whole(answer["amount"]), word(answer.get("errorCode")))


def _line(row: Mapping[str, str]) -> SettlementLine:
    kind = {"PAYMENT": LineKind.PAYMENT, "REFUND": LineKind.REFUND}.get(row["paymenttype"].upper(), LineKind.ADJUSTMENT)
    amount, number = hundredths(row["amount"]), needed(row["phonepereferenceid"])
    back = kind is LineKind.REFUND
    return SettlementLine(
        # One transaction is a row for each instrument that it was paid with.
        line_id=":".join((number, row["paymenttype"].upper(), row["instrument"])), kind=kind,
        payment_id="" if back else number, amount_paise=-abs(amount) if back else amount,
        # Fees and taxes stand there as what is taken off: negative.
        fee_paise=-hundredths(row["fee"]), tax_paise=-sum(hundredths(row[name]) for name in ("igst", "cgst", "sgst")),
        utr=row["bankreferenceno"], settled_on=written_day(row["settlementdate"]), reference=row["merchantreferenceid"],
        refund_id=number if back else "", occurred_at=written_moment(row["transactiondate"]))
