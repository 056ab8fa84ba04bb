"""Reconciliation: which line of a gateway's statement is which payment of ours, and what does not agree (W6, W8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.lifecycle import By, Machine, T
from app.permissions import Action, Resource

WINDOW = timedelta(days=3)  # how far apart two sides may be that nothing but their amount and time connects
LATE_AFTER = timedelta(days=5)  # the slowest of the gateways settles after three working days
LOST_AFTER = timedelta(days=15)
FEE_MOST_PERCENT = 5
DAYS_BACK = 3  # statements of the last days are asked for every night: lines are added to a day
NOTE_MAX = 500


class Side(StrEnum):
    """What a line of a statement may have on our side."""

    PAYMENT = "payment"
    REFUND = "refund"


class Cause(StrEnum):
    """Why something does not agree."""

    MISSING_IN_LEDGER = "missing_in_ledger"
    MISSING_AT_GATEWAY = "missing_at_gateway"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    DUPLICATE = "duplicate"
    FEE_DIFFERS = "fee_differs"
    LATE = "late"
    UNKNOWN_REFUND = "unknown_refund"
    CLEARING_DIFFERS = "clearing_differs"


# The wallet that was credited for it is frozen, and the alarm is raised.
ALARMING = frozenset({Cause.MISSING_AT_GATEWAY, Cause.AMOUNT_DIFFERS, Cause.CURRENCY_DIFFERS, Cause.CLEARING_DIFFERS})


class BreakState(StrEnum):
    """Where something stands that did not agree."""

    OPEN = "open"
    MATCHED = "matched"
    WRITTEN_OFF = "written_off"
    CORRECTED = "corrected"
    RESOLVED = "resolved"


class Origin(StrEnum):
    """Where a statement comes from."""

    API = "api"
    FILE = "file"


_B = BreakState
_DECIDE = (Resource.WALLET, Action.APPROVE)
BREAK = Machine("reconciliation_break", _B, initial=_B.OPEN, transitions=[
    T("match", {_B.OPEN}, _B.MATCHED, needs=_DECIDE),
    T("write_off", {_B.OPEN}, _B.WRITTEN_OFF, by=By.SYSTEM),
    T("correct", {_B.OPEN}, _B.CORRECTED, by=By.SYSTEM),
    T("resolve", {_B.OPEN}, _B.RESOLVED, needs=_DECIDE, needs_note=True),
])


@dataclass(frozen=True, slots=True)
class Stated:
    """A payment or refund as the gateway states it; `names` are the ids that it carries, the surest first."""

    id: UUID
    kind: Side
    amount_paise: int
    currency: str
    names: tuple[str, ...]
    at: datetime
    order: str = ""
    fee_paise: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """The same as we have it: `names` are all by which the gateway could call it."""

    id: UUID
    kind: Side
    amount_paise: int
    currency: str
    names: frozenset[str]
    at: datetime
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """The two sides of one movement."""

    line: Stated
    ours: Known


@dataclass(frozen=True, slots=True)
class Break:
    """What does not agree. `amount_paise` credited to clearing would settle it: what the gateway still owes, or owed less."""

    cause: Cause
    amount_paise: int
    line: Stated | None = None
    ours: Known | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """What came of it: each line and each of ours is in one pair at most."""

    pairs: tuple[Pair, ...]
    breaks: tuple[Break, ...]


def match(lines: Iterable[Stated], known: Iterable[Known]) -> Matched:
    """By id; a line that carries none by amount and time, where both sides have one candidate only. Whatever order they come in.

    A payment is positive on both sides and a refund negative.
    """
    ordered = sorted(lines, key=lambda line: (line.at, line.order, line.id))
    ours = sorted(known, key=lambda one: (one.at, one.id))
    by_name = {(one.kind, name): one for one in reversed(ours) for name in one.names if name}
    taken = {one.id for one in ours if one.taken}
    pairs: list[Pair] = []
    breaks: list[Break] = []
    nameless: list[Stated] = []
    for line in ordered:
        found = next((by_name[line.kind, name] for name in line.names if (line.kind, name) in by_name), None)
        if found is None:
            nameless.append(line)
        elif found.id in taken:
            breaks.append(Break(Cause.DUPLICATE, -line.amount_paise, line, found))
        else:
            taken.add(found.id)
            pairs.append(Pair(line, found))
    for line, one in _alone(nameless, [one for one in ours if one.id not in taken]):
        if one is None:
            breaks.append(Break(Cause.MISSING_IN_LEDGER if line.kind is Side.PAYMENT else Cause.UNKNOWN_REFUND, -line.amount_paise, line))
        else:
            pairs.append(Pair(line, one))
    breaks += [found for pair in pairs for found in compare(pair)]
    return Matched(tuple(pairs), tuple(breaks))


def _alone(lines: list[Stated], ours: list[Known]) -> list[tuple[Stated, Known | None]]:
    """Each line with the one that it can only be; ties are left to people."""
    groups: dict[tuple[Side, int, str], list[Known]] = defaultdict(list)
    for one in ours:
        groups[one.kind, one.amount_paise, one.currency].append(one)
    fitting = {line.id: [one for one in groups[line.kind, line.amount_paise, line.currency] if abs(one.at - line.at) <= WINDOW]
               for line in lines if not any(line.names)}
    wanted: dict[UUID, int] = defaultdict(int)
    for candidates in fitting.values():
        for one in candidates:
            wanted[one.id] += 1
    return [(line, found[0] if len(found := fitting.get(line.id, [])) == 1 and wanted[found[0].id] == 1 else None) for line in lines]


def compare(pair: Pair) -> list[Break]:
    """In what the two sides of a pair differ."""
    line, ours = pair.line, pair.ours
    if line.currency != ours.currency:
        return [Break(Cause.CURRENCY_DIFFERS, 0, line, ours)]
    found = []
    if line.amount_paise != ours.amount_paise:
        found.append(Break(Cause.AMOUNT_DIFFERS, ours.amount_paise - line.amount_paise, line, ours))
    if line.kind is Side.PAYMENT and not 0 <= line.fee_paise * 100 <= line.amount_paise * FEE_MOST_PERCENT:
        found.append(Break(Cause.FEE_DIFFERS, 0, line, ours))
    return found


def overdue(known: Iterable[Known], now: datetime) -> list[Break]:
    """What no statement has told of, though it should have."""
    found = []
    for one in known:
        age = now - one.at
        if not one.taken and age > LATE_AFTER:
            lost = age > LOST_AFTER
            found.append(Break(Cause.MISSING_AT_GATEWAY if lost else Cause.LATE, one.amount_paise if lost else 0, None, one))
    return found
