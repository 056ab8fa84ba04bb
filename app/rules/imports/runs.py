"""The life of an import: from the uploaded file through its check and its run to its undoing."""

from __future__ import annotations

from enum import StrEnum

from app.lifecycle import By, Machine, T
from app.permissions import Action, Resource


class RunStatus(StrEnum):
    """Where an import stands."""

    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    DISCARDED = "discarded"


class RowOutcome(StrEnum):
    """What became of one row: fit or not by the check, and then what the run made of it."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    CREATED = "created"
    RESTORED = "restored"
    UNCHANGED = "unchanged"


S, R, A = RunStatus, Resource, Action
_MAKE, _UNDO = (R.IMPORTS, A.CREATE), (R.IMPORTS, A.DELETE)

# Jobs report what they found (by the system); commands, which run as the product, do what people do.
RUN = Machine("import_run", S, initial=S.UPLOADED, transitions=[
    T("check", {S.UPLOADED, S.CHECKED}, S.CHECKING, needs=_MAKE, by=By.EITHER),
    T("unreadable", {S.CHECKING}, S.UPLOADED, by=By.SYSTEM),
    T("pass", {S.CHECKING}, S.CHECKED, by=By.SYSTEM),
    T("start", {S.CHECKED, S.STOPPED}, S.RUNNING, needs=_MAKE, by=By.EITHER, label="Import"),
    T("stop", {S.RUNNING, S.UNDOING}, S.STOPPED, needs=_MAKE, by=By.EITHER),
    T("finish", {S.RUNNING}, S.DONE, by=By.SYSTEM),
    T("discard", {S.UPLOADED, S.CHECKING, S.CHECKED}, S.DISCARDED, needs=_MAKE, by=By.EITHER),
    T("undo", {S.DONE, S.STOPPED}, S.UNDOING, needs=_UNDO, by=By.EITHER),
    T("undone", {S.UNDOING}, S.UNDONE, by=By.SYSTEM),
])
WORKING = frozenset({S.CHECKING, S.RUNNING, S.UNDOING})
CHOOSING = frozenset({S.UPLOADED, S.CHECKED})  # columns and values may still be chosen
