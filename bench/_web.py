"""The console with one more address, which posts: what gunicorn serves for the bench of the ledger."""

from __future__ import annotations

import os
import random
from uuid import UUID, uuid4

import app
from app.rules.wallet import AccountCode, TransactionKind, transfer
from app.services import wallet
from app.tenancy import tenant_scope


def create_app() -> object:
    """`BENCH` names organization, hostel, and the first and last person with a wallet."""
    org, hostel, first, last = os.environ["BENCH"].split()
    chance = random.Random()  # noqa: S311 - an example
    console = app.create_app()

    def breakfast() -> str:
        with tenant_scope(UUID(org)) as session:
            wallet.post(session, [transfer(uuid4().hex, TransactionKind.ORDER, UUID(hostel), 100, debit=AccountCode.WALLET,
                                           credit=AccountCode.CANTEEN, user_id=chance.randint(int(first), int(last)))])
        return "booked"

    console.add_url_rule("/bench/breakfast", "bench_breakfast", breakfast)
    return console
