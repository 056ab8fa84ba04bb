"""A resident's own notice: made for a phone, works without scripts."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g, make_response, request
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError
from app.services import moveout
from app.views.base import ConsoleView, expose, has_access, service_call, submission_id
from app.views.edge import problem_page
from app.views.maintenance.parts import given_id
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
                                                   "withdraw": Action.UPDATE}

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
            moveout.give_notice(call.session, given_id(pk), asking.given_day("leaves_on"), asking.given_note(), submission_id())
        return call.respond(self.url("index"), failed=lambda: self._page(call.error))

    @expose("/withdraw/<pk>", methods=["POST"])
    @has_access
    def withdraw(self, pk: str) -> Any:
        """They stay."""
        with service_call(gettext("Your notice is withdrawn.")) as call:
            moveout.withdraw(call.session, given_id(pk))
        return call.respond(self.url("index"), failed=lambda: self._page(call.error))

    @expose("/statement/<pk>")
    @has_access
    def statement(self, pk: str) -> Any:
        """The settlement as a document."""
        try:
            return statement_pdf(self.session(), given_id(pk))
        except DomainError as error:
            return problem_page(error, self.url("index"))

    def _page(self, error: DomainError | None = None) -> Any:
        session = self.session()
        moves = moveout.own(session, g.identity.user_id)
        leaving = {out.stay_id for out in moves}
        stays = [(stay, moveout.bed_called(session, stay.id), moveout.notice_days(session, stay.hostel_id)) for stay in moveout.own_stays(session, g.identity.user_id)
                 if stay.id not in leaving]
        page = self.page("moveout/mine.html", title=gettext("Moving out"), moves=moves, stays=stays, once=submission_id(),
                         typed=request.form, error=error)
        return make_response(page, error.status if error else 200)
