"""The board: requests by state, moved by dragging, by a menu or by the keyboard, and kept up to date while one looks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from flask import g, jsonify, make_response, request
from flask_babel import get_locale, gettext

from app.languages import sentence
from app.lifecycle import By
from app.models.maintenance import MaintenanceCategory, MaintenanceRequest
from app.permissions import Action, Portal, Resource
from app.rules.errors import NotFound
from app.rules.maintenance import REQUEST, Priority, RequestStatus, moves, refusals
from app.services import maintenance
from app.services.maintenance import board, finding
from app.views import formats
from app.views.base import ConsoleInterface, ConsoleView, api_post, expose, has_access
from app.views.edge import kept
from app.views.interface import Session
from app.views.maintenance import parts
from app.views.paging import BadListRequest, Place, Sort

AGES_ARE_REDRAWN_AFTER = timedelta(minutes=2)
CARDS_AT_ONCE = 60  # ids that fit into an address
FILTERS = ("hostel", "category", "priority", "mine", "overdue")
_ORDER = Sort("board")


@dataclass(frozen=True)
class Drawn:
    """A card with what its reader may do to it, and why not more."""

    card: board.Card
    steps: tuple[str, ...]
    refusals: dict[str, str]  # by state


class BoardView(ConsoleView):
    """Columns of cards; closed ones are those of the last week."""

    resource = Resource.MAINTENANCE
    portals = frozenset({Portal.ADMIN, Portal.MANAGEMENT})
    route_base = "/maintenance/board"
    default_view = "board"
    method_actions: ClassVar[dict[str, Action]] = {
        "board": Action.READ, "column": Action.READ, "cards": Action.READ, "workers": Action.UPDATE, "move": Action.UPDATE,
    }

    @expose("/")
    @has_access
    def board(self) -> Any:
        """The board; with `part=columns` its columns alone, or 304 while nothing has changed."""
        wanted, sizes, now = self._wanted(), _sizes(), formats.now()
        columns = board.board(self.session(), wanted, now, sizes)
        context = self._context(columns, wanted, now)
        tag = _tag(columns, context["drawn"], wanted, now)
        part = request.args.get("part") == "columns"
        if part and tag in request.if_none_match:
            return make_response("", 304)
        if not part:
            categories = ConsoleInterface(MaintenanceCategory).rows().order_by(MaintenanceCategory.position)
            context |= {"wanted": wanted, "categories": self.session().scalars(categories).all(), "steps": _steps(),
                        "filtered": wanted != board.BoardFilter(wanted.org_id, g.identity.hostel_id)}
        page = self.page("maintenance/columns.html" if part else "maintenance/board.html", title=gettext("Board"), tag=tag,
                         **context)
        return kept(make_response(page), tag)

    @expose("/column/<state>")
    @has_access
    def column(self, state: str) -> Any:
        """The cards of a column that come after a place in it."""
        if state not in set(RequestStatus):
            raise NotFound(gettext("There is no such column."))
        place = Place.parse(request.args.get("after", ""), _ORDER, MaintenanceRequest.raised_at.expression,
                            MaintenanceRequest.id.expression)
        wanted, now = self._wanted(), formats.now()
        column = board.following(self.session(), wanted, now, RequestStatus(state), (place.value, place.key))
        return self.page("maintenance/cards.html", column=column, **self._context([column], wanted, now))

    @expose("/cards")
    @has_access
    def cards(self) -> Any:
        """Some requests as this board shows them now, and how many there are in each column: what a change needs."""
        ids = [parts.given_id(one) for one in request.args.get("ids", "").split(",")]
        if len(ids) > CARDS_AT_ONCE:
            raise BadListRequest(gettext("That is too much to look for at once."))
        wanted, now = self._wanted(), formats.now()
        columns = board.these(self.session(), wanted, now, ids)
        context = self._context(columns, wanted, now)
        tag = _tag(columns, context["drawn"], wanted, now)
        if tag in request.if_none_match:
            return make_response("", 304)
        return kept(jsonify(
            counts={column.state.value: column.count_text for column in columns},
            cards={str(card.id): {"state": column.state.value, "html": self.page(
                "maintenance/cards.html", column=replace(column, cards=[card], count=1), **context).strip()}
                for column in columns for card in column.cards}), tag)

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

    def _wanted(self) -> board.BoardFilter:
        identity = g.identity
        return board.BoardFilter(
            identity.org_id, _id("hostel") or identity.hostel_id, _id("category"), _one_of(Priority, "priority"),
            identity.user_id if request.args.get("mine") == "yes" else None, request.args.get("overdue") == "yes")

    def _context(self, columns: list[board.Column], wanted: board.BoardFilter, now: datetime) -> dict[str, Any]:
        draw = _drawing(now, can_move=self.allowed("move"))
        hostels = {hostel.id: hostel.name for hostel in g.identity.hostels} if parts.among_hostels() and not wanted.hostel_id else {}
        return {"columns": columns, "drawn": {card.id: draw(card) for column in columns for card in column.cards},
                "hostels": hostels, "clock_words": parts.clock_words, "now": now, "place_after": _place_after, "filters": _filters}


def _drawing(now: datetime, *, can_move: bool) -> Callable[[board.Card], Drawn]:
    """Says what may be done to a card; cards in the same situation are judged once."""
    known: dict[Any, tuple[tuple[str, ...], dict[str, str]]] = {}

    def draw(card: board.Card) -> Drawn:
        if not can_move:
            return Drawn(card, (), {})
        person = parts.asking(card.hostel_id)
        own = card.facts.raised_by == person.user_id
        facts = card.facts if own else replace(card.facts, raised_by=None, resolved_at=None)
        if (key := (card.hostel_id, facts)) not in known:
            known[key] = (tuple(step.name for step in parts.usual_first(moves(person, facts, now))),
                          {state.value: sentence(error.message) for state, error in refusals(person, facts, now).items()})
        return Drawn(card, *known[key])

    return draw


def _steps() -> dict[str, dict[str, Any]]:
    """What each step is called, where it leads, and what it asks for."""
    return {step.name: {"label": gettext(step.label), "to": step.to.value, "needsNote": step.needs_note,
                        "question": gettext(parts.QUESTIONS[step.name]) if step.name in parts.QUESTIONS else ""}
            for step in REQUEST if step.by is not By.SYSTEM}


def _filters(**changes: str | None) -> str:
    """What the board is narrowed to, with changes, as the end of an address."""
    kept = {name: request.args.get(name) for name in FILTERS} | changes
    return urlencode({name: value for name, value in kept.items() if value})


def _place_after(column: board.Column) -> str:
    return Place(column.cards[-1].order_at, column.cards[-1].id).token(_ORDER)


def _id(name: str) -> UUID | None:
    text = request.args.get(name, "").strip()
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise _unreadable(text, name) from error


def _one_of(enum: type[Enum], name: str) -> Any:
    text = request.args.get(name, "").strip()
    try:
        return enum(text) if text else None
    except ValueError as error:
        raise _unreadable(text, name) from error


def _sizes() -> dict[RequestStatus, int]:
    """How long columns are wanted that were made longer: `more=submitted:36`."""
    found = {}
    for text in request.args.getlist("more"):
        state, _, size = text.partition(":")
        if state not in set(RequestStatus) or not re.fullmatch(r"[0-9]{1,4}", size, re.ASCII):
            raise _unreadable(text, "more")
        found[RequestStatus(state)] = max(int(size), board.COLUMN_SIZE)
    return found


def _unreadable(text: str, name: str) -> BadListRequest:
    return BadListRequest(gettext("“%(text)s” is not a value of %(label)s.", text=text[:40], label=name))


def _tag(columns: Iterable[board.Column], drawn: dict[UUID, Drawn], wanted: board.BoardFilter, now: datetime) -> str:
    """Changes whenever a card, or what the reader may do to it, has changed; ages are redrawn now and then."""
    seen = [repr(wanted), str(g.identity.user_id), str(get_locale()), str(int(now.timestamp() / AGES_ARE_REDRAWN_AFTER.total_seconds()))]
    for column in columns:
        seen.append(f"{column.state}{column.count}{column.size}")
        seen += [f"{card.id}{card.changed}{drawn[card.id].steps}" for card in column.cards]
    return hashlib.sha256("|".join(seen).encode()).hexdigest()[:24]
