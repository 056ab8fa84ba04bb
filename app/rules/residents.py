"""Residents, their stays and the ladder of holds behind a bed: states, who may move them, periods and prices (O4, O9, O10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.lifecycle import By, Machine, T
from app.permissions import Action, Resource
from app.rules.errors import Invalid

# What a new house begins with: how long a bed is held, and then offered to the next in line.
HOLD_HOURS, OFFER_MINUTES = 48, 60
HOLD_HOURS_MAX, OFFER_MINUTES_LEAST, OFFER_MINUTES_MAX = 30 * 24, 5, 2 * 24 * 60
PRICE_MAX_PAISE = 10_000_000_00  # a crore of rupees: more is a slip of the finger


class HoldState(StrEnum):
    """Where somebody's wish for a bed stands."""

    QUEUED = "queued"
    OFFERED = "offered"
    HELD = "held"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    RELEASED = "released"
    LAPSED = "lapsed"


class StayStatus(StrEnum):
    """Where a stay stands."""

    UPCOMING = "upcoming"
    CURRENT = "current"
    ENDED = "ended"


class ResidentStatus(StrEnum):
    """Whether somebody lives here."""

    CURRENT = "current"
    NOTICE = "notice"
    LEFT = "left"


class AllocationKind(StrEnum):
    """Why a bed is not free."""

    HOLD = "hold"
    STAY = "stay"
    BLOCK = "block"


class AllocationState(StrEnum):
    """Whether it counts."""

    ACTIVE = "active"
    RELEASED = "released"
    EXPIRED = "expired"


class BedState(StrEnum):
    """What a bed is today."""

    FREE = "free"
    HELD = "held"
    TAKEN = "taken"
    BLOCKED = "blocked"


BED_STATE = {AllocationKind.HOLD: BedState.HELD, AllocationKind.STAY: BedState.TAKEN, AllocationKind.BLOCK: BedState.BLOCKED}


class TariffKind(StrEnum):
    """What is paid for."""

    RENT = "rent"
    MESS = "mess"
    LUNCHBOX = "lunchbox"
    DEPOSIT = "deposit"


class Per(StrEnum):
    """How often."""

    MONTH = "month"
    ONCE = "once"


H, Y, L = HoldState, StayStatus, ResidentStatus
_TAKE, _CHANGE = (Resource.RESIDENTS, Action.CREATE), (Resource.RESIDENTS, Action.UPDATE)

# The functions of app/models/sql/beds.sql take these steps, each with what it does to the bed. Who is in line may also
# hold, accept and release for themselves.
BED_HOLD = Machine("bed_hold", H, initial=H.QUEUED, transitions=[
    T("hold", {H.QUEUED}, H.HELD, needs=_TAKE),
    T("offer", {H.QUEUED}, H.OFFERED, by=By.SYSTEM),
    T("accept", {H.OFFERED}, H.HELD, needs=_TAKE),
    T("confirm", {H.HELD}, H.CONFIRMED, needs=_CHANGE),
    T("release", {H.QUEUED, H.OFFERED, H.HELD}, H.RELEASED, needs=_CHANGE),
    T("expire", {H.HELD}, H.EXPIRED, by=By.SYSTEM),
    T("lapse", {H.QUEUED, H.OFFERED}, H.LAPSED, by=By.SYSTEM),
])
STAY = Machine("stay", Y, initial=Y.UPCOMING, transitions=[
    T("begin", {Y.UPCOMING}, Y.CURRENT, needs=_TAKE, by=By.EITHER),
    T("end", {Y.UPCOMING, Y.CURRENT}, Y.ENDED, needs=_CHANGE, by=By.EITHER),
])
RESIDENT = Machine("resident", L, initial=L.CURRENT, transitions=[
    T("give_notice", {L.CURRENT}, L.NOTICE, needs=_CHANGE),
    T("withdraw_notice", {L.NOTICE}, L.CURRENT, needs=_CHANGE),
    T("leave", {L.CURRENT, L.NOTICE}, L.LEFT, needs=_CHANGE, by=By.EITHER),
    T("come_back", {L.LEFT}, L.CURRENT, needs=_TAKE),
])
LIVE_HOLDS = frozenset({H.QUEUED, H.OFFERED, H.HELD})


@dataclass(frozen=True)
class Tariff:
    """A price as somebody typed it."""

    kind: TariffKind
    amount_paise: int
    valid_from: date
    valid_until: date | None = None


def check_tariff(tariff: Tariff) -> None:
    """Refuse an amount or a period that cannot be meant."""
    if not 0 <= tariff.amount_paise <= PRICE_MAX_PAISE:
        raise Invalid("A price is between 0 and one crore.", field="amount")
    check_period(tariff.valid_from, tariff.valid_until, "valid_until")


def check_period(first: date, until: date | None, field: str = "until_on") -> None:
    """Refuse a period that ends before it begins; `until` is the first day that does not belong to it."""
    if until is not None and until <= first:
        raise Invalid("The last day must come after the first.", field=field)


def check_change(valid_from: date, today: date) -> None:
    """A price that was in force stays as it was: what people paid must remain explainable."""
    if valid_from <= today:
        raise Invalid("This price is in force already: add a new one that begins on a later day.", field="valid_from")


def deposit_or_once(kind: TariffKind) -> Per:
    """How often a kind is paid."""
    return Per.ONCE if kind is TariffKind.DEPOSIT else Per.MONTH
