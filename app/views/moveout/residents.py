"""A resident's own notice: made for a phone, works without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID

from flask import g, make_response, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.models.moveout import MoveOut, MoveOutItem, MoveOutPhoto
from app.models.residents import Stay
from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError
from app.rules.moveout import MoveOutStatus, days_short
from app.services import beds, moveout
from app.views.base import ConsoleView, expose, has_access, service_call, submission_id
from app.views.edge import given_id, problem_page
from app.views.moveout.parts import statement_pdf
from app.views.rooms import asking


class MyMoveOutView(ConsoleView):
    """Notice, its withdrawal and the settlement of the signed-in resident."""

    resource = Resource.MOVE_OUTS
    portals = frozenset({Portal.RESIDENT})
    route_base = "/my/move-out"
    default_view = "index"
    singular_name, plural_name = "Moving out", "Moving out"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "statement": Action.READ, "give": Action.CREATE,
                                                   "change": Action.UPDATE, "withdraw": Action.UPDATE}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """What is under way, and the form for what is not."""
        return self._page()

    @expose("/give/<pk>", methods=["POST"])
    @has_access
    def give(self, pk: str) -> Any:
        """Of one of one's stays."""
        with service_call(gettext("Your notice is written down.")) as call:
            moveout.give_notice(call.session, given_id(pk, gettext("There is no such stay.")), asking.given_day("leaves_on"),
                                asking.given_note(), submission_id())
        return call.respond(self.url("index"), failed=lambda: self._page(call.error, pk))

    @expose("/change/<pk>", methods=["POST"])
    @has_access
    def change(self, pk: str) -> Any:
        """They leave on another day."""
        with service_call(gettext("The day is changed.")) as call:
            moveout.change_day(call.session, _key(pk), asking.given_day("leaves_on"))
        return call.respond(self.url("index"), failed=lambda: self._page(call.error, pk))

    @expose("/withdraw/<pk>", methods=["POST"])
    @has_access
    def withdraw(self, pk: str) -> Any:
        """They stay."""
        with service_call(gettext("Your notice is withdrawn.")) as call:
            moveout.withdraw(call.session, _key(pk))
        return call.respond(self.url("index"), failed=lambda: self._page(call.error))

    @expose("/statement/<pk>")
    @has_access
    def statement(self, pk: str) -> Any:
        """The settlement as a document."""
        try:
            return statement_pdf(self.session(), _key(pk))
        except DomainError as error:
            return problem_page(error, self.url("index"))

    def _page(self, error: DomainError | None = None, tried: str = "") -> Any:
        """`tried` names the stay or the move-out whose form was refused."""
        session = self.session()
        moves = moveout.own(session, g.identity.user_id)
        leaving = {out.stay_id for out in moves}
        stays = [Place(stay, moveout.bed_called(session, stay.id), _tomorrow(session, stay.hostel_id), stay.hostel.notice_days)
                 for stay in moveout.own_stays(session, g.identity.user_id) if stay.id not in leaving]
        page = self.page("moveout/mine.html", title=gettext("Moving out"), stays=stays, once=submission_id(), typed=request.form, error=error,
                         tried=tried, moves=[_leaving(session, out) for out in moves])
        return make_response(page, error.status if error else 200)


@dataclass(frozen=True)
class Place:
    """Where somebody lives, and what holds for a notice given there now."""

    stay: Stay
    bed: str
    tomorrow: date
    notice_days: int

    @property
    def first(self) -> date:
        """The first day that can be meant."""
        return max(self.tomorrow, self.stay.from_on + timedelta(days=1))

    @property
    def unpunished(self) -> date:
        """The first day for which no rent is charged for want of notice."""
        return self.tomorrow + timedelta(days=self.notice_days - 1)

    @property
    def proposed(self) -> date:
        """What the form begins with."""
        return min(max(self.first, self.unpunished), self.stay.until_on or date.max)


@dataclass(frozen=True)
class Leaving:
    """A move-out, with what was found once the inspection is done."""

    out: MoveOut
    bed: str
    tomorrow: date
    found: Sequence[MoveOutItem]
    photos: Mapping[UUID, Sequence[MoveOutPhoto]]

    @property
    def short(self) -> int:
        """Days of notice that are missing."""
        return days_short(self.out.noticed_on, self.out.notice_days, self.out.leaves_on)


def _leaving(session: Session, out: MoveOut) -> Leaving:
    inspected = out.standing is not MoveOutStatus.NOTICED
    return Leaving(out, moveout.bed_called(session, out.stay_id), _tomorrow(session, out.hostel_id),
                   moveout.items_of(session, out.id) if inspected else [], moveout.photos_of(session, out.id) if inspected else {})


def _tomorrow(session: Session, hostel_id: UUID) -> date:
    return beds.house_day(session, hostel_id) + timedelta(days=1)


def _key(pk: str) -> UUID:
    return given_id(pk, gettext("There is no such move-out."))
