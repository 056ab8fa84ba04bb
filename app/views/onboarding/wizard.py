"""Registration on the phone: five steps, saved as one types; a bed, documents, a last look, and off it goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any, ClassVar
from uuid import UUID

from flask import flash, g, jsonify, make_response, redirect, request
from flask_babel import gettext, lazy_gettext

from app.languages import sentence
from app.permissions import Action, Portal, Resource, Role
from app.rules import onboarding as rules
from app.rules.errors import Conflict, DomainError, Invalid, NotFound
from app.rules.onboarding import FIELDS, Field, Step, SubmissionState
from app.rules.personal import DocumentKind
from app.rules.residents import HoldState, TariffKind
from app.security import identify
from app.services import beds, documents, onboarding
from app.services.onboarding import Price, Standing
from app.services.onboarding.submitting import Unfinished, plans
from app.views import formats
from app.views.base import (
    ConsoleView,
    api_post,
    expose,
    has_access,
    problem_page,
    service_call,
    submission_id,
)
from app.views.documents import ACCEPT, KINDS, key_of, private, shown, take
from app.views.edge import already_submitted
from app.views.people.doors import ring

TITLES = {
    Step.RESIDENTIAL: lazy_gettext("About you"), Step.PARENTAL: lazy_gettext("Your parents"), Step.ROOM: lazy_gettext("Your bed"),
    Step.PREFERENCES: lazy_gettext("How you live"), Step.REVIEW: lazy_gettext("Check and send"),
}
_LONGEST = {"long": 500, "text": 200, "tel": 40, "email": 200}


def welcomed(template: str) -> Callable[[Any], Any]:
    """Before the guard of a page: whoever was approved meanwhile reads that, instead of being refused."""

    def around(method: Any) -> Any:
        @wraps(method)
        def page(self: OnboardingView) -> Any:
            identity = identify()
            if identity is not None and Role.RESIDENT in identity.roles and not identity.can(Resource.ONBOARDING, Action.READ):
                return private(self.page(template, title=gettext("Your registration"), state=SubmissionState.APPROVED))
            return method(self)

        return page

    return around


class OnboardingView(ConsoleView):
    """Only for whoever is to move in; what they give is theirs alone until they send it."""

    route_base = "/onboarding"
    resource = Resource.ONBOARDING
    portals = frozenset({Portal.RESIDENT})
    default_view = "index"
    method_actions: ClassVar[dict[str, Action]] = {
        "index": Action.READ, "now": Action.READ, "step": Action.UPDATE, "draft": Action.UPDATE, "beds": Action.READ, "bed": Action.UPDATE,
        "add": Action.UPDATE, "remove": Action.UPDATE, "submit": Action.CREATE}

    def standing(self) -> Standing:
        """The caller's."""
        return onboarding.read(self.session(), ring(), g.identity.user_id)

    @expose("/")
    @welcomed("onboarding/sent.html")
    @has_access
    def index(self) -> Any:
        """Where one left off, on whatever device; or how it stands with the reviewer."""
        standing = self.standing()
        if standing.state in rules.CLOSED:
            return private(self.page("onboarding/sent.html", title=gettext("Your registration"), state=standing.state, standing=standing))
        return redirect(self.url("step", number=int(standing.next_step)))

    @expose("/now")
    @welcomed("onboarding/stands.html")
    @has_access
    def now(self) -> Any:
        """How it stands, for whoever waits with the page open."""
        standing = self.standing()
        return private(self.page("onboarding/stands.html", state=standing.state, standing=standing))

    @expose("/<number>", methods=["GET", "POST"])
    @has_access
    def step(self, number: str) -> Any:
        """One step: shown, or saved and done."""
        standing, step = self.standing(), _step(number)
        if standing.state in rules.CLOSED:
            return redirect(self.url("index"))
        if step > standing.last_completed + 1:
            return redirect(self.url("step", number=int(standing.next_step)))
        if request.method == "GET":
            return self._draw(standing, step)
        with service_call() as call:
            onboarding.keep(call.session, ring(), g.identity.user_id, step, _typed(step), _version(), standing)
        if call.error is not None:
            return self._draw(self.standing(), step, error=call.error)
        after = self.standing()
        if found := after.wrong(step, plans(self.session(), after) if step is Step.ROOM else frozenset()):
            return self._draw(after, step, found=found, error=Invalid(gettext("Please look at the marked fields.")))
        with service_call() as call:
            onboarding.complete(call.session, step)
        return call.respond(self.url("step", number=int(self._after(after, step))))

    @expose("/<number>/draft", methods=["GET", "POST"])
    @has_access
    def draft(self, number: str) -> Any:
        """What was typed just now, and, after somebody else was faster, what there is."""
        step = _step(number)
        if request.method == "POST":
            standing = self.standing()
            return api_post(lambda session: {"version": onboarding.keep(
                session, ring(), g.identity.user_id, step, _typed(step), _version(), standing)})
        standing = self.standing()
        return private(jsonify(version=standing.versions.get(step, 0), answers={
            field.name: standing.answers.get(field.name, "") for field in rules.of_step(step) if field.name in standing.open}))

    # -- the bed ----------------------------------------------------------------------------------------------

    @expose("/beds")
    @has_access
    def beds(self) -> Any:
        """The beds as they are now, for the part of the page that keeps up."""
        standing = self.standing()
        return private(self.page("onboarding/beds.html", standing=standing, **self._room(standing, request.args.get("on", ""))))

    @expose("/bed", methods=["POST"])
    @has_access
    def bed(self) -> Any:
        """Take a bed, or stand in line for it; what was typed beside is kept."""
        hold = None
        with service_call() as call:
            before = onboarding.read(call.session, ring(), g.identity.user_id)
            onboarding.keep(call.session, ring(), g.identity.user_id, Step.ROOM, _typed(Step.ROOM), _version(), before)
            hold = onboarding.choose_bed(call.session, _bed(request.form.get("bed", "")), onboarding.read(
                call.session, ring(), g.identity.user_id))
        if call.error is not None or hold is None:
            return self._draw(self.standing(), Step.ROOM, error=call.error)
        if hold.standing is HoldState.QUEUED:
            flash(gettext("Somebody else has this bed. You are in line for it now: choose another one, or wait."), "warning")
        else:
            flash(gettext("This bed is held for you."), "success")
        return redirect(self.url("step", number=int(Step.ROOM)), code=303)

    def _room(self, standing: Standing, on: str = "") -> dict[str, Any]:
        """Beds and prices from a day on: the one that is typed, else today."""
        day = standing.house.today
        try:
            day = rules.move_in(on or standing.answers.get("move_in_on", ""), day)
        except Invalid:
            on = ""
        found, costs = beds.choices(self.session(), standing.house.id, day), onboarding.prices(self.session(), day)
        rents = {price.room_type_id: price for price in costs if price.kind is TariffKind.RENT}
        return {"choices": found, "rents": rents, "day": day, "own": {one.bed_id: one for one in standing.holds},
                "mine": standing.hold if standing.hold in standing.holds else None, "HoldState": HoldState,
                "may_choose": rules.BED in standing.open, **_offers(costs)}

    # -- documents --------------------------------------------------------------------------------------------

    @expose("/<number>/documents", methods=["POST"])
    @has_access
    def add(self, number: str) -> Any:
        """One more document, from the camera or a folder."""
        step, standing = _step(number), self.standing()
        if f"{rules.DOCUMENT}{request.form.get('kind', '')}" not in standing.open:
            return problem_page(Conflict(gettext("Nobody asked you for this document.")), self.url("step", number=number))
        return take(g.identity.user_id, self.url("step", number=number), lambda error: self._draw(standing, step, document_error=error))

    @expose("/<number>/documents/remove/<pk>", methods=["POST"])
    @has_access
    def remove(self, number: str, pk: str) -> Any:
        """A document is taken back."""
        standing = self.standing()
        with service_call(gettext("The document is removed.")) as call:
            found = next((one for one in standing.papers.documents if one.id == key_of(pk)), None)
            if found is None or f"{rules.DOCUMENT}{found.kind}" not in standing.open:
                raise NotFound(gettext("This document is not there any more."))
            documents.remove(call.session, found.id)
        return call.respond(self.url("step", number=number))

    # -- sending ----------------------------------------------------------------------------------------------

    @expose("/submit", methods=["POST"])
    @has_access
    def submit(self) -> Any:
        """All of it, once."""
        if (done := already_submitted()) is not None:
            return redirect(done, code=303)
        with service_call(gettext("Sent. You are told as soon as somebody has looked at it.")) as call:
            standing = onboarding.read(call.session, ring(), g.identity.user_id)
            if standing.state not in rules.CLOSED:
                onboarding.keep(call.session, ring(), g.identity.user_id, Step.REVIEW, _typed(Step.REVIEW),
                                standing.versions.get(Step.REVIEW, 0), standing)
            onboarding.submit(call.session, ring(), g.identity.user_id, submission_id())
        if call.error is None:
            return call.respond(self.url("index"))
        standing = self.standing()
        if standing.state in rules.CLOSED:
            return problem_page(call.error, self.url("index"))
        step = call.error.step if isinstance(call.error, Unfinished) else Step.ROOM if getattr(call.error, "field", "") == rules.BED else Step.REVIEW
        return self._draw(standing, step, found=standing.wrong(step), error=call.error)

    # -- the page ---------------------------------------------------------------------------------------------

    def _after(self, standing: Standing, step: Step) -> Step:
        if standing.state is SubmissionState.NEEDS_REVISION:
            return next((later for later in Step if later > step and later in self._open_steps(standing)), Step.REVIEW)
        return Step(min(step + 1, Step.REVIEW))

    def _open_steps(self, standing: Standing) -> set[Step]:
        return {rules.step_of(name) for name in standing.open}

    def _draw(self, standing: Standing, step: Step, *, found: dict[str, str] | None = None, error: DomainError | None = None,
              document_error: DomainError | None = None) -> Any:
        sent = request.form if request.method == "POST" else {}
        said = {name: sentence(message) for name, message in (found or {}).items()}
        if error is not None and (name := (getattr(error, "field", None) or "").removeprefix("draft.")):
            said.setdefault(name, sentence(error.message))
        context: dict[str, Any] = {
            "standing": standing, "step": step, "titles": TITLES, "found": said, "error": error, "FIELDS": FIELDS, "longest": _LONGEST,
            "fields": [field for field in rules.of_step(step) if field.name in standing.open],
            "value": lambda field: sent.get(field.name, standing.answers.get(field.name, "")),
            "version": standing.versions.get(step, 0), "options": _options, "once": submission_id(),
            "open_steps": self._open_steps(standing), "revision": standing.state is SubmissionState.NEEDS_REVISION}
        if step is Step.ROOM:
            context |= self._room(standing, sent.get("move_in_on", ""))
        elif step is Step.REVIEW:
            room = self._room(standing)
            context |= room | {"answered": _answered(standing), "total": _total(standing, room),
                               "all_documents": shown(standing.papers.documents, standing.papers.day)}
        else:
            context |= self._papers(standing, step, document_error)
        page = private(self.page("onboarding/step.html", title=TITLES[step], **context))
        problem = error or document_error
        return make_response(page, problem.status if problem else 200)

    def _papers(self, standing: Standing, step: Step, error: DomainError | None) -> dict[str, Any]:
        kinds = {need.kind: KINDS[need.kind] for need in standing.papers.needs
                 if rules.document_step(need.kind) is step and f"{rules.DOCUMENT}{need.kind}" in standing.open}
        given = [one for one in standing.papers.documents if rules.document_step(DocumentKind(one.kind)) is step]
        return {"kinds": kinds if step in (Step.RESIDENTIAL, Step.PARENTAL) else {}, "accept": ACCEPT, "typed": request.form,
                "document_error": error, "documents": shown(given, standing.papers.day),
                "missing": [KINDS[kind] for kind in standing.papers.missing if rules.document_step(kind) is step],
                "with_expiry": [need.kind for need in standing.papers.needs if need.has_expiry and need.kind in kinds]}


def _step(number: str) -> Step:
    try:
        return Step(int(number))
    except ValueError as error:
        raise NotFound(gettext("There is no such step.")) from error


def _bed(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(gettext("There is no such bed.")) from error


def _version() -> int:
    text = request.form.get("_version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004 - an integer of the database


def _typed(step: Step) -> dict[str, str]:
    """What a form sent; a box that is not ticked is not sent, so a whole form says which boxes it had."""
    boxes = set(request.form.getlist("_box"))
    return {field.name: request.form.get(field.name, "") for field in rules.of_step(step) if field.name in request.form or field.name in boxes}


def _options(field: Field, meals: list[Price]) -> list[tuple[str, str]]:
    """What may be chosen, in words."""
    if field.kind == "plan":
        return [(meal.name, gettext("%(name)s, %(price)s a month", name=meal.name, price=formats.money(meal.amount_paise, meal.currency)))
                for meal in meals]
    return [(str(one), formats.human(one)) for one in field.choices or ()]


def _offers(costs: list[Price]) -> dict[str, Any]:
    """Meals, lunchbox and deposit as the tariff has them."""
    return {"meals": [price for price in costs if price.kind is TariffKind.MESS],
            "lunchbox": next((price for price in costs if price.kind is TariffKind.LUNCHBOX), None),
            "deposit": next((price for price in costs if price.kind is TariffKind.DEPOSIT), None)}


def _answered(standing: Standing) -> list[tuple[Step, list[tuple[Field, str]]]]:
    """All answers for a last look: what is sensitive and was not typed in this round stays masked."""
    found = []
    for step in (Step.RESIDENTIAL, Step.PARENTAL, Step.ROOM, Step.PREFERENCES):
        rows = [(field, standing.answers.get(field.name, "") or standing.masked.get(field.name, "")) for field in rules.of_step(step)]
        found.append((step, [(field, _said(field, text)) for field, text in rows if text and field.kind != "check"]))
    return found


def _said(field: Field, text: str) -> Any:
    """An answer as people read it; what was typed and is no date stays as it is."""
    if field.choices is not None:
        return formats.human(text)
    try:
        return formats.day(date.fromisoformat(text)) if field.kind == "date" else text
    except ValueError:
        return text


def _total(standing: Standing, room: dict[str, Any]) -> int | None:
    """What a month costs: the bed, the meals and the lunchbox; None while the price of the bed is not known."""
    kind = next((one.room_type_id for one in room["choices"] if standing.hold and one.bed_id == standing.hold.bed_id), None)
    rent = room["rents"].get(kind) or room["rents"].get(None)
    extra = [price for price in room["meals"] if price.name == standing.answers.get("mess_plan")]
    if standing.answers.get("lunchbox") and room["lunchbox"]:
        extra.append(room["lunchbox"])
    return rent.amount_paise + sum(price.amount_paise for price in extra) if rent else None
