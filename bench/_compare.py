"""Comparing two ways of doing the same thing on a noisy machine: interleaved pairs, the ratio and its range."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Seconds of both sides (medians), and their ratio per round."""

    ours: float
    peer: float
    ratios: list[float]

    @property
    def ratio(self) -> float:
        """The median."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> str:
        """`3.42 [3.10–3.70]`."""
        return f"{self.ratio:.2f} [{min(self.ratios):.2f}–{max(self.ratios):.2f}]"


def _timed(work: Callable[[], object], times: int) -> float:
    samples = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        samples.append(time.perf_counter() - begin)
    return statistics.median(samples)


def interleaved(ours: Callable[[], object], peer: Callable[[], object], *, rounds: int = 8, times: int = 7) -> Comparison:
    """A B A B …, after a warm-up of both; each round gives one ratio peer ÷ ours (how many times faster ours is)."""
    for work in (ours, peer):
        _timed(work, 3)
    ours_seconds, peer_seconds = [], []
    for number in range(rounds):
        for mine in (True, False) if number % 2 == 0 else (False, True):
            (ours_seconds if mine else peer_seconds).append(_timed(ours if mine else peer, times))
    ratios = [theirs / own for own, theirs in zip(ours_seconds, peer_seconds, strict=True)]
    return Comparison(statistics.median(ours_seconds), statistics.median(peer_seconds), ratios)


def line(name: str, ours: str, peer: str, ratio: str, goal: str, ok: bool) -> None:
    """One row of what `python3 run.py bench` prints."""
    print(f"{name:<44} {ours:>12} {peer:>12}  {ratio:<22} {goal:<18} {'ok' if ok else 'MISS'}", flush=True)


def heading() -> None:
    """The row above."""
    print(f"{'what':<44} {'ours':>12} {'peer':>12}  {'ratio [range]':<22} {'goal':<18}")


def milliseconds(seconds: float) -> str:
    """`12.3 ms`."""
    return f"{seconds * 1000:.1f} ms"
