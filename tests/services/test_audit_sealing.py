"""The audit log is sealed in batches that claim no more than what is true, and anchored outside the database."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.gateways.anchors import FileAnchors
from app.models.audit import AuditEntry
from app.models.declare import AUTH, DEFINER, OWNER, SERVICE, WEB
from app.permissions import Portal
from app.rules.audit import CHAIN, COLUMNS, SealKeys
from app.services.audit import SealRefused, Verification, seal_batch, seal_log
from app.tenancy import queue_scope, service_scope, tenant_scope

KEYS = SealKeys.derive(b"k" * 32)
SEALED = "SELECT count(DISTINCT seq) FROM (SELECT unnest(seqs) AS seq FROM audit_batches) s"


@pytest.fixture
def anchors(tmp_path: Path) -> FileAnchors:
    return FileAnchors(tmp_path / "anchors", KEYS.anchors)


def write(org_id: Any, name: str) -> None:
    with tenant_scope(org_id) as session:
        session.execute(text("UPDATE hostels SET name = :name || code"), {"name": name})


def scalar(superuser: Engine, statement: str) -> Any:
    with superuser.connect() as connection:
        return connection.scalar(text(statement))


def findings(anchors: FileAnchors) -> list[str]:
    with queue_scope() as session:
        return [str(finding) for finding in Verification(session, anchors, KEYS).findings()]


def test_every_column_of_the_log_is_sealed() -> None:
    assert set(COLUMNS) == {column.name for column in AuditEntry.__table__.columns}


def test_the_transaction_is_known_before_the_number_and_the_time_are_given(superuser: Engine) -> None:
    names = scalar(superuser, "SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute "
                              "WHERE attrelid = 'audit_log'::regclass AND attnum > 0")
    assert names.index("xid") < names.index("seq") < names.index("at")


def test_all_committed_rows_are_sealed_once(app: Any, superuser: Engine, anchors: FileAnchors) -> None:
    assert seal_log(queue_scope, anchors, KEYS).rows == scalar(superuser, "SELECT count(*) FROM audit_log")
    assert seal_log(queue_scope, anchors, KEYS).rows == 0
    assert scalar(superuser, SEALED) == scalar(superuser, "SELECT count(*) FROM audit_log")
    assert findings(anchors) == []


def test_a_large_log_is_sealed_in_several_batches_each_anchored(
        app: Any, superuser: Engine, anchors: FileAnchors) -> None:
    rows = scalar(superuser, "SELECT count(*) FROM audit_log")
    done = seal_log(queue_scope, anchors, KEYS, limit=7)
    assert (done.rows, done.batches) == (rows, -(-rows // 7) + 1)  # the last one claims for all, and holds none
    assert [anchor.number for anchor in anchors.all(CHAIN)] == list(range(1, done.batches + 1))
    assert findings(anchors) == []


def test_a_row_of_the_newest_transaction_of_all_that_is_open_is_no_forgery(
        app: Any, world: Any, superuser: Engine, anchors: FileAnchors) -> None:
    """A snapshot ends at the last transaction that has ended: who began after that, and writes, lies beyond it."""
    write(world.a.org_id, "before ")
    with tenant_scope(world.a.org_id) as slow:
        slow.execute(text("UPDATE hostels SET name = 'newest ' || code"))
        seal_log(queue_scope, anchors, KEYS)
        assert findings(anchors) == []
    assert findings(anchors) == []
    assert seal_log(queue_scope, anchors, KEYS).rows > 0
    assert scalar(superuser, SEALED) == scalar(superuser, "SELECT count(*) FROM audit_log")
    assert findings(anchors) == []


def test_a_row_that_commits_late_with_an_old_number_is_sealed_later(
        app: Any, world: Any, superuser: Engine, anchors: FileAnchors) -> None:
    with service_scope("a transaction that takes its time") as slow:
        slow.connection()
        write(world.a.org_id, "quicker ")
        seal_log(queue_scope, anchors, KEYS)
        unsealed = scalar(superuser, "SELECT count(*) FROM audit_log WHERE seq NOT IN (SELECT unnest(seqs) FROM audit_batches)")
        assert unsealed == 0
    assert seal_log(queue_scope, anchors, KEYS).rows == 1
    assert findings(anchors) == []


def test_two_sealers_do_not_meet(app: Any, anchors: FileAnchors) -> None:
    with queue_scope() as session:
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('viramah audit seal', 0))"))
        assert seal_log(queue_scope, anchors, KEYS).busy


def test_many_writers_and_sealers_at_once_leave_a_whole_log(
        app_object: Any, app: Any, world: Any, superuser: Engine, anchors: FileAnchors) -> None:
    def work(number: int) -> None:
        with app_object.app_context():
            for turn in range(8):
                write(world.a.org_id if number % 2 else world.b.org_id, f"{number}.{turn} ")
                seal_log(queue_scope, anchors, KEYS, limit=5)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seal_log(queue_scope, anchors, KEYS)
    assert scalar(superuser, SEALED) == scalar(superuser, "SELECT count(*) FROM audit_log")
    assert findings(anchors) == []


def test_a_batch_that_a_crash_left_without_anchor_is_anchored_next(app: Any, world: Any, anchors: FileAnchors) -> None:
    with queue_scope() as session:
        assert seal_batch(session, KEYS) is not None
    assert anchors.latest(CHAIN) is None
    assert findings(anchors) == []
    write(world.a.org_id, "after the crash ")
    seal_log(queue_scope, anchors, KEYS)
    assert [anchor.number for anchor in anchors.all(CHAIN)] == [1, 2]
    assert findings(anchors) == []


def test_nothing_is_sealed_on_top_of_a_log_that_lost_its_tail(
        app: Any, world: Any, superuser: Engine, anchors: FileAnchors) -> None:
    seal_log(queue_scope, anchors, KEYS)
    with superuser.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("DELETE FROM audit_batches"))
    with pytest.raises(SealRefused):
        seal_log(queue_scope, anchors, KEYS)


def test_after_a_restore_into_another_cluster_transaction_numbers_start_anew(
        app: Any, world: Any, superuser: Engine, anchors: FileAnchors) -> None:
    """Rows of the old cluster may carry numbers that the new one has not reached; rows of the new one lower numbers."""
    seal_log(queue_scope, anchors, KEYS)
    with superuser.begin() as connection:  # as if the whole had been sealed elsewhere, far ahead of here
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("DELETE FROM audit_batches"))
        connection.execute(text("UPDATE audit_log SET xid = xid + 1000000000"))
        connection.execute(text("ALTER FUNCTION app.audit_horizon() RENAME TO real_horizon"))
        connection.execute(text(
            "CREATE FUNCTION app.audit_horizon() RETURNS TABLE (at timestamptz, seq bigint, system_id text) "
            "LANGUAGE sql SECURITY DEFINER AS $$ SELECT at, seq, 'elsewhere' FROM app.real_horizon() $$"))
    anchors = FileAnchors(anchors._folder / "second", KEYS.anchors)
    seal_log(queue_scope, anchors, KEYS)
    with superuser.begin() as connection:
        connection.execute(text("DROP FUNCTION app.audit_horizon()"))
        connection.execute(text("ALTER FUNCTION app.real_horizon() RENAME TO audit_horizon"))
    write(world.a.org_id, "here ")
    assert findings(anchors) == []
    assert seal_log(queue_scope, anchors, KEYS).rows > 0
    assert findings(anchors) == []


@pytest.mark.parametrize(("table", "column"), [("audit_log", "action"), ("audit_batches", "seals")])
def test_no_role_of_the_product_changes_or_removes_a_row(
        app: Any, superuser: Engine, anchors: FileAnchors, table: str, column: str) -> None:
    seal_log(queue_scope, anchors, KEYS)
    deeds = [f"UPDATE public.{table} SET {column} = {column}", f"DELETE FROM public.{table}",
             f"TRUNCATE public.{table} CASCADE"]
    for role in (OWNER, DEFINER, SERVICE, WEB, AUTH, *Portal):
        for deed in deeds:
            with superuser.connect() as connection:
                connection.execute(text(f"SET ROLE {role}"))
                with pytest.raises(DBAPIError) as refused:
                    connection.execute(text(deed))
                assert refused.value.orig.pgcode in {"42501", "VR403"}, (role, deed)
