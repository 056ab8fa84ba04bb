"""Every request has an id, and is timed, counted and logged."""

from __future__ import annotations

import time

import structlog
from flask import Flask, Response, g, request

from app import logs, metrics

_log = structlog.get_logger(__name__)


def init_requests(app: Flask) -> None:
    """Give every request an id before anything else looks at it; count, time and log its answer."""

    @app.before_request
    def begin() -> None:
        # A caller must not choose what the audit names; a proxy that we were told to trust may.
        trusted = getattr(app.config.get("SETTINGS"), "trusted_proxies", 0)
        g.request_id = logs.request_id_of(request.headers.get("X-Request-ID") if trusted else None)
        g.request_began = time.perf_counter()
        logs.bind_request(g.request_id)

    @app.after_request
    def answered(response: Response) -> Response:
        seconds = time.perf_counter() - g.request_began
        metrics.observe_request(request.endpoint, request.method, response.status_code, seconds)
        response.headers["X-Request-ID"] = g.request_id
        if request.endpoint != "static":
            _log.info("answered", method=request.method, path=request.path, endpoint=request.endpoint,
                      status=response.status_code, seconds=round(seconds, 4))
        return response

    @app.teardown_request
    def finish(_error: BaseException | None) -> None:
        logs.unbind()
