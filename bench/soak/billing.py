"""A month of 2,000 residents as one task whose worker is killed again and again: each is charged once (`python -m bench.soak.billing [residents] [kills]`).

Beside it a month that nobody disturbs, for its seconds. PostgreSQL runs with fsync.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from app.permissions import Role
from app.rules.progress import TaskKind
from app.services import progress
from app.services.billing import runs
from bench._compare import heading, line
from bench._console import Console, console
from bench._durable import durable_servers
from tests.billing import living
from tests.faults.processes import Faults, wait_until
from tests.maintenance import scope
from tests.wallet import HOSTEL

RESIDENTS, KILLS, PRICE = 2_000, 12, 9_000_00 + 3_100_00
KILLED, QUIET = date(2026, 3, 1), date(2026, 4, 1)
_TASK = "SELECT status, done, total, result ->> 'issued' AS issued FROM tasks WHERE title ->> 'month' = :month"
_LEFT = "SELECT count(*) FROM outbox WHERE kind ~ '^(billing|progress)' AND state <> 'done'"
_BOOKED = """
    SELECT count(*) AS invoices, count(DISTINCT stay_id) AS stays, count(DISTINCT number) AS numbers, max(number) - min(number) + 1 AS span,
           sum(total_paise)::bigint AS total, (SELECT sum(e.amount_paise)::bigint FROM ledger_entries e JOIN ledger_accounts a USING (org_id)
             JOIN ledger_transactions t USING (org_id) JOIN invoices c ON c.org_id = e.org_id AND c.id = t.source_id AND c.month = :month
             WHERE a.id = e.account_id AND t.id = e.transaction_id AND a.code = 'receivable') AS owed
    FROM invoices WHERE month = :month"""


def _ask(house: Console, month: date) -> None:
    """As an accountant does on the screen."""
    with house.app.app_context(), scope(house.world.a.people[Role.ACCOUNTANT]) as session:
        progress.start(session, TaskKind.BILLING, total=runs.count(session, HOSTEL, month), asked={"hostel": str(HOSTEL), "month": f"{month:%Y-%m}"},
                       title={"hostel": "House", "month": f"{month:%Y-%m}"})


def _run(house: Console, faults: Faults, connection: Any, month: date, kills: int) -> tuple[float, list[int]]:
    """Seconds until the task is done, and how far it was at each kill; what it shows only grows."""
    chance, shown = random.Random(kills), [0]  # noqa: S311 - moments
    worker = faults.start_worker()
    _ask(house, month)

    def task() -> Any:
        found = connection.execute(text(_TASK), {"month": f"{month:%Y-%m}"}).one()
        if found.done < shown[-1]:
            sys.exit(f"The progress went back from {shown[-1]} to {found.done}.")
        shown.append(found.done)
        return found

    begin, killed = time.monotonic(), []
    for moment in sorted(chance.sample(range(RESIDENTS), kills)):
        wait_until(lambda moment=moment: task().done >= moment * task().total / RESIDENTS, 120)
        time.sleep(chance.random() / 2)
        faults.kill(worker)
        killed.append(task().done)
        worker = faults.start_worker()
    wait_until(lambda: task().status == "done", 300)
    seconds = time.monotonic() - begin
    wait_until(lambda: not connection.execute(text(_LEFT)).scalar_one(), 300)
    faults.kill(worker)
    return seconds, killed


def _check(connection: Any, month: date, count: int) -> None:
    """Each once, numbered without gaps, and owed to the paisa."""
    found = tuple(connection.execute(text(_BOOKED), {"month": month}).one())
    if found != (count, count, count, count, count * PRICE, -count * PRICE):
        sys.exit(f"{month:%Y-%m}: {found}")
    task = tuple(connection.execute(text(_TASK), {"month": f"{month:%Y-%m}"}).one())
    if task != ("done", count, count, str(count)):
        sys.exit(f"The task ended as {task}.")


def main() -> None:
    """Charge, kill, and count."""
    given = [int(word) for word in sys.argv[1:] if word.isdigit()]
    count, kills = [*given, *(RESIDENTS, KILLS)[len(given):]][:2]
    heading()
    with durable_servers() as servers, console(servers, 0) as house, tempfile.TemporaryDirectory() as folder:
        engine = create_engine(house.admin_url, pool_pre_ping=True)
        faults = Faults(house.app.config["SETTINGS"], engine, house.world.a.org_id, Path(folder))
        try:
            living(engine, house.world, count)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for month, times in ((QUIET, 0), (KILLED, kills)):
                    seconds, killed = _run(house, faults, connection, month, times)
                    _check(connection, month, count)
                    line(f"{count:,} residents charged, {times} × kill -9", f"{seconds:.1f} s", "", f"at {killed}" if killed else "", "each once", ok=True)
            told = house.app.test_cli_runner().invoke(args=["ledger", "verify"])
            print(told.output, end="")
            if told.exit_code:
                sys.exit(told.exit_code)
        finally:
            faults.end()
            engine.dispose()


if __name__ == "__main__":
    main()
