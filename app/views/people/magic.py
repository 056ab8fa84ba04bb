"""Signing in by a link that is mailed, in the browser that asked for it (T14)."""

from __future__ import annotations

from typing import Any

from flask import request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext

from app.rules import signin as rules
from app.rules.errors import DomainError
from app.services.people import magic
from app.services.people import signin as service
from app.services.people.accounts import LinkOver
from app.views.edge import local_path
from app.views.people.doors import account_call, caller, door_page, let_in, now, refused
from app.views.people.forms import ForgottenForm, UseLinkForm
from app.views.people.signin import to_second_step
from app.wiring import settings

ASKED = "sign_in_link"  # cookie entry of a browser that asked for a link: no other may use it


class SignInLinkView(BaseView):
    """For people who would rather read their mail than type a password."""

    route_base = ""
    default_view = "ask"

    @expose("/login/link", methods=["GET", "POST"])
    def ask(self) -> Any:
        """Ask for a link. The answer is the same whether the address has an account or not."""
        form = ForgottenForm()
        if request.method == "GET":
            return door_page("people/ask_link.html", form=form, error=None)
        if not form.validate():
            return door_page("people/ask_link.html", 422, form=form, error=None)
        with account_call() as call:
            email = rules.clean_email(form.email.data)
            service.bound_address(call.session, "sign-in-link", caller().address, now())
            proof_id = magic.request_link(call.session, email, now())
        if call.error is not None:
            return door_page("people/ask_link.html", call.error.status, form=form, error=refused(form, call.error))
        session[ASKED] = {"proof": str(proof_id), "target": local_path(request.args.get("next"), "")}
        return door_page("people/link_sent.html", email=email)

    @expose("/login/with", methods=["GET", "POST"])
    def use(self) -> Any:
        """The page behind the link; opening it uses nothing up, as mail scanners open links too."""
        asked, secret = session.get(ASKED), request.args.get("t", "")
        if not asked or not magic.is_secret(settings().secret_key, asked["proof"], secret):
            return self._over(LinkOver(gettext("This link works once, and only in the browser in which you asked for it.")))
        if request.method == "GET":
            return door_page("people/use_link.html", form=UseLinkForm(), error=None)
        with account_call() as call:
            user_id, email, second_factor = magic.use(call.session, magic.Purpose.LINK, asked["proof"], now())
        if call.error is not None:
            return self._over(call.error)
        if second_factor:
            return to_second_step(user_id, email, asked["target"], mail_proved=True)
        return let_in(user_id, email, second_factor=False, target=asked["target"])

    def _over(self, error: DomainError) -> Any:
        return door_page("people/problem.html", error.status, error=error, way_out=url_for(".ask"),
                         way_out_text=gettext("Ask for a new link"))
