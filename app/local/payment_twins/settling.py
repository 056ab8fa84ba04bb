"""What a stand-in pays out to a merchant on a day: all that came and went on that day, the same day."""

from __future__ import annotations

from datetime import date, datetime, tzinfo

from app.local.payment_twins.state import Order, Refund, State


def movements(known: State, gateway: str, label: str, day: date, zone: tzinfo) -> list[tuple[str, Order | Refund, Order]]:
    """What is settled on a day: all that was paid and given back on it."""
    def that_day(seconds: int) -> bool:
        return datetime.fromtimestamp(seconds, zone).date() == day
    ours = [one for one in known.orders.values() if (one.gateway, one.label) == (gateway, label) and one.state == "paid"]
    paid_then = [one for one in ours if that_day(one.paid_at) and one.statement != "missing"]
    doubled = [each for one in paid_then for each in [one] * (2 if one.statement == "twice" else 1)]
    back = [one for one in known.refunds.values() if one.state == "done" and that_day(one.created)]
    return [*(("payment", one, one) for one in doubled),
            *(("refund", one, known.orders[one.order_id]) for one in back if (one.gateway, one.label) == (gateway, label))]


def utr(gateway: str, label: str, day: date) -> str:
    """One transfer to the bank for each merchant and day."""
    return f"{gateway[:4].upper()}{day:%Y%m%d}{label[:6].upper()}"


def rupees(paise: int) -> str:
    return f"{'-' if paise < 0 else ''}{abs(paise) // 100}.{abs(paise) % 100:02}"
