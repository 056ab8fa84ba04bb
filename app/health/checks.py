"""Asks every part of the installation how it is; app/rules/health.py judges the answers."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import has_app_context
from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.gateways.anchors import AnchorTampered, FileAnchors
from app.rules import health
from app.rules.audit import CHAIN, SealKeys
from app.rules.errors import DomainError
from app.rules.health import AuditState, Check, State
from app.text import N_
from app.wiring import db, engines, objects, redis, settings

MAIL_SECONDS = 3.0
_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_READINESS = text("SELECT migration, lacking, last_scheduled_at, last_done_at FROM app.readiness(:roles)")
_BACKLOG = text("SELECT due, oldest_seconds, dead FROM app.work_backlog()")
_STREAMS = text("SELECT name, reading, lost, kept_bytes FROM app.live_streams()")
_AUDIT = text("SELECT batches, last_sealed_at, unsealed_rows, oldest_unsealed_at FROM app.audit_state()")
_LEDGER = text("SELECT unsealed, oldest_unsealed_at, checked_at, wrong FROM app.ledger_state()")


@cache
def head() -> str:
    """The revision that this code was written for; exactly one, or the start fails."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head() or ""


@dataclass(frozen=True)
class Answers:
    """What the database tells any of its logins."""

    migration: str | None
    lacking: list[str]
    last_scheduled_at: datetime | None
    last_done_at: datetime | None
    due: int
    oldest: timedelta
    dead: int


def ask(connection: Connection) -> Answers:
    """Two small statements, bound to nobody."""
    migration, lacking, scheduled, done = connection.execute(_READINESS, {"roles": list(health.ROLES)}).one()
    due, seconds, dead = connection.execute(_BACKLOG).one()
    return Answers(migration, lacking, scheduled, done, due, timedelta(seconds=seconds), dead)


def _database(engine: Engine) -> tuple[list[Check], Answers | None]:
    try:
        with engine.connect() as connection:
            answers = ask(connection)
    except DBAPIError:  # without its text: it may name addresses
        return [Check("database", N_("Database"), State.BROKEN, "The database does not answer, or lacks its schema.")], None
    well = Check("database", N_("Database"), State.WELL, "PostgreSQL answers.")
    return [well, health.judge_migration(answers.migration, head()), health.judge_roles(answers.lacking)], answers


def check_redis() -> Check:
    """Without Redis, work still gets done, some seconds later."""
    try:
        redis().ping()
    except RedisError:
        return Check("redis", N_("Redis"), State.BROKEN, "Redis does not answer.")
    return Check("redis", N_("Redis"), State.WELL, "Redis answers.")


def readiness() -> list[Check]:
    """What must be well before people are let in, asked through the login of this process."""
    checks, answers = _database(db.engine)
    checks.append(check_redis())
    if answers is not None:
        checks.append(health.judge_queue(answers.due, answers.oldest))
    return checks


def everything(audit: Connection | None = None) -> list[Check]:
    """All parts. `audit`: a connection that may ask for the state of the sealed logs; else the service login's."""
    now = datetime.now(UTC)
    checks, answers = _database(db.engine)
    checks.append(check_redis())
    if answers is not None:
        checks += [
            health.judge_queue(answers.due, answers.oldest), health.judge_dead_letters(answers.dead),
            health.judge_workers(answers.last_done_at, answers.oldest, now),
            health.judge_scheduler(answers.last_scheduled_at, now),
        ]
        checks += [_audit(audit, now), _ledger(audit, now), check_live()]
    return [*checks, check_storage(), check_mail()]


def _audit(connection: Connection | None, now: datetime) -> Check:
    if connection is None:
        with engines().service.connect() as own:
            return _audit(own, now)
    keys = SealKeys.derive(settings().audit_seal_key)
    row = connection.execute(_AUDIT).one()
    try:
        latest = FileAnchors(settings().anchor_dir, keys.anchors).latest(CHAIN)
    except (AnchorTampered, OSError) as error:
        problem = error.message if isinstance(error, AnchorTampered) else "The anchors cannot be read."
        return health.judge_audit(AuditState(*row, anchored=None, problem=problem), now)
    return health.judge_audit(AuditState(*row, anchored=latest.number if latest else 0), now)


def _ledger(connection: Connection | None, now: datetime) -> Check:
    if connection is None:
        with engines().service.connect() as own:
            return _ledger(own, now)
    return health.judge_ledger(health.LedgerState(*connection.execute(_LEDGER).one()), now)


def check_live() -> Check:
    """Whether the change stream is read."""
    with db.engine.connect() as connection:
        streams = [health.LiveStream(*row) for row in connection.execute(_STREAMS)]
    return health.judge_live(streams, settings().realtime_url is not None)


def check_storage() -> Check:
    """Whether files can be kept right now."""
    where = "The bucket" if settings().s3_endpoint else "The folder"
    try:
        objects().check()
    except DomainError as error:
        return Check("storage", "File storage", State.BROKEN, error.message)
    return Check("storage", "File storage", State.WELL, f"{where} for files takes and gives them.")


def check_mail() -> Check:
    """Whether the mail server takes a connection; nothing is sent."""
    address = settings().smtp_url
    if address is None:
        return Check("mail", N_("Mail"), State.WELL, "No mail server is set: mail goes into the mailbox folder.")
    parts = urlsplit(address)
    try:
        kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
        with kind(parts.hostname or "", parts.port or 0, timeout=MAIL_SECONDS) as server:
            server.noop()
    except (OSError, smtplib.SMTPException, socket.gaierror):
        return Check("mail", N_("Mail"), State.BROKEN, "The mail server does not answer.")
    return Check("mail", N_("Mail"), State.WELL, "The mail server answers.")


def reading(choose: Callable[[Answers], float]) -> Callable[[], float | None]:
    """A gauge for Prometheus out of the database's answers; None while it gives none."""
    def read() -> float | None:
        answers = _database(db.engine)[1] if has_app_context() else None  # scrapes are requests
        return None if answers is None else choose(answers)

    return read


def wrong_ledgers() -> Callable[[], float | None]:
    """A gauge: in how many organizations the newest check of the ledger found something."""
    def read() -> float | None:
        try:
            if not has_app_context():
                return None
            with engines().service.connect() as connection:
                return float(connection.execute(_LEDGER).one().wrong)
        except DBAPIError:
            return None

    return read


def failing(checks: Sequence[Check]) -> list[Check]:
    """Those that are broken; what merely needs attention does not keep people out."""
    return [check for check in checks if check.state is State.BROKEN]
