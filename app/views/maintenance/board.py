"""The board: requests by state, moved by dragging, by a menu, or by the keyboard; it looks for changes by itself."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, ClassVar
from uuid import UUID

from flask import g, make_response, request
from flask_babel import gettext

from app.models.maintenance import MaintenanceCategory, MaintenanceRequest
from app.permissions import Action, Portal, Resource
from app.rules.errors import NotFound
from app.rules.maintenance import Priority, RequestStatus
from app.services import maintenance
from app.services.maintenance import finding
from app.views import formats
from app.views.base import ConsoleInterface, ConsoleView, api_post, expose, has_access
from app.views.interface import Session
from app.views.maintenance import parts
from app.views.paging import BadListRequest

AGES_ARE_REDRAWN_AFTER = timedelta(minutes=2)


class BoardView(ConsoleView):
    """Columns of cards; closed ones are those of the last week."""

    resource = Resource.MAINTENANCE
    portals = frozenset({Portal.ADMIN, Portal.MANAGEMENT})
    route_base = "/maintenance/board"
    default_view = "board"
    method_actions: ClassVar[dict[str, Action]] = {
        "board": Action.READ, "workers": Action.UPDATE, "move": Action.UPDATE,
    }

    @expose("/")
    @has_access
    def board(self) -> Any:
        """The board; with `part=columns` its columns alone, or 304 while nothing has changed."""
        wanted, longer, now = self._wanted(), _one_of(RequestStatus, "more"), formats.now()
        columns = finding.board(self.session(), wanted, now, longer)
        part = request.args.get("part") == "columns"
        context = {"columns": columns, "hostel_chosen": wanted.hostel_id, **parts.helpers()}
        if not part:
            categories = ConsoleInterface(MaintenanceCategory).rows().order_by(MaintenanceCategory.position)
            context |= {"wanted": wanted, "categories": self.session().scalars(categories).all(), "priorities": list(Priority)}
        tag = _tag(columns, wanted, now)
        if part and tag in request.if_none_match:
            return make_response("", 304)
        page = self.page("maintenance/columns.html" if part else "maintenance/board.html", title=gettext("Board"),
                         tag=tag, **context)
        response = make_response(page)
        response.set_etag(tag)
        response.cache_control.no_cache = response.cache_control.private = True
        return response

    def _wanted(self) -> finding.BoardFilter:
        identity = g.identity
        hostel = _id("hostel") or identity.hostel_id
        return finding.BoardFilter(
            identity.org_id, hostel, _id("category"), _one_of(Priority, "priority"),
            identity.user_id if request.args.get("mine") == "yes" else None)

    @expose("/workers/<pk>")
    @has_access
    def workers(self, pk: str) -> Any:
        """Who could take a request, for the dialog that asks."""
        item = ConsoleInterface(MaintenanceRequest).find(pk)
        if item is None:
            raise NotFound(gettext("There is no such maintenance request."))
        return {"workers": [{"id": key, "name": name} for key, name in finding.workers(self.session(), item.hostel_id)]}

    @expose("/move/<pk>", methods=["POST"])
    @has_access
    def move(self, pk: str) -> Any:
        """A card was dropped, or a step chosen from its menu."""
        key = parts.given_id(pk)

        def work(session: Session) -> dict[str, str]:
            state = maintenance.move(session, key, request.form.get("event", ""), request.form.get("note", "").strip(),
                                     parts.given_assignee())
            return {"state": state.value}

        return api_post(work)


def _id(name: str) -> UUID | None:
    text = request.args.get(name, "").strip()
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise BadListRequest(gettext("“%(text)s” is not a value of %(label)s.", text=text[:40], label=name)) from error


def _one_of(enum: type[Enum], name: str) -> Any:
    text = request.args.get(name, "").strip()
    try:
        return enum(text) if text else None
    except ValueError as error:
        raise BadListRequest(gettext("“%(text)s” is not a value of %(label)s.", text=text[:40], label=name)) from error


def _tag(columns: list[finding.Column], wanted: finding.BoardFilter, now: datetime) -> str:
    """Changes whenever a card, or what the reader may do to it, has changed; ages are redrawn now and then."""
    seen = [repr(wanted), str(int(now.timestamp() / AGES_ARE_REDRAWN_AFTER.total_seconds()))]
    for column in columns:
        seen.append(f"{column.state}{column.count}{column.size}")
        seen += [f"{card.id}{card.updated_at}{card.assignment and card.assignment.id}" for card in column.cards]
    return hashlib.sha256("|".join(seen).encode()).hexdigest()[:24]
