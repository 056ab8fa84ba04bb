"""Answers machines: is the process alive (/healthz), may people come in (/readyz), what is counted (/metrics)."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from ipaddress import ip_address

from flask import Flask, Response, abort, current_app, request

from app import metrics
from app.health import checks
from config import Settings

_FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded")


def init_app(app: Flask) -> None:
    """Add the three addresses; none of them asks who is calling, or is told anything about tenants."""

    @app.get("/healthz")
    def healthz() -> Response:
        """The process answers; it asks nobody else."""
        return Response("ok\n", mimetype="text/plain")

    @app.get("/readyz")
    def readyz() -> Response:
        """200, or 503 with a line for each part that is not ready."""
        failing = checks.failing(checks.readiness())
        lines = [f"{check.name}: {check.sentence}" for check in failing] or ["ready"]
        status = HTTPStatus.SERVICE_UNAVAILABLE if failing else HTTPStatus.OK
        return Response("\n".join(lines) + "\n", status, mimetype="text/plain", headers={"Cache-Control": "no-store"})

    @app.get("/metrics")
    def prometheus() -> Response:
        """For whoever has the token; without one set, for this machine."""
        if not may_read_metrics(current_app.config["SETTINGS"]):
            abort(HTTPStatus.NOT_FOUND)
        return metrics.metrics_response()

    with app.app_context():
        _add_gauges()


def may_read_metrics(settings: Settings) -> bool:
    """Whether this request shows the token, or, where none is set, comes from this machine and through no proxy."""
    if settings.metrics_token:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.metrics_token}".encode())
    if any(name in request.headers for name in _FORWARDED) and not settings.trusted_proxies:
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _add_gauges() -> None:
    readings = {
        "outbox_due": ("Pieces of work that are due.", lambda found: float(found.due)),
        "outbox_oldest_seconds": ("How long the oldest of them has been.", lambda found: found.oldest.total_seconds()),
        "outbox_dead": ("Pieces of work that were given up.", lambda found: float(found.dead)),
    }
    for name, (text, choose) in readings.items():
        metrics.gauge(name, text, checks.reading(choose))
    metrics.gauge("ledgers_wrong", "Organizations whose ledger was changed or does not add up.", checks.wrong_ledgers())


