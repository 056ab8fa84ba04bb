"""10,000 payments × 3 copies in no order, over all three gateways, while workers, the web and Redis are killed: each is posted once.

`python -m bench.soak.payments [payments]`. PostgreSQL runs with fsync.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import create_engine, text

from app.permissions import Role
from bench._compare import heading, line
from bench._console import console
from bench._durable import durable_servers
from tests.browser.windows import free_port
from tests.faults.processes import Faults
from tests.faults.storm import check, intents, phonepe, storm

PAYMENTS, COPIES, PER_KILL = 10_000, 3, 300


def main() -> None:
    """Deliver, kill, and count."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else PAYMENTS
    kills = max(1, count * COPIES // PER_KILL)
    heading()
    with durable_servers() as servers, console(servers, 0) as house, tempfile.TemporaryDirectory() as folder, phonepe() as address:
        resident = house.world.a.people[Role.RESIDENT]
        faults = Faults(dataclasses.replace(house.app.config["SETTINGS"], phonepe_api_base=address), create_engine(house.admin_url, pool_pre_ping=True),
                        house.world.a.org_id, Path(folder))
        try:
            with faults.engine.begin() as connection:
                connection.execute(text("INSERT INTO residents (org_id, hostel_id, number, user_id, moved_in_on) VALUES (:org, :hostel, 1, :user, '2026-01-01')"),
                                   {"org": resident.org_id, "hostel": resident.hostel_id, "user": resident.user_id})
            begin = time.monotonic()
            with house.app.app_context():
                rows = intents(faults.engine, house.world.owner, resident, count)
                storm(faults, rows, free_port(), COPIES, kills)
            check(faults.engine, rows, resident.user_id)
        finally:
            faults.end()
            faults.engine.dispose()
    line(f"{count:,} payments × {COPIES}, {kills} kills", f"{count:,} posted", "", f"{time.monotonic() - begin:.0f} s", "each once", ok=True)


if __name__ == "__main__":
    main()
