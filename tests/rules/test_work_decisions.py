"""When failed work is tried again, and when it is given up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.errors import Conflict, Forbidden, Invalid, LimitReached, NotFound
from app.rules.work import FIRST_PAUSE, LONGEST_PAUSE, MAX_ATTEMPTS, is_hopeless, pause_after


@given(attempts=st.integers(1, 1000), luck=st.floats(0, 1))
def test_a_pause_is_between_half_and_all_of_its_step(attempts, luck):
    whole = min(FIRST_PAUSE * 3 ** min(attempts - 1, 20), LONGEST_PAUSE)
    assert whole / 2 <= pause_after(attempts, luck) <= whole


def test_pauses_grow_until_the_longest():
    pauses = [pause_after(attempts, 1) for attempts in range(1, 10)]
    assert pauses[:3] == [timedelta(seconds=10), timedelta(seconds=30), timedelta(seconds=90)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


@pytest.mark.parametrize("error", [Invalid("x"), NotFound("x"), Forbidden("x")])
def test_a_refusal_that_stays_is_hopeless_at_once(error):
    assert is_hopeless(error, 1)


@pytest.mark.parametrize("error", [RuntimeError("x"), Conflict("x"), LimitReached("x"), OSError("x")])
def test_anything_else_is_tried_as_often_as_allowed(error):
    assert not is_hopeless(error, MAX_ATTEMPTS - 1)
    assert is_hopeless(error, MAX_ATTEMPTS)
