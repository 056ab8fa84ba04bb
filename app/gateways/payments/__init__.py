"""Payment gateways behind one interface (W5): what may be asked of each, and what it answers; one module per gateway.

Amounts are integers in hundredths of the currency. Nothing here keeps state: an order is found again by our `reference`,
a refund by its `key`. What a gateway says in an event is a hint to look; what `fetch` answers is what counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Protocol

NAMES: Final = ("phonepe", "razorpay", "stripe")
NO_API: Final = "no_api"  # the code of a refusal because the gateway answers such a question to nobody
REFERENCE_MAX: Final = 40  # characters of a reference or a refund's key, letters, digits, _ and -: the shortest limit of the three


class GatewayUnavailable(Exception):
    """No answer, a broken one, or not in time: it may have been done or not; asking again with the same key is safe."""


class GatewayRefused(Exception):
    """The gateway, or the adapter on its behalf, says no: asking the same again changes nothing."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class SignatureInvalid(Exception):
    """A webhook that its gateway did not sign, or not lately; the reason holds nothing of what was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BodyInvalid(Exception):
    """A webhook that is signed and cannot be read."""


class PaymentState(StrEnum):
    """Where a hosted order stands. Only PAID, FAILED and EXPIRED are final."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


class RefundState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class EventKind(StrEnum):
    """What a webhook tells. PAYMENT_FAILED is one attempt: the same order may still be paid, `fetch` says which."""

    PAYMENT_PAID = "payment_paid"
    PAYMENT_FAILED = "payment_failed"
    REFUND_DONE = "refund_done"
    REFUND_FAILED = "refund_failed"
    OTHER = "other"


class LineKind(StrEnum):
    PAYMENT = "payment"
    REFUND = "refund"
    FEE = "fee"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True)
class GatewayKeys:
    """How one merchant is known to a gateway. PhonePe also takes `client_version` and `webhook_user` from `extra`."""

    key_id: str
    secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class NewOrder:
    """What somebody is to pay at the gateway's own page, and where the browser goes afterwards.

    An end 31 to 60 minutes ahead suits all three (Stripe wants 30 at least, PhonePe 60 at most). Asking again with one
    `reference` needs the very same values.
    """

    reference: str
    amount_paise: int
    currency: str
    return_url: str
    description: str
    expires_at: datetime


@dataclass(frozen=True)
class HostedOrder:
    gateway_id: str
    checkout_url: str


@dataclass(frozen=True)
class PaymentStatus:
    """What the gateway knows of an order; `fee_paise` is all that it keeps, tax included, where it says so already."""

    state: PaymentState
    amount_paise: int
    currency: str
    payment_id: str = ""
    fee_paise: int | None = None
    paid_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class NewRefund:
    """Money that goes back for one payment; `reference` and `gateway_id` are those of its order."""

    key: str
    reference: str
    payment_id: str
    gateway_id: str
    amount_paise: int


@dataclass(frozen=True)
class RefundStatus:
    refund_id: str
    state: RefundState
    amount_paise: int = 0
    reason: str = ""


@dataclass(frozen=True)
class GatewayEvent:
    """One thing that a webhook tells; what the gateway leaves out is empty. `refund_key` is the key that we gave."""

    event_id: str
    kind: EventKind
    reference: str
    gateway_id: str
    payment_id: str
    amount_paise: int
    currency: str
    occurred_at: datetime | None = None
    refund_id: str = ""
    refund_key: str = ""
    name: str = ""  # as the gateway calls it


@dataclass(frozen=True)
class SettlementLine:
    """One row of a settlement: signed as it moves our money, so a refund is negative; fee and tax come off it.

    `reference` is the order's, for a refund of PhonePe its key; empty where the statement does not carry it.
    """

    line_id: str
    kind: LineKind
    payment_id: str
    amount_paise: int
    fee_paise: int
    tax_paise: int
    utr: str
    settled_on: date
    reference: str = ""
    refund_id: str = ""
    currency: str = "INR"
    occurred_at: datetime | None = None

    @property
    def net_paise(self) -> int:
        """What reached the bank for this row."""
        return self.amount_paise - self.fee_paise - self.tax_paise


class PaymentGateway(Protocol):
    """All that services may ask. Errors of whatever asks the gateway: GatewayUnavailable, GatewayRefused."""

    name: str
    trusted_body: bool  # False: the signature does not cover the body, so ask `fetch` before believing it

    def create_order(self, order: NewOrder) -> HostedOrder:
        """Make the order, or find the one with this reference."""

    def fetch(self, reference: str, gateway_id: str) -> PaymentStatus:
        """Where an order stands."""

    def refund(self, refund: NewRefund) -> RefundStatus:
        """Give money back, once per key."""

    def fetch_refund(self, refund_id: str, key: str) -> RefundStatus:
        """Where a refund stands. GatewayRefused if it knows none, or by an id that it has not told yet: then `refund` with the same key is safe."""

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Return if the gateway signed this body, lately. Errors: SignatureInvalid."""

    def parse(self, headers: Mapping[str, str], body: bytes) -> list[GatewayEvent]:
        """What a verified webhook tells. Errors: BodyInvalid."""

    def settlements(self, day: date) -> Iterable[SettlementLine]:
        """What was settled on that day."""

    def parse_settlement_csv(self, content: bytes) -> list[SettlementLine]:
        """The same from the file that the gateway's dashboard gives. Errors: GatewayRefused, which names the row."""


def open_gateway(name: str, keys: GatewayKeys, base_url: str) -> PaymentGateway:
    """The adapter of that name; ValueError if there is none."""
    if name == "phonepe":
        from app.gateways.payments.phonepe import PhonePe

        return PhonePe(keys, base_url)
    if name == "razorpay":
        from app.gateways.payments.razorpay import Razorpay

        return Razorpay(keys, base_url)
    if name == "stripe":
        from app.gateways.payments.stripe import Stripe

        return Stripe(keys, base_url)
    raise ValueError(f"no gateway is called {name!r}")
