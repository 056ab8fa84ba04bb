"""Health of the installation: request ids, /healthz, /readyz, /metrics."""

from __future__ import annotations

from uuid import uuid4

from flask import Flask, Response, g


def init_requests(app: Flask) -> None:
    """Give every request an id before anything else looks at it."""

    @app.before_request
    def begin() -> None:
        g.request_id = uuid4().hex


def init_app(app: Flask) -> None:
    """Answer probes."""

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")
