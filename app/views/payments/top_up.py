"""A resident tops up the wallet: made for a phone, works without scripts."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from flask import g, make_response, request
from flask_babel import gettext
from sqlalchemy import select

from app.models.organizations import Hostel
from app.models.payments import PaymentIntent
from app.models.residents import Resident
from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, Invalid
from app.rules.payments import OPEN_INTENTS, TOP_UP_LEAST_PAISE, TOP_UP_MOST_PAISE, IntentState
from app.services import payments
from app.services.people import signin
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, service_call, submission_id
from app.views.documents import private
from app.views.edge import given_id, problem_page, submission_part
from app.views.payments.staff import paise
from app.views.people.doors import account_call, caller, now
from app.wiring import settings

_PROPOSED = (500_00, 1000_00, 2000_00, 5000_00)


class TopUpView(ConsoleView):
    """Begin, go to the gateway, come back."""

    resource = Resource.PAYMENTS
    portals = frozenset({Portal.RESIDENT})
    route_base = "/my/wallet/top-up"
    default_view = "index"
    singular_name, plural_name = "Top-up", "Top-ups"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "begin": Action.CREATE, "one": Action.READ, "stands": Action.READ, "again": Action.CREATE}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """The form, and what was paid lately."""
        return self._page()

    @expose("/begin", methods=["POST"])
    @has_access
    def begin(self) -> Any:
        """Fix the amount, and make the order at the gateway."""
        begun: UUID | None = None
        confirmed = bool(request.form.get("password"))
        if confirmed and (error := self._wrong_password()) is not None:
            return self._page(error, confirm=True)
        with service_call() as call:
            begun = payments.begin(call.session, submission_id(), given_id(request.form.get("hostel", ""), gettext("There is no such hostel.")),
                                   given_id(request.form.get("account", ""), gettext("Choose how you want to pay.")),
                                   paise(request.form.get("amount", "")), confirmed=confirmed)
        if call.error is not None:
            return self._page(call.error)
        if begun is None:
            return self._page(Invalid(gettext("You have begun several payments within a minute. Please give your password to go on."), field="password"), confirm=True)
        return self._hand_over(begun)

    @expose("/<pk>/again", methods=["POST"])
    @has_access
    def again(self, pk: str) -> Any:
        """The gateway did not answer before."""
        return self._hand_over(_key(pk))

    def _hand_over(self, pk: UUID) -> Any:
        with service_call() as call:
            payments.hand_over(call.session, payments.keeper_of(settings()), pk, f"{settings().public_url}{self.url('one', pk=pk)}",
                               gettext("Top-up of your wallet"))
        return call.respond(self.url("one", pk=pk), failed=lambda: self._one(pk, call.error))

    def _wrong_password(self) -> DomainError | None:
        """Whoever found an open browser must not guess without bound."""
        with account_call() as call:
            signin.begin_attempt(call.session, g.identity.email, caller().address, now())
        if call.error is not None:
            return call.error
        with account_call() as call:
            if signin.check_password(call.session, g.identity.email, request.form["password"]) is None:
                raise Invalid(gettext("This is not your password."), field="password")
            signin.unlock(call.session, g.identity.email)
        return call.error

    @expose("/<pk>")
    @has_access
    def one(self, pk: str) -> Any:
        """On the way to the gateway, and back from it."""
        try:
            return self._one(_key(pk))
        except DomainError as error:
            return problem_page(error, self.url("index"))

    @expose("/<pk>/now")
    @has_access
    def stands(self, pk: str) -> Any:
        """How it stands, for whoever waits with the page open; the gateway is asked meanwhile."""
        return private(self.page("payments/stands.html", **self._standing(_key(pk))))

    def _one(self, pk: UUID, error: DomainError | None = None) -> Any:
        page = private(self.page("payments/one.html", title=gettext("Top up"), error=error, **self._standing(pk)))
        page.status_code = error.status if error else 200
        return page

    def _standing(self, pk: UUID) -> dict[str, Any]:
        found = payments.find_intent(self.session(), pk)
        waits = found.standing in OPEN_INTENTS
        if waits and found.gateway_id:
            with service_call() as call:
                payments.ask(call.session, pk)
            found = payments.find_intent(self.session(), pk)
        return {"intent": found, "waits": waits, "over": found.expires_at < formats.now(), "States": IntentState}

    def _page(self, error: DomainError | None = None, *, confirm: bool = False) -> Any:
        session = self.session()
        houses = session.scalars(select(Hostel).where(Hostel.id.in_(select(Resident.hostel_id).where(Resident.user_id == g.identity.user_id)))
                                 .order_by(Hostel.name)).all()
        ways = {house.id: payments.accounts_for(session, house.id) for house in houses}
        lately: list[PaymentIntent] = list(payments.own_intents(session, g.identity.user_id))
        page = self.page("payments/top_up.html", title=gettext("Top up"), houses=houses, ways=ways, lately=lately, error=error, confirm=confirm,
                         typed=request.form or request.args, once=submission_id(), each=submission_part, least=TOP_UP_LEAST_PAISE, most=TOP_UP_MOST_PAISE, proposed=_PROPOSED,
                         amount=formats.amount, currency_symbol=formats.currency_symbol)
        return make_response(page, error.status if error else 200)


def _key(pk: str) -> UUID:
    return given_id(pk, gettext("There is no such payment."))
