"""Screens of reconciliation: what does not agree, statements of gateways, and the report of a period."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext

from app.rules.reconciliation import BreakState, Cause, Origin
from app.views.formats import register_tones, register_words
from app.views.reconciliation.breaks import BreakView
from app.views.reconciliation.report import ReconciliationReportView
from app.views.reconciliation.statements import StatementView

register_words({
    Cause.MISSING_IN_LEDGER: lazy_gettext("Not in our books"), Cause.MISSING_AT_GATEWAY: lazy_gettext("Unknown to the gateway"),
    Cause.AMOUNT_DIFFERS: lazy_gettext("Another amount"), Cause.CURRENCY_DIFFERS: lazy_gettext("Another currency"),
    Cause.DUPLICATE: lazy_gettext("Settled twice"), Cause.FEE_DIFFERS: lazy_gettext("Unusual fee"), Cause.LATE: lazy_gettext("Not settled yet"),
    Cause.UNKNOWN_REFUND: lazy_gettext("Unknown refund"), Cause.CLEARING_DIFFERS: lazy_gettext("Books and payments differ"),
    Origin.API: lazy_gettext("From the gateway"), Origin.FILE: lazy_gettext("Uploaded file")})
register_tones({
    BreakState.OPEN: "warning", BreakState.MATCHED: "success", BreakState.WRITTEN_OFF: "neutral", BreakState.CORRECTED: "success", BreakState.RESOLVED: "neutral",
    Cause.MISSING_AT_GATEWAY: "danger", Cause.AMOUNT_DIFFERS: "danger", Cause.CURRENCY_DIFFERS: "danger", Cause.CLEARING_DIFFERS: "danger",
    Cause.MISSING_IN_LEDGER: "warning", Cause.DUPLICATE: "warning", Cause.UNKNOWN_REFUND: "warning", Cause.FEE_DIFFERS: "info", Cause.LATE: "info"})


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(BreakView, "Reconciliation", icon="fa-check", category="Money")
    builder.add_view(StatementView, "Settlements", icon="fa-file", category="Money")
    builder.add_view_no_menu(ReconciliationReportView)
