"""The settlement statement of somebody who moves out: what was deposited, what is kept back and why, what goes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.models.moveout import MoveOut, MoveOutItem
from app.rules.errors import Conflict
from app.rules.moveout import Settlement, days_short
from app.services import moveout


@dataclass(frozen=True)
class Statement:
    """The statement's data; `items` are those for which something is kept back."""

    organization: str
    made_by: str
    made_at: datetime
    move_out: MoveOut
    settled_at: datetime
    settlement: Settlement
    items: list[MoveOutItem]
    bed: str

    @property
    def days_short(self) -> int:
        """Days of notice that are missing."""
        return days_short(self.move_out.noticed_on, self.move_out.notice_days, self.move_out.leaves_on)

    @property
    def paid_until(self) -> date | None:
        """The first day that is not paid."""
        return self.move_out.paid_until


def query(session: Session, move_out_id: UUID, *, organization: str, made_by: str, now: datetime) -> Statement:
    """The statement as the caller may see it: three statements. Conflict before it is settled."""
    found = moveout.find(session, move_out_id)
    if found.settlement is None or found.settled_at is None:
        raise Conflict("This move-out is not settled yet.")
    return Statement(organization, made_by, now, found, found.settled_at, found.settlement,
                     [item for item in moveout.items_of(session, move_out_id) if item.deduction_paise],
                     moveout.bed_called(session, found.stay_id))


def filename(statement: Statement) -> str:
    """What the download is called."""
    return f"Settlement {statement.move_out.resident.reference} {statement.move_out.leaves_on}.pdf"
