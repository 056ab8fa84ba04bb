"""Binds each transaction to an organization, a person and a portal; the only file that names the session settings.

Three ways in: `bind_request` for the web (who the session token says), `tenant_scope` for jobs, commands and tests
(the product itself, or a person), `service_scope` for work across organizations, which leaves an audit row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

import psycopg2
from flask import g, has_app_context
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session, SessionTransaction
from structlog.contextvars import bound_contextvars

from app.permissions import Portal
from app.rules.errors import NotFound
from app.wiring import ConsoleSession, engines

Binder = Callable[[Connection], None]
_BIND = text("SELECT app.bind(:digest, :org, :portals, :hostel, :request, :full)")
_BIND_AS = text("SELECT app.bind_as(:user, :org, :portals, :hostel, :request)")
_BIND_SYSTEM = text("SELECT app.bind_system(:org, :request)")
_SERVICE = text("SELECT set_config('app.reason', :reason, true), app.note_event('service', 'installation', NULL, :reason)")


@event.listens_for(ConsoleSession, "after_begin")
def _bind(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested:
        return  # a savepoint is within what was bound already, and the portal's role may not bind
    binder: Binder | None = session.info.get("binder")
    if binder is None and has_app_context():
        binder = g.get("binder")
    if binder is not None:
        binder(connection)


@dataclass
class RequestBinding:
    """What a web request asks to be bound to, and, once bound, what the database answered.

    The first transaction of a request fetches the whole description of the person; later ones (the framework
    commits inside requests) only ask again whether the session still lives and what it may do.
    """

    digest: bytes | None
    org_id: UUID | None
    portals: Sequence[Portal]
    hostel_id: UUID | None
    request_id: str
    answer: dict[str, Any] | None = None
    asked: bool = False

    def __call__(self, connection: Connection) -> None:
        """Send the one statement."""
        found = connection.execute(_BIND, {
            "digest": self.digest, "org": self.org_id, "portals": [str(p) for p in self.portals],
            "hostel": self.hostel_id, "request": self.request_id, "full": not self.asked,
        }).scalar()
        if not self.asked:
            self.asked, self.answer = True, found
            if found and found.get("org_id"):
                # What was chosen for this request stays for its later transactions.
                self.org_id, self.portals = UUID(found["org_id"]), [Portal(found["portal"])]


def bind_request(binding: RequestBinding) -> None:
    """Let every transaction of this request begin with `binding`."""
    g.binder = binding


@contextmanager
def _scope(binder: Binder) -> Iterator[Session]:
    with ConsoleSession(bind=engines().service, info={"binder": binder}, expire_on_commit=False) as session:
        yield session
        session.commit()


@contextmanager
def tenant_scope(org_id: UUID, as_user: int | None = None, *, portal: Portal | None = None,
                 hostel_id: UUID | None = None, request_id: str = "") -> Iterator[Session]:
    """A session within one organization, as the product itself or as one of its people; commits at the end.

    Errors: DBAPIError (VR403) if the person has no active role there. A person with several roles works through
    `portal` if they have it, else through that of their highest role.
    """
    portals = [str(portal)] if portal else []

    def binder(connection: Connection) -> None:
        if as_user is None:
            connection.execute(_BIND_SYSTEM, {"org": org_id, "request": request_id})
        else:
            connection.execute(_BIND_AS, {"user": as_user, "org": org_id, "portals": portals, "hostel": hostel_id,
                                          "request": request_id})
            if portal is not None:
                held = connection.execute(text("SELECT current_setting('role')")).scalar()
                if held != portal:
                    raise NotFound(f"Person {as_user} has no role that works through {portal}.")

    with bound_contextvars(org_id=str(org_id), user_id=as_user), _scope(binder) as session:
        yield session


@contextmanager
def service_scope(reason: str) -> Iterator[Session]:
    """A session across organizations, on the service login, with an audit row that gives `reason`; commits at the end."""
    if not reason.strip():
        raise ValueError("a service scope needs a reason")

    with _scope(lambda connection: connection.execute(_SERVICE, {"reason": reason}) and None) as session:
        yield session


@contextmanager
def queue_scope() -> Iterator[Session]:
    """A session for claiming and finishing outbox rows: the service login bound to nothing, so that it sees no
    tenant's data and needs no audit row; commits at the end.
    """
    with _scope(lambda _connection: None) as session:
        yield session


@contextmanager
def auth_scope() -> Iterator[Session]:
    """A session of the auth login, which alone reads credentials; commits at the end."""
    with ConsoleSession(bind=engines().auth, info={"binder": lambda _connection: None}, expire_on_commit=False) as session:
        yield session
        session.commit()


class Line:
    """A connection of the web login that a process keeps, bound to nobody, on which each statement is a transaction of its own.

    For doors of programs that one function answers: what the framework does for a session costs more than the answer.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._kept: Any = None
        self._cursor: Any = None

    def ask(self, statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """The first row. Errors: psycopg2.Error; a connection that was lost is made anew, once, and the statement sent again."""
        with self._lock:
            old = self._cursor is not None
            try:
                return self._sent(statement, values)
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                self._cursor = None
                if not old:
                    raise
            return self._sent(statement, values)

    def _sent(self, statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        if self._cursor is None:
            self._kept = self._engine.raw_connection()
            self._cursor = self._kept.cursor()
        self._cursor.execute(statement, values)
        found: tuple[Any, ...] | None = self._cursor.fetchone()
        return found


def give_reason(session: Session, reason: str) -> None:
    """Why the present transaction changes what it changes, for its audit rows."""
    session.execute(text("SELECT set_config('app.reason', :reason, true)"), {"reason": reason})

