"""How a house bills, and what is sold by it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from app.models.billing import BillingSettings
from app.models.organizations import Hostel, Organization
from app.models.residents import Tariff
from app.rules.billing import ChargeKind, LateFee, Price, Tax, check_settings
from app.rules.errors import NotFound

_SET = text("SELECT app.set_billing(:hostel, CAST(:values AS jsonb))")


@dataclass(frozen=True)
class Settings:
    """How a hostel bills; as it begins, where nobody has said."""

    legal_name: str = ""
    gstin: str = ""
    interstate: bool = False
    rent_tax_bp: int = 0
    food_tax_bp: int = 0
    other_tax_bp: int = 0
    exempt_reason: str = ""
    automatic: bool = False
    bill_day: int = 1
    due_days: int = 7
    grace_days: int = 5
    late_flat_paise: int = 0
    late_percent_bp: int = 0

    @property
    def tax(self) -> Tax:
        """What is taxed how. A deposit is no supply, and damages are none either."""
        food, other = self.food_tax_bp, self.other_tax_bp
        return Tax({ChargeKind.RENT: self.rent_tax_bp, ChargeKind.NOTICE: self.rent_tax_bp, ChargeKind.MESS: food, ChargeKind.LUNCHBOX: food,
                    ChargeKind.LATE_FEE: other, ChargeKind.OTHER: other}, self.interstate)

    @property
    def late_fee(self) -> LateFee:
        """What being late costs."""
        return LateFee(self.grace_days, self.late_flat_paise, self.late_percent_bp)


@dataclass(frozen=True)
class House:
    """A hostel as it issues documents."""

    hostel_id: UUID
    name: str
    seller: str
    settings: Settings


def house_of(session: Session, hostel_id: UUID) -> House:
    """With name and address as they are printed; NotFound."""
    found = session.execute(select(Hostel.name, Hostel.address, Hostel.city, Organization.name.label("org"))
                            .join(Organization, Organization.id == Hostel.org_id).where(Hostel.id == hostel_id, Hostel.deleted_at.is_(None))).one_or_none()
    if found is None:
        raise NotFound("There is no such hostel.")
    settings = settings_of(session, hostel_id)
    lines = [settings.legal_name or found.org, found.name, *found.address.splitlines(), found.city if found.city not in found.address else ""]
    return House(hostel_id, found.name, "\n".join(filter(None, map(str.strip, lines))), settings)


def settings_of(session: Session, hostel_id: UUID) -> Settings:
    """As they are now."""
    row = session.scalars(select(BillingSettings).where(BillingSettings.hostel_id == hostel_id)).one_or_none()
    return Settings(**{name: getattr(row, name) for name in Settings.__dataclass_fields__}) if row else Settings()


def late_since(session: Session, hostel_id: UUID) -> date | None:
    """From which day on the present rule for late fees holds."""
    return session.scalar(select(BillingSettings.late_since).where(BillingSettings.hostel_id == hostel_id))


def change_settings(session: Session, hostel_id: UUID, settings: Settings) -> None:
    """From now on; what was issued stays. Errors: Invalid; VR403, VR404."""
    check_settings(settings.gstin, (settings.rent_tax_bp, settings.food_tax_bp, settings.other_tax_bp))
    session.execute(_SET, {"hostel": hostel_id, "values": json.dumps(asdict(settings))})
    session.expire_all()


def automatic_houses(session: Session) -> list[tuple[UUID, int, datetime]]:
    """Hostels that bill by themselves, with their day of the month, and since when nobody has changed how."""
    row = BillingSettings
    found: list[Any] = list(session.execute(select(row.hostel_id, row.bill_day, row.updated_at).where(row.automatic)))
    return [(one.hostel_id, one.bill_day, one.updated_at) for one in found]


def prices_of(session: Session, hostel_id: UUID, first: date, until: date) -> list[Price]:
    """Every price of a hostel that is in force on some of these days, and on the first days of stays that began before."""
    rows = session.scalars(select(Tariff).where(
        Tariff.hostel_id == hostel_id, Tariff.deleted_at.is_(None), Tariff.valid_from < until,
        or_(Tariff.valid_until.is_(None), Tariff.valid_until > first - timedelta(days=3_660))))
    return [Price(row.kind, row.name, row.amount_paise, row.valid_from, row.valid_until, row.room_type_id) for row in rows]
