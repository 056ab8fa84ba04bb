"""When a part is well, needs attention or is broken; and the sentences say which part and how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.rules import health
from app.rules.health import AuditState, LiveStream, State

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(("span", "words"), [
    (timedelta(0), "0 seconds"), (timedelta(seconds=1), "1 second"), (timedelta(seconds=119), "119 seconds"),
    (2 * MINUTE, "2 minutes"), (119 * MINUTE, "119 minutes"), (120 * MINUTE, "2 hours"),
    (timedelta(hours=24), "1 day"), (timedelta(days=9), "9 days"), (-MINUTE, "0 seconds"),
])
def test_durations_are_told_in_whole_units(span: timedelta, words: str) -> None:
    assert health.duration(span) == words


@pytest.mark.parametrize(("due", "oldest", "state"), [
    (0, timedelta(0), State.WELL), (5, MINUTE, State.WELL), (5, MINUTE * 2, State.ATTENTION),
    (5, MINUTE * 15, State.ATTENTION), (5, MINUTE * 16, State.BROKEN),
])
def test_work_that_waits_long_is_a_problem(due: int, oldest: timedelta, state: State) -> None:
    assert health.judge_queue(due, oldest).state is state


def test_the_schema_must_be_the_one_the_code_was_written_for() -> None:
    assert health.judge_migration("0002", "0002").well
    behind = health.judge_migration("0001", "0002")
    assert behind.state is State.BROKEN
    assert "at 0001, and this code needs 0002" in behind.sentence
    assert health.judge_migration(None, "0002").state is State.BROKEN


def test_missing_roles_are_named() -> None:
    assert health.judge_roles([]).well
    assert "portal_gone" in health.judge_roles(["portal_gone"]).sentence


@pytest.mark.parametrize(("ago", "state"), [(MINUTE * 11, State.WELL), (MINUTE * 12, State.BROKEN)])
def test_a_schedule_that_starts_nothing_is_broken(ago: timedelta, state: State) -> None:
    assert health.judge_scheduler(NOW - ago, NOW).state is state


def test_workers_with_nothing_to_do_are_not_missed() -> None:
    assert health.judge_workers(NOW - timedelta(days=2), timedelta(0), NOW).well
    assert health.judge_workers(NOW - MINUTE * 20, MINUTE * 16, NOW).state is State.BROKEN
    assert health.judge_workers(NOW, MINUTE * 16, NOW).state is State.ATTENTION


def audit(**changes: object) -> AuditState:
    found: dict[str, object] = {"batches": 9, "last_sealed_at": NOW - MINUTE, "unsealed": 3,
                                "oldest_unsealed_at": NOW - MINUTE, "anchored": 9}
    return AuditState(**{**found, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(("changes", "state"), [
    ({}, State.WELL), ({"anchored": 8}, State.WELL), ({"anchored": 7}, State.BROKEN), ({"anchored": 10}, State.BROKEN),
    ({"anchored": None, "problem": "The anchors cannot be read."}, State.BROKEN),
    ({"oldest_unsealed_at": NOW - MINUTE * 21}, State.ATTENTION), ({"oldest_unsealed_at": NOW - MINUTE * 121}, State.BROKEN),
    ({"oldest_unsealed_at": None, "unsealed": 0}, State.WELL),
])
def test_the_audit_log_must_be_sealed_soon_and_anchored(changes: dict[str, object], state: State) -> None:
    assert health.judge_audit(audit(**changes), NOW).state is state


@pytest.mark.parametrize(("streams", "state", "words"), [
    ([], State.ATTENTION, "No realtime process reads"),
    ([LiveStream("one", True, False, 5 << 20)], State.WELL, "keeps 5 MB"),
    ([LiveStream("one", True, False, 2 << 30)], State.ATTENTION, "keeps 2,048 MB"),
    ([LiveStream("one", True, False, 0), LiveStream("two", False, False, 0)], State.ATTENTION, "Nobody reads two"),
    ([LiveStream("one", False, True, None)], State.ATTENTION, "No realtime process reads"),
])
def test_live_updates_are_read_by_somebody(streams: list[LiveStream], state: State, words: str) -> None:
    found = health.judge_live(streams, wanted=True)
    assert (found.state, words in found.sentence) == (state, True)
    assert health.judge_live(streams, wanted=False).well
