"""Eight writers on three wallets for a minute, then a thousand writers killed at random moments (`python -m bench.soak.ledger [seconds] [kills]`).

What a writer was told to be booked is booked once, nothing else twice; all sums to zero, each wallet holds what its
entries sum to, no update is lost, and the sealed chain fits. PostgreSQL runs with fsync.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from app.cli.audit import sealing
from app.cli.ledger import seal_one
from app.rules.wallet import AccountCode, Entry, Posting, TransactionKind, transfer
from app.services import ledger, wallet
from app.tenancy import tenant_scope
from app.wiring import engines
from bench._compare import heading, line
from bench._console import Console, console
from bench._durable import durable_servers
from tests.wallet import HOSTEL, residents

WRITERS, WALLETS, SECONDS, KILLS = 8, 3, 60, 1000
LIVES = (0.02, 0.25)  # seconds until a writer is killed
REFUSED = {"VR409", "23514"}  # not enough money; everything else is a mistake


def _batch(chance: random.Random, name: str, users: Sequence[int]) -> list[Posting]:
    """Into a wallet, out of one, from one to another, or both ways at once."""
    giver, taker = chance.sample(users, 2)
    amount = chance.randint(1, 400)

    def between(key: str, one: int, other: int, paise: int) -> Posting:
        return transfer(key, TransactionKind.TRANSFER, HOSTEL, paise, debit=Entry(AccountCode.WALLET, 0, one),
                        credit=Entry(AccountCode.WALLET, 0, other))

    def alone(debit: AccountCode, credit: AccountCode) -> Posting:
        return transfer(name, TransactionKind.ORDER, HOSTEL, amount, debit=debit, credit=credit, user_id=giver)

    return chance.choice([
        [between(name, giver, taker, amount)], [alone(AccountCode.WALLET, AccountCode.CANTEEN)], [alone(AccountCode.BANK, AccountCode.WALLET)],
        [between(f"{name}a", giver, taker, 5), between(f"{name}b", taker, giver, 5)]])


def _write(house: Console, users: Sequence[int], told: int, name: str, until: float) -> None:
    """One writer: notes the keys of what was committed, and whatever should not have happened."""
    chance = random.Random(name)  # noqa: S311 - an example
    engines().service.dispose(close=False)  # connections of the parent
    step = 0
    while time.monotonic() < until:
        step += 1
        batch = _batch(chance, f"{name}.{step}", users)
        try:
            with tenant_scope(house.world.a.org_id) as session:
                wallet.post(session, batch)
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) not in REFUSED:
                os.write(told, f"! {error.orig}".replace("\n", " ").encode() + b"\n")
            continue
        os.write(told, "".join(f"{posting.key}\n" for posting in batch).encode())


def _fork(*given: Any) -> int:
    """A writer as a process of its own, which runs no more of this program than that."""
    child = os.fork()
    if child == 0:
        try:
            _write(*given)
        finally:
            os._exit(0)
    return child


def _judge(house: Console, told: Path) -> tuple[int, list[str]]:
    """How many transactions are booked, and what is wrong."""
    lines = told.read_text().splitlines()
    wrong = [line for line in lines if line.startswith("!")]
    acknowledged = Counter(line for line in lines if not line.startswith("!"))
    seal_one(house.world.a.org_id)
    log = ledger.log_of(house.world.a.org_id)
    with tenant_scope(house.world.a.org_id) as session:
        booked = Counter(session.scalars(text("SELECT key FROM ledger_transactions")))
        if lost := set(acknowledged) - set(booked):
            wrong.append(f"{len(lost)} committed transactions are gone, such as {min(lost)}")
        if total := session.scalar(text("SELECT sum(amount_paise) FROM ledger_entries")):
            wrong.append(f"all entries sum to {total}")
        wrong += map(str, ledger.Check(session, *sealing(log), house.world.a.org_id).findings)
    return booked.total(), wrong


def main(seconds: int = SECONDS, kills: int = KILLS) -> None:
    """Run both and print."""
    heading()
    with durable_servers() as servers, console(servers, 10) as house, tempfile.TemporaryDirectory() as folder, house.app.app_context():
        users = residents(create_engine(house.admin_url, poolclass=NullPool), house.world, WALLETS)
        with tenant_scope(house.world.a.org_id) as session:
            wallet.post(session, [transfer(f"begin{user}", TransactionKind.OPENING, HOSTEL, 1_000, debit=AccountCode.BANK,
                                           credit=AccountCode.WALLET, user_id=user) for user in users])
        target = Path(folder) / "told"
        told = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        until = time.monotonic() + seconds
        for child in [_fork(house, users, told, f"w{number}", until) for number in range(WRITERS)]:
            os.waitpid(child, 0)
        booked, wrong = _judge(house, target)
        line(f"{WRITERS} writers, {WALLETS} wallets, {seconds} s", f"{booked} booked", f"{len(wrong)} wrong", "", "nothing lost", not wrong)
        _kill(house, users, told, kills)
        after, found = _judge(house, target)
        line(f"{kills} writers killed", f"{after - booked} booked", f"{len(found)} wrong", "", "nothing lost", not found)
    if wrong or found:
        sys.exit("\n".join([*wrong, *found][:20]))


def _kill(house: Console, users: Sequence[int], told: int, kills: int) -> None:
    """As many writers as before at a time; each is killed after a random while and followed by another."""
    chance = random.Random(5)  # noqa: S311 - an example
    running: dict[int, float] = {}
    started = killed = 0
    while killed < kills:
        while len(running) < WRITERS and started < kills:
            child = _fork(house, users, told, f"k{started}", time.monotonic() + 3600)
            running[child] = time.monotonic() + chance.uniform(*LIVES)
            started += 1
        child = min(running, key=running.__getitem__)
        time.sleep(max(0.0, running.pop(child) - time.monotonic()))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        killed += 1


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
