"""The board of inquiries: a column for each stage, cards moved by dragging, by a menu or by the keyboard."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from flask import g, jsonify, make_response, request
from flask_babel import get_locale, gettext

from app.permissions import Action, Portal, Resource
from app.rules.inquiries import INQUIRY, LostReason, Stage
from app.services.inquiries import finding
from app.views import formats
from app.views.base import ConsoleView, api_post, expose, has_access
from app.views.edge import kept
from app.views.inquiries.staff import QUESTIONS, given_id, take_step
from app.views.interface import Session
from app.views.paging import BadListRequest

CARDS_AT_ONCE = 60  # ids that fit into an address
_AGES_ARE_REDRAWN_AFTER = 120  # seconds


class InquiryBoardView(ConsoleView):
    """Won and lost ones are those of the last two weeks."""

    resource = Resource.INQUIRIES
    portals = frozenset({Portal.ADMIN, Portal.SALES})
    route_base = "/inquiries/board"
    default_view = "board"
    method_actions: ClassVar[dict[str, Action]] = {"board": Action.READ, "cards": Action.READ, "move": Action.UPDATE}

    @expose("/")
    @has_access
    def board(self) -> Any:
        """The board; with `part=columns` its columns alone, or 304 while nothing has changed."""
        columns = finding.board(self.session(), _wanted(), formats.now())
        tag, part = _tag(columns), request.args.get("part") == "columns"
        if part and tag in request.if_none_match:
            return make_response("", 304)
        page = self.page("inquiries/columns.html" if part else "inquiries/board.html", title=gettext("Board"), tag=tag, all_steps=_steps(),
                         **self._context(columns))
        return kept(make_response(page), tag)

    @expose("/cards")
    @has_access
    def cards(self) -> Any:
        """Some inquiries as this board shows them now, and how many there are in each column."""
        ids = [given_id(one) for one in request.args.get("ids", "").split(",")]
        if len(ids) > CARDS_AT_ONCE:
            raise BadListRequest(gettext("That is too much to look for at once."))
        columns = finding.board(self.session(), _wanted(), formats.now(), ids)
        context = self._context(columns)
        return jsonify(
            counts={column.state.value: formats.number(column.count) for column in columns},
            cards={str(card.id): {"state": column.state.value, "html": self.page(
                "inquiries/cards.html", column=replace(column, cards=[card], count=1), **context).strip()}
                for column in columns for card in column.cards})

    @expose("/move/<pk>", methods=["POST"])
    @has_access
    def move(self, pk: str) -> Any:
        """A card was dropped, or a step chosen from its menu."""
        key = given_id(pk)

        def work(session: Session) -> dict[str, str]:
            return {"state": take_step(session, key).value}

        return api_post(work)

    def _context(self, columns: list[finding.Column]) -> dict[str, Any]:
        several = g.identity.hostel_id is None and len(g.identity.hostels) > 1
        return {"columns": columns, "mine": request.args.get("mine") == "yes", "now": formats.now(),
                "steps": {stage: _names(stage) if self.allowed("move") else [] for stage in Stage},
                "hostels": {hostel.id: hostel.name for hostel in g.identity.hostels} if several else {}}


def _wanted() -> finding.BoardFilter:
    return finding.BoardFilter(g.identity.org_id, g.identity.hostel_id, g.identity.user_id if request.args.get("mine") == "yes" else None)


def _names(stage: Stage) -> list[str]:
    """What can be done with a card, the reasons of a loss as steps of their own."""
    names = [move.name for move in INQUIRY.available(stage) if move.name != "lose"]
    return [*names, *(f"lose:{reason}" for reason in LostReason)] if stage not in {Stage.WON, Stage.LOST} else names


def _steps() -> dict[str, dict[str, Any]]:
    """What each step is called, where it leads, and what it asks for."""
    found = {}
    for step in INQUIRY:
        asked = {"to": step.to.value, "needsNote": step.needs_note, "question": str(QUESTIONS.get(step.name, "")),
                 "asksMoment": step.name == "schedule_visit"}
        if step.name == "lose":
            for reason in LostReason:
                label = gettext("Lost: %(reason)s", reason=formats.human(reason))
                found[f"lose:{reason}"] = {**asked, "label": label}
        else:
            found[step.name] = {**asked, "label": gettext(step.label)}
    return found


def _tag(columns: Iterable[finding.Column]) -> str:
    """Changes whenever a card has changed; ages are redrawn now and then."""
    seen = [str(g.identity.user_id), str(get_locale()), str(int(formats.now().timestamp() / _AGES_ARE_REDRAWN_AFTER)), request.args.get("mine", "")]
    for column in columns:
        seen.append(f"{column.state}{column.count}")
        seen += [f"{card.id}{card.updated_at.timestamp()}" for card in column.cards]
    return hashlib.sha256("|".join(seen).encode()).hexdigest()[:24]
