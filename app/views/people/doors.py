"""What the pages around signing in share: the auth scope with its refusals, who calls, who may stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from flask import (
    Flask,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import metrics
from app.crypto import KeyRing
from app.languages import sentence
from app.logs import current_request_id
from app.problems import problem, wants_problem
from app.rules.errors import DomainError, Forbidden
from app.rules.signin import KNOWN_DEVICE_LIFETIME
from app.security import TOKEN, identify, new_token, sign_in, token_digest
from app.services.people import devices, sessions
from app.services.people.sessions import Caller
from app.tenancy import auth_scope
from app.views.edge import local_path, meaning_of, problem_json
from app.views.screens import to_sign_in
from app.wiring import settings

# What somebody may still open while their organization waits for their second factor.
_OPEN_WITHOUT_SECOND_FACTOR = ("AccountView.", "SignInView.", "SwitchView.", "PasswordView.",
                               "SignInLinkView.", "NewDeviceView.", "ProviderView.")
DEVICE = "device_{}"  # the cookie by which a browser is known for one person
TITLE_LIMIT = 300  # characters kept of what a browser says of itself


class AccountCall:
    """What became of work in the auth scope: `error` is None once it is committed."""

    session: Session
    error: DomainError | None = None


@contextmanager
def account_call() -> Iterator[AccountCall]:
    """Run account services inside, commit at the end; refusals land in `.error`, anything else is a bug."""
    call = AccountCall()
    try:
        with auth_scope() as session:
            call.session = session
            yield call
    except DomainError as error:
        call.error = error
    except DBAPIError as error:
        call.error = meaning_of(error)
    if call.error is not None:
        metrics.count_domain_error(call.error.code)


def now() -> datetime:
    """The moment of the request."""
    return datetime.now(UTC)


def ring() -> KeyRing:
    """The keys of encrypted fields."""
    return KeyRing(dict(settings().field_keys))


def caller() -> Caller:
    """Address and browser of whoever asks."""
    agent = "".join(c for c in request.user_agent.string if c.isprintable())
    return Caller(request.remote_addr or "", agent[:TITLE_LIMIT])


def current_digest() -> bytes | None:
    """The digest of this browser's session token."""
    token = session.get(TOKEN)
    return token_digest(token) if token else None


def after_sign_in(target: str | None) -> str:
    """Where to go after signing in: back, but never off this site, nor to a page that only takes posts."""
    return local_path(target, url_for("HomeView.index"))


def device_token(user_id: int) -> str:
    """What this browser says it is to this person; empty if nothing."""
    return request.cookies.get(DEVICE.format(user_id), "")[:TITLE_LIMIT]


def let_in(user_id: int, email: str, *, second_factor: bool, target: str | None, welcome: str = "") -> Response:
    """Open a session for somebody who has shown all they must; the one this browser had before ends.

    From now on this browser is known for them. `welcome` is said on their first page: what was flashed before is gone.
    """
    before, token = current_digest(), new_token()
    with account_call() as call:
        if before is not None:
            sessions.end_by_digest(call.session, before, now())
        sessions.open_session(call.session, user_id, email, caller(), token_digest(token), second_factor=second_factor,
                              now=now())
        device = devices.remember(call.session, user_id, device_token(user_id), caller(), now())
    if call.error is not None:
        return door_page("people/problem.html", call.error.status, error=call.error)
    sign_in(user_id, token)
    if welcome:
        flash(welcome, "success")
    response = redirect(after_sign_in(target), code=303)
    response.set_cookie(DEVICE.format(user_id), device, max_age=KNOWN_DEVICE_LIFETIME, httponly=True, samesite="Lax",
                        secure=current_app.config["SESSION_COOKIE_SECURE"])
    return response


def door_page(template: str, status: int = 200, **context: Any) -> Response:
    """A page outside of the console's frame; nothing between us and the reader keeps it."""
    response = make_response(render_template(template, **context), status)
    response.headers["Cache-Control"] = "no-store"
    return response


def refused(form: Any, error: DomainError) -> DomainError | None:
    """Put a refusal beside its field; what belongs to none stands above the form."""
    return None if form.attach(error.message, getattr(error, "field", None)) else error


def signed_in(method: Callable[..., Any]) -> Callable[..., Any]:
    """Guard a door that is everybody's own: whoever is signed in may pass, in any portal."""

    @wraps(method)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        return to_sign_in() if identify() is None else method(*args, **kwargs)

    guarded.signed_in = True  # type: ignore[attr-defined]
    return guarded


def _second_factor_first() -> Any:
    """The database gives such a session no capability; here its person is told what to do about it."""
    endpoint = request.endpoint or ""
    if TOKEN not in session or endpoint == "static" or endpoint.startswith(_OPEN_WITHOUT_SECOND_FACTOR):
        return None
    identity = identify()
    if identity is None or not identity.second_factor_due:
        return None
    if request.method != "GET" or wants_problem():
        raise Forbidden(gettext("%(org)s asks its staff for a second factor. Set yours up first.", org=identity.org_name))
    flash(gettext("%(org)s asks its staff for a second factor: please set yours up to go on.", org=identity.org_name), "info")
    return redirect(url_for("AccountView.second_factor"), code=303)


def _stale_form(_error: CSRFError) -> Any:
    """A page that was open while its person signed in again: back to it, where the browser puts the typed text back.

    This comes before anybody has been asked who they are: the page itself sends strangers to the sign-in page.
    """
    if wants_problem() or request.headers.get("X-CSRFToken"):
        if TOKEN not in session:  # the session is gone, and the token with it
            return problem(401, "unauthorized", sentence("Please sign in."), current_request_id())
        return problem_json(Forbidden(gettext("This page is out of date. Please reload it.")))
    flash(gettext("This page was out of date. Please check what it says and send it again."), "warning")
    return redirect(_page_of_form(), code=303)


def _page_of_form() -> str:
    """The page a form stands on, if this site's; forms mostly post to their own address."""
    came_from = request.headers.get("Referer", "")
    if came_from.startswith(request.host_url):
        return local_path("/" + came_from.removeprefix(request.host_url), "/")
    return "/"


def init_app(app: Flask) -> None:
    """Watch for missing second factors and for forms that outlived their session."""
    app.before_request(_second_factor_first)
    app.register_error_handler(CSRFError, _stale_form)
