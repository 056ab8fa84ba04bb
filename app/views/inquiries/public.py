"""The public page of an organization, or of one of its hostels, where anybody may ask for a bed without signing in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from flask import Response, make_response, redirect, request
from flask_appbuilder import BaseView, expose
from flask_babel import force_locale, get_locale, gettext, lazy_gettext
from wtforms import DateField, EmailField, HiddenField, SelectField, StringField, TelField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from app import languages
from app.rules.errors import DomainError, Forbidden, Invalid
from app.rules.inquiries import MESSAGE_MAX, Lead
from app.rules.organizations import NAME_MAX
from app.rules.phones import shown_phone
from app.rules.signin import EMAIL_MAX
from app.services import inquiries
from app.services.inquiries import Arrival
from app.views import formats
from app.views.edge import db_session, submission_id, taken_apart
from app.views.fields import ConsoleForm, printable, strip
from app.views.inquiries import strangers
from app.views.inquiries.strangers import Received, Sent
from app.views.language import COOKIE as LANGUAGE
from app.views.people.doors import door_page, refused
from app.wiring import csrf, settings

_given = DataRequired(lazy_gettext("Please fill this in."))
_ABOUT = ("source", "campaign", "referrer", "local_token", "fingerprint", "altcha")  # what the page itself fills in


class InquiryForm(ConsoleForm):
    """What is asked of a stranger: little."""

    class Meta(ConsoleForm.Meta):
        csrf = False

    full_name = StringField(lazy_gettext("Your name"), [_given, Length(max=NAME_MAX), printable], filters=[strip],
                            render_kw={"autocomplete": "name"})
    phone = TelField(lazy_gettext("Phone"), [_given, Length(max=40), printable], filters=[strip],
                     render_kw={"autocomplete": "tel", "inputmode": "tel"})
    email = EmailField(lazy_gettext("E-mail address"), [Length(max=EMAIL_MAX), printable], filters=[strip],
                       description=lazy_gettext("Not needed, but we write there if we cannot reach you."),
                       render_kw={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"})
    hostel = SelectField(lazy_gettext("Which house?"), default="")
    move_in_on = DateField(lazy_gettext("From when?"), [Optional()])
    message = TextAreaField(lazy_gettext("What should we know?"), [Length(max=MESSAGE_MAX), printable], filters=[strip])
    source = HiddenField()
    campaign = HiddenField()
    referrer = HiddenField()
    local_token = HiddenField()
    fingerprint = HiddenField()
    altcha = HiddenField()


class PublicInquiryView(BaseView):
    """Open to everybody: the only page on which strangers write."""

    route_base = "/i"
    default_view = "ask"

    @expose("/<slug>", methods=["GET", "POST"])
    @expose("/<slug>/<code>", methods=["GET", "POST"])
    @csrf.exempt  # strangers may refuse cookies, and nobody acts here as who they are
    def ask(self, slug: str, code: str = "") -> Any:
        """The form; a browser that has sent it before is told so instead."""
        where = strangers.arrival(slug, code)
        with force_locale(_language(where)):
            if request.method == "POST":
                return self._send(where, slug, code)
            if request.args.get("sent"):
                return _page("inquiries/thanks.html", where, again=request.args["sent"] == "again", more=_more(slug, code))
            known = request.cookies.get(strangers.COOKIE) and not request.args.get("another")
            if known and inquiries.is_known(db_session(), where.org_id, strangers.device()):
                return _page("inquiries/thanks.html", where, again=True, more=_more(slug, code))
            return self._form(where, slug, code, _filled(where))

    def _send(self, where: Arrival, slug: str, code: str) -> Response:
        form = _filled(where, sent=True)
        if not _from_here():
            return self._form(where, slug, code, form, Received(Forbidden(gettext("Please send this form from its own page."))))
        if not form.validate():
            return self._form(where, slug, code, form, Received(Invalid(gettext("Please look at the marked fields."))))
        chosen = form.hostel.data if "hostel" in form else ""
        there = strangers.arrival(slug, chosen) if chosen else where
        lead = Lead(form.full_name.data or "", form.phone.data or "", form.email.data, form.message.data or "", form.move_in_on.data,
                    form.source.data or "", form.campaign.data or "", form.referrer.data or "", str(get_locale()))
        received = strangers.receive(there, Sent(
            submission_id(), lead, form.altcha.data or "", request.form.get("website", ""), form.local_token.data or "",
            form.fingerprint.data or ""))
        if received.error is not None:
            return self._form(where, slug, code, form, received)
        address = f"{_address(slug, code)}?{urlencode({'sent': 'again' if received.duplicate else 'yes'})}"
        return strangers.keep(redirect(address, code=303), received)

    def _form(self, where: Arrival, slug: str, code: str, form: InquiryForm, received: Received | None = None) -> Response:
        error: DomainError | None = received.error if received else None
        hidden = getattr(error, "field", None) in _ABOUT  # nobody would see a refusal beside it
        shown = refused(form, error) if error is not None and not hidden else error
        page = _page("inquiries/ask.html", where, error.status if error else 200, form=form, error=shown, slug=slug,
                     challenge=strangers.challenge(where), about=_ABOUT, once=submission_id(), more=_more(slug, code))
        return strangers.keep(page, received) if received else page


def _from_here() -> bool:
    """Whether the form stood on a page of ours; browsers say where it did."""
    origin = request.headers.get("Origin")
    parts = taken_apart(origin or "")
    return origin is None or (parts is not None and parts.netloc in {request.host, urlsplit(settings().public_url).netloc})


def _filled(where: Arrival, *, sent: bool = False) -> InquiryForm:
    """The form with what the link says: a campaign, or the page somebody came from."""
    arguments = request.args
    parts = taken_apart(request.referrer or "")
    host = (parts.hostname or "") if parts else ""
    form = InquiryForm() if sent else InquiryForm(formdata=None, data={
        "source": arguments.get("utm_source", ""), "campaign": arguments.get("utm_campaign", ""),
        "referrer": "" if host == urlsplit(request.host_url).hostname else host})
    form.hostel.choices = [SelectChoice("", gettext("Any of them")), *(
        SelectChoice(one["code"], ", ".join(filter(None, (one["name"], one["city"])))) for one in where.hostels)]
    form.move_in_on.render_kw = {"min": formats.now().astimezone(ZoneInfo(where.timezone)).date().isoformat()}
    if where.hostel_id is not None or len(where.hostels) < 2:  # noqa: PLR2004 - nothing to choose
        del form.hostel
    return form


def _language(where: Arrival) -> str:
    """The reader's choice on this browser, else the organization's language, else what the browser asks for."""
    wanted = [request.cookies.get(LANGUAGE, ""), where.language]
    return languages.best([*filter(None, wanted), *request.accept_languages.values()]) or languages.SOURCE


def _address(slug: str, code: str) -> str:
    return f"/i/{slug}/{code}" if code else f"/i/{slug}"


def _more(slug: str, code: str) -> str:
    return f"{_address(slug, code)}?another=1"


def _page(template: str, where: Arrival, status: int = 200, **context: Any) -> Response:
    return make_response(door_page(template, status, where=where, title=gettext("Ask for a bed"), shown_phone=shown_phone, **context))
