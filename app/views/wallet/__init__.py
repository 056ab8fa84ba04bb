"""Screens of money: wallets and what is proposed for them, the chart of accounts, and for residents their own wallet."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext

from app.rules.wallet import AccountCode, Holding, ProposalState, TransactionKind, WalletState
from app.views.formats import register_tones, register_words
from app.views.wallet.accounts import ChartView
from app.views.wallet.own import MyWalletView
from app.views.wallet.platform import PlatformProposalView
from app.views.wallet.proposals import ProposalView
from app.views.wallet.wallets import WalletView

register_tones({ProposalState.PROPOSED: "warning", ProposalState.APPROVED: "success", ProposalState.REJECTED: "danger",
                WalletState.FROZEN: "danger", WalletState.USABLE: "success", Holding.BELOW_ZERO: "danger"})
register_words({AccountCode.CLEARING: lazy_gettext("Payments on their way"), AccountCode.RECEIVABLE: lazy_gettext("Owed by residents"),
                AccountCode.WALLET: lazy_gettext("Wallets"), AccountCode.DEPOSIT: lazy_gettext("Deposits"), AccountCode.MESS: lazy_gettext("Mess fees"),
                AccountCode.OPENING: lazy_gettext("Opening balances")},
               {TransactionKind.OPENING: lazy_gettext("Carried over"), TransactionKind.CHARGE: lazy_gettext("Charged"), TransactionKind.ORDER: lazy_gettext("Canteen order")})


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(WalletView, "Wallets", icon="fa-wallet", category="Money")
    builder.add_view(ProposalView, "Proposed postings", icon="fa-check", category="Money")
    builder.add_view(ChartView, "Accounts", icon="fa-layers", category="Money")
    builder.add_view(PlatformProposalView, "Postings to decide", icon="fa-check", category="Platform")
    builder.add_view(MyWalletView, "Wallet", icon="fa-wallet")
