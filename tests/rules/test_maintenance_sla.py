"""The SLA clock: targets, holds that stop it, resolution times net of holds (M6)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules.maintenance import (
    CLOCK_STOPS_IN,
    Priority,
    SlaClock,
    escalate_at,
    human_duration,
    resolution_time,
    resolve_by,
)
from app.rules.maintenance import RequestStatus as S

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
walk = st.lists(st.tuples(st.integers(0, 5000), st.sampled_from(list(S))), max_size=12)


@pytest.mark.parametrize(("priority", "resolve", "escalate"), [(Priority.HIGH, 4, 6), (Priority.NORMAL, 24, 36)])
def test_targets_are_those_of_the_plan(priority, resolve, escalate):
    assert resolve_by(START, priority) - START == resolve * HOUR
    assert escalate_at(START, priority) - START == escalate * HOUR


def test_a_request_is_breached_after_its_target_and_not_at_it():
    clock = SlaClock(START, Priority.HIGH)
    assert not clock.is_breached(START + 4 * HOUR)
    assert clock.is_breached(START + 4 * HOUR + timedelta(microseconds=1))


def test_the_sweep_escalates_when_the_time_is_up():
    clock = SlaClock(START, Priority.HIGH)
    assert not clock.must_escalate(START + 6 * HOUR - MINUTE)
    assert clock.must_escalate(START + 6 * HOUR)


def test_time_on_hold_is_not_counted():
    clock = SlaClock(START, Priority.HIGH).hold(START + HOUR).resume(START + 10 * HOUR)
    assert clock.held == 9 * HOUR
    assert not clock.is_breached(START + 13 * HOUR)
    assert clock.is_breached(START + 13 * HOUR + MINUTE)
    assert resolve_by(START, Priority.HIGH, clock.held) == START + 13 * HOUR


def test_a_request_on_hold_is_never_escalated_by_the_sweep():
    assert not SlaClock(START, Priority.HIGH).hold(START + HOUR).must_escalate(START + 1000 * HOUR)


def test_a_request_that_was_late_before_its_hold_stays_breached():
    clock = SlaClock(START, Priority.HIGH).hold(START + 5 * HOUR)
    assert clock.is_breached(START + 5 * HOUR)
    assert clock.is_breached(START + 50 * HOUR)


def test_a_reopened_request_goes_on_where_it_was_resolved():
    clock = SlaClock(START, Priority.HIGH).moved(S.RESOLVED, START + 3 * HOUR)
    clock = clock.moved(S.IN_PROGRESS, START + 50 * HOUR)
    assert clock.elapsed(START + 50 * HOUR) == 3 * HOUR
    assert clock.is_breached(START + 51 * HOUR + MINUTE)


def test_holding_twice_counts_from_the_first_time():
    once = SlaClock(START, Priority.HIGH).hold(START + HOUR)
    assert once.hold(START + 2 * HOUR) == once


@given(walk=walk, ask=st.integers(0, 100_000))
@settings(deadline=None)
def test_elapsed_is_the_time_spent_in_states_that_count(walk, ask):
    """Against a plain model that adds up minute by minute what each interval contributes."""
    clock, at, state, counted = SlaClock(START, Priority.NORMAL), START, S.SUBMITTED, timedelta(0)
    for minutes, to in walk:
        passed = minutes * MINUTE
        counted += passed if state not in CLOCK_STOPS_IN else timedelta(0)
        at, state = at + passed, to
        clock = clock.moved(to, at)
    counted += ask * MINUTE if state not in CLOCK_STOPS_IN else timedelta(0)
    assert clock.elapsed(at + ask * MINUTE) == counted


@given(walk=walk)
@settings(deadline=None)
def test_a_resolved_history_counts_what_the_clock_counted(walk):
    clock, at, history = SlaClock(START, Priority.NORMAL), START, [(START, S.SUBMITTED)]
    for minutes, to in [*walk, (7, S.RESOLVED)]:
        at += minutes * MINUTE
        clock = clock.moved(to, at)
        history.append((at, to))
    assert resolution_time(history) == clock.elapsed(at)


def test_the_resolution_time_leaves_holds_out():
    history = [(START, S.SUBMITTED), (START + HOUR, S.ASSIGNED), (START + 2 * HOUR, S.ON_HOLD),
               (START + 5 * HOUR, S.IN_PROGRESS), (START + 6 * HOUR, S.RESOLVED)]
    assert resolution_time(history) == 3 * HOUR


def test_an_unresolved_request_has_no_resolution_time():
    assert resolution_time([]) is None
    assert resolution_time([(START, S.SUBMITTED), (START, S.REJECTED)]) is None


@pytest.mark.parametrize(("minutes", "said"), [
    (0, "less than a minute"), (45, "45 min"), (200, "3 h 20 min"), (120, "2 h"), (3120, "2 d 4 h"),
    (1441, "1 d"), (-65, "-1 h 5 min"),
])
def test_lengths_are_said_in_their_two_largest_units(minutes, said):
    assert human_duration(minutes * MINUTE) == said
