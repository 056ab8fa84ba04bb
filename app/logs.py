"""Structured logs, one JSON object for each line, with the request's id and without personal data; error reports.

Whatever logs, structlog or the standard library, goes through the same processors, the last of which masks.
"""

from __future__ import annotations

import logging
import re
import sys
import uuid
from typing import Any, TextIO, cast

import sentry_sdk
import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from app.masking import mask

# Loggers that bring handlers of their own, which would write past the mask.
_CHATTY = (
    "gunicorn.error",
    "gunicorn.access",
    "rq.worker",
    "werkzeug",
    "sqlalchemy.engine",
    "flask_appbuilder",
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_OURS = frozenset({"level", "timestamp", "logger", "request_id", "org_id", "user_id"})


def init_logging(
    level: str = "INFO",
    json: bool = True,
    sentry_dsn: str | None = None,
    stream: TextIO | None = None,
) -> None:
    """Send all logs to `stream` (standard error) as JSON, or readable for a developer; report errors if asked to."""
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # a process that forks, and tests, set it up again
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(json))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    for name in ("weasyprint", "fontTools"):  # each step of each document is no news
        logging.getLogger(name).setLevel(logging.WARNING)
    if sentry_dsn:
        init_error_reports(sentry_dsn)


def init_error_reports(dsn: str, **options: Any) -> None:
    """Report unhandled errors to Sentry: no bodies, no cookies, no local variables, and the rest masked.

    That no personal data is collected in the first place is the SDK's default.
    """
    sentry_sdk.init(
        dsn=dsn,
        include_local_variables=False,
        max_request_body_size="never",
        traces_sample_rate=0.0,
        before_send=_before_send,
        before_breadcrumb=_before_breadcrumb,
        **options,
    )


def request_id_of(header: str | None) -> str:
    """The id that a proxy in front gave the request, if it looks like one, or a new one."""
    return header if header and _REQUEST_ID.fullmatch(header) else uuid.uuid4().hex


def bind_request(request_id: str) -> None:
    """Start a request (or a job) afresh: its id is in every line from here on."""
    clear_contextvars()
    bind_contextvars(request_id=request_id)


def bind_person(org_id: object, user_id: object) -> None:
    """Name, by their ids, who is asking and in which organization."""
    bind_contextvars(
        org_id=None if org_id is None else str(org_id), user_id=None if user_id is None else str(user_id)
    )


def unbind() -> None:
    """End of the request or job."""
    clear_contextvars()


def current_request_id() -> str | None:
    """The id of the request or job under way."""
    return cast(str | None, get_contextvars().get("request_id"))


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last processor before a line is rendered; what we set ourselves is no one's secret."""
    kept = {name: event.pop(name) for name in _OURS & event.keys()}
    return {**kept, **mask(event)}


def _shared() -> list[Processor]:
    """What every event gets, whether structlog or the standard library logged it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]


def _formatter(json: bool) -> logging.Formatter:
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_event, renderer],
    )


def _before_send(event: Any, _hint: dict[str, Any]) -> Any:
    """Mask a report; its own structure (levels, frames, versions) has no personal data but keeps its types."""
    user = event.pop("user", None) or {}
    request = event.pop("request", None) or {}
    if (
        "logentry" in event
    ):  # the bare arguments of a message are out of the context that would tell their kind
        event["logentry"].pop("params", None)
    masked = cast(dict[str, Any], mask(event))
    masked["tags"] = {**(masked.get("tags") or {}), "request_id": current_request_id()}
    masked["user"] = {"id": user.get("id")}
    masked["request"] = mask({name: request[name] for name in ("method", "url") if name in request})
    return masked


def _before_breadcrumb(crumb: Any, _hint: dict[str, Any]) -> Any:
    return mask(crumb)
