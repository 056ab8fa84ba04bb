"""Figures for Prometheus: right over several processes, and without a word about anybody."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import metrics

ROOT = Path(metrics.__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    hooks = dict(metrics._hooks._hooks)
    yield
    metrics._hooks._hooks = hooks


def scraped() -> dict[str, float]:
    """Each series and its figure."""
    text = metrics.metrics_response().get_data(as_text=True)
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in text.splitlines() if line[0] != "#")
    }


def grown(before: dict[str, float], series: str) -> float:
    return scraped().get(series, 0) - before.get(series, 0)


def test_requests_are_counted_by_endpoint_method_and_status_and_timed() -> None:
    before = scraped()
    metrics.observe_request("MaintenanceView.list", "GET", 200, 0.03)
    series = 'viramah_requests_total{endpoint="MaintenanceView.list",method="GET",status="200"}'
    assert grown(before, series) == 1
    assert grown(before, 'viramah_request_seconds_bucket{endpoint="MaintenanceView.list",le="0.05"}') == 1
    assert grown(before, 'viramah_request_seconds_bucket{endpoint="MaintenanceView.list",le="0.025"}') == 0


def test_no_caller_can_make_new_series() -> None:
    metrics.observe_request(None, "X" * 100, 404, 0.001)
    metrics.observe_request(None, "BREW", 404, 0.001)
    methods = {found[1] for name in scraped() if (found := re.search('method="(.+?)"', name))}
    assert "OTHER" in methods
    assert methods <= {*metrics._METHODS, "OTHER"}


def test_refusals_bugs_and_jobs_are_counted() -> None:
    before = scraped()
    metrics.count_domain_error("limit_reached")
    metrics.count_server_error(metrics.Tier.P0)
    metrics.count_job("mail", metrics.Outcome.DEAD)
    assert grown(before, 'viramah_domain_errors_total{code="limit_reached"}') == 1
    assert grown(before, 'viramah_server_errors_total{tier="p0"}') == 1
    assert grown(before, 'viramah_jobs_total{kind="mail",outcome="dead"}') == 1


@pytest.mark.parametrize(
    ("endpoint", "tier"),
    [
        ("WalletView.show", metrics.Tier.P0),
        ("AuthDBView.login", metrics.Tier.P0),
        ("PermissionMatrixView.edit", metrics.Tier.P0),
        ("MaintenanceView.list", metrics.Tier.P1),
        ("HelpView.show", metrics.Tier.P2),
        (None, metrics.Tier.P2),
    ],
)
def test_money_and_access_come_first(endpoint: str | None, tier: metrics.Tier) -> None:
    assert metrics.tier_of(endpoint) is tier


def test_gauges_are_asked_for_at_each_scrape() -> None:
    age = [5.0]
    metrics.gauge("outbox_age_seconds", "Age of the oldest unfinished work.", lambda: age[0])
    metrics.gauge("queue_depth", "Waiting jobs.", lambda: {"mail": 2, "default": 0}, label="queue")
    metrics.gauge("unknown", "Cannot be told.", lambda: None)
    assert scraped()["viramah_outbox_age_seconds"] == 5
    age[0] = 7.0
    now = scraped()
    assert now["viramah_outbox_age_seconds"] == 7
    assert now['viramah_queue_depth{queue="mail"}'] == 2
    assert "viramah_unknown" not in now


def test_labels_are_words_of_the_code() -> None:
    assert {label for text in scraped() for label in re.findall(r"(\w+)=\"", text)} <= {
        "endpoint", "method", "status", "le", "code", "tier", "kind", "outcome", "queue",
    }  # fmt: skip


WORKERS = """
import os
from app import metrics
for worker in range(3):
    if os.fork() == 0:
        metrics.count_job("mail", metrics.Outcome.DONE)
        metrics.observe_request("x", "GET", 200, 0.1)
        os._exit(0)
for worker in range(3):
    pid, status = os.wait()
    assert status == 0
    metrics.forget_process(pid)
metrics.gauge("outbox_age_seconds", "Age.", lambda: 5.0)
print(metrics.metrics_response().get_data(as_text=True))
"""


def test_what_several_processes_counted_is_added_up_also_after_their_end(tmp_path: Path) -> None:
    environment = {
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }
    done = subprocess.run(
        [sys.executable, "-c", WORKERS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert 'viramah_jobs_total{kind="mail",outcome="done"} 3.0' in done.stdout
    assert 'viramah_request_seconds_count{endpoint="x"} 3.0' in done.stdout
    assert done.stdout.count("viramah_outbox_age_seconds 5.0") == 1
