"""The ledger: its chart of accounts, what a posting must satisfy, and how money that nobody may move alone is proposed (W1, W2, W8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.lifecycle import Machine, T
from app.permissions import Action, Resource
from app.rules.errors import Invalid

KEY_MAX = 120
DESCRIPTION_MAX = 200
REASON_MAX = 500
AMOUNT_MAX_PAISE = 100_000_000_00  # ten crore rupees in one entry: more is a slip of the finger
BATCH_MAX = 5_000  # transactions posted at once; a statement of that size takes about a second


class AccountKind(StrEnum):
    """The five kinds of accounts of bookkeeping; which side makes them grow follows from it."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"
    EQUITY = "equity"


class AccountCode(StrEnum):
    """What money is booked on. Those of a person exist once per resident, `clearing` once per gateway."""

    WALLET = "wallet"
    DEPOSIT = "deposit"
    RECEIVABLE = "receivable"
    CLEARING = "clearing"
    BANK = "bank"
    CASH = "cash"
    RENT = "rent"
    MESS = "mess"
    LUNCHBOX = "lunchbox"
    CANTEEN = "canteen"
    LATE_FEES = "late_fees"
    OTHER_INCOME = "other_income"
    TAX = "tax"
    DISCOUNTS = "discounts"
    REBATES = "rebates"
    GATEWAY_FEES = "gateway_fees"
    WRITE_OFFS = "write_offs"
    ADJUSTMENTS = "adjustments"
    SUSPENSE = "suspense"
    OPENING = "opening"


_K, _C = AccountKind, AccountCode
CHART: dict[AccountCode, AccountKind] = {
    _C.WALLET: _K.LIABILITY, _C.DEPOSIT: _K.LIABILITY, _C.RECEIVABLE: _K.ASSET,
    _C.CLEARING: _K.ASSET, _C.BANK: _K.ASSET, _C.CASH: _K.ASSET,
    _C.RENT: _K.INCOME, _C.MESS: _K.INCOME, _C.LUNCHBOX: _K.INCOME, _C.CANTEEN: _K.INCOME, _C.LATE_FEES: _K.INCOME,
    _C.OTHER_INCOME: _K.INCOME, _C.TAX: _K.LIABILITY,
    _C.DISCOUNTS: _K.EXPENSE, _C.REBATES: _K.EXPENSE, _C.GATEWAY_FEES: _K.EXPENSE, _C.WRITE_OFFS: _K.EXPENSE,
    _C.ADJUSTMENTS: _K.EXPENSE, _C.SUSPENSE: _K.LIABILITY, _C.OPENING: _K.EQUITY,
}
OF_A_PERSON = frozenset({_C.WALLET, _C.DEPOSIT, _C.RECEIVABLE})


class TransactionKind(StrEnum):
    """Why money moved."""

    TOP_UP = "top_up"
    PAYOUT = "payout"
    CHARGE = "charge"
    PAYMENT = "payment"
    DISCOUNT = "discount"
    LATE_FEE = "late_fee"
    DEPOSIT = "deposit"
    ORDER = "order"
    REFUND = "refund"
    REBATE = "rebate"
    TRANSFER = "transfer"
    SETTLEMENT = "settlement"
    FEE = "fee"
    ADJUSTMENT = "adjustment"
    WRITE_OFF = "write_off"
    OPENING = "opening"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a transaction, in paise: positive credits the account, negative debits it.

    A wallet holds what it was credited with. `user_id` is given for accounts of a person, `party` for those of a gateway.
    """

    code: AccountCode
    amount_paise: int
    user_id: int | None = None
    party: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """A transaction as it is asked for. `key` names it in the organization once and for ever: posted again, it is the same."""

    key: str
    kind: TransactionKind
    hostel_id: UUID
    entries: Sequence[Entry]
    description: str = ""
    event_at: datetime | None = None
    source: str = ""
    source_id: UUID | None = None

    def check(self) -> None:
        """Invalid unless it has two sides or more that sum to zero. The database asks the same."""
        if not self.key or len(self.key) > KEY_MAX:
            raise Invalid(f"A posting needs a key of 1 to {KEY_MAX} characters.")
        if len(self.entries) < 2 or any(entry.amount_paise == 0 for entry in self.entries):  # noqa: PLR2004 - double entry
            raise Invalid("A posting has two entries or more, none of them of nothing.")
        if any(abs(entry.amount_paise) > AMOUNT_MAX_PAISE for entry in self.entries):
            raise Invalid("This amount is too large.")
        if sum(entry.amount_paise for entry in self.entries):
            raise Invalid("The entries of a posting must sum to zero.")
        if any((entry.user_id is None) == (entry.code in OF_A_PERSON) for entry in self.entries):
            raise Invalid("A wallet, a deposit or a receivable belongs to a person, and no other account does.")

    def two_sides(self) -> dict[str, Any] | None:
        """As `app.post_one` reads it, or None if that takes no such posting: more than two entries, or from wallet to wallet."""
        if len(self.entries) != 2 or all(entry.code is AccountCode.WALLET for entry in self.entries):  # noqa: PLR2004 - a pair
            return None
        debit, credit = sorted(self.entries, key=lambda entry: entry.amount_paise)
        return {
            "key": self.key, "kind": self.kind.value, "hostel": self.hostel_id, "amount": credit.amount_paise,
            "debit": debit.code.value, "debit_user": debit.user_id, "debit_party": debit.party,
            "credit": credit.code.value, "credit_user": credit.user_id, "credit_party": credit.party,
            "description": self.description[:DESCRIPTION_MAX], "source": self.source, "source_id": self.source_id, "event_at": self.event_at,
        }

    def document(self) -> dict[str, Any]:
        """As `app.post` reads it."""
        return {
            "key": self.key, "kind": self.kind.value, "hostel": str(self.hostel_id), "description": self.description[:DESCRIPTION_MAX],
            "event_at": self.event_at.isoformat() if self.event_at else None, "source": self.source,
            "source_id": str(self.source_id) if self.source_id else None,
            "entries": [{"code": e.code.value, "user": e.user_id, "party": e.party, "amount": e.amount_paise} for e in self.entries],
        }


def transfer(key: str, kind: TransactionKind, hostel_id: UUID, amount_paise: int, *, debit: Entry | AccountCode,
             credit: Entry | AccountCode, user_id: int | None = None, **more: Any) -> Posting:
    """A posting of two sides: `amount_paise` leaves what is debited and reaches what is credited."""
    def side(account: Entry | AccountCode, amount: int) -> Entry:
        if isinstance(account, Entry):
            return Entry(account.code, amount, account.user_id, account.party)
        return Entry(account, amount, user_id if account in OF_A_PERSON else None)

    return Posting(key, kind, hostel_id, (side(debit, -amount_paise), side(credit, amount_paise)), **more)


# -- what two people decide ----------------------------------------------------------------------------------------------


class ProposalState(StrEnum):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


_P = ProposalState
_DECIDE = (Resource.WALLET, Action.APPROVE)
PROPOSAL = Machine("ledger_proposal", _P, initial=_P.PROPOSED, transitions=[
    T("approve", {_P.PROPOSED}, _P.APPROVED, needs=_DECIDE),
    T("reject", {_P.PROPOSED}, _P.REJECTED, needs=_DECIDE, needs_note=True),
    T("withdraw", {_P.PROPOSED}, _P.WITHDRAWN, needs=(Resource.WALLET, Action.CREATE)),
])


class ProposedKind(StrEnum):
    """What can be proposed, and which accounts it moves (app.proposal_entries; a credit note those of its invoice).

    The amount counts in favour of the person.
    """

    ADJUSTMENT = "adjustment"
    DISCOUNT = "discount"
    WRITE_OFF = "write_off"
    PAYOUT = "payout"
    REFUND = "refund"
    CREDIT_NOTE = "credit_note"


# -- how wallets are looked at -------------------------------------------------------------------------------------------

LOW_PAISE = 200_00  # a wallet with less needs a top-up soon


class Holding(StrEnum):
    """How much there is in a wallet, for those who look for the ones that need somebody."""

    BELOW_ZERO = "below_zero"
    EMPTY = "empty"
    LOW = "low"


class WalletState(StrEnum):
    """Whether something can be taken from a wallet."""

    USABLE = "usable"
    FROZEN = "frozen"
