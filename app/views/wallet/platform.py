"""For those who run the installation: proposals of organizations in which nobody but the proposer could decide."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from flask import request
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.rules.wallet import ProposedKind
from app.services import wallet_reading as reading
from app.views.base import ConsoleView, expose, has_access, service_call
from app.views.edge import problem_page


class PlatformProposalView(ConsoleView):
    """What was proposed, how much, in which house and why; nobody's name."""

    route_base = "/platform/proposals"
    resource = Resource.ORGANIZATION
    portals = frozenset({Portal.PLATFORM})
    default_view = "index"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "approve": Action.APPROVE, "reject": Action.APPROVE}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """The oldest first."""
        return self._page()

    @expose("/<uuid:org_id>/<uuid:pk>/approve", methods=["POST"])
    @has_access
    def approve(self, org_id: UUID, pk: UUID) -> Any:
        """Book it there."""
        return self._decide(org_id, pk, "approve", gettext("Approved and booked."))

    @expose("/<uuid:org_id>/<uuid:pk>/reject", methods=["POST"])
    @has_access
    def reject(self, org_id: UUID, pk: UUID) -> Any:
        """Nothing is booked."""
        return self._decide(org_id, pk, "reject", gettext("Rejected. Nothing was booked."))

    def _page(self, tried: str = "") -> str:
        """`tried` is the proposal whose decision was refused: what was typed for it stands there again."""
        return self.page("wallet/platform.html", title=gettext("Postings to decide"), proposals=reading.for_platform(self.session()),
                         kind_of=ProposedKind, tried=tried, typed=request.form)

    def _decide(self, org_id: UUID, pk: UUID, event: str, done: str) -> Any:
        with service_call(done) as call:
            reading.decide_for(call.session, org_id, pk, event, request.form.get("note", ""))
        if call.error is not None and call.error.status == 404:  # noqa: PLR2004 - decided meanwhile, or never there
            return problem_page(call.error, self.url("index"))
        return call.respond(self.url("index"), failed=lambda: self._page(str(pk)))
