"""What runs at regular times: the one table. Any number of schedulers start each run once."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from app.rules.work import Scheduled

SCHEDULE: Final = (
    Scheduled("maintenance.sweep", every=timedelta(minutes=30)),
    Scheduled("residents.sweep", every=timedelta(minutes=5), offset=timedelta(minutes=1)),
    Scheduled("maintenance.refresh", every=timedelta(minutes=15), offset=timedelta(minutes=5)),
    Scheduled("inquiries.due", every=timedelta(minutes=5)),
    Scheduled("canteen.sweep", every=timedelta(minutes=5), offset=timedelta(minutes=3)),
    Scheduled("events.sweep", every=timedelta(minutes=5), offset=timedelta(minutes=4)),
    Scheduled("meals.sweep", every=timedelta(hours=1), offset=timedelta(minutes=50)),
    Scheduled("amenities.sweep", every=timedelta(minutes=1)),
    Scheduled("inquiries.forget", every=timedelta(hours=6), offset=timedelta(minutes=40)),
    Scheduled("payments.sweep", every=timedelta(minutes=1)),
    Scheduled("telegram.sweep", every=timedelta(minutes=10), offset=timedelta(minutes=4)),
    Scheduled("files.sweep", every=timedelta(days=1), offset=timedelta(hours=21)),  # at night in India
    Scheduled("housekeeping.forget", every=timedelta(hours=1), offset=timedelta(minutes=20)),
    Scheduled("people.forget", every=timedelta(days=1), offset=timedelta(hours=22)),
    Scheduled("personal.daily", every=timedelta(days=1), offset=timedelta(hours=3)),  # in the morning in India
    Scheduled("audit.seal", every=timedelta(minutes=5)),
    Scheduled("ledger.seal", every=timedelta(minutes=5), offset=timedelta(minutes=2)),
    Scheduled("ledger.verify", every=timedelta(days=1), offset=timedelta(hours=21, minutes=30)),
    Scheduled("reconciliation.sweep", every=timedelta(days=1), offset=timedelta(hours=22, minutes=30)),
    Scheduled("audit.verify", every=timedelta(days=1), offset=timedelta(hours=21)),
    Scheduled("billing.sweep", every=timedelta(days=1), offset=timedelta(hours=1)),  # early in the morning in India
)
