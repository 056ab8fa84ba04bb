"""Long work that somebody started and may leave: its life, how much of it at once, when it is told and forgotten."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from app.lifecycle import By, Machine, T
from app.permissions import Action, Resource


class TaskKind(StrEnum):
    """What is done: each kind has its step in jobs, and its title and summary in app/views/progress.py."""

    IMPORT_CHECK = "import_check"
    IMPORT_RUN = "import_run"
    IMPORT_UNDO = "import_undo"
    REPORT = "report"
    BULK = "bulk"
    BILLING = "billing"


class TaskStatus(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


S = TaskStatus
_OWN = (Resource.TASKS, Action.UPDATE)

# Whose task it is, app.move_task minds. What was asked to end may still be done before it notices.
TASK = Machine("task", S, initial=S.QUEUED, transitions=[
    T("begin", {S.QUEUED}, S.RUNNING, by=By.SYSTEM),
    T("finish", {S.RUNNING, S.CANCELLING}, S.DONE, by=By.SYSTEM),
    T("fail", {S.QUEUED, S.RUNNING, S.CANCELLING}, S.FAILED, by=By.SYSTEM),
    T("cancel", {S.QUEUED, S.RUNNING}, S.CANCELLING, needs=_OWN, by=By.EITHER),
    T("end", {S.RUNNING, S.CANCELLING}, S.CANCELLED, by=By.SYSTEM),
    T("retry", {S.FAILED}, S.QUEUED, needs=_OWN, label="Try again"),
])
ACTIVE: Final = frozenset({S.QUEUED, S.RUNNING, S.CANCELLING})
CANCELLABLE: Final = frozenset({S.QUEUED, S.RUNNING})

# How many of a kind one person may have waiting or running.
MOST_ACTIVE: Final = {TaskKind.IMPORT_CHECK: 5, TaskKind.IMPORT_RUN: 5, TaskKind.IMPORT_UNDO: 5, TaskKind.REPORT: 3, TaskKind.BULK: 3, TaskKind.BILLING: 2}
AT_ONCE_ROWS: Final = 50  # more rows than this are changed as a task
AT_ONCE_REQUESTS: Final = 2_000  # a report over more requests than this is made as a task
BULK_STEP: Final = 20  # rows in one transaction
SHOWN_EVERY: Final = timedelta(seconds=0.5)  # how often progress within a transaction is told
JUST_ENDED: Final = timedelta(minutes=10)  # for how long its end is told to whoever is elsewhere in the console
PAGE: Final = 30  # tasks on a page
KEPT: Final = timedelta(days=90)  # after its end
_REASONS_KEPT, _ROWS_KEPT = 20, 50  # of what a bulk action was refused


def percent(done: int, total: int | None) -> int | None:
    """0 to 100, or None where nobody knows how much there is."""
    return None if not total else min(100, done * 100 // total)


def with_refusal(refused: list[dict[str, Any]], reason: str, key: str) -> list[dict[str, Any]]:
    """The refusals of a bulk action with one more: [{reason, count, keys}], with as many of each as a page can show."""
    known = {entry["reason"] for entry in refused}
    if reason not in known and len(known) < _REASONS_KEPT:
        return [*refused, {"reason": reason, "count": 1, "keys": [key]}]
    counted = reason if reason in known else refused[-1]["reason"]
    return [{**entry, "count": entry["count"] + 1, "keys": [*entry["keys"], key][:_ROWS_KEPT]} if entry["reason"] == counted else entry
            for entry in refused]
