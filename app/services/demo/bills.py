"""Three months of invoices in the demo: the older ones paid, but for some, and this month's just issued."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from app.rules.billing import PaymentMethod, month_of
from app.services.beds import house_day
from app.services.billing import invoices, runs
from app.services.billing.terms import Settings, change_settings

_LATE = 6  # of the residents, one in so many has not paid


def issue(session: Session, hostel_id: UUID) -> None:
    """As the product issues and staff take money, as of today."""
    change_settings(session, hostel_id, Settings(exempt_reason="a place in a hostel for up to ₹20,000 a month and 90 days or more", late_flat_paise=100_00,
                                                 grace_days=10))
    this, _ = month_of(house_day(session, hostel_id))
    for month in (_before(_before(this)), _before(this), this):
        after = None
        while found := runs.step(session, hostel_id, month, after, on=month)[0]:
            after = found
    for place, invoice in enumerate(invoices.open_before(session, hostel_id, this)):
        if place % _LATE:
            invoices.pay(session, uuid5(invoice.id, "demo"), hostel_id, invoice.user_id, PaymentMethod.BANK, invoice.open_paise, invoices=[invoice.id],
                         note="UPI")


def _before(month: date) -> date:
    return month_of(month - timedelta(days=1))[0]
