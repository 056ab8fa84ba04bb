"""Postings against pgbench's TPC-B, on a PostgreSQL that keeps what is committed: 8 clients, 1,000 wallets, house accounts and audit.

Ours is one statement: it binds the organization, and app.post books a canteen order of two entries. The batch books 50 of
them in a transaction. TPC-B runs at scale 10 in a database of its own in the same cluster. Both speak the simple protocol,
which is pgbench's own choice and the one that the console's driver speaks. Through HTTP it is the whole application under
gunicorn (`_web.py`), as `python3 run.py` starts it, asked by 8 other processes that open a connection for each posting.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from app.local.postgres import psql_program
from app.rules.wallet import AccountCode, TransactionKind, transfer
from app.services import wallet
from app.tenancy import tenant_scope
from bench._compare import heading, line
from bench._console import Console, console, exchange, served
from bench._durable import durable_servers
from tests.servers import Servers

ROUNDS, SECONDS, CLIENTS, WALLETS, BATCH = 8, 4, 8, 1_000, 50
_ENTRIES = ("jsonb_build_array(jsonb_build_object('code', 'wallet', 'user', {user}::int, 'amount', -100), "
            "jsonb_build_object('code', 'canteen', 'amount', 100))")
_POSTING = ("jsonb_build_object('key', uuidv7(), 'kind', 'order', 'hostel', '{hostel}', 'description', 'Breakfast', 'entries', " + _ENTRIES + ")")
_ONE = ("\\set user random({first}, {last})\nSELECT app.bind_system('{org}', ''), app.post_one(uuidv7()::text, 'order', '{hostel}', 100, 'wallet', "
        ":user, '', 'canteen', NULL, '', 'Breakfast', '', NULL, NULL);\n")
_MANY = ("\\set user random({first}, {last})\nSELECT app.bind_system('{org}', ''), app.post_batch((SELECT jsonb_agg("
         + _POSTING + ") FROM generate_series(1, " + str(BATCH) + ") n));\n")


def _rate(servers: Servers, database: str, *how: str) -> float:
    """Transactions per second."""
    told = subprocess.run(
        [str(psql_program().with_name("pgbench")), "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS), *how,
         servers.libpq_url(database)], check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([0-9.]+)", told)
    assert found, told
    return float(found[1])


def _ask(address: str, until: float) -> int:
    """How many answers one client gets."""
    answers = 0
    while time.time() < until:
        answer = exchange(address, b"GET /bench/breakfast HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        answers += 1
    return answers


def _http_rate(clients: Any, address: Path) -> float:
    """Postings per second, by as many clients."""
    until = time.time() + SECONDS
    return sum(clients.starmap(_ask, [(str(address), until)] * CLIENTS, 1)) / SECONDS


def _residents(house: Console) -> tuple[str, str, int, int]:
    """Wallets with money in them: organization, hostel, first and last person."""
    with house.app.app_context(), tenant_scope(house.world.a.org_id) as session:
        hostel = session.execute(text("SELECT id FROM hostels LIMIT 1")).scalar_one()
    engine = create_engine(house.admin_url, poolclass=NullPool)
    with engine.begin() as connection:
        users = list(connection.scalars(text("""
            WITH accounts AS (
              INSERT INTO ab_user (id, first_name, last_name, username, email, active)
              SELECT nextval('ab_user_id_seq'), 'W', n::text, 'w' || n || '@x.example', 'w' || n || '@x.example', true FROM generate_series(1, :count) n
              RETURNING id)
            INSERT INTO members (org_id, user_id, name, email) SELECT :org, id, 'Resident ' || id, id || '@x.example' FROM accounts RETURNING user_id"""),
            {"count": WALLETS, "org": house.world.a.org_id}))
    with house.app.app_context(), tenant_scope(house.world.a.org_id) as session:
        wallet.post(session, [transfer(f"begin{user}", TransactionKind.OPENING, hostel, 10_000_000_00, debit=AccountCode.BANK, credit=AccountCode.WALLET,
                                       user_id=user) for user in users])
    return str(house.world.a.org_id), str(hostel), min(users), max(users)


def main() -> None:
    """Measure and print."""
    heading()
    with durable_servers() as servers, console(servers, 10) as house, tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        database = house.app.config["SETTINGS"].database_admin_url.rsplit("/", 1)[1].split("?")[0]
        org, hostel, first, last = _residents(house)
        scripts = {}
        for name, script in (("one", _ONE), ("many", _MANY)):
            scripts[name] = Path(folder) / f"{name}.sql"
            scripts[name].write_text(script.format(org=org, hostel=hostel, first=first, last=last, user=":user"))
        with create_engine(house.admin_url, poolclass=NullPool).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
        peer = servers.create_database()
        subprocess.run([str(psql_program().with_name("pgbench")), "-i", "-q", "-s", "10", servers.libpq_url(peer)], check=True, capture_output=True)
        clients = stack.enter_context(get_context("spawn").Pool(CLIENTS))
        address = stack.enter_context(served(house, app="bench._web:create_app()", BENCH=f"{org} {hostel} {first} {last}"))
        ways: dict[str, Callable[[], float]] = {
            "one": partial(_rate, servers, database, "-f", str(scripts["one"])), "many": partial(_rate, servers, database, "-f", str(scripts["many"])),
            "http": partial(_http_rate, clients, address), "tpcb": partial(_rate, servers, peer)}
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for way in ways.values():
            way()
        for number in range(ROUNDS):
            for name in list(ways) if number % 2 == 0 else list(ways)[::-1]:
                rates[name].append(ways[name]())
        with house.app.app_context(), tenant_scope(house.world.a.org_id) as session:
            wrong = wallet.mismatches(session)
        assert not wrong, wrong
    for name, what, goal, size in (("one", "one posting per transaction", 1.6, 1), ("many", f"{BATCH} postings per transaction", 8.0, BATCH),
                                   ("http", "one posting per request, through Flask", 0.5, 1)):
        ratios = [size * mine / theirs for mine, theirs in zip(rates[name], rates["tpcb"], strict=True)]
        ratio = statistics.median(ratios)
        line(what, f"{size * statistics.median(rates[name]):.0f}/s", f"{statistics.median(rates['tpcb']):.0f}/s",
             f"{ratio:.2f} [{min(ratios):.2f}–{max(ratios):.2f}]", f">= {goal} of TPC-B", ratio >= goal)


if __name__ == "__main__":
    main()
