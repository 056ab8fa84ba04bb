"""What is counted for Prometheus, right also when several worker processes count.

With PROMETHEUS_MULTIPROC_DIR set before Python starts (an empty folder for each start of the console), each process
keeps its figures in files there, and whichever answers the scrape adds them up; without it, a process tells its own.
Labels are words of the code: no tenant, no person, no path, so their number is bounded and nothing personal leaks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector


class Tier(StrEnum):
    """How bad a server error is: money and access, stuck business, the rest (FEATURES H2)."""

    P0 = "p0"
    P1 = "p1"
    P2 = "p2"


class Outcome(StrEnum):
    """What became of one run of a job."""

    DONE = "done"
    RETRY = "retry"
    DEAD = "dead"


_TIERS = {
    Tier.P0: ("security", "auth", "sign", "session", "permission", "wallet", "payment", "billing"),
    Tier.P1: ("maintenance", "onboarding", "rooms", "people", "files", "imports", "outbox", "webhook"),
}
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

registry = CollectorRegistry()
_requests = Counter(
    "viramah_requests", "Requests answered.", ["endpoint", "method", "status"], registry=registry
)
_seconds = Histogram(
    "viramah_request_seconds", "Time to an answer.", ["endpoint"], buckets=_SECONDS, registry=registry
)
_refusals = Counter("viramah_domain_errors", "Refusals that a person was told.", ["code"], registry=registry)
_failures = Counter("viramah_server_errors", "Bugs that were answered with 500.", ["tier"], registry=registry)
_jobs = Counter("viramah_jobs", "Runs of background work.", ["kind", "outcome"], registry=registry)

Readings = float | Mapping[str, float] | None


class _Hooks(Collector):
    """Gauges that are asked for at each scrape, such as the age of the oldest piece of unfinished work."""

    def __init__(self) -> None:
        self._hooks: dict[str, tuple[str, str, Callable[[], Readings]]] = {}

    def add(self, name: str, text: str, label: str, read: Callable[[], Readings]) -> None:
        self._hooks[name] = (text, label, read)

    def collect(self) -> Iterable[Metric]:
        for name, (text, label, read) in self._hooks.items():
            readings = read()
            if readings is None:
                continue
            if isinstance(readings, Mapping):
                family = GaugeMetricFamily(name, text, labels=[label])
                for value, reading in readings.items():
                    family.add_metric([value], reading)
            else:
                family = GaugeMetricFamily(name, text, value=readings)
            yield family


_hooks = _Hooks()


def gauge(name: str, text: str, read: Callable[[], Readings], label: str = "name") -> None:
    """Ask `read` at each scrape: a number, numbers by the value of `label`, or None for "cannot be told now".

    Several processes would each tell the same, so it is asked once, by the process that answers. `read` handles
    the errors it expects and returns None: one part that is down must not hide the others.
    """
    _hooks.add(f"viramah_{name}", text, label, read)


def observe_request(endpoint: str | None, method: str, status: int, seconds: float) -> None:
    """Count an answered request; `endpoint` is Flask's name, None where no route matched."""
    name = endpoint or "unmatched"
    _requests.labels(name, method if method in _METHODS else "OTHER", str(status)).inc()
    _seconds.labels(name).observe(seconds)


def count_domain_error(code: str) -> None:
    """Count a refusal by its code."""
    _refusals.labels(code).inc()


def count_server_error(tier: Tier) -> None:
    """Count a bug by how bad it is."""
    _failures.labels(tier.value).inc()


def count_job(kind: str, outcome: Outcome) -> None:
    """Count a run of background work by its kind, a word of the code."""
    _jobs.labels(kind, outcome.value).inc()


def tier_of(endpoint: str | None) -> Tier:
    """How bad an error in this endpoint is, by the words in its name."""
    name = (endpoint or "").lower()
    return next((tier for tier, words in _TIERS.items() if any(word in name for word in words)), Tier.P2)


def metrics_response() -> Response:
    """The text that Prometheus scrapes."""
    collected = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(collected)  # type: ignore[no-untyped-call]
    else:
        collected.register(registry)
    collected.register(_hooks)
    return Response(generate_latest(collected), content_type=CONTENT_TYPE_LATEST)


def forget_process(pid: int) -> None:
    """For gunicorn's child_exit: the gauges of a process that ended are dropped; its counts stay."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
