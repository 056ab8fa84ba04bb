"""What sealing costs those who write: updates of an audited table with a sealer at work, and without.

Eight clients of pgbench change rows on a PostgreSQL that keeps what is committed. The sealer, a process of its own,
seals every two seconds all that was written in them: as much as the product does, and far more often. Rounds
alternate; what a round leaves unsealed is sealed between the rounds.
"""

from __future__ import annotations

import multiprocessing
import re
import statistics
import subprocess
import tempfile
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from app.local.postgres import psql_program
from bench._compare import heading, line
from bench._console import Console, console
from bench._durable import durable_servers
from tests.servers import Servers

ROUNDS = 12
SECONDS = 4
CLIENTS = 8
GOAL = 0.95
EVERY = 2.0  # seconds between two sealings
_UPDATE = ("\\set room random(1, 1000)\n\\set now random(1, 1000000000)\n"
           "UPDATE rooms SET note = 'measured ' || :now WHERE number = 'R' || :room;\n")


def _seal_while(asked: Event, settings: Any, leave: Event) -> None:
    """The sealer's process: seals while it is asked to, until it may leave."""
    from app import create_app
    from app.cli.audit import sealing
    from app.services.audit import seal_log
    from app.tenancy import queue_scope

    with create_app("worker", settings).app_context():
        while not leave.is_set():
            if asked.wait(0.05):
                seal_log(queue_scope, *sealing())
                leave.wait(EVERY)


def _rate(servers: Servers, house: Console, script: Path, seconds: int = SECONDS) -> float:
    """Transactions per second."""
    database = house.app.config["SETTINGS"].database_admin_url.rsplit("/", 1)[1].split("?")[0]
    told = subprocess.run(
        [str(psql_program().with_name("pgbench")), "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds),
         "-f", str(script), servers.libpq_url(database)], check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([0-9.]+)", told)
    assert found, told
    return float(found[1])


def _seal_rest(house: Console) -> None:
    """Seal what the round left."""
    from app.cli.audit import sealing
    from app.services.audit import seal_log
    from app.tenancy import queue_scope

    with house.app.app_context():
        seal_log(queue_scope, *sealing())


def main() -> None:
    """Measure and print."""
    heading()
    fork = multiprocessing.get_context("fork")
    asked, leave = fork.Event(), fork.Event()
    with durable_servers() as servers, console(servers, 10) as house, tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "update.sql"
        script.write_text(_UPDATE)
        sealer = fork.Process(target=_seal_while, args=(asked, house.app.config["SETTINGS"], leave))
        sealer.start()
        try:
            _rate(servers, house, script)
            rates: dict[bool, list[float]] = {True: [], False: []}
            for number in range(ROUNDS):
                for with_sealer in (True, False) if number % 2 == 0 else (False, True):
                    if with_sealer:
                        asked.set()
                    rates[with_sealer].append(_rate(servers, house, script))
                    asked.clear()
                    _seal_rest(house)
        finally:
            leave.set()
            sealer.join()
    ratios = [mine / bare for mine, bare in zip(rates[True], rates[False], strict=True)]
    ratio = statistics.median(ratios)
    line("updates while the log is being sealed", f"{statistics.median(rates[True]):.0f}/s",
         f"{statistics.median(rates[False]):.0f}/s", f"{ratio:.2f} [{min(ratios):.2f}–{max(ratios):.2f}]",
         f">= {GOAL} of without", ratio >= GOAL)


if __name__ == "__main__":
    main()
