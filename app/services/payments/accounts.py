"""Accounts at gateways: their secrets sealed by the field ring, and the adapter that speaks for each."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session, load_only

from app.crypto import KeyRing
from app.gateways.payments import (
    GatewayKeys,
    GatewayRefused,
    GatewayUnavailable,
    PaymentGateway,
    open_gateway,
)
from app.gateways.payments.wire import UNAUTHORIZED
from app.models.payments import GatewayAccount
from app.rules.errors import Invalid, NotFound
from app.rules.payments import Gateway, networks

_PUT = text("SELECT app.put_gateway_account(:id, :hostel, :gateway, :name, :key_id, :secrets, :path, :addresses, :default, :active)")
_ACCOUNT = text("SELECT org_id, id, gateway, key_id, secrets_token FROM app.gateway_account(:id)")
_TESTED = text("SELECT app.note_gateway_test(:id, :result)")
_ORG = text("SELECT app.current_org()")


@dataclass(frozen=True)
class Keeper:
    """What it takes to speak to gateways: the keys of encrypted fields, and where each gateway is."""

    ring: KeyRing
    urls: Mapping[str, str]

    def open(self, session: Session, account_id: UUID) -> PaymentGateway:
        """The adapter of an account. Errors: NotFound, Undecryptable."""
        row = session.execute(_ACCOUNT, {"id": account_id}).one_or_none()
        if row is None:
            raise NotFound("There is no such account at a gateway.")
        return self.adapter(row.gateway, row.org_id, row.id, row.key_id, row.secrets_token)

    def adapter(self, gateway: str, org_id: UUID, account_id: UUID, key_id: str, token: str) -> PaymentGateway:
        """The same of what was read already."""
        known = json.loads(self.ring.decrypt(token, context(org_id, account_id)))
        return open_gateway(gateway, GatewayKeys(key_id, known["secret"], known["webhook_secret"], known["extra"]), self.urls[gateway])


def keeper_of(settings: Any) -> Keeper:
    """With the keys and the addresses of the settings."""
    return Keeper(KeyRing(dict(settings.field_keys)), {name: getattr(settings, f"{name}_api_base") for name in Gateway})


def context(org_id: UUID, account_id: UUID) -> str:
    """What an account's secrets are bound to."""
    return f"gateway_accounts.secrets:{org_id}:{account_id}"


def body_context(account_id: UUID) -> str:
    """What the bodies of an account's webhooks are bound to: they name who paid."""
    return f"webhook_deliveries.body:{account_id}"


@dataclass(frozen=True)
class GivenAccount:
    """An account as the form gives it; of an account that is there, empty secrets stay what they are."""

    gateway: str
    name: str
    key_id: str
    hostel_id: UUID | None = None
    secret: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)
    addresses: str = ""
    is_default: bool = False
    active: bool = True
    webhook_path: str = ""  # made up where none is given


def put_account(session: Session, ring: KeyRing, account_id: UUID, given: GivenAccount) -> UUID:
    """Write an account, new or there. Errors: Invalid; VR403, VR404."""
    if given.gateway not in set(Gateway):
        raise Invalid("Choose one from the list.", field="gateway")
    row = session.execute(_ACCOUNT, {"id": account_id}).one_or_none()
    org_id = session.execute(_ORG).scalar_one()
    known: dict[str, Any] = json.loads(ring.decrypt(row.secrets_token, context(org_id, account_id))) if row else {
        "secret": "", "webhook_secret": "", "extra": {}}
    wanted = {"secret": given.secret or known["secret"], "webhook_secret": given.webhook_secret or known["webhook_secret"],
              "extra": {**known["extra"], **{name: value for name, value in given.extra.items() if value}}}
    for name in ("secret", "webhook_secret"):
        if not wanted[name]:
            raise Invalid("Please give this secret: the gateway's own pages show it.", field=name)
    session.execute(_PUT, {
        "id": account_id, "hostel": given.hostel_id, "gateway": given.gateway, "name": given.name, "key_id": given.key_id,
        "secrets": ring.encrypt(json.dumps(wanted), context(org_id, account_id)), "path": given.webhook_path or secrets.token_urlsafe(24),
        "addresses": networks(given.addresses), "default": given.is_default, "active": given.active})
    session.expire_all()
    return account_id


def accounts_for(session: Session, hostel_id: UUID) -> Sequence[GatewayAccount]:
    """Through which a hostel takes money, the one to propose first: its own before the organization's."""
    row = GatewayAccount
    return session.scalars(select(row).options(load_only(row.id, row.name, row.gateway)).where(row.active, or_(row.hostel_id == hostel_id, row.hostel_id.is_(None)))
                           .order_by(row.is_default.desc(), row.hostel_id.is_(None), row.created_at)).all()


def webhook_url(public_url: str, account: GatewayAccount) -> str:
    """The address to be told to the gateway."""
    return f"{public_url}/webhooks/{account.gateway}/{account.webhook_path}"


def check_account(session: Session, keeper: Keeper, account_id: UUID) -> bool:
    """Ask the gateway for an order that there is not: what it says tells whether it knows the keys. It is kept."""
    gateway = keeper.open(session, account_id)
    said = ""
    try:
        gateway.fetch("console-check", "console-check")
    except GatewayUnavailable:
        said = "The gateway does not answer."
    except GatewayRefused as error:
        said = "The gateway refuses these keys." if error.code == UNAUTHORIZED else ""
    session.execute(_TESTED, {"id": account_id, "result": said or "The gateway knows these keys."})
    session.expire_all()
    return not said


def as_event(status: Any, reference: str, gateway_id: str) -> dict[str, Any]:
    """A paid order as the database reads it."""
    return {"kind": "payment_paid", "reference": reference, "gateway_id": gateway_id, "payment_id": status.payment_id, "amount": status.amount_paise,
            "currency": status.currency, "at": status.paid_at.isoformat() if status.paid_at else None}
