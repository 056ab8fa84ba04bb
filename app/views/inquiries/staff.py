"""The list of inquiries and the page of one: who asks, how far one has come with them, and what is to be done next."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID, uuid5

from flask import flash, g, request
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup
from sqlalchemy import ColumnElement
from wtforms import EmailField, SelectField, StringField, TelField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from app.languages import sentence
from app.models.inquiries import Inquiry, InquiryHistory, InquiryNote
from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, Invalid
from app.rules.inquiries import (
    INQUIRY,
    MESSAGE_MAX,
    OPEN,
    SHORT_MAX,
    Lead,
    LostReason,
    Source,
    Stage,
    clean_lead,
    parse_reference,
)
from app.rules.phones import clean_phone, shown_phone
from app.rules.signin import EMAIL_MAX, clean_email
from app.services import contacts, inquiries
from app.services.inquiries import finding
from app.services.search import Sought
from app.text import N_
from app.views import edge, formats
from app.views.base import (
    Ask,
    ConsoleInterface,
    ConsoleModelView,
    Step,
    Story,
    api_post,
    expose,
    has_access,
    service_call,
    submission_id,
)
from app.views.fields import ChoiceField, printable, strip
from app.views.filters import Flag
from app.views.inquiries.strangers import ring
from app.views.interface import Session
from app.wiring import settings

# What a number is wanted for: written down, so that a look at somebody's number is never for nothing.
WANTED_FOR = {text: lazy_gettext(text) for text in (
    N_("To call"), N_("To write"), N_("To see whether it is the same person"), N_("Something else"))}
QUESTIONS = {"contact": lazy_gettext("What was said?"), "schedule_visit": lazy_gettext("What was agreed?"), "visit": lazy_gettext("How did they like it?"),
             "negotiate": lazy_gettext("What is it about?"), "lose": lazy_gettext("What did they say?"), "reopen": lazy_gettext("What has changed?")}
_KNOWN = {"data-known": "/inquiries/known"}


class _Open(Flag):
    """Neither won nor lost."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """By the stage."""
        return Inquiry.status.in_(sorted(stage.value for stage in OPEN))


class _Mine(Flag):
    """The caller's own."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """By the owner."""
        return Inquiry.owner_id == g.identity.user_id


class _Due(Flag):
    """What was to be done by now."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """By the clock of the page."""
        return Inquiry.next_action_at <= formats.now()


def _person(text: Any) -> int | None:
    return int(text) if text else None


class OwnerField(SelectField):
    """Somebody who works on inquiries."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, coerce=_person, choices=self._workers, **kwargs)

    def _workers(self) -> list[SelectChoice]:
        return [SelectChoice("", "—"), *(SelectChoice(key, name) for key, name in finding.workers(ConsoleInterface(Inquiry).session))]


class InquiryView(ConsoleModelView):
    """Inquiries for those who answer them."""

    datamodel = ConsoleInterface(Inquiry)
    resource = Resource.INQUIRIES
    portals = frozenset({Portal.ADMIN, Portal.SALES})
    route_base = "/inquiries"
    singular_name, plural_name = "Inquiry", "Inquiries"
    counter = "inquiries"
    palette = Sought(("reference",), ("full_name", "status"), number="number", series="I", recent="asked_at", texts=("full_name",))
    method_actions: ClassVar[dict[str, Action]] = {
        "move": Action.UPDATE, "reveal": Action.UPDATE, "merge": Action.UPDATE, "convert": Action.UPDATE, "comment": Action.UPDATE,
        "uncomment": Action.UPDATE, "plan": Action.UPDATE, "known": Action.CREATE,
    }
    enums: ClassVar[dict[str, Any]] = {"status": Stage, "stage": Stage, "lost_reason": LostReason}
    state_column = "stage"
    base_order = ("last_asked_at", "desc")
    show_template = "inquiries/show.html"
    list_columns: ClassVar[list[str]] = ["headline", "status", "phone_masked", "hostel", "owner", "next_action_at", "last_asked_at"]
    optional_columns: ClassVar[list[str]] = ["next_action", "email_masked", "move_in_on", "source", "campaign", "stage_since", "times_asked",
                                             "lost_reason", "message"]
    quick_filters = (
        (lazy_gettext("Open"), {"open": "yes"}), (lazy_gettext("Mine"), {"mine": "yes"}), (lazy_gettext("Due"), {"due": "yes"}),
        (lazy_gettext("New"), {"status": Stage.NEW.value}), (lazy_gettext("Nobody's"), {"owner": "none", "open": "yes"}))
    eager = ("hostel", "owner", "first")
    sort_by: ClassVar[dict[str, str]] = {"headline": "full_name"}
    search_columns: ClassVar[list[str]] = ["reference", "full_name", "source", "campaign", "status", "hostel", "owner", "lost_reason",
                                           "move_in_on", "asked_at", "next_action_at"]
    key_facts = ("phone_masked", "email_masked", "owner")
    show_fieldsets: ClassVar[list[Any]] = [
        (lazy_gettext("Next"), {"fields": ["next_action", "next_action_at"]}),
        (lazy_gettext("What they want"), {"fields": ["message", "hostel", "move_in_on", "lost_reason"]}),
        (lazy_gettext("Where they came from"), {"fields": ["source", "campaign", "referrer", "asked_at", "last_asked_at", "times_asked"]}),
    ]
    filled_facts = ("message", "move_in_on", "campaign", "referrer", "lost_reason", "next_action", "next_action_at")
    story = Story("inquiry_id", history=InquiryHistory, comments=InquiryNote)
    begun = lazy_gettext("The inquiry arrived")
    remark_hint = lazy_gettext("Only those read it who work on inquiries.")
    label_columns: ClassVar[dict[str, Any]] = {
        "headline": "Inquiry", "status": "Stage", "phone_masked": "Phone", "email_masked": "E-mail", "owner": "Owner", "owner_id": "Owner",
        "next_action": "Next action", "next_action_at": "Until", "last_asked_at": "Asked last", "asked_at": "Asked first", "full_name": "Name",
        "move_in_on": "From when", "stage_since": "In this stage since", "times_asked": "Times asked", "lost_reason": "Lost because",
        "referrer": "Came from", "message": "Message",
    }
    add_columns: ClassVar[list[str]] = ["full_name", "phone", "email", "hostel", "move_in_on", "message", "source"]
    add_fieldsets: ClassVar[list[Any]] = [
        (lazy_gettext("Who asks"), {"fields": ["full_name", "phone", "email"], "help": lazy_gettext(
            "While you type we look whether this person has asked before.")}),
        (lazy_gettext("What they want"), {"fields": ["hostel", "move_in_on", "message", "source"]})]
    edit_columns: ClassVar[list[str]] = ["full_name", "hostel", "move_in_on", "message", "owner_id", "next_action", "next_action_at"]
    edit_fieldsets: ClassVar[list[Any]] = [
        (lazy_gettext("Who does what next"), {"fields": ["owner_id", "next_action", "next_action_at"]}),
        (lazy_gettext("What they want"), {"fields": ["full_name", "hostel", "move_in_on", "message"]})]
    description_columns: ClassVar[dict[str, Any]] = {
        "hostel": lazy_gettext("Empty if it does not matter to them."), "next_action_at": lazy_gettext("We remind the owner then.")}
    add_form_extra_fields: ClassVar[dict[str, Any]] = {
        "full_name": StringField(lazy_gettext("Name"), [DataRequired(lazy_gettext("Please fill this in.")), Length(max=200), printable],
                                 filters=[strip], render_kw=_KNOWN),
        "phone": TelField(lazy_gettext("Phone"), [DataRequired(lazy_gettext("Please fill this in.")), Length(max=40), printable], filters=[strip],
                          render_kw=_KNOWN | {"inputmode": "tel", "autocomplete": "off"}),
        "email": EmailField(lazy_gettext("E-mail address"), [Length(max=EMAIL_MAX), printable], filters=[strip],
                            render_kw=_KNOWN | {"autocomplete": "off"}),
        "source": ChoiceField(Source, lazy_gettext("Source"), required=True, default=Source.PHONE_CALL)}
    edit_form_extra_fields: ClassVar[dict[str, Any]] = {
        "owner_id": OwnerField(lazy_gettext("Owner")),
        "next_action": StringField(lazy_gettext("Next action"), [Length(max=SHORT_MAX), printable], filters=[strip])}
    validators_columns: ClassVar[dict[str, Any]] = {"message": [Length(max=MESSAGE_MAX)]}
    relation_labels: ClassVar[dict[str, str]] = {"owner": "name"}
    submit_text = lazy_gettext("Write it down")
    empty_hint = lazy_gettext("What people send through your public page appears here, and whom you write down yourself.")

    def _init_forms(self) -> None:
        super()._init_forms()
        self.filter_bar.filters += [_Open(self.datamodel, "open", "Open"), _Mine(self.datamodel, "mine", "Mine"),
                                    _Due(self.datamodel, "due", "Due")]

    def narrow(self, statement: Any) -> Any:
        """Each person once: what they asked again is on the page of the first."""
        return statement.where(Inquiry.duplicate_of.is_(None))

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """A source that staff chose is one of our words, one from a link is its own."""
        if column == "source" and item.source in set(Source):
            return formats.human(Source(item.source))
        if column == "owner_id":
            return formats.show_value(item.owner)
        if column == "next_action":
            return formats.show_value(sentence(item.next_action), short=short)
        if column == "next_action_at" and item.next_action_at and item.next_action_at <= formats.now():
            return Markup('<span class="badge badge-warning">{}</span>').format(formats.when(item.next_action_at, stop=not short))
        return super().display(item, column, short=short)

    # -- forms ------------------------------------------------------------------------------------------------

    def create(self, session: Session, data: dict[str, Any]) -> Any:
        """Write it down; of somebody known it becomes a part of their first inquiry, which is shown."""
        lead = clean_lead(Lead(data["full_name"] or "", data["phone"] or "", data["email"], data.get("message") or "", data["move_in_on"],
                               data["source"].value), g.identity.country, formats.today())
        first = inquiries.add(session, ring(), g.identity.org_id, data["hostel_id"], submission_id(), lead)
        if first != submission_id():
            flash(gettext("This person has asked before: this is their first inquiry, and what you wrote is kept with it."), "info")
        return session.get(Inquiry, first)

    def update(self, session: Session, item: Any, data: dict[str, Any]) -> None:
        """Correct it, hand it over, say what is next."""
        inquiries.edit(session, item.id, data)

    def remove(self, session: Session, item: Any) -> None:
        """Hide it."""
        inquiries.remove(session, item.id)

    def restore_item(self, session: Session, item: Any) -> None:
        """Show it again."""
        inquiries.restore(session, item.id)

    @expose("/known", methods=["POST"])
    @has_access
    def known(self) -> Any:
        """Who of those we know it may be, for a form that is being filled in; halves of numbers match nothing."""

        def work(session: Session) -> dict[str, str]:
            phone, email = _whole(clean_phone, request.form.get("phone", ""), g.identity.country), _whole(clean_email, request.form.get("email", ""))
            found = inquiries.known(session, ring(), g.identity.org_id, phone=phone, email=email, name=request.form.get("full_name", "")[:200])
            return {"html": self.page("inquiries/known.html", found=found) if found else ""}

        return api_post(work)

    # -- one inquiry ------------------------------------------------------------------------------------------

    def steps(self, item: Any) -> list[Step]:
        """Its lifecycle, the next stage first; then what else may be done with it."""
        pk, found = self.key_of(item), list[Step]()
        if not self.is_deleted(item) and item.duplicate_of is None and g.identity.can(Resource.INQUIRIES, Action.UPDATE, item.hostel_id):
            found = [self.lifecycle_step(item, move, QUESTIONS.get(move.name, ""), _asks(move.name), danger=move.name == "lose")
                     for move in _onward(item.stage)]
            if item.stage in OPEN:
                found.append(Step("plan", gettext("Next action"), self.url("plan", pk=pk), "clock", asks=[
                    Ask("next_action", gettext("What is to be done?"), "line", most=SHORT_MAX),
                    Ask("at", gettext("When?"), "moment", required=False, help=gettext("We remind the owner then."))]))
            found.append(Step("reveal", gettext("Show phone and e-mail"), self.url("reveal", pk=pk), "eye", asks=[
                Ask("reason", gettext("What do you need it for?"), "choice", choices=[(key, str(text)) for key, text in WANTED_FOR.items()],
                    help=gettext("It is written down that you looked."))]))
            found.append(Step("merge", gettext("Same person as…"), self.url("merge", pk=pk), "copy", asks=[
                Ask("into", gettext("The other inquiry"), "line", most=20, help=gettext("Its reference, like I-0042. This one becomes a part of it."))]))
            if self._may_invite() and item.stage is not Stage.LOST:
                found.append(self._invite(item))
        found += super().steps(item)
        return sorted(found, key=lambda step: step.kind == "danger")

    def _may_invite(self) -> bool:
        return bool(g.identity.portal is Portal.ADMIN and g.identity.can(Resource.MEMBERS, Action.CREATE))

    def _invite(self, item: Any) -> Step:
        hostels = [(hostel.id, hostel.name) for hostel in g.identity.hostels]
        hint = gettext("Empty for the one they gave, %(email)s.", email=item.email_masked) if item.email_masked else ""
        return Step("convert", gettext("Invite to move in"), self.url("convert", pk=self.key_of(item)), "user-plus", asks=[
            Ask("hostel", gettext("Hostel"), "choice", choices=hostels,
                value=item.hostel_id or (hostels[0][0] if len(hostels) == 1 else "")),
            Ask("email", gettext("E-mail address"), "line", required=not item.email_masked, most=EMAIL_MAX, help=hint)])

    def show_context(self, item: Any) -> dict[str, Any]:
        """What belongs to the same person, and who has the same name."""
        return {"again": finding.copies(self.session(), item), "contacts": contacts.of_inquiry(self.session(), item), "revealed": g.get("revealed"), "shown_phone": shown_phone,
                "alike": inquiries.known(self.session(), ring(), item.org_id, name=item.full_name, but=item.id)}

    def _typed(self) -> dict[str, Any]:
        """Nothing is left of a dialog whose answer is on the page."""
        return {"typed": {}, "once": submission_id()} if g.get("revealed") else super()._typed()

    def _write(self, pk: str, done: str, work: Any) -> Any:
        key = given_id(pk)
        with service_call(done) as call:
            work(call.session, key)
        return call.respond(self.url("show", pk=key), failed=lambda: self.render_show(pk))

    @expose("/move/<pk>", methods=["POST"])
    @has_access
    def move(self, pk: str) -> Any:
        """A step of the lifecycle."""
        return self._write(pk, gettext("Saved."), take_step)

    @expose("/plan/<pk>", methods=["POST"])
    @has_access
    def plan(self, pk: str) -> Any:
        """What is to be done next."""
        return self._write(pk, gettext("Saved."), lambda session, key: inquiries.plan(
            session, key, request.form.get("next_action", ""), _moment(request.form.get("at", "")), formats.now()))

    @expose("/reveal/<pk>", methods=["POST"])
    @has_access
    def reveal(self, pk: str) -> Any:
        """Phone and e-mail, on this page and for this once."""
        with service_call() as call:
            reason = request.form.get("reason", "")
            if reason not in WANTED_FOR:
                raise_refusal(Invalid(gettext("Choose one from the list."), field="reason"))
            revealed = inquiries.reveal(call.session, ring(), given_id(pk), reason)
        if call.error is not None:
            return call.respond("", failed=lambda: self.render_show(pk))
        g.revealed = revealed
        return self.render_show(pk)

    @expose("/merge/<pk>", methods=["POST"])
    @has_access
    def merge(self, pk: str) -> Any:
        """It is the same person as in another one, which goes on."""
        into: list[UUID] = []
        with service_call(gettext("Merged.")) as call:
            number = parse_reference(request.form.get("into", ""))
            into.append(finding.by_number(call.session, g.identity.org_id, number))
            inquiries.merge(call.session, given_id(pk), into[0])
        return call.respond(self.url("show", pk=into[0]) if into else "", failed=lambda: self.render_show(pk))

    @expose("/convert/<pk>", methods=["POST"])
    @has_access
    def convert(self, pk: str) -> Any:
        """Invite them; the inquiry is won with it."""
        item = self.find(pk)
        with service_call(gettext("Invited. They choose a password and go on from there.")) as call:
            if not request.form.get("hostel", "").strip():
                raise Invalid(gettext("Please choose a hostel."), field="hostel")
            hostel = edge.given_id(request.form["hostel"], gettext("There is no such hostel."))
            inquiries.convert(call.session, ring(), settings().secret_key, item, hostel,
                              request.form.get("email", ""), submission_id(), formats.now())
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/comment/<pk>", methods=["POST"])
    @has_access
    def comment(self, pk: str) -> Any:
        """A note, or an answer to one."""
        parent, body = request.form.get("parent_id", "").strip(), request.form.get("body", "")
        note_id = uuid5(submission_id(), f"{pk} {parent} {body.strip()}")
        return self._write(pk, gettext("Comment saved."), lambda session, key: inquiries.note(
            session, key, body, given_id(parent) if parent else None, note_id))

    @expose("/uncomment/<pk>/<comment>", methods=["POST"])
    @has_access
    def uncomment(self, pk: str, comment: str) -> Any:
        """Take a note back."""
        return self._write(pk, gettext("Comment removed."), lambda session, _key: inquiries.remove_note(session, given_id(comment)))


def raise_refusal(error: DomainError) -> None:
    """Within a service call."""
    raise error


def given_id(text: str) -> UUID:
    """The id of an inquiry from an address."""
    return edge.given_id(text, gettext("There is no such inquiry."))


def take_step(session: Session, key: UUID) -> Stage:
    """The step that a form asks for; the board writes `lose:price` for a loss and its reason."""
    event, _, reason = request.form.get("event", "").partition(":")
    reason = reason or request.form.get("reason", "")
    if reason and reason not in set(LostReason):
        raise Invalid(gettext("Choose one from the list."), field="reason")
    return inquiries.move(session, key, event, request.form.get("note", "").strip(), reason=LostReason(reason) if reason else None,
                          at=_moment(request.form.get("at", "")))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=formats.zone()) if text.strip() else None
    except ValueError as error:
        raise Invalid(gettext("Please give a date and a time."), field="at") from error


def _asks(event: str) -> list[Ask]:
    match event:
        case "lose":
            return [Ask("reason", gettext("Why was it lost?"), "choice", choices=[(one.value, formats.human(one)) for one in LostReason])]
        case "schedule_visit":
            return [Ask("at", gettext("When?"), "moment", required=False, help=gettext("We remind the owner then."))]
    return []


def _onward(stage: Stage) -> list[Any]:
    """What can happen, the next stage before those behind."""
    order = list(Stage)
    moves = INQUIRY.available(stage)
    return sorted((replace(move) for move in moves), key=lambda move: (order.index(move.to) < order.index(stage), order.index(move.to)))


def _whole(clean: Any, text: str, *more: Any) -> str | None:
    """What was typed, once it is whole."""
    try:
        return clean(text, *more) if text.strip() else None  # type: ignore[no-any-return]
    except DomainError:
        return None
