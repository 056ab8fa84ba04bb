"""Signing in with an account at Google or GitHub, and linking one to one's own (T14).

What ties the way back to the way out lies in a signed cookie of its own for each try, so that tabs are not in each
other's way. It ends with the answer, but for those who still have to confirm or to join: then it says who they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Response, current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext
from itsdangerous import BadData, URLSafeSerializer

from app import metrics
from app.gateways.oauth import Secrets, SignInProvider, Told
from app.rules.errors import DomainError, Forbidden, Invalid, NotFound
from app.rules.oauth import (
    FLOW_LIFETIME,
    Away,
    FlowOver,
    Next,
    Provider,
    Unusable,
    check_same_address,
    refusal_of,
)
from app.rules.signin import ATTEMPTS_PER_ADDRESS
from app.security import identify
from app.services.people import oauth as service
from app.services.people import signin
from app.services.people.oauth import Arrival
from app.views.edge import local_path
from app.views.people.doors import account_call, caller, door_page, now, refused, signed_in
from app.views.people.forms import ConfirmForm
from app.views.people.signin import check_password, go_on
from app.wiring import providers, settings

_COOKIE = "flow_{}"
_PATH = "/login"
_MARK = 12  # characters of the state that name its cookie
_HERE = {"127.0.0.1", "localhost"}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Flow:
    """One try: begun at `at`, by whoever is signed in as `user_id`; `told` once its person came back."""

    provider: Provider
    sealed: Secrets
    target: str
    at: int
    user_id: int | None = None
    told: Told | None = None

    @property
    def mark(self) -> str:
        return self.sealed.state[:_MARK]

    def keep(self, response: Response) -> Response:
        response.set_cookie(_COOKIE.format(self.mark), _serializer().dumps(asdict(self)), max_age=FLOW_LIFETIME, path=_PATH,
                            httponly=True, samesite="Lax", secure=current_app.config["SESSION_COOKIE_SECURE"])
        return response

    def end(self, response: Response) -> Response:
        response.delete_cookie(_COOKIE.format(self.mark), path=_PATH, httponly=True, samesite="Lax",
                               secure=current_app.config["SESSION_COOKIE_SECURE"])
        return response

    @staticmethod
    def of(provider: Provider, mark: str) -> Flow:
        """The try that this browser keeps. Errors: FlowOver."""
        try:
            kept = _serializer().loads(request.cookies.get(_COOKIE.format(mark), ""))
        except BadData:
            raise FlowOver from None
        told = kept["told"] and Told(kept["told"]["subject"], tuple(kept["told"]["emails"]), kept["told"]["name"])
        flow = Flow(Provider(kept["provider"]), Secrets(**kept["sealed"]), kept["target"], kept["at"], kept["user_id"], told)
        if flow.provider != provider or now().timestamp() - flow.at > FLOW_LIFETIME.total_seconds():
            raise FlowOver
        return flow


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt="viramah.sign-in-flow.v1")


def _way(provider: Provider) -> SignInProvider:
    return providers()[provider]


def _back(provider: Provider) -> str:
    """Where the provider sends people: the host they are on, as their cookie is there, if it is one of ours."""
    found = settings()
    path, public = url_for("ProviderView.back", name=provider), urlsplit(found.public_url).hostname or ""
    here = urlsplit(request.host_url)
    ours = {public, *found.portal_hosts} | (_HERE if public in _HERE else set())
    return f"{here.scheme}://{here.netloc}{path}" if here.hostname in ours else f"{found.public_url}{path}"


def told(method: Callable[..., Any]) -> Callable[..., Any]:
    """Guard a page of one provider: a refusal is a page with its sentence and a way out, never the console's own."""

    @wraps(method)
    def guarded(self: Any, name: str) -> Any:
        if name not in set(Provider) or Provider(name) not in providers():
            error: DomainError = NotFound(gettext("Signing in with this provider is not set up here."))
            return door_page("people/problem.html", error.status, error=error)
        try:
            return method(self, Provider(name))
        except DomainError as error:
            return _problem(name, error)

    return guarded


def _problem(name: str, error: DomainError) -> Response:
    metrics.count_domain_error(error.code)
    if isinstance(error, Away | Unusable):  # for the operator, and without what the provider said
        _log.warning("provider_failed", provider=name, refusal=error.code, reason=str(error.__cause__))
    out = (url_for("AccountView.show"), gettext("Back to your account")) if identify() is not None else (
        url_for("ProviderView.begin", name=name), gettext("Begin again"))
    return door_page("people/problem.html", error.status, error=error, way_out=out[0], way_out_text=out[1])


class ProviderView(BaseView):
    """The way out to a provider, the way back, and what may be between that and a session."""

    route_base = ""
    default_view = "begin"

    @expose("/login/<name>")
    @told
    def begin(self, provider: Provider) -> Any:
        """Off to the provider; for whoever is signed in, to link it."""
        me = identify()
        if me is not None and request.headers.get("Sec-Fetch-Site") == "cross-site":  # nobody is made to link by another's page
            return redirect(url_for("AccountView.show"), code=303)
        flow = Flow(provider, Secrets.new(), local_path(request.args.get("next"), ""), int(now().timestamp()),
                    me.user_id if me is not None else None)
        out = service.way_out(_way(provider), provider, flow.sealed, _back(provider))
        response = redirect(out, code=303)
        response.headers["Cache-Control"] = "no-store"
        return flow.keep(response)

    @expose("/login/<name>/back")
    @told
    def back(self, provider: Provider) -> Any:
        """Back from the provider. Whatever comes of it, this try is not good for another."""
        state = request.args.get("state", "")
        flow = Flow.of(provider, state[:_MARK])
        if flow.told is not None or flow.sealed.state != state:
            raise FlowOver
        try:
            return self._came_back(flow)
        except DomainError as error:
            return flow.end(_problem(provider, error))

    def _came_back(self, flow: Flow) -> Response:
        provider = flow.provider
        if error := request.args.get("error"):
            raise refusal_of(provider, error)
        with account_call() as call:
            signin.bound_address(call.session, "sign-in", caller().address, now(), most=ATTEMPTS_PER_ADDRESS)
        if call.error is not None:
            raise call.error
        found = service.ask(_way(provider), provider, flow.sealed, _back(provider), request.args.get("code", ""))
        if flow.user_id is not None:
            return flow.end(self._link(flow, found))
        arrival = _arrival(provider, found)
        if arrival.step is Next.SIGN_IN:
            return flow.end(self._enter(flow, arrival))
        page = "ProviderView.confirm" if arrival.step is Next.CONFIRM else "ProviderView.join"
        return replace(flow, told=found).keep(redirect(url_for(page, name=provider, flow=flow.mark), code=303))

    def _link(self, flow: Flow, found: Told) -> Response:
        me = identify()
        if me is None or me.user_id != flow.user_id:
            raise Forbidden(gettext("You are not signed in any more as who began this. Please sign in first."))
        check_same_address(flow.provider, me.email, found.emails)
        with account_call() as call:
            service.link(call.session, flow.provider, me.user_id, found.subject, now())
        if call.error is not None:
            raise call.error
        flash(gettext("%(provider)s is linked: from now on you can sign in with it.", provider=flow.provider.label), "success")
        return redirect(url_for("AccountView.show"), code=303)

    def _enter(self, flow: Flow, arrival: Arrival) -> Response:
        """In, as after the right password: a lock holds, and the second factor and new devices are asked about."""
        account = arrival.account
        assert account is not None  # noqa: S101 - whoever signs in has one
        with account_call() as call:
            signin.begin_attempt(call.session, account.email.lower(), caller().address, now())
            service.use(call.session, flow.provider, account.user_id, now())
        if call.error is not None:
            raise call.error
        return go_on(account, flow.target)

    @expose("/login/<name>/confirm", methods=["GET", "POST"])
    @told
    def confirm(self, provider: Provider) -> Any:
        """There is an account of this address: its password, once, links the two."""
        flow, found, arrival = _waiting(provider)
        if arrival.step is Next.SIGN_IN:  # linked in another tab meanwhile
            return flow.end(self._enter(flow, arrival))
        if arrival.account is None:
            return redirect(url_for(".join", name=provider, flow=flow.mark), code=303)
        form, email = ConfirmForm(), arrival.account.email
        if request.method == "GET":
            return door_page("people/oauth_confirm.html", form=form, error=None, email=email, provider=provider)
        account, error = None, Invalid(gettext("Please give your password."))
        if form.validate():
            account, error = check_password(email.lower(), form.password.data)
        if account is not None:
            with account_call() as call:
                service.link(call.session, provider, account.user_id, found.subject, now())
            error = call.error
        if account is None or error is not None:
            return door_page("people/oauth_confirm.html", error.status, form=form, error=refused(form, error), email=email,
                             provider=provider)
        return flow.end(go_on(account, flow.target))

    @expose("/login/<name>/join", methods=["GET", "POST"])
    @told
    def join(self, provider: Provider) -> Any:
        """There is no account, but an invitation for this address: an account, linked from the start."""
        flow, found, arrival = _waiting(provider)
        if arrival.step is not Next.JOIN:
            return redirect(url_for(".confirm", name=provider, flow=flow.mark), code=303)
        if request.method == "GET":
            return door_page("people/oauth_join.html", error=None, offers=arrival.offers, provider=provider)
        offer = next((one for one in arrival.offers if one.mark == request.form.get("offer")), None)
        if offer is None:
            raise NotFound(gettext("This invitation was withdrawn or used meanwhile. Please ask for a new one."))
        with account_call() as call:
            account = service.join(call.session, provider, found, offer, now())
        if call.error is not None:
            raise call.error
        answer = flow.end(go_on(account, flow.target))  # which clears the session
        flash(gettext("Welcome to %(org)s.", org=offer.organization), "success")
        return answer

    @expose("/account/providers/<name>/remove", methods=["POST"])
    @signed_in
    def remove(self, name: str) -> Any:
        """Sign in with it no longer; this needs no provider that still is set up."""
        me = identify()
        if me is None or name not in set(Provider):
            raise NotFound(gettext("This is linked no longer."))
        with account_call() as call:
            service.unlink(call.session, Provider(name), me.user_id)
        if call.error is not None:
            raise call.error
        flash(gettext("%(provider)s is linked no longer.", provider=Provider(name).label), "success")
        return redirect(url_for("AccountView.show"), code=303)


def _arrival(provider: Provider, found: Told) -> Arrival:
    with account_call() as call:
        arrival = service.arrive(call.session, provider, found)
    if call.error is not None:
        raise call.error
    return arrival


def _waiting(provider: Provider) -> tuple[Flow, Told, Arrival]:
    """Somebody who came back and is to confirm or to join, looked at anew. Errors: FlowOver."""
    flow = Flow.of(provider, request.args.get("flow", ""))
    if flow.told is None:
        raise FlowOver
    return flow, flow.told, _arrival(provider, flow.told)
