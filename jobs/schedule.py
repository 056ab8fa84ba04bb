"""What runs at regular times: the one table. Any number of schedulers start each run once."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from app.rules.work import Scheduled

SCHEDULE: Final = (
    Scheduled("maintenance.sweep", every=timedelta(minutes=30)),
    Scheduled("maintenance.refresh", every=timedelta(minutes=15), offset=timedelta(minutes=5)),
    Scheduled("files.sweep", every=timedelta(days=1), offset=timedelta(hours=21)),  # at night in India
    Scheduled("housekeeping.forget", every=timedelta(hours=1), offset=timedelta(minutes=20)),
    Scheduled("people.forget", every=timedelta(days=1), offset=timedelta(hours=22)),
    Scheduled("audit.seal", every=timedelta(minutes=5)),
    Scheduled("audit.verify", every=timedelta(days=1), offset=timedelta(hours=21)),
)
