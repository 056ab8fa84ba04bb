"""Whatever the database's superuser does to a sealed log, `flask audit verify` finds and names."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.cli.audit import resume_command, sealing, verify_command
from app.rules.audit import CHAIN, COLUMNS, SealKeys
from app.services.audit import SealRefused, seal_log
from app.tenancy import queue_scope, tenant_scope


class Log:
    """A sealed log, a superuser who can do anything but read the key, and the command that judges."""

    def __init__(self, app: Any, superuser: Engine, folder: Path) -> None:
        self.app, self.superuser, self.folder = app, superuser, folder

    def seal(self, limit: int = 10_000) -> None:
        seal_log(queue_scope, *sealing(), limit=limit)

    def write(self, org_id: Any, name: str) -> None:
        with tenant_scope(org_id) as session:
            session.execute(text("UPDATE hostels SET name = :name || code"), {"name": name})

    def tamper(self, *statements: str) -> None:
        with self.superuser.begin() as connection:
            connection.execute(text("SET session_replication_role = replica"))
            for statement in statements:
                connection.execute(text(statement))

    def one(self, statement: str) -> Any:
        with self.superuser.connect() as connection:
            return connection.execute(text(statement)).one()

    def settle(self, seq: int) -> None:
        """Seal until nothing up to `seq` can honestly be missing: other runs on this cluster have open transactions."""
        while self.one("SELECT coalesce(max(horizon_seq), 0) FROM audit_batches b WHERE horizon_xid <= "
                       "(SELECT max(sealed_xid) FROM audit_batches)")[0] < seq:
            self.tamper("INSERT INTO audit_log (actor, portal, action, table_name) VALUES ('x', 'x', 'x', 'x')")
            self.seal()

    def verify(self, *options: str) -> tuple[int, str]:
        result = self.app.test_cli_runner().invoke(verify_command, options)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output


@pytest.fixture
def log(app: Any, superuser: Engine, world: Any) -> Any:
    """Six batches or so."""
    folder = app.config["SETTINGS"].anchor_dir
    shutil.rmtree(folder, ignore_errors=True)
    found = Log(app, superuser, folder)
    found.seal(limit=7)
    yield found
    shutil.rmtree(folder, ignore_errors=True)


def test_an_untouched_log_is_whole(log: Log, world: Any) -> None:
    log.write(world.a.org_id, "still unsealed ")
    code, output = log.verify()
    sealed = log.one("SELECT (SELECT sum(row_count) FROM audit_batches), (SELECT count(*) FROM audit_batches)")
    assert (code, output.count("\n")) == (0, 1)
    assert f"{sealed[0]} sealed rows in {sealed[1]} batches" in output


def test_a_row_changed_in_any_column_is_named(log: Log) -> None:
    changes = ["actor_id = 7", "actor = 'system'", "before = '{}'", "after = after || '{\"x\": 1}'", "reason = ''",
               "at = at + '1 us'", "org_id = NULL", "xid = xid + 1", "row_id = 'x'", "request_id = 'x'", "action = 'delete'",
               "table_name = 'rooms'", "portal = 'x'", "hostel_id = uuidv7()"]
    assert {change.partition(" ")[0] for change in changes} == {*COLUMNS} - {"seq"}
    seq = log.one("SELECT max(seq) FROM audit_log WHERE table_name = 'hostels' AND org_id IS NOT NULL")[0]
    log.tamper("CREATE TABLE kept AS TABLE audit_log")
    for change in changes:
        log.tamper(f"UPDATE audit_log SET {change} WHERE seq = {seq}")
        table, row_id, org_id = log.one(f"SELECT table_name, row_id, org_id FROM audit_log WHERE seq = {seq}")
        code, output = log.verify()
        where = f"organization {org_id}" if org_id else "no organization"
        assert (code, f"changed row: row {seq} of the log ({table} {row_id}, {where})" in output) == (1, True), change
        assert "1 findings" in output
        log.tamper(f"DELETE FROM audit_log WHERE seq = {seq}",
                   f"INSERT INTO audit_log OVERRIDING SYSTEM VALUE SELECT * FROM kept WHERE seq = {seq}")
    assert log.verify()[0] == 0


def test_a_changed_row_is_named_though_its_seal_was_changed_with_it(log: Log) -> None:
    seq = log.one("SELECT seqs[1] FROM audit_batches WHERE number = 2")[0]
    log.tamper(f"UPDATE audit_log SET action = 'x' WHERE seq = {seq}",
               "UPDATE audit_batches SET seals = sha256('guess') || substr(seals, 33) WHERE number = 2")
    code, output = log.verify()
    assert (code, f"row {seq} of the log" in output) == (1, True)


def test_texts_moved_from_one_column_to_the_next_are_noticed(log: Log) -> None:
    log.tamper("UPDATE audit_log SET action = left(action, 2), table_name = substr(action, 3) || table_name "
               "WHERE seq = (SELECT first_seq FROM audit_batches WHERE number = 1)")
    assert "changed row" in log.verify()[1]


def test_a_removed_row_is_named(log: Log) -> None:
    seq = log.one("SELECT seqs[3] FROM audit_batches WHERE number = 2")[0]
    log.tamper(f"DELETE FROM audit_log WHERE seq = {seq}")
    code, output = log.verify()
    assert (code, f"removed row: row {seq} of the log" in output) == (1, True)


def test_a_row_removed_with_its_seal_is_missed(log: Log) -> None:
    seq = log.one("SELECT seqs[1] FROM audit_batches WHERE number = 2")[0]
    log.tamper(f"DELETE FROM audit_log WHERE seq = {seq}",
               "UPDATE audit_batches SET seqs = seqs[2:], seals = substr(seals, 33) WHERE number = 2")
    code, output = log.verify()
    assert (code, "1 of 7 seals of batch 2 " in output) == (1, True)


def test_the_last_row_cut_off_with_its_batch_is_missed(log: Log) -> None:
    last = log.one("SELECT max(number) FROM audit_batches")[0]
    log.tamper(f"DELETE FROM audit_log WHERE seq IN (SELECT unnest(seqs) FROM audit_batches WHERE number >= {last - 1})",
               f"DELETE FROM audit_batches WHERE number >= {last - 1}")
    code, output = log.verify()
    assert (code, f"cut-off tail: the anchors go up to batch {last}, the database to {last - 2}" in output) == (1, True)


def test_everything_removed_is_missed(log: Log) -> None:
    log.tamper("TRUNCATE audit_log, audit_batches")
    code, output = log.verify()
    assert (code, "cut-off tail" in output) == (1, True)


def insert(log: Log, world: Any, seq: str, xid: str, at: str) -> int:
    found: int = log.one("SELECT max(last_seq) FROM audit_batches")[0]
    log.tamper(f"""
        INSERT INTO audit_log (seq, xid, at, org_id, actor, portal, action, table_name, row_id)
        OVERRIDING SYSTEM VALUE
        SELECT {seq}, {xid}, {at}, '{world.a.org_id}', 'user', 'portal_admin', 'update', 'hostels', 'forged'""")
    return found


def test_a_row_inserted_under_an_old_number_is_named(log: Log, world: Any) -> None:
    # A number that a rolled-back transaction left unused.
    gap = log.one("SELECT nextval('audit_log_seq_seq')")[0]
    log.write(world.a.org_id, "later ")
    log.settle(gap)
    insert(log, world, str(gap), "pg_current_xact_id()::text::bigint", "clock_timestamp()")
    code, output = log.verify()
    assert (code, f"inserted row: row {gap} of the log (hostels forged, " in output) == (1, True)


def test_a_row_inserted_with_an_old_transaction_is_named(log: Log, world: Any) -> None:
    insert(log, world, "nextval('audit_log_seq_seq')", "100", "clock_timestamp()")
    code, output = log.verify()
    assert (code, "hostels forged" in output, "its transaction, 100" in output) == (1, True, True)


def test_a_row_inserted_with_an_old_time_is_named(log: Log, world: Any) -> None:
    log.settle(log.one("SELECT max(seq) FROM audit_log")[0])
    insert(log, world, "nextval('audit_log_seq_seq')", "pg_current_xact_id()::text::bigint", "now() - interval '1 day'")
    code, output = log.verify()
    assert (code, "hostels forged" in output, "its time" in output) == (1, True, True)


def test_sealing_does_not_make_an_inserted_row_honest(log: Log, world: Any) -> None:
    insert(log, world, "nextval('audit_log_seq_seq')", "100", "clock_timestamp()")
    log.write(world.a.org_id, "and life goes on ")
    log.seal()
    code, output = log.verify()
    assert (code, "hostels forged" in output) == (1, True)


def test_a_row_inserted_with_a_seal_is_named(log: Log, world: Any) -> None:
    insert(log, world, "nextval('audit_log_seq_seq')", "100", "clock_timestamp()")
    seq = log.one("SELECT max(seq) FROM audit_log")[0]
    log.tamper(f"UPDATE audit_batches SET seqs = seqs || {seq}, seals = seals || sha256('guess') WHERE number = 2")
    code, output = log.verify()
    assert (code, f"row {seq} of the log (hostels forged" in output) == (1, True)


def test_a_batch_changed_in_any_column_breaks_the_chain_there(log: Log) -> None:
    log.tamper("CREATE TABLE kept AS TABLE audit_batches")
    for change in ("digest = sha256(digest)", "head = sha256(head)", "row_count = row_count + 1", "sealed_xid = 5",
                   "sealed_at = sealed_at + '1 us'", "horizon_seq = 5", "horizon_xid = 5", "system_id = 'x'",
                   "first_seq = 0", "last_seq = 0", "resumes = 2", "seals = sha256(seals) || substr(seals, 33)"):
        log.tamper(f"UPDATE audit_batches SET {change} WHERE number = 3")
        code, output = log.verify()
        assert (code, "batch 3" in output, "batch 4" in output) == (1, True, False), (change, output)
        log.tamper("DELETE FROM audit_batches WHERE number = 3", "INSERT INTO audit_batches SELECT * FROM kept WHERE number = 3")
    assert log.verify()[0] == 0


def test_a_batch_removed_from_the_middle_is_missed(log: Log) -> None:
    log.tamper("DELETE FROM audit_batches WHERE number = 3")
    code, output = log.verify()
    assert (code, "broken chain: batch 3 is missing from the chain" in output) == (1, True)
    assert "1 findings" in output


def test_batches_in_another_order_are_noticed(log: Log) -> None:
    log.tamper("UPDATE audit_batches SET number = -number WHERE number IN (2, 3)",
               "UPDATE audit_batches SET number = CASE number WHEN -2 THEN 3 ELSE 2 END WHERE number < 0")
    code, output = log.verify()
    assert (code, "batch 2 (" in output, "batch 3 (" in output) == (1, True, True)


def test_a_chain_cut_anew_without_the_key_is_noticed(log: Log) -> None:
    """Somebody runs the product's own sealer on a changed log, with a key of their own."""
    log.tamper("UPDATE audit_log SET actor = 'somebody else'", "TRUNCATE audit_batches")
    theirs = SealKeys.derive(b"x" * 32)
    from app.gateways.anchors import FileAnchors

    seal_log(queue_scope, FileAnchors(log.folder.parent / "theirs", theirs.anchors), theirs)
    code, output = log.verify()
    assert (code, "wrong key: batch 1 was sealed with the key" in output) == (1, True)


def test_the_wrong_key_is_called_that(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    import app.cli.audit as cli

    anchors, _ = sealing()
    monkeypatch.setattr(cli, "sealing", lambda: (anchors, SealKeys.derive(b"x" * 32)))
    code, output = log.verify()
    assert (code, "wrong key: batch 1 was sealed with the key" in output) == (1, True)
    assert "changed row" not in output


def test_a_changed_anchor_is_noticed(log: Log) -> None:
    path = log.folder / f"{CHAIN}.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], lines[2].replace('"number":3', '"number":9'), *lines[3:]]))
    code, output = log.verify()
    assert (code, "anchors: Chain audit: the seal of anchor 3 is broken" in output) == (1, True)


def test_anchors_that_were_removed_are_missed(log: Log) -> None:
    shutil.rmtree(log.folder)
    code, output = log.verify()
    assert (code, "not anchored: the anchors were cut off" in output) == (1, True)


def test_verification_can_begin_at_a_batch(log: Log) -> None:
    log.tamper("UPDATE audit_log SET actor = 'x' WHERE seq = (SELECT first_seq FROM audit_batches WHERE number = 2)")
    assert log.verify("--from", "2")[0] == 1
    assert log.verify("--from", "3")[0] == 0


def restore(log: Log) -> int:
    """As after a restore from a backup that the last two batches are younger than; the newest batch that is left."""
    left = log.one("SELECT max(number) - 2 FROM audit_batches")[0]
    log.tamper(f"DELETE FROM audit_log WHERE seq IN (SELECT unnest(seqs) FROM audit_batches WHERE number > {left})",
               f"DELETE FROM audit_batches WHERE number > {left}")
    return left


def test_after_a_restore_somebody_resumes_and_the_loss_stays_known(log: Log, world: Any) -> None:
    left = restore(log)
    log.write(world.a.org_id, "after the restore ")
    with pytest.raises(SealRefused):
        log.seal()
    result = log.app.test_cli_runner().invoke(resume_command, ["--reason", "Restored the backup of Monday"])
    assert result.output.strip() == f"Batch {left + 3} resumes after batch {left}."
    log.write(world.a.org_id, "and on ")
    log.seal()
    code, output = log.verify()
    assert (code, f"Batches {left + 1} to {left + 2} were lost" in output) == (0, True)
    reason = log.one("SELECT reason FROM audit_log WHERE action = 'service' AND reason LIKE 'Restored%'")
    assert reason[0] == "Restored the backup of Monday"


def test_nobody_resumes_where_nothing_was_lost(log: Log) -> None:
    result = log.app.test_cli_runner().invoke(resume_command, ["--reason", "no reason"])
    assert (result.exit_code, "there is nothing to resume after" in result.output) == (1, True)


def test_a_loss_cannot_be_declared_without_the_key(log: Log) -> None:
    log.tamper("DELETE FROM audit_batches WHERE number = 3", "UPDATE audit_batches SET resumes = 2 WHERE number = 4")
    code, output = log.verify()
    assert (code, "broken chain: batch 4" in output) == (1, True)
