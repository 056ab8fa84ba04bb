"""One's own account: devices, password, second factor, places of work (T14)."""

from __future__ import annotations

import base64
import io
import re
from typing import Any
from uuid import UUID

import qrcode
from flask import Response, flash, g, make_response, redirect, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext, ngettext
from qrcode.image.svg import SvgPathImage

from app.identity import Identity
from app.models.declare import SIGNED_IN
from app.permissions import Portal
from app.rules.errors import DomainError, Invalid, NotFound
from app.services.people import accounts, devices, members, oauth, second_factor, sessions
from app.services.people import signin as service
from app.views.base import ConsoleView, service_call
from app.views.people.doors import (
    account_call,
    caller,
    current_digest,
    device_token,
    now,
    refused,
    ring,
    signed_in,
)
from app.views.people.forms import ChangePasswordForm, CodeForm
from app.wiring import providers

_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
             ("curl/", "curl"))
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
            ("CrOS", "ChromeOS"), ("Linux", "Linux"))
PORTAL_NAMES = {Portal.ADMIN: "Administration", Portal.MANAGEMENT: "Maintenance work", Portal.SALES: "Sales",
                Portal.CANTEEN: "Canteen", Portal.AMENITY: "Amenities and gate", Portal.RESIDENT: "Resident",
                Portal.PLATFORM: "Platform"}


def device_words(agent: str) -> str:
    """`Firefox on Windows` from what a browser says of itself; good enough to recognize one's own."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return gettext("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or re.sub(r"[/;(].*", "", agent).strip()[:40] or gettext("Unknown device")


def qr_code(text: str) -> str:
    """A QR code as an address of an image that needs no other request."""
    image = io.BytesIO()
    qrcode.make(text, image_factory=SvgPathImage, box_size=14, border=2).save(image)
    return f"data:image/svg+xml;base64,{base64.b64encode(image.getvalue()).decode()}"


def myself() -> Identity:
    """Whoever is signed in; behind `signed_in` there is somebody."""
    found: Identity = g.identity
    return found


class AccountView(ConsoleView):
    """Everybody's own: no capability is asked for, only that one is signed in."""

    route_base = "/account"
    default_view = "show"
    portals = frozenset(SIGNED_IN)

    @expose("/")
    @signed_in
    def show(self) -> Any:
        """Devices, and how the account is secured."""
        me = myself()
        with account_call() as call:
            secured = second_factor.is_set_up(call.session, me.user_id)
            codes = second_factor.recovery_codes_left(call.session, me.user_id)
            linked = oauth.links(call.session, me.user_id)
            known = devices.known_devices(call.session, me.user_id, device_token(me.user_id), now())
        if call.error is not None:
            raise call.error
        return self.page("people/account.html", title=gettext("Account and security"), identity=me, secured=secured,
                         codes=codes, devices=sessions.devices(self.session(), me.user_id, now()), known=known,
                         linked=linked, linkable=[one for one in providers() if one not in linked],
                         words=device_words, portal_names=PORTAL_NAMES)

    # -- devices ----------------------------------------------------------------------------------------------

    @expose("/devices/<session_id>/end", methods=["POST"])
    @signed_in
    def end_session(self, session_id: str) -> Any:
        """Sign one device out."""
        try:
            wanted = UUID(session_id)
        except ValueError as error:
            raise NotFound(gettext("There is no such session; it may have ended already.")) from error
        with service_call(gettext("Signed out there.")) as call:
            sessions.end_own(call.session, wanted)
        return call.respond(url_for(".show"))

    @expose("/devices/end-others", methods=["POST"])
    @signed_in
    def end_other_sessions(self) -> Any:
        """Sign out everywhere but here."""
        me, ended = myself(), 0
        with service_call() as call:
            ended = sessions.end_all(call.session, me.user_id, but=me.session_id)
        if call.error is None:
            flash(ngettext("Signed out on %(num)s other device.", "Signed out on %(num)s other devices.", ended), "success")
        return call.respond(url_for(".show"))

    @expose("/devices/<device_id>/remove", methods=["POST"])
    @signed_in
    def remove_device(self, device_id: str) -> Any:
        """Know a device no longer: whoever signs in there next shows a code from the mail."""
        try:
            wanted = UUID(device_id)
        except ValueError as error:
            raise NotFound(gettext("There is no such device; it may have been removed already.")) from error
        with account_call() as call:
            devices.remove(call.session, myself().user_id, wanted)
        if call.error is not None:
            raise call.error
        flash(gettext("That device is known no longer."), "success")
        return redirect(url_for(".show"), code=303)

    # -- password ---------------------------------------------------------------------------------------------

    @expose("/password", methods=["GET", "POST"])
    @signed_in
    def password(self) -> Any:
        """Choose another password; other devices are signed out."""
        form = ChangePasswordForm()
        if not form.is_submitted():
            return self._form("people/change_password.html", gettext("Change password"), form)
        if not form.validate():
            return self._form("people/change_password.html", gettext("Change password"), form,
                              Invalid(gettext("Please look at the marked fields.")))
        me = myself()
        error = self._attempt(me)
        if error is None:
            with account_call() as call:
                accounts.change_password(call.session, me.user_id, me.email, old=form.old.data, new=form.password.data,
                                         keep=current_digest() or b"", now=now())
            error = call.error
        if error is not None:
            return self._form("people/change_password.html", gettext("Change password"), form, error)
        flash(gettext("Your password is changed, and your other devices are signed out."), "success")
        return redirect(url_for(".show"), code=303)

    def _attempt(self, me: Identity) -> DomainError | None:
        """Whoever found an open browser must not guess without bound."""
        with account_call() as call:
            service.begin_attempt(call.session, me.email, caller().address, now())
        return call.error

    # -- second factor ----------------------------------------------------------------------------------------

    @expose("/second-factor", methods=["GET", "POST"])
    @signed_in
    def second_factor(self) -> Any:
        """Set it up: scan, then show that it works. Once set up: take it away, or make new recovery codes."""
        me, form = myself(), CodeForm()
        with account_call() as call:
            if second_factor.is_set_up(call.session, me.user_id):
                return self._form("people/second_factor.html", gettext("Second factor"), form)
            enrolment = second_factor.enrol(call.session, ring(), me.user_id, me.email)
        error, codes = call.error, None
        if error is None and form.is_submitted():
            error = Invalid(gettext("Please give the code that your app shows."))
            if form.validate():
                error, codes = self._confirm(me, form.code.data)
        if error is None and codes is not None:
            return self._codes(codes)
        return self._form("people/enrol.html", gettext("Set up a second factor"), form, error, enrolment=enrolment,
                          qr=qr_code(enrolment.uri))

    def _confirm(self, me: Identity, code: str) -> tuple[DomainError | None, list[str] | None]:
        codes = None
        with account_call() as call:
            codes = second_factor.confirm(call.session, ring(), me.user_id, code, now())
            digest = current_digest() or b""
            sessions.confirm_second_factor(call.session, digest)
            sessions.end_everywhere(call.session, me.user_id, now(), but=digest)
        return call.error, codes

    @expose("/second-factor/off", methods=["POST"])
    @signed_in
    def second_factor_off(self) -> Any:
        """Take it away, with a last code."""
        return self._with_code(second_factor.disable, gettext("Your second factor is taken away."))

    @expose("/recovery-codes", methods=["POST"])
    @signed_in
    def recovery_codes(self) -> Any:
        """New recovery codes, for a code of the app; the old ones work no longer."""
        codes: list[str] = []

        def renew(auth: Any, keys: Any, user_id: int, code: str, at: Any) -> None:
            second_factor.verify(auth, keys, user_id, code, at)
            codes.extend(second_factor.renew_recovery_codes(auth, user_id))

        answer = self._with_code(renew, "")
        return self._codes(codes) if codes and answer.status_code < 400 else answer  # noqa: PLR2004 - HTTP

    def _with_code(self, work: Any, done: str) -> Response:
        me, form = myself(), CodeForm()
        error: DomainError | None = Invalid(gettext("Please give the code that your app shows."))
        if form.validate():
            error = self._attempt(me)
        if error is None:
            with account_call() as call:
                work(call.session, ring(), me.user_id, form.code.data, now())
                service.unlock(call.session, me.email)
            error = call.error
        if error is not None:
            return self._form("people/second_factor.html", gettext("Second factor"), form, error)
        if done:
            flash(done, "success")
        return redirect(url_for(".show"), code=303)

    def _codes(self, codes: list[str]) -> Response:
        return self._kept_by_nobody(self.page("people/recovery_codes.html", title=gettext("Recovery codes"), codes=codes))

    def _form(self, template: str, title: str, form: Any, error: DomainError | None = None, **context: Any) -> Response:
        shown = refused(form, error) if error is not None else None
        page = self.page(template, title=title, form=form, error=shown, **context)
        return self._kept_by_nobody(page, error.status if error else 200)

    def _kept_by_nobody(self, page: str, status: int = 200) -> Response:
        response = make_response(page, status)
        response.headers["Cache-Control"] = "no-store"
        return response

    # -- leaving ----------------------------------------------------------------------------------------------

    @expose("/leave", methods=["POST"])
    @signed_in
    def leave(self) -> Any:
        """Give up all roles in this organization; its last owner cannot."""
        me = myself()
        with service_call(gettext("You have left %(org)s.", org=me.org_name)) as call:
            members.remove_person(call.session, me.user_id)
        if call.error is None:
            session.pop("org", None)
        return call.respond(url_for("HomeView.index"))
