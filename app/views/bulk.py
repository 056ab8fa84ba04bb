"""Actions of a model screen: on one row from its page, on many from the list, each row through one service call."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Response, flash, redirect, request
from flask_babel import gettext, ngettext
from sqlalchemy.exc import DBAPIError

from app.rules.errors import DomainError, Forbidden, Invalid, NotFound
from app.views.edge import already_submitted, local_path, meaning_of, service_call
from app.views.paging import PAGE_SIZES

MOST_ROWS = PAGE_SIZES[-1]  # what one page can select


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
    if not text or "\x00" in text:
        raise Invalid(gettext("Please say: %(what)s.", what=action.func.ask), field="note")
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
    """Act on each selected row in a savepoint of its own, commit once, and say what became of them."""
    action = _authorized(view, name)
    back = local_path(request.form.get("next"), view.url("list"))
    pks = list(dict.fromkeys(pks))
    if not pks or len(pks) > MOST_ROWS:
        raise Invalid(gettext("Select between 1 and %(most)s rows.", most=MOST_ROWS))
    arguments = _arguments(action)
    done, refused = 0, Counter[str]()
    with service_call() as call:
        items = view.datamodel.find_many(pks)
        missing = len(pks) - len(items)
        for item in items.values():
            try:
                with call.session.begin_nested():
                    action.func(call.session, item, *arguments)
                done += 1
            except DomainError as error:
                refused[error.message] += 1
            except DBAPIError as error:
                refused[meaning_of(error).message] += 1
    if call.error is not None:
        return call.respond(back)
    if missing:
        refused[gettext("not found")] += missing
    _summarize(str(action.text), done, refused)
    return redirect(back, code=303)


def _summarize(text: str, done: int, refused: Counter[str]) -> None:
    if done:
        flash(ngettext("%(action)s: %(num)s row.", "%(action)s: %(num)s rows.", done, action=text), "success")
    if refused:
        reasons = "; ".join(f"{reason} ({count})" if count > 1 else reason for reason, count in refused.most_common(5))
        flash(ngettext("%(action)s: %(num)s row left as it was. %(reasons)s",
                       "%(action)s: %(num)s rows left as they were. %(reasons)s",
                       refused.total(), action=text, reasons=reasons), "warning")
