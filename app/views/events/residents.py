"""What residents see of events and answer, made for a phone; everything works without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from flask import g, make_response, request
from flask_babel import gettext, lazy_gettext

from app.models.events import HostelEvent
from app.permissions import Action, Portal
from app.rules.errors import DomainError, Invalid
from app.rules.events import ANSWERED, Answer, EventStatus, ReplyState
from app.services import events
from app.services.events.replying import Counts
from app.views import formats
from app.views.base import expose, has_access, service_call
from app.views.edge import given_id
from app.views.events.calendar import EventCalendar, house_said, when_said

_DONE = {ReplyState.COMING: lazy_gettext("You are coming."), ReplyState.WAITING: lazy_gettext("You are in line: we tell you when a place is free."),
         ReplyState.MAYBE: lazy_gettext("Saved: perhaps you come."), ReplyState.DECLINED: lazy_gettext("Saved: you are not coming.")}


class MyEventsView(EventCalendar):
    """The calendar, and one event with one's answer."""

    portals = frozenset({Portal.RESIDENT})
    route_base = "/my/events"
    singular_name, plural_name = "Event", "Events"
    method_actions: ClassVar[dict[str, Action]] = {"show": Action.READ, "reply": Action.CREATE}

    def more(self, found: Sequence[HostelEvent]) -> dict[str, Any]:
        """With one's own answers."""
        return {**super().more(found), "own": events.replying.own(self.session(), g.identity.user_id, [one.id for one in found])}

    def event_url(self, event: HostelEvent) -> str:
        """Its page here."""
        return self.url("show", pk=event.id)

    @expose("/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """What it is, who comes, what one answered."""
        return self._show(given_id(pk, gettext("There is no such event.")))

    @expose("/<pk>/reply", methods=["POST"])
    @has_access
    def reply(self, pk: str) -> Any:
        """Yes, perhaps or no; sent twice, it is the same answer."""
        key = given_id(pk, gettext("There is no such event."))
        with service_call() as call:
            state = events.replying.reply(call.session, key, _answer(), _guests())
            call.done = str(_DONE[state])
        return call.respond(self.url("show", pk=key), failed=lambda: self._show(key, call.error))

    def _show(self, key: UUID, error: DomainError | None = None) -> Any:
        session = self.session()
        event = events.planning.find(session, key)
        own = events.replying.own(session, g.identity.user_id, [key]).get(key)
        counts = events.replying.counts(session, [key]).get(key, Counts())
        typed = request.form if error else {"answer": ANSWERED[ReplyState(own.state)].value if own else "", "guests": str(own.guests) if own else "0"}
        now = formats.now()
        open_ = event.state is EventStatus.PUBLISHED and event.starts_at > now
        page = self.page("events/own_event.html", title=event.title, event=event, when=when_said(event), house=house_said(event), counts=counts,
                         state=ReplyState(own.state) if own else None, guests=own.guests if own else 0, typed=typed, error=error, answers=list(Answer),
                         open=open_ and g.identity.can(self.resource, Action.CREATE), late=event.reply_until is not None and event.reply_until <= now)
        return make_response(page, error.status if error else 200)


def _answer() -> Answer:
    try:
        return Answer(request.form.get("answer", ""))
    except ValueError as error:
        raise Invalid(gettext("Choose an answer."), field="answer") from error


def _guests() -> int:
    text = request.form.get("guests", "").strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 4):  # noqa: PLR2004 - digits
        raise Invalid(gettext("Write how many guests you bring as a number."), field="guests")
    return int(text)
