"""Accounts at payment gateways: what was given as a secret is never shown again."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import flash
from flask_babel import gettext, lazy_gettext
from wtforms import PasswordField, StringField, TextAreaField
from wtforms.validators import Length

from app.models.payments import GatewayAccount
from app.permissions import Action, Portal, Resource
from app.rules.payments import Gateway
from app.services import payments
from app.views.base import (
    ConsoleInterface,
    ConsoleModelView,
    Step,
    expose,
    has_access,
    service_call,
    submission_id,
)
from app.views.fields import printable, strip
from app.views.interface import Session
from app.wiring import settings


class _AddressesField(TextAreaField):
    """A list of addresses, one per line."""

    def _value(self) -> str:
        return "\n".join(self.data) if isinstance(self.data, list) else self.data or ""


def _secret(label: Any, hint: Any) -> PasswordField:
    return PasswordField(label, [Length(max=500)], description=hint, render_kw={"autocomplete": "off"})


_KEPT = lazy_gettext("Stored encrypted and never shown again. Left empty, it stays what it is.")
_EXTRA: dict[str, Any] = {
    "secret": _secret(lazy_gettext("Secret of the key"), _KEPT), "webhook_secret": _secret(lazy_gettext("Secret of webhooks"), _KEPT),
    "webhook_user": StringField(lazy_gettext("User of webhooks"), [Length(max=100), printable], filters=[strip], description=lazy_gettext("PhonePe only.")),
    "client_version": StringField(lazy_gettext("Version of the client"), [Length(max=20), printable], filters=[strip], description=lazy_gettext("PhonePe only.")),
    "addresses": _AddressesField(lazy_gettext("Webhooks may come from"), [Length(max=2000)],
                                 description=lazy_gettext("Addresses or networks, one per line. Empty: from anywhere; the signature decides."))}


class GatewayAccountView(ConsoleModelView):
    """Of the organization, or of one hostel."""

    route_base = "/payments/gateways"
    datamodel = ConsoleInterface(GatewayAccount)
    resource = Resource.PAYMENTS
    portals = frozenset({Portal.ADMIN})
    singular_name, plural_name = "Gateway account", "Payment gateways"
    method_actions: ClassVar[dict[str, Action]] = {"add": Action.APPROVE, "edit": Action.APPROVE, "version": Action.APPROVE, "test": Action.APPROVE}
    list_columns: ClassVar[list[str]] = ["name", "gateway", "hostel", "is_default", "active", "tested_at"]
    show_columns: ClassVar[list[str]] = ["gateway", "hostel", "key_id", "is_default", "active", "address", "allowed", "tested_at", "test_result"]
    add_columns: ClassVar[list[str]] = ["gateway", "name", "hostel", "key_id", "secret", "webhook_secret", "webhook_user", "client_version", "addresses",
                                        "is_default", "active"]
    edit_columns: ClassVar[list[str]] = add_columns[1:]
    add_form_extra_fields = edit_form_extra_fields = _EXTRA
    search_columns: ClassVar[list[str]] = ["name", "gateway", "hostel", "active"]
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    label_columns: ClassVar[dict[str, Any]] = {
        "key_id": lazy_gettext("Id of the key"), "is_default": lazy_gettext("Proposed first"), "active": lazy_gettext("In use"),
        "tested_at": lazy_gettext("Tested"), "test_result": lazy_gettext("What the test found"), "address": lazy_gettext("Address for webhooks"),
        "allowed": lazy_gettext("Webhooks may come from")}
    description_columns: ClassVar[dict[str, Any]] = {"hostel": lazy_gettext("Empty for all hostels."),
                                                     "key_id": lazy_gettext("At PhonePe the client id, at Stripe the publishable key.")}
    enums: ClassVar[dict[str, Any]] = {"gateway": Gateway}
    key_facts = ("gateway", "hostel", "is_default")
    filled_facts = ("tested_at", "test_result")
    lock_for_edit = False
    empty_hint = lazy_gettext("With an account at a gateway, residents can top up their wallets.")

    def raw(self, item: Any, column: str) -> Any:
        """The address that the gateway has to be told, and where from it may come."""
        if column == "address":
            return payments.webhook_url(settings().public_url, item)
        return ", ".join(item.addresses) if column == "allowed" else super().raw(item, column)

    def create(self, session: Session, data: dict[str, Any]) -> Any:
        """A new one."""
        return self._put(session, submission_id(), data["gateway"], data)

    def update(self, session: Session, item: GatewayAccount, data: dict[str, Any]) -> Any:
        """Another key, other secrets, another address."""
        return self._put(session, item.id, item.gateway, data)

    def _put(self, session: Session, pk: Any, gateway: Any, data: dict[str, Any]) -> Any:
        payments.put_account(session, payments.keeper_of(settings()).ring, pk, payments.GivenAccount(
            str(gateway), data["name"], data["key_id"], data["hostel_id"], data["secret"] or "", data["webhook_secret"] or "",
            {"webhook_user": data["webhook_user"] or "", "client_version": data["client_version"] or ""}, data["addresses"] or "",
            bool(data.get("is_default")), bool(data.get("active", True))))
        return session.get(GatewayAccount, pk)

    def steps(self, item: GatewayAccount) -> list[Step]:
        """Edit, and ask the gateway."""
        found = [Step("test", gettext("Test the keys"), self.url("test", pk=self.key_of(item)), "check")] if self.allowed("test") else []
        return [*found, *super().steps(item)]

    @expose("/test/<pk>", methods=["POST"])
    @has_access
    def test(self, pk: str) -> Any:
        """Ask the gateway something that changes nothing."""
        item = self.find(pk)
        with service_call() as call:
            known = payments.check_account(call.session, payments.keeper_of(settings()), item.id)
        if call.error is None:
            flash(gettext("The gateway knows these keys.") if known else gettext("The gateway does not answer to these keys."), "success" if known else "danger")
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))
