"""Signing in, in one step or two, and out (T14)."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext

from app.rules.errors import DomainError, Invalid
from app.rules.signin import ATTEMPTS_PER_ADDRESS
from app.security import TOKEN, identify
from app.services.people import second_factor, sessions
from app.services.people import signin as service
from app.services.people.signin import Account, WrongCredentials
from app.views.edge import local_path
from app.views.people.doors import (
    account_call,
    after_sign_in,
    caller,
    current_digest,
    door_page,
    let_in,
    now,
    refused,
    ring,
)
from app.views.people.forms import CodeForm, SignInForm
from app.views.people.newdevice import admit
from app.wiring import providers

HALF_WAY = "half_way"  # cookie entry of somebody whose password was right and whose code is due
HALF_WAY_SECONDS = 300


def to_second_step(user_id: int, email: str, target: str, *, mail_proved: bool = False) -> Response:
    """On to the code of the app; `mail_proved` says that no other code need be asked for."""
    session.clear()
    session[HALF_WAY] = {"user": user_id, "email": email, "at": int(now().timestamp()), "mail_proved": mail_proved}
    return redirect(url_for("SignInView.second_step", next=target or None), code=303)


def check_password(email: str, password: str) -> tuple[Account | None, DomainError | None]:
    """Whose password it is, or why nobody's; counted before it is looked at."""
    with account_call() as call:
        service.bound_address(call.session, "sign-in", caller().address, now(), most=ATTEMPTS_PER_ADDRESS)
    if call.error is None:
        with account_call() as call:
            service.begin_attempt(call.session, email, caller().address, now())
    account = None
    if call.error is None:
        with account_call() as call:
            account = service.check_password(call.session, email, password)
    if call.error is not None:
        return None, call.error
    return account, None if account is not None else WrongCredentials()


def go_on(account: Account, target: str) -> Response:
    """In, or on to the code of the app, for somebody whose first factor was right."""
    if account.second_factor:
        return to_second_step(account.user_id, account.email, target)
    return admit(account.user_id, account.email, second_factor=False, target=target)


class SignInView(BaseView):
    """The door. Nothing here asks for a capability: whoever comes has none yet."""

    route_base = ""
    default_view = "sign_in"

    @expose("/login", methods=["GET", "POST"])
    def sign_in(self) -> Any:
        """E-mail address and password; then in, or on to the code."""
        target, form = local_path(request.args.get("next"), ""), SignInForm()
        if request.method == "GET":
            return self._already(target) or self._page(form, target)
        if not form.validate():
            return self._page(form, target, Invalid(gettext("Please give your e-mail address and your password.")))
        account, error = check_password(form.email.data.lower(), form.password.data)
        if account is None:
            return self._page(form, target, error)
        return go_on(account, target)

    def _already(self, target: str) -> Response | None:
        """Whoever is signed in goes on; unless they are nowhere a member, which a circle of redirects would not tell."""
        if TOKEN not in session:
            return None
        if identify() is not None:
            return redirect(after_sign_in(target))
        digest = current_digest()
        with account_call() as call:
            email = sessions.is_open(call.session, digest, now()) if digest else None
        return door_page("people/nowhere.html", 403, email=email) if email else None

    def _page(self, form: SignInForm, target: str, error: DomainError | None = None) -> Response:
        shown = refused(form, error) if error is not None else None
        return door_page("people/sign_in.html", error.status if error else 200, form=form, error=shown, target=target,
                         providers=list(providers()))

    @expose("/login/code", methods=["GET", "POST"])
    def second_step(self) -> Any:
        """The code of the app, or a recovery code."""
        target = local_path(request.args.get("next"), "")
        half_way = session.get(HALF_WAY)
        if not half_way or now().timestamp() - half_way["at"] > HALF_WAY_SECONDS:
            session.pop(HALF_WAY, None)
            return redirect(url_for(".sign_in", next=target or None), code=303)
        form = CodeForm()
        if request.method == "GET":
            return door_page("people/second_step.html", form=form, error=None, target=target)
        error: DomainError | None = Invalid(gettext("Please give the code."))
        if form.validate():
            error = self._check_code(half_way["user"], half_way["email"], form.code.data)
        if error is None:
            session.pop(HALF_WAY)
            enter = let_in if half_way.get("mail_proved") else admit
            return enter(half_way["user"], half_way["email"], second_factor=True, target=target)
        return door_page("people/second_step.html", error.status, form=form, error=error, target=target)

    def _check_code(self, user_id: int, email: str, code: str) -> DomainError | None:
        with account_call() as call:  # guesses of codes count as guesses of the password do
            service.begin_attempt(call.session, email, caller().address, now())
        if call.error is None:
            with account_call() as call:
                second_factor.verify(call.session, ring(), user_id, code, now())
        return call.error

    @expose("/logout", methods=["POST"])
    def sign_out(self) -> Any:
        """End this browser's session."""
        if (digest := current_digest()) is not None:
            with account_call() as call:
                sessions.end_by_digest(call.session, digest, now())
            if call.error is not None:
                return door_page("people/problem.html", call.error.status, error=call.error)
        session.clear()
        return redirect(url_for(".sign_in"), code=303)


