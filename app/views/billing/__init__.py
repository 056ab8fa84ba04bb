"""Screens of billing: runs, invoices, what is owed for how long, and for residents their own invoices."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext

from app.rules.billing import InvoiceKind, InvoiceState
from app.views.billing.mine import MyInvoicesView
from app.views.billing.parts import FILTERS
from app.views.billing.running import BillingView
from app.views.billing.staff import InvoiceView
from app.views.formats import register_tones, register_words

register_tones({InvoiceState.OPEN: "warning", InvoiceState.PART_PAID: "info", InvoiceState.PAID: "success", InvoiceState.ISSUED: "neutral"})
register_words({InvoiceState.OPEN: lazy_gettext("To be paid"), InvoiceState.PART_PAID: lazy_gettext("Partly paid"),
                InvoiceState.ISSUED: lazy_gettext("Credited"), InvoiceKind.MONTH: lazy_gettext("Month")})


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.app.jinja_env.filters.update({function.__name__: function for function in FILTERS})
    builder.add_view(InvoiceView, "Invoices", icon="fa-file", category="Money")
    builder.add_view(BillingView, "Billing", icon="fa-calendar", category="Money")
    builder.add_view(MyInvoicesView, "My invoices", icon="fa-file")
