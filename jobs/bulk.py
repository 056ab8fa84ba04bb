"""Bulk actions of lists as tasks: the screen's own action, row by row, as the person who asked for it."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.problems import translate_database_error
from app.rules.errors import DomainError, Forbidden, NotFound
from app.rules.progress import BULK_STEP, TaskKind, with_refusal
from app.views.base import ConsoleInterface
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
            figures = _act(session, view, action, some, asked["note"], figures)
            step.advance(session, at + len(some), {"at": at + len(some), "figures": figures})
        return None


def _found(screen: str, name: str) -> tuple[Any, Any]:
    for view in current_app.extensions["appbuilder"].baseviews:
        if view.endpoint == screen and name in getattr(view, "actions", {}):
            return view, view.actions[name]
    raise NotFound("There is no such action any more.")


def _act(session: Session, view: Any, action: Any, keys: list[str], note: str, figures: dict[str, Any]) -> dict[str, Any]:
    items = ConsoleInterface(view.datamodel.obj, session).find_many(keys)
    done, refused = figures["done"], figures["refused"]
    for key in keys:
        if key not in items:
            refused = with_refusal(refused, "There is no such row any more.", key)
            continue
        try:
            with session.begin_nested():
                action.func(session, items[key], *([note] if note else []))
            done += 1
        except DomainError as error:
            refused = with_refusal(refused, error.message, key)
        except DBAPIError as error:
            meaning = translate_database_error(error)
            if meaning is None or meaning.status >= 500:  # noqa: PLR2004 - no refusal, but a failure
                raise
            refused = with_refusal(refused, meaning.message, key)
    return {"done": done, "refused": refused}


RUNNERS[TaskKind.BULK] = BulkRunner()
