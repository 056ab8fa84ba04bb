"""Statements of gateways: the list, their lines, and the upload of a file with a look at what is in it."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from flask import make_response, redirect, request
from flask_babel import gettext, lazy_gettext

from app.gateways.payments import SettlementLine
from app.models.reconciliation import SettlementStatement
from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, Invalid
from app.rules.payments import Gateway
from app.rules.reconciliation import Origin
from app.services import payments, reconciliation
from app.services.files import Upload
from app.views import formats
from app.views.base import ConsoleInterface, ConsoleModelView, expose, has_access, service_call
from app.views.edge import given_id
from app.wiring import objects, settings


class StatementView(ConsoleModelView):
    """They come every night by themselves; a file is for what the gateway gives no other way."""

    route_base = "/reconciliation/statements"
    datamodel = ConsoleInterface(SettlementStatement)
    resource = Resource.PAYMENTS
    portals = frozenset({Portal.ADMIN})
    singular_name, plural_name = "Settlement", "Settlements"
    method_actions: ClassVar[dict[str, Action]] = {"upload": Action.CREATE}
    list_columns: ClassVar[list[str]] = ["first_on", "account", "gateway", "lines", "net_paise", "origin", "created_at"]
    show_columns: ClassVar[list[str]] = ["gateway", "account", "first_on", "last_on", "lines", "added", "net_paise", "origin", "created_at"]
    search_columns: ClassVar[list[str]] = ["gateway", "origin", "first_on", "created_at"]
    number_columns = ("net_paise",)
    label_columns: ClassVar[dict[str, Any]] = {
        "first_on": lazy_gettext("From"), "last_on": lazy_gettext("Until"), "account": lazy_gettext("Account"), "lines": lazy_gettext("Lines"),
        "added": lazy_gettext("New lines"), "net_paise": lazy_gettext("Paid to the bank"), "origin": lazy_gettext("Where from"),
        "created_at": lazy_gettext("Read"), "gateway": lazy_gettext("Gateway")}
    relation_labels: ClassVar[dict[str, str]] = {"account": "name"}
    enums: ClassVar[dict[str, Any]] = {"gateway": Gateway, "origin": Origin}
    key_facts = ("gateway", "net_paise", "lines")
    base_order = ("created_at", "desc")
    empty_hint = lazy_gettext("Statements of gateways are fetched every night. A file can be uploaded too.")
    list_template = "reconciliation/statements.html"
    show_template = "reconciliation/statement.html"

    def heading(self, item: SettlementStatement) -> str:
        """Whose, and of which day."""
        return f"{formats.human(Gateway(item.gateway))}, {formats.plain_day(item.first_on)}"

    def show_context(self, item: SettlementStatement) -> dict[str, Any]:
        """What it added."""
        return {"stated": reconciliation.lines_of(self.session(), item.id), "most": reconciliation.LISTED}

    @expose("/upload", methods=["GET", "POST"])
    @has_access
    def upload(self) -> Any:
        """A file is chosen, looked at, and then kept as a statement."""
        if request.method == "GET":
            return self._page()
        done = gettext("The statement is kept. Its lines are being matched.") if request.form.get("kept") else None
        shown: list[SettlementLine] = []
        kept: UUID | None = None
        with service_call(done) as call:
            account = given_id(request.form.get("account", ""), gettext("There is no such account at a gateway."))
            keeper = payments.keeper_of(settings())
            if request.form.get("kept"):
                kept = reconciliation.add_file(call.session, keeper, objects(), account, given_id(request.form["kept"], gettext("There is no such file.")))
            else:
                sent = request.files.get("file")
                if sent is None or not sent.filename:
                    raise Invalid(gettext("Please choose a file."), field="file")
                kept, shown = reconciliation.keep_file(call.session, keeper, objects(), account, Upload(
                    sent.filename, sent.mimetype, sent.stream))  # type: ignore[arg-type]
        if call.error is not None:
            return make_response(self._page(error=call.error), call.error.status)
        return self._page(kept=kept, shown=shown) if shown else redirect(self.url("show", pk=kept))

    def _page(self, *, error: DomainError | None = None, kept: UUID | None = None, shown: list[SettlementLine] | None = None) -> str:
        return self.page("reconciliation/upload.html", title=gettext("Upload a statement"), accounts=reconciliation.accounts(self.session()),
                         given=request.form.get("account", ""), error=error, kept=kept, shown=shown or [], most=reconciliation.LISTED)
