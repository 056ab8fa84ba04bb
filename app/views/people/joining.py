"""Joining: a new organization by signing up, or one that sent an invitation (T5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, flash, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext

from app.rules.errors import DomainError, Forbidden, Invalid
from app.security import HOSTEL, ORG, PORTAL, identify
from app.services.people import accounts, invitations
from app.services.people import signin as service
from app.services.people.invitations import OpenInvitation
from app.views.people.doors import account_call, caller, door_page, let_in, now, refused
from app.views.people.forms import AcceptForm, SignUpForm
from app.wiring import providers

SIGN_UPS_PER_HOUR = 10  # of one network address


class SignUpView(BaseView):
    """An account and an organization at once."""

    route_base = ""
    default_view = "sign_up"

    @expose("/signup", methods=["GET", "POST"])
    def sign_up(self) -> Any:
        """Signed up, the owner is in."""
        form = SignUpForm()
        if request.method == "GET":
            return door_page("people/sign_up.html", form=form, error=None)
        if not form.validate():
            return door_page("people/sign_up.html", 422, form=form, error=Invalid(gettext("Please look at the marked fields.")))
        given = accounts.SignUp(form.name.data, form.email.data, form.password.data, form.organization.data)
        with account_call() as call:
            clean = given.cleaned()  # a mistyped form is no attempt
            service.bound_address(call.session, "sign-up", caller().address, now(), most=SIGN_UPS_PER_HOUR,
                                  window=timedelta(hours=1))
        if call.error is None:
            with account_call() as call:
                user_id = accounts.sign_up(call.session, given)
        if call.error is not None:
            return door_page("people/sign_up.html", call.error.status, form=form, error=refused(form, call.error))
        return let_in(user_id, clean.email, second_factor=False, target=None, welcome=gettext("Welcome! Begin with your first hostel."))


class InvitationLinkView(BaseView):
    """The page behind an invitation's link."""

    route_base = ""
    default_view = "accept"

    @expose("/invitation", methods=["GET", "POST"])
    def accept(self) -> Any:
        """Make an account and join; or, with an account, sign in and join."""
        secret = request.args.get("t", "")
        with account_call() as call:
            found = invitations.open_link(call.session, secret)
        if call.error is not None:
            return door_page("people/problem.html", call.error.status, error=call.error)
        if found.user_id is not None:
            return self._with_account(found, secret)
        form = AcceptForm(data={"name": found.name}) if request.method == "GET" else AcceptForm()
        if request.method == "GET":
            return self._page(found, form)
        if not form.validate():
            return self._page(found, form, Invalid(gettext("Please look at the marked fields.")))
        with account_call() as call:
            user_id, email, _ = invitations.accept_as_new(call.session, secret, form.name.data, form.password.data)
        if call.error is not None:
            return self._page(found, form, call.error)
        return let_in(user_id, email, second_factor=False, target=None, welcome=gettext("Welcome to %(org)s.", org=found.organization))

    def _with_account(self, found: OpenInvitation, secret: str) -> Response:
        identity = identify()
        if identity is None or identity.user_id != found.user_id:
            error = None if request.method == "GET" else Forbidden(gettext("Please sign in first."))
            return self._page(found, None, error, identity=identity)
        if request.method == "GET":
            return self._page(found, None, identity=identity)
        with account_call() as call:
            org_id = invitations.accept_as(call.session, secret, identity.user_id)
        if call.error is not None:
            return self._page(found, None, call.error, identity=identity)
        session[ORG] = str(org_id)
        session.pop(HOSTEL, None)
        session.pop(PORTAL, None)
        flash(gettext("Welcome to %(org)s.", org=found.organization), "success")
        return redirect(url_for("HomeView.index"), code=303)

    def _page(self, found: OpenInvitation, form: AcceptForm | None, error: DomainError | None = None,
              identity: Any = None) -> Response:
        shown = refused(form, error) if error is not None and form is not None else error
        return door_page("people/invitation.html", error.status if error else 200, invitation=found, form=form,
                         error=shown, identity=identity, here=request.full_path, providers=list(providers()))
