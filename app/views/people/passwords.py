"""Choosing a new password by a link that was mailed (T14)."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext

from app.rules import signin as rules
from app.rules.errors import Invalid
from app.services.people import accounts
from app.services.people import signin as service
from app.views.people.doors import account_call, caller, door_page, now, refused
from app.views.people.forms import ForgottenForm, NewPasswordForm


class PasswordView(BaseView):
    """For people who cannot sign in."""

    route_base = "/password"
    default_view = "forgotten"

    @expose("/forgotten", methods=["GET", "POST"])
    def forgotten(self) -> Any:
        """Ask for a link. The answer is the same whether the address has an account or not."""
        form = ForgottenForm()
        if request.method == "GET":
            return door_page("people/forgotten.html", form=form, error=None)
        if not form.validate():
            return door_page("people/forgotten.html", 422, form=form, error=None)
        with account_call() as call:
            email = rules.clean_email(form.email.data)
            service.bound_address(call.session, "password-reset", caller().address, now())
            accounts.request_reset(call.session, email, now())
        if call.error is not None:
            shown = refused(form, call.error)
            return door_page("people/forgotten.html", call.error.status, form=form, error=shown)
        return door_page("people/sent.html", email=email)

    @expose("/new", methods=["GET", "POST"])
    def new(self) -> Any:
        """The page behind the link; opening it uses nothing up, as mail scanners open links too."""
        form, secret = NewPasswordForm(), request.args.get("t", "")
        with account_call() as call:
            _, email = accounts.open_reset(call.session, secret, now())
        if call.error is not None:
            return door_page("people/problem.html", call.error.status, error=call.error,
                             way_out=url_for(".forgotten"), way_out_text=gettext("Ask for a new link"))
        if request.method == "GET":
            return door_page("people/new_password.html", form=form, email=email, error=None)
        error: Any = Invalid(gettext("Please look at the marked fields."))
        if form.validate():
            with account_call() as call:
                accounts.reset_password(call.session, secret, form.password.data, now())
            error = call.error
        if error is None:
            flash(gettext("Your password is changed. Please sign in with it."), "success")
            return redirect(url_for("SignInView.sign_in"), code=303)
        return door_page("people/new_password.html", error.status, form=form, email=email, error=refused(form, error))
