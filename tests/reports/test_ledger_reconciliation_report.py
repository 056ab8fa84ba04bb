"""The ledger reconciliation says what a plain question of the tables says: with refunds, write-offs, at the end of a month, in whatever zone (W6)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.wallet import Entry, Posting, transfer
from reports import ledger_reconciliation as report
from tests.maintenance import scope
from tests.wallet import HOSTEL, C, K, post, residents

MARCH, APRIL = (date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 4, 30))
# Just before and just after midnight, in India and in New York.
TURNS = [datetime(2026, 3, 31, hour, minute, tzinfo=UTC) + timedelta(days=later) for hour, minute, later in ((18, 29, 0), (18, 30, 0), (3, 59, 1), (4, 0, 1))]
PLAIN = text("""
    SELECT a.code, a.party, sum(e.amount_paise) FILTER (WHERE day < :first)::bigint AS before, coalesce(sum(e.amount_paise), 0)::bigint AS after,
           sum(e.amount_paise) FILTER (WHERE day >= :first AND t.kind = 'top_up')::bigint AS received
    FROM hostels h JOIN ledger_accounts a ON a.hostel_id = h.id JOIN ledger_entries e ON e.account_id = a.id JOIN ledger_transactions t ON t.id = e.transaction_id,
    LATERAL (SELECT (e.event_at AT TIME ZONE h.timezone)::date AS day) d WHERE h.id = :hostel AND day <= :last GROUP BY 1, 2""")


@pytest.fixture
def moved(app, world, superuser):
    """What happens to money, at each turn of the month."""
    (user,) = residents(superuser, world, 1)
    gateway = Entry(C.CLEARING, 0, party="razorpay")
    for n, at in enumerate(TURNS):
        turn = 10 ** n  # no two sums are alike by chance
        post(world, transfer(f"o{n}", K.OPENING, HOSTEL, 70 * turn, debit=C.OPENING, credit=C.DEPOSIT, user_id=user, event_at=at),
             transfer(f"in{n}", K.TOP_UP, HOSTEL, 900 * turn, debit=gateway, credit=C.WALLET, user_id=user, event_at=at),
             transfer(f"back{n}", K.PAYOUT, HOSTEL, 40 * turn, debit=C.WALLET, credit=gateway, user_id=user, event_at=at),
             transfer(f"charge{n}", K.CHARGE, HOSTEL, 300 * turn, debit=C.RECEIVABLE, credit=C.RENT, user_id=user, event_at=at),
             transfer(f"off{n}", K.WRITE_OFF, HOSTEL, 20 * turn, debit=C.WRITE_OFFS, credit=C.RECEIVABLE, user_id=user, event_at=at),
             transfer(f"lost{n}", K.WRITE_OFF, HOSTEL, 5 * turn, debit=C.WRITE_OFFS, credit=gateway, event_at=at),
             Posting(f"settled{n}", K.SETTLEMENT, HOSTEL, (Entry(C.BANK, -800 * turn), Entry(C.GATEWAY_FEES, -16 * turn),
                                                           Entry(C.CLEARING, 816 * turn, party="razorpay")), event_at=at))


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_the_report_is_what_the_entries_sum_to_by_the_days_of_the_house(moved, world, superuser, zone):
    with superuser.begin() as connection:
        connection.execute(text("UPDATE hostels SET timezone = :zone WHERE id = :hostel"), {"zone": zone, "hostel": HOSTEL})
    for first, last in (MARCH, APRIL, (date(2026, 5, 1), date(2026, 5, 2)), (date(2025, 1, 1), date(2025, 1, 31))):
        with scope(world.a.people[Role.ACCOUNTANT]) as session:
            made = report.query(session, report.Parameters(HOSTEL, first, last), organization="", made_by="", now=datetime.now(UTC))
        with superuser.connect() as connection:
            plain = {(row.code, row.party): row for row in connection.execute(PLAIN, {"first": first, "last": last, "hostel": HOSTEL})}
        assert {(row.code, row.party): (row.sign * row.opening_paise, row.sign * row.closing_paise) for row in made.rows} == {
            place: (row.before or 0, row.after) for place, row in plain.items()}
        assert made.difference_paise == 0
        for one in made.channels:
            held = plain["clearing", "razorpay"]
            assert (one.received_paise, one.unsettled_paise) == (-(held.received or 0), -held.after)
            assert one.other_paise == -5 * one.received_paise // 900
        assert bool(made.rows) is (last >= MARCH[0])
        names = [row[:3] for row in report.csv_rows(made)]
        assert len(names) == len(set(names))  # an opening that was booked is not taken for what was there before
    # Four turns: India has one of them in March, New York three.
    with superuser.connect() as connection:
        told = connection.execute(PLAIN, {"first": MARCH[0], "last": MARCH[1], "hostel": HOSTEL})
        assert {row.code: row.after for row in told}["rent"] == 300 * {"Asia/Kolkata": 1, "America/New_York": 111}[zone]
