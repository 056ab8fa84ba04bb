"""Actions of a model screen: on one row from its page, on many from the list, each row through one service call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext, ngettext
from sqlalchemy.exc import DBAPIError

from app.rules.errors import DomainError, Forbidden, Invalid, NotFound
from app.rules.lists import BULK_MAX
from app.rules.progress import AT_ONCE_ROWS
from app.services import progress
from app.text import CONTROL
from app.views import formats
from app.views.edge import (
    already_submitted,
    local_path,
    meaning_of,
    remember_submission,
    service_call,
    submission_id,
)
from app.views.interface import ConsoleInterface

_NAMED = 20


@dataclass
class Outcome:
    """What became of the rows: how many were done, and (key, name) of those refused, by reason."""

    action: str
    done: int = 0
    refused: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    named: int = _NAMED

    def refuse(self, reason: str, key: str, name: str) -> None:
        """One more that was left as it was."""
        self.refused.setdefault(reason, []).append((key, name))

    @property
    def total_refused(self) -> int:
        """All of them."""
        return sum(map(len, self.refused.values()))


def offered(view: Any, *, multiple: bool) -> list[Any]:
    """The actions the caller may take on selected rows (`multiple`) or on one row."""
    return [action for action in view.actions.values()
            if (action.multiple if multiple else action.single) and view.allowed(action.name)]


def _authorized(view: Any, name: str) -> Any:
    action = view.actions.get(name)
    if action is None:
        raise NotFound(gettext("There is no such action here."))
    if not view.allowed(name):
        raise Forbidden(gettext("You may not do this."))
    return action


def _arguments(action: Any) -> list[str]:
    """The text the action asks for, if it asks for one."""
    if not action.func.ask:
        return []
    text = request.form.get("note", "").strip()
    if not text:
        raise Invalid(gettext("Please say: %(what)s.", what=action.func.ask), field="note")
    if CONTROL.search(text):
        raise Invalid(gettext("This text contains characters that cannot be stored."), field="note")
    return [text]


def run_single(view: Any, name: str, pk: str) -> Response:
    """Act on one row and go back to its page; a refusal is shown there with its status."""
    action = _authorized(view, name)
    back = local_path(request.form.get("next"), view.url("show", pk=pk))
    if (outcome := already_submitted()) is not None:
        return redirect(outcome, code=303)
    item = view.find(pk)
    with service_call(gettext("%(action)s: done.", action=str(action.text))) as call:
        action.func(call.session, item, *_arguments(action))
    return call.respond(back, failed=lambda: view.render_show(pk))


def run_many(view: Any, name: str, pks: list[str]) -> Response:
    """Act on the selected rows, or on all that match the link; say what became of them, and which were refused why.

    Many rows are long work, and the answer is the page that follows it.
    """
    action = _authorized(view, name)
    back = local_path(request.form.get("next"), view.list_url())
    if (before := already_submitted()) is not None:
        return redirect(before, code=303)
    outcome = Outcome(str(action.text))
    with service_call() as call:
        keys = matching(view) if request.form.get("all") == "1" else list(dict.fromkeys(pks))
        if not keys:
            raise Invalid(gettext("Select at least one row."))
        arguments = _arguments(action)
        if len(keys) > AT_ONCE_ROWS:
            back = url_for("TasksView.show", pk=progress.start_bulk(call.session, view.endpoint, name, keys, *arguments,
                                                                    task_id=submission_id()))
        else:
            act(view, action, call.session, keys, arguments, outcome)
    if call.error is not None:
        return call.respond(back, failed=view.render_list)
    if outcome.done:
        flash(ngettext("%(action)s: %(num)s row.", "%(action)s: %(num)s rows.", outcome.done, action=outcome.action), "success")
    remember_submission(back)
    return Response(view.render_list(outcome)) if outcome.refused else redirect(back, code=303)


def matching(view: Any) -> list[str]:
    """The keys of all rows that the present link shows, on whatever page; Invalid if they are too many."""
    asked = view.asked()
    found = view.session().scalars(asked.statement.with_only_columns(view.datamodel.key).limit(BULK_MAX + 1)).all()
    if len(found) > BULK_MAX:
        raise Invalid(gettext("More than %(most)s rows match. Narrow the list with filters first.", most=formats.number(BULK_MAX)))
    return [str(key) for key in found]


def act(view: Any, action: Any, session: Any, keys: Sequence[str], arguments: Sequence[str], outcome: Outcome) -> None:
    """Each row in a savepoint of its own: one refusal undoes no other. The caller commits."""
    items = ConsoleInterface(view.datamodel.obj, session).find_many(keys, columns=[view.list_columns[0], *view.eager])
    names = {key: str(item) for key, item in items.items()}  # a savepoint that is undone forgets what was read
    for key in keys:
        if key not in items:
            outcome.refuse(gettext("not found"), "", key)
            continue
        try:
            with session.begin_nested():
                action.func(session, items[key], *arguments)
            outcome.done += 1
        except DomainError as error:
            outcome.refuse(error.message, key, names[key])
        except DBAPIError as error:
            outcome.refuse(meaning_of(error).message, key, names[key])
