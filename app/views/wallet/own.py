"""A resident's own wallet: made for a phone, works without scripts."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from flask import Response, current_app, g, request, url_for
from flask_babel import gettext

from app.models.wallet import Wallet
from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, NotFound
from app.rules.wallet import TransactionKind
from app.services import wallet_reading as reading
from app.views import formats
from app.views.base import ConsoleView, expose, has_access
from app.views.edge import given_id, problem_page
from app.views.wallet import parts


class MyWalletView(ConsoleView):
    """What is in it, and everything that came in and went out, with what paid for it."""

    resource = Resource.WALLET
    portals = frozenset({Portal.RESIDENT})
    route_base = "/my/wallet"
    default_view = "index"
    singular_name, plural_name = "Wallet", "Wallets"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "now": Action.READ, "pdf": Action.READ}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """Of the house that is asked for, or where money moved last."""
        wallets = self._wallets()
        wallet = self._chosen(wallets)
        return self.page("wallet/mine.html", title=gettext("Wallet"), wallets=wallets, wallet=wallet, kinds=list(TransactionKind),
                         top_up=url_for("TopUpView.index") if _can_top_up() else "",
                         statement=parts.statement_page(self.session(), wallet) if wallet else None, month=parts.this_month(formats.zone()))

    @expose("/now")
    @has_access
    def now(self) -> Any:
        """What changes while one looks at it, to be swapped in place."""
        wallet = self._chosen(self._wallets())
        if wallet is None:
            raise NotFound(gettext("There is no such wallet."))
        answer = Response(self.page("wallet/balance.html", wallet=wallet), mimetype="text/html")
        answer.add_etag()
        return answer.make_conditional(request.environ)

    @expose("/statement/pdf")
    @has_access
    def pdf(self) -> Any:
        """The statement of a period as a document."""
        wallet = self._chosen(self._wallets())
        if wallet is None:
            return problem_page(NotFound(gettext("There is no such wallet.")), self.url("index"))
        try:
            return parts.statement_file(self.session(), wallet, "pdf")
        except DomainError as error:
            return problem_page(error, self.url("index", wallet=wallet.id))

    def _wallets(self) -> list[Wallet]:
        return list(reading.own(self.session(), g.identity.user_id))

    def _chosen(self, wallets: list[Wallet]) -> Wallet | None:
        """NotFound for one that is none of theirs."""
        if not request.args.get("wallet"):
            return wallets[0] if wallets else None
        missing = gettext("There is no such wallet.")
        wanted: UUID = given_id(request.args["wallet"], missing)
        found = next((one for one in wallets if one.id == wanted), None)
        if found is None:
            raise NotFound(missing)
        return found


def _can_top_up() -> bool:
    return "TopUpView.index" in current_app.view_functions and bool(g.identity.can(Resource.PAYMENTS, Action.CREATE))
