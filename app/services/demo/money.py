"""Two months of money in the residents' wallets, as it would have been booked; one wallet frozen, and postings that wait for a second person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.wallet import Wallet
from app.rules.wallet import AccountCode, Posting, ProposedKind, TransactionKind, transfer
from app.services import wallet

_C, _K = AccountCode, TransactionKind
_DAYS = 60
_PAID_BY = {_C.CASH: "Cash at the desk", _C.BANK: "Bank transfer"}  # what gateways confirm, a demo cannot have made up
_TOP_UPS = (500_00, 1_000_00, 1_500_00, 2_000_00)
_MEALS = (("Masala dosa and filter coffee", 110_00), ("Paneer thali", 160_00), ("Egg curry with rice", 140_00), ("Poha and tea", 60_00),
          ("Chole bhature", 120_00), ("Curd rice", 80_00))
_EMPTY, _FROZEN = 3, 4  # of the residents: whose wallet is spent to the last rupee, and whose is frozen
_EARLIEST = timedelta(hours=8)
_WAITING = ((ProposedKind.ADJUSTMENT, 250_00, "The canteen charged a meal twice on Sunday"),
            (ProposedKind.PAYOUT, 400_00, "Moves out and wants the rest back"),
            (ProposedKind.WRITE_OFF, 120_00, "Late fee of last month, agreed on the phone"))


def pay(session: Session, hostel_id: UUID, house: str, people: Sequence[int], until: datetime) -> None:
    """What residents paid in and spent, all before `until`."""
    random = Random(house)  # noqa: S311 - made-up data
    postings = [posting for place, person in enumerate(people) for posting in _life(random, hostel_id, house, place, person, until)]
    postings.sort(key=lambda posting: posting.event_at or until)
    wallet.post(session, postings)
    if len(people) > _FROZEN:
        found = wallet.wallet_of(session, hostel_id, people[_FROZEN])
        if found is not None:
            wallet.freeze(session, found.id, "Two payments of the same amount within a minute: the bank is being asked")


def propose(session: Session, hostel_id: UUID) -> None:
    """What a manager would like to be booked, for somebody else to decide."""
    users = session.scalars(select(Wallet.user_id).where(Wallet.hostel_id == hostel_id).order_by(Wallet.balance_paise.desc(), Wallet.user_id).limit(len(_WAITING))).all()
    for user, (kind, amount, why) in zip(users, _WAITING, strict=False):
        wallet.propose(session, hostel_id, kind, amount, why, user_id=user, proposal_id=uuid5(hostel_id, why))


def _life(random: Random, hostel_id: UUID, house: str, place: int, person: int, until: datetime) -> Iterator[Posting]:
    """One resident: money comes in when there is none left, and is eaten up."""
    held, at, number = 0, until - timedelta(days=_DAYS), 0
    while (at := at + timedelta(hours=random.randint(20, 110))) < until - _EARLIEST:
        number += 1
        key, (meal, price) = f"demo:{house}:{place}:{number}", random.choice(_MEALS)
        if held < price:
            amount, how = random.choice(_TOP_UPS), random.choice(list(_PAID_BY))
            held += amount
            yield transfer(f"{key}:top-up", _K.TOP_UP, hostel_id, amount, debit=how, credit=_C.WALLET, user_id=person,
                           description=_PAID_BY[how], event_at=at - timedelta(minutes=20))
        held -= price
        yield transfer(key, _K.ORDER, hostel_id, price, debit=_C.WALLET, credit=_C.CANTEEN, user_id=person, description=meal, event_at=at)
        if random.random() < 0.06:  # noqa: PLR2004 - now and then one is cancelled
            held += price
            yield transfer(f"{key}:refund", _K.REFUND, hostel_id, price, debit=_C.CANTEEN, credit=_C.WALLET, user_id=person,
                           description=f"Cancelled: {meal}", event_at=at + timedelta(minutes=10))
    if place == _EMPTY and held:
        yield transfer(f"demo:{house}:{place}:last", _K.ORDER, hostel_id, held, debit=_C.WALLET, credit=_C.CANTEEN, user_id=person,
                       description="Party tray for the floor", event_at=until - timedelta(hours=2))
