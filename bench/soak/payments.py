"""10,000 payments × 3 copies in no order, over all three gateways, while workers, the web and Redis are killed: each is posted once.

`python -m bench.soak.payments [payments]`. PostgreSQL runs with fsync. What the gateways' stand-ins then settle is reconciled
by the product's own jobs, and the ledger verified.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine, text

from app.local.payment_twins.state import Order, State
from app.permissions import Role
from app.rules.reconciliation import Origin
from app.services import payments, reconciliation, work
from app.services.reconciliation.statements import read_file
from app.tenancy import tenant_scope
from app.wiring import settings
from bench._compare import heading, line
from bench._console import Console, console
from bench._durable import durable_servers
from tests.faults.processes import Faults, wait_until
from tests.faults.storm import GATEWAYS, MERCHANT, House, check, gateways, open_accounts, paid_orders, storm

PAYMENTS, COPIES, PER_KILL, PROCESSES = 10_000, 3, 300, 2
_LEFT = "SELECT count(*) FROM outbox WHERE state <> 'done' AND (kind LIKE 'reconciliation.%' OR kind LIKE 'ledger.%')"
_HELD = """SELECT a.code || ' ' || a.party AS name, sum(e.amount_paise)::bigint AS paise FROM ledger_entries e
           JOIN ledger_accounts a ON a.org_id = e.org_id AND a.id = e.account_id GROUP BY 1"""
_MATCHED = """SELECT (SELECT count(DISTINCT confirmation_id) FROM settlement_lines), (SELECT count(*) FROM settlement_lines WHERE confirmation_id IS NULL),
                     (SELECT count(*) FROM reconciliation_breaks), (SELECT coalesce(max(findings), -1) FROM ledger_checks), (SELECT count(*) FROM wallet_freezes)"""


def _reconcile(house: Console, faults: Faults, known: State, orders: list[Order], accounts: dict[str, UUID]) -> None:
    """The nightly work, by the product's own worker; the statements of a gateway that tells them in files alone are uploaded."""
    phonepe: Any = known.speakers["phonepe"]
    content = phonepe.statement(known, MERCHANT, datetime.fromtimestamp(orders[0].paid_at, phonepe.ZONE).date()).encode()
    for kind in ("reconciliation.nightly", "ledger.check"):
        with house.app.app_context(), tenant_scope(faults.org_id) as session:
            lines = read_file(session, payments.keeper_of(settings()), accounts["phonepe"], content)
            reconciliation.add(session, accounts["phonepe"], lines, Origin.FILE)
            work.enqueue(session, kind)
        with faults.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            wait_until(lambda connection=connection: not connection.execute(text(_LEFT)).scalar_one(), 300, pause=0.2)


def _agree(faults: Faults, orders: list[Order]) -> None:
    """To the paisa: nothing is on its way any more, the bank has what was paid without the fees, every line has found its payment."""
    with faults.engine.connect() as connection:
        held = {row.name.strip(): row.paise for row in connection.execute(text(_HELD))}
        matched, unmatched, breaks, findings, frozen = connection.execute(text(_MATCHED)).one()
    fees = sum(order.fee + order.tax for order in orders)
    paid = sum(order.amount for order in orders)
    wanted = {"wallet": paid, "bank": fees - paid, "gateway_fees": -fees} | {f"clearing {name}": 0 for name in GATEWAYS}
    if held != wanted:
        sys.exit(f"The books hold {held}, and should hold {wanted}.")
    if (matched, unmatched, breaks, findings, frozen) != (len(orders), 0, 0, 0, 0):
        sys.exit(f"{matched} lines matched, {unmatched} not; {breaks} breaks, {findings} findings of the check, {frozen} wallets frozen.")
    line("reconciliation: lines matched, breaks", f"{matched:,}", f"{breaks}", "", "all, 0", ok=True)
    line("paid = bank + fees, in paise", f"{paid:,}", f"{paid - fees:,}", f"+ {fees:,}", "to the paisa", ok=True)


def main() -> None:
    """Deliver, kill, and count; then reconcile and verify."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else PAYMENTS
    kills = max(1, count * COPIES // PER_KILL)
    heading()
    with durable_servers() as servers, console(servers, 0) as house, tempfile.TemporaryDirectory() as folder, gateways() as (known, addresses):
        house.app.config["SETTINGS"] = dataclasses.replace(house.app.config["SETTINGS"], **addresses)
        resident = house.world.a.people[Role.RESIDENT]
        faults = Faults(house.app.config["SETTINGS"], create_engine(house.admin_url, pool_pre_ping=True), house.world.a.org_id, Path(folder))
        try:
            with faults.engine.begin() as connection:
                connection.execute(text("INSERT INTO residents (org_id, hostel_id, number, user_id, moved_in_on) VALUES (:org, :hostel, 1, :user, '2026-01-01')"),
                                   {"org": resident.org_id, "hostel": resident.hostel_id, "user": resident.user_id})
            with house.app.app_context():
                accounts = open_accounts(house.world.owner)
            orders = paid_orders(faults.engine, known, accounts, resident, count)
            begin = time.monotonic()
            processes = House(faults, PROCESSES, servers.redis)
            storm(processes, known, orders, COPIES, kills, lambda said: print(f"{time.monotonic() - begin:7.0f} s: {said}", file=sys.stderr, flush=True))
            stormed = time.monotonic() - begin
            check(faults.engine, orders, resident.user_id)
            line(f"{count:,} payments × {COPIES}, {kills} × kill -9", f"{count:,} posted", "", f"{stormed:.0f} s", "each once", ok=True)
            for name, times in sorted(processes.killed.items()):
                line(f"  killed: {name}", f"{times}", "", "", "", ok=True)
            begin = time.monotonic()
            _reconcile(house, faults, known, orders, accounts)
            _agree(faults, orders)
            for command in ("seal", "verify"):
                told = house.app.test_cli_runner().invoke(args=["ledger", command])
                print(told.output, end="")
                if told.exit_code:
                    sys.exit(told.exit_code)
            line("reconciled, sealed, verified", f"{time.monotonic() - begin:.0f} s", "", "", "whole", ok=True)
        except BaseException:
            sys.stderr.write((Path(folder) / "log").read_text()[-20_000:])
            raise
        finally:
            faults.end()
            faults.engine.dispose()


if __name__ == "__main__":
    main()
