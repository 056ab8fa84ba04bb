"""The schedule seals the audit log, and verifies it every night; what it finds waits for a person."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.services import work
from app.tenancy import queue_scope, tenant_scope
from jobs.outbox import Drainer
from jobs.schedule import SCHEDULE


@pytest.fixture
def run(app: Any, superuser: Engine) -> Any:
    """Do one piece of work; the outbox row's state and error."""
    def run(kind: str) -> tuple[str, str | None]:
        with queue_scope() as session:
            work.enqueue(session, kind)
        Drainer.new().drain()
        with superuser.connect() as connection:
            return tuple(connection.execute(
                text("SELECT state, last_error FROM outbox WHERE kind = :kind ORDER BY id DESC LIMIT 1"), {"kind": kind}).one())

    return run


def test_both_jobs_are_scheduled() -> None:
    assert {"audit.seal", "audit.verify"} <= {one.kind for one in SCHEDULE}


def test_the_job_seals_what_is_committed_and_anchors_it(run: Any, app: Any, superuser: Engine) -> None:
    assert run("audit.seal") == ("done", None)
    with superuser.connect() as connection:
        assert connection.scalar(text("SELECT sum(row_count) FROM audit_batches")) > 0
    assert run("audit.verify") == ("done", None)


def test_claims_grow_though_the_job_itself_is_a_running_transaction(run: Any, world: Any, superuser: Engine) -> None:
    """Other runs on this cluster may hold transactions open for a moment: try until they have ended."""
    settled = 0
    for turn in range(200):
        with tenant_scope(world.a.org_id) as session:
            session.execute(text("UPDATE hostels SET name = :name || code"), {"name": f"turn {turn} "})
        run("audit.seal")
        with superuser.connect() as connection:
            settled = connection.scalar(text(
                "SELECT coalesce(max(horizon_seq), 0) FROM audit_batches "
                "WHERE horizon_xid <= (SELECT max(sealed_xid) FROM audit_batches)"))
        if settled:
            break
    assert settled


def test_a_changed_log_becomes_a_dead_letter(run: Any, superuser: Engine) -> None:
    run("audit.seal")
    with superuser.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("UPDATE audit_log SET reason = 'x' WHERE seq = (SELECT first_seq FROM audit_batches LIMIT 1)"))
    state, error = run("audit.verify")
    assert state == "dead"
    assert "The audit log is not what was sealed: 1 findings." in error
