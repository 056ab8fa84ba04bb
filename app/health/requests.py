"""Every request has an id, and is timed, counted and logged."""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog
from flask import Flask, Response, g, request
from werkzeug import Request

from app import logs, metrics

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Asked:
    """A request under way: its id, and when it began."""

    id: str
    began: float

    @classmethod
    def begin(cls, sent: Request, *, trusted: bool) -> Asked:
        """Give it an id. A caller must not choose what the audit names; a proxy that we were told to trust may."""
        asked = cls(logs.request_id_of(sent.headers.get("X-Request-ID") if trusted else None), time.perf_counter())
        logs.bind_request(asked.id)
        return asked

    def answered(self, sent: Request, endpoint: str | None, status: int) -> None:
        """Time, count and log it."""
        seconds = time.perf_counter() - self.began
        metrics.observe_request(endpoint, sent.method, status, seconds)
        if endpoint != "static":
            _log.info("answered", method=sent.method, path=sent.path, endpoint=endpoint, status=status, seconds=round(seconds, 4))


def init_requests(app: Flask) -> None:
    """Give every request an id before anything else looks at it; count, time and log its answer."""

    @app.before_request
    def begin() -> None:
        g.asked = Asked.begin(request, trusted=bool(getattr(app.config.get("SETTINGS"), "trusted_proxies", 0)))
        g.request_id = g.asked.id

    @app.after_request
    def answered(response: Response) -> Response:
        g.asked.answered(request, request.endpoint, response.status_code)
        response.headers["X-Request-ID"] = g.request_id
        return response

    @app.teardown_request
    def finish(_error: BaseException | None) -> None:
        logs.unbind()
