"""Bulk actions of lists as tasks: the screen's own action, row by row, as the person who asked for it."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import text

from app.rules.errors import Forbidden, NotFound
from app.rules.progress import BULK_STEP, TaskKind, with_refusal
from app.views import bulk
from jobs.progress import RUNNERS, Result, Runner, Step

_CAN = text("SELECT app.can(:resource, :action)")


class BulkRunner(Runner):
    """Some rows in one transaction, each in a savepoint of its own; a refusal leaves its row as it is, and is counted."""

    def step(self, step: Step) -> Result | None:
        """Deal with the next rows."""
        asked, cursor = step.orders.asked, step.orders.cursor
        figures = cursor.get("figures", {"done": 0, "refused": []})
        at, keys = cursor.get("at", 0), asked["keys"]
        if at >= len(keys):
            return Result(figures)
        some = keys[at:at + BULK_STEP]
        view, action = _found(asked["screen"], asked["action"])
        with step.as_person() as session:
            if not session.execute(_CAN, {"resource": view.resource, "action": action.func.needs}).scalar():
                raise Forbidden("You may not do this any more.")
            outcome = bulk.Outcome(action.name)
            bulk.act(view, action, session, some, [asked["note"]] if asked["note"] else [], outcome)
            figures = _with(figures, outcome)
            step.advance(session, at + len(some), {"at": at + len(some), "figures": figures})
        return None


def _found(screen: str, name: str) -> tuple[Any, Any]:
    for view in current_app.extensions["appbuilder"].baseviews:
        if view.endpoint == screen and name in getattr(view, "actions", {}):
            return view, view.actions[name]
    raise NotFound("There is no such action any more.")


def _with(figures: dict[str, Any], outcome: bulk.Outcome) -> dict[str, Any]:
    refused = figures["refused"]
    for reason, rows in outcome.refused.items():
        for key, name in rows:
            refused = with_refusal(refused, reason, key or name)
    return {"done": figures["done"] + outcome.done, "refused": refused}


RUNNERS[TaskKind.BULK] = BulkRunner()
