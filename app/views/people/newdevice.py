"""Signing in on a device that is new: a code from the mail comes before the session (T14)."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext

from app.rules.errors import DomainError, Invalid
from app.rules.signin import MAILED_PROOF_LIFETIME
from app.services.people import devices, magic
from app.services.people import signin as service
from app.views.edge import local_path
from app.views.people.doors import account_call, caller, device_token, door_page, let_in, now, refused
from app.views.people.forms import DeviceCodeForm
from app.wiring import settings

NEW_DEVICE = "new_device"  # cookie entry of somebody who has shown all but the code from their mail


def admit(user_id: int, email: str, *, second_factor: bool, target: str | None) -> Response:
    """Let somebody in whose password (and second factor) was right, or send them for the code if the device is new."""
    proof_id = None
    with account_call() as call:
        if devices.must_confirm(call.session, user_id, device_token(user_id), now()):
            proof_id = magic.request_code(call.session, user_id, now())
    if call.error is not None:
        return door_page("people/problem.html", call.error.status, error=call.error)
    if proof_id is None:
        return let_in(user_id, email, second_factor=second_factor, target=target)
    session.clear()
    session[NEW_DEVICE] = {"email": email, "second_factor": second_factor, "proof": str(proof_id),
                           "at": int(now().timestamp())}
    return redirect(url_for("NewDeviceView.confirm", next=target or None), code=303)


class NewDeviceView(BaseView):
    """Between the password and the session."""

    route_base = ""
    default_view = "confirm"

    @expose("/login/device", methods=["GET", "POST"])
    def confirm(self) -> Any:
        """The code that was mailed."""
        target, waiting = local_path(request.args.get("next"), ""), session.get(NEW_DEVICE)
        if not waiting or now().timestamp() - waiting["at"] > MAILED_PROOF_LIFETIME.total_seconds():
            session.pop(NEW_DEVICE, None)
            return redirect(url_for("SignInView.sign_in", next=target or None), code=303)
        form = DeviceCodeForm()
        if request.method == "GET":
            return door_page("people/new_device.html", form=form, error=None, email=waiting["email"])
        error: DomainError | None = Invalid(gettext("Please give the code."))
        if form.validate():
            user_id, error = self._check(waiting, form.code.data)
        if error is None:
            session.pop(NEW_DEVICE)
            return let_in(user_id, waiting["email"], second_factor=waiting["second_factor"], target=target)
        return door_page("people/new_device.html", error.status, form=form, error=refused(form, error),
                         email=waiting["email"])

    def _check(self, waiting: dict[str, Any], code: str) -> tuple[int, DomainError | None]:
        with account_call() as call:  # guesses of codes count as guesses of the password do
            service.begin_attempt(call.session, waiting["email"], caller().address, now())
        if call.error is not None:
            return 0, call.error
        if not magic.is_code(settings().secret_key, waiting["proof"], code):
            return 0, Invalid(gettext("This code is not right."), field="code")
        user_id = 0
        with account_call() as call:
            user_id, _, _ = magic.use(call.session, magic.Purpose.CODE, waiting["proof"], now())
        return user_id, call.error
