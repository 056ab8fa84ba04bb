"""Whatever the database's superuser does to the ledger is named, the wallet it touches is frozen by night, and the alarm is in the outbox (W6, W9)."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from sqlalchemy import Engine, text

import jobs.ledger  # noqa: F401 - registers the jobs
from app.cli.ledger import balance_command, export_command, statement_command, verify_command
from app.health import checks
from app.models.wallet import LedgerAccount, LedgerEntry, LedgerTransaction
from app.permissions import Role
from app.rules.health import State
from app.services import ledger, wallet, work
from app.tenancy import queue_scope, tenant_scope
from jobs.outbox import Drainer
from jobs.schedule import SCHEDULE
from tests.maintenance import scope
from tests.wallet import HOSTEL, balance, between, credit, debit, one, post, residents
from tests.world import World


class Books:
    """Two wallets with money in them, sealed; a superuser who can do anything but read the key; the commands and jobs that judge."""

    def __init__(self, app: Any, superuser: Engine, world: World) -> None:
        self.app, self.superuser, self.world = app, superuser, world
        self.rich, self.poor = residents(superuser, world, 2)
        post(world, credit("first", self.rich, 500_00), credit("second", self.poor, 100_00))
        post(world, debit("third", self.rich, 20_00))
        post(world, between("fourth", self.rich, self.poor, 5_00))
        assert self.run("ledger.seal") == "done"

    def run(self, kind: str) -> str:
        with queue_scope() as session:
            work.enqueue(session, kind)
        Drainer.new().drain()
        return str(self.one("SELECT state FROM outbox WHERE kind = :kind ORDER BY id DESC LIMIT 1", kind=kind))

    def one(self, sql: str, **given: Any) -> Any:
        return one(self.superuser, sql, **given)

    def tamper(self, *statements: str) -> None:
        with self.superuser.begin() as connection:
            connection.execute(text("SET session_replication_role = replica"))
            for statement in statements:
                connection.execute(text(statement))

    def verify(self) -> tuple[int, str]:
        return self.command(verify_command)

    def command(self, command: Any, *options: str) -> tuple[int, str]:
        result = self.app.test_cli_runner().invoke(command, options)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    def is_frozen(self, user_id: int) -> bool:
        return bool(self.one("SELECT frozen FROM wallet_balance_cache WHERE user_id = :user", user=user_id))

    def seq(self, key: str) -> int:
        return int(self.one("SELECT seq FROM ledger_transactions WHERE key = :key", key=key))


@pytest.fixture
def books(app: Any, world: World, superuser: Engine) -> Books:
    return Books(app, superuser, world)


def test_an_untouched_ledger_is_whole_and_each_organization_has_a_chain(books: Books) -> None:
    post(books.world, credit("later", books.rich, 1))
    code, output = books.verify()
    assert code == 0, output
    assert "asha: the ledger is whole: 4 sealed transactions in 1 batches, 1 not sealed yet." in output
    assert "0 sealed transactions in 0 batches" in output  # the other organization's
    assert books.run("ledger.seal") == books.run("ledger.seal") == "done"
    assert books.run("ledger.verify") == "done"
    assert books.one("SELECT count(*) FROM outbox WHERE kind = 'ledger.alarm'") == 0
    assert checks._ledger(None, books.one("SELECT app.now()")).state is State.WELL


def test_every_column_is_sealed() -> None:
    assert set(ledger.TRANSACTION) == {column.name for column in LedgerTransaction.__table__.columns}
    assert set(ledger.ENTRY) == {column.name for column in LedgerEntry.__table__.columns}
    assert {*ledger.ACCOUNT, "org_id", "id", "kind", "created_at"} == {column.name for column in LedgerAccount.__table__.columns}


@pytest.mark.parametrize("change", [
    "UPDATE ledger_transactions SET description = 'Dinner' WHERE seq = {}", "UPDATE ledger_transactions SET event_at = event_at - interval '1 us' WHERE seq = {}",
    "UPDATE ledger_entries SET amount_paise = amount_paise * 2 WHERE transaction_id = (SELECT id FROM ledger_transactions WHERE seq = {})",
    "UPDATE ledger_entries SET position = 10 + position WHERE transaction_id = (SELECT id FROM ledger_transactions WHERE seq = {})",
    "UPDATE ledger_accounts SET code = 'rent' WHERE code = 'canteen' AND {} > 0",
])
def test_a_change_of_a_transaction_its_entries_or_their_accounts_is_named(books: Books, change: str) -> None:
    books.tamper(change.format(books.seq("third")))
    code, output = books.verify()
    assert code == 1
    assert f"changed row: transaction {books.seq('third')} of the ledger (order third, id" in output.splitlines()[0]


def test_what_a_superuser_changed_is_named_frozen_and_in_the_outbox_as_p0(books: Books) -> None:
    """With a story that adds up: the row, both balances and the wallet itself."""
    transaction = "(SELECT id FROM ledger_transactions WHERE key = 'third')"
    books.tamper(f"UPDATE ledger_entries SET amount_paise = amount_paise / 2 WHERE transaction_id = {transaction}",
                 f"UPDATE ledger_entries SET balance_paise = balance_paise + 1000 WHERE user_id = {books.rich} AND version >= 2",
                 f"UPDATE wallet_balance_cache SET balance_paise = balance_paise + 1000 WHERE user_id = {books.rich}")
    with tenant_scope(books.world.a.org_id) as session:
        assert wallet.mismatches(session) == []
    assert books.run("ledger.verify") == "done"
    assert (books.is_frozen(books.rich), books.one("SELECT payload ->> 'priority' FROM outbox WHERE kind = 'ledger.alarm'")) == (True, "p0")
    assert books.one("SELECT first_finding FROM ledger_checks WHERE findings > 0").startswith(
        f"changed row: transaction {books.seq('third')} of the ledger (order third,")
    assert checks._ledger(None, books.one("SELECT app.now()")).state is State.BROKEN
    told = "SELECT count(*) FROM notifications WHERE kind = 'ledger.alarm'"
    with scope(books.world.a.people[Role.ACCOUNTANT]) as session:
        assert session.scalar(text(told)) == 1
    # The next night finds the same: nobody is told twice.
    before = books.one(told)
    assert books.run("ledger.verify") == "done"
    assert (books.one(told), books.one("SELECT count(*) FROM outbox WHERE kind = 'ledger.alarm'")) == (before, 1)
    assert {Role.OWNER, Role.ADMINISTRATOR, Role.ACCOUNTANT} <= {
        role for role, person in books.world.a.people.items()
        if books.one("SELECT count(*) FROM notifications WHERE kind = 'ledger.alarm' AND user_id = :user", user=person.user_id)}


def test_of_a_transaction_that_is_removed_with_all_its_traces_the_seal_still_tells_whose_it_was(books: Books) -> None:
    transaction = "(SELECT id FROM ledger_transactions WHERE key = 'fourth')"
    books.tamper(f"""UPDATE wallet_balance_cache w SET version = w.version - 1, balance_paise = w.balance_paise - e.amount_paise
                     FROM ledger_entries e WHERE e.account_id = w.id AND e.transaction_id = {transaction}""",
                 f"DELETE FROM ledger_entries WHERE transaction_id = {transaction}", "DELETE FROM ledger_transactions WHERE key = 'fourth'")
    with tenant_scope(books.world.a.org_id) as session:
        assert wallet.mismatches(session) == []
    assert books.run("ledger.verify") == "done"
    assert (books.is_frozen(books.rich), books.is_frozen(books.poor)) == (True, True)


@pytest.mark.parametrize(("statements", "words"), [
    # Removed, added, torn: each with what gives it away though the rest was mended.
    (["DELETE FROM ledger_entries WHERE transaction_id = (SELECT id FROM ledger_transactions WHERE key = 'first')",
      "DELETE FROM ledger_transactions WHERE key = 'first'"], "removed row: transaction {first} of the ledger, sealed in batch 1"),
    (["DELETE FROM ledger_entries WHERE position = 2 AND transaction_id = (SELECT id FROM ledger_transactions WHERE key = 'third')"],
     "broken transaction: the 1 entries of transaction {third} of the ledger (third) are not whole"),
    (["UPDATE ledger_entries SET balance_paise = 7 WHERE version = 2 AND user_id = {rich}"], "wrong balance: entry 2 of the wallet"),
    (["UPDATE wallet_balance_cache SET balance_paise = balance_paise + 1 WHERE user_id = {rich}"],
     "holds 47501 paise after 3 entries, and its 3 entries sum to 47500."),
    (["DELETE FROM ledger_transactions WHERE key = 'third'"], "2 entries belong to the transaction"),
    (["TRUNCATE ledger_batches"], "cut-off tail: the anchors go up to batch 1, the database to 0"),
])
def test_whatever_else_is_done_is_named(books: Books, statements: list[str], words: str) -> None:
    names = {"rich": books.rich, "first": books.seq("first"), "third": books.seq("third")}
    books.tamper(*(statement.format(**names) for statement in statements))
    code, output = books.verify()
    assert code == 1
    assert words.format(**names) in output, output
    if "cut-off" not in words:
        assert books.run("ledger.verify") == "done"
        assert books.is_frozen(books.rich)
    assert not books.is_frozen(books.poor)


def test_a_transaction_put_in_with_an_older_time_is_named(books: Books) -> None:
    """Once whoever was at work when a batch was made has ended: other tests on this cluster may be."""
    settled = "SELECT count(*) FROM ledger_batches WHERE horizon_xid <= (SELECT max(sealed_xid) FROM ledger_batches)"
    for number in range(200):
        if books.one(settled):
            break
        post(books.world, credit(f"more{number}", books.poor, 1))
        books.run("ledger.seal")
    books.tamper("""
        WITH made AS (
          INSERT INTO ledger_transactions (org_id, hostel_id, key, kind, event_at, created_at)
          SELECT org_id, hostel_id, 'forged', kind, event_at, created_at - interval '1 day' FROM ledger_transactions WHERE key = 'third' RETURNING org_id, id)
        INSERT INTO ledger_entries (org_id, hostel_id, transaction_id, position, account_id, kind, amount_paise, currency, event_at)
        SELECT e.org_id, e.hostel_id, made.id, e.position, e.account_id, e.kind, e.amount_paise, e.currency, e.event_at
        FROM ledger_entries e, made WHERE e.transaction_id = (SELECT id FROM ledger_transactions WHERE key = 'third')""")
    books.run("ledger.seal")
    code, output = books.verify()
    assert (code, output.splitlines()[0].startswith("asha: inserted row: transaction")) == (1, True), output
    assert "order forged" in output


def test_a_transaction_that_commits_late_is_sealed_later(books: Books) -> None:
    with tenant_scope(books.world.a.org_id) as slow:
        wallet.post(slow, [credit("slow", books.poor, 1)])
        post(books.world, credit("quick", books.rich, 1))
        books.run("ledger.seal")
        assert books.one("SELECT sum(row_count) FROM ledger_batches") == 5
    books.run("ledger.seal")
    assert books.one("SELECT sum(row_count) FROM ledger_batches") == 6
    assert books.verify()[0] == 0


def test_balances_statements_and_entries_are_written_out(books: Books, tmp_path: Any) -> None:
    code, output = books.command(balance_command, "--org", "asha")
    assert code == 0
    assert " ".join(line.split()[1] for line in output.splitlines()) == "bank canteen wallet"
    assert "580.00 INR" in output.splitlines()[-1]
    place = books.one("SELECT code FROM hostels WHERE id = :id", id=HOSTEL)
    target = tmp_path / "statement.csv"
    code, output = books.command(statement_command, "--org", "asha", "--hostel", place, "--person", str(books.rich), "--output", str(target))
    assert (code, output) == (0, "Wrote 3 entries.\n")
    rows = list(csv.reader(io.StringIO(target.read_text())))
    assert [(row[2], row[3], row[4]) for row in rows[1:]] == [
        ("Opening balance", "", "0.00"), ("", "500.00", "500.00"), ("", "-20.00", "480.00"), ("", "-5.00", "475.00"), ("Closing balance", "", "475.00")]
    target = tmp_path / "all.csv"
    assert books.command(export_command, "--org", "asha", "--output", str(target)) == (0, "Wrote 8 entries.\n")
    assert [row["amount"] for row in csv.DictReader(io.StringIO(target.read_text())) if row["key"] == "fourth"] == ["-5.00", "5.00"]
    assert books.one("SELECT count(*) FROM audit_log WHERE action = 'export' AND table_name = 'ledger_entries'") == 2
    assert books.command(export_command, "--org", "asha", "--output", str(target)) == (1, "Error: The file cannot be written: File exists.\n")
    assert books.command(balance_command, "--org", "asha", "--person", "²", "--to", "9999-12-31") == (1, "Error: There is no such person in this organization.\n")
    assert balance(None, books.poor) == 105_00


def test_the_jobs_are_scheduled_and_people_seal_nothing(books: Books) -> None:
    assert {"ledger.seal", "ledger.verify"} <= {one.kind for one in SCHEDULE}
    for statement in ("SELECT app.ledger_horizon()", "SELECT app.add_ledger_batch('{}')", "SELECT app.note_ledger_check(1, 1, 0, '')"):
        with pytest.raises(Exception, match="Only the console itself"), scope(books.world.owner) as session:
            session.execute(text(statement))
