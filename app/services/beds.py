"""Beds given to people: held, queued for, confirmed, stayed in, swapped, blocked. The database's functions decide and write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select, text
from sqlalchemy.orm import Session, joinedload

from app.models.beds import BedAllocation, BedHold, BedHoldEvent
from app.models.people import Member
from app.models.residents import Stay
from app.models.rooms import Bed
from app.rules.errors import NotFound
from app.rules.residents import BED_STATE, AllocationKind, AllocationState, BedState, HoldState

_HOLD = text("SELECT app.hold_bed(:bed, :first, :until, :person, :id)")
_RELEASE = text("SELECT app.release_hold(:hold, :why)")
_CONFIRM = text("SELECT app.confirm_hold(:hold, :submission)")
_EXPIRE = text("SELECT app.expire_holds(:hostel)")
_TURN = text("SELECT app.turn_stays()")
_DUE = text("SELECT app.organizations_with_due_beds()")
_BEGIN = text("SELECT app.begin_stay(:person, :bed, :first, :until, :hold, :rent, :mess, :lunchbox, :id)")
_TRANSFER = text("SELECT app.transfer_stay(:stay, :bed, :day)")
_SWAP = text("SELECT app.swap_stays(:stay, :other, :day)")
_END = text("SELECT app.end_stay(:stay, :day)")
_BLOCK = text("SELECT app.block_bed(:bed, :first, :until, :request, :why)")
_UNBLOCK = text("SELECT app.unblock_bed(:allocation)")
_CHOICES = text("SELECT * FROM app.bed_choices(:hostel, :first, :until)")
_DAY = text("SELECT app.house_day(:hostel)")


@dataclass(frozen=True)
class NewStay:
    """A stay to begin; the rent is what the tariff says where none is given, and `hold_id` a hold that was confirmed."""

    user_id: int
    bed_id: UUID
    from_on: date
    until_on: date | None = None
    hold_id: UUID | None = None
    rent_paise: int | None = None
    mess_plan: str = ""
    lunchbox: bool = False
    stay_id: UUID | None = None


@dataclass(frozen=True)
class Choice:
    """A bed as somebody sees it who looks for one; `waiting` is how many are in line for days of the period."""

    bed_id: UUID
    label: str
    room_id: UUID
    number: str
    floor: str
    level: int
    room_type_id: UUID | None
    state: BedState
    waiting: int


# Errors of all below (as DBAPIError, translated at the edge): VR404 unknown or foreign, VR403 not allowed, VR409 not
# possible as things stand, VR422 a day or a person that cannot be meant, VR429 too many places in line.


def hold(session: Session, bed_id: UUID, from_on: date, until_on: date | None = None, user_id: int | None = None,
         hold_id: UUID | None = None) -> BedHold:
    """Hold a bed for oneself, or (staff) for somebody: held if it is free, else queued; what was offered is accepted."""
    made = _write(session, _HOLD, bed=bed_id, first=from_on, until=until_on, person=user_id, id=hold_id)
    return session.scalars(select(BedHold).where(BedHold.id == made)).one()


def accept(session: Session, offer: BedHold) -> None:
    """Take what was offered."""
    hold(session, offer.bed_id, offer.from_on, offer.until_on, offer.user_id)


def release(session: Session, hold_id: UUID, why: str = "") -> None:
    """Let go of a hold, an offer or a place in line; the next in line is offered the bed."""
    _write(session, _RELEASE, hold=hold_id, why=why)


def confirm(session: Session, hold_id: UUID, submission_id: UUID | None = None) -> None:
    """The bed is theirs. VR409 if the hold ran out before."""
    _write(session, _CONFIRM, hold=hold_id, submission=submission_id)


def expire(session: Session, hostel_id: UUID | None = None) -> int:
    """End what is overdue in a hostel, or in the organization, and offer those beds on; how many there were."""
    return int(_write(session, _EXPIRE, hostel=hostel_id))


def turn(session: Session) -> int:
    """Begin and end the stays whose day has come; how many there were."""
    return int(_write(session, _TURN))


def organizations_with_due_beds(session: Session) -> list[UUID]:
    """Where `expire` or `turn` would find something; on the service login."""
    return list(session.scalars(_DUE))


def begin_stay(session: Session, new: NewStay) -> UUID:
    """Somebody moves in, today or on a later day; who was no resident of the hostel becomes one."""
    made: UUID = _write(session, _BEGIN, person=new.user_id, bed=new.bed_id, first=new.from_on, until=new.until_on, hold=new.hold_id,
                        rent=new.rent_paise, mess=new.mess_plan, lunchbox=new.lunchbox, id=new.stay_id)
    return made


def transfer(session: Session, stay_id: UUID, bed_id: UUID, day: date) -> None:
    """To another bed from a day on."""
    _write(session, _TRANSFER, stay=stay_id, bed=bed_id, day=day)


def swap(session: Session, stay_id: UUID, other_id: UUID, day: date) -> None:
    """Two residents change beds from a day on."""
    _write(session, _SWAP, stay=stay_id, other=other_id, day=day)


def end_stay(session: Session, stay_id: UUID, day: date) -> None:
    """The bed is free from this day on."""
    _write(session, _END, stay=stay_id, day=day)


def block(session: Session, bed_id: UUID, from_on: date, until_on: date | None = None, request_id: UUID | None = None,
          why: str = "") -> UUID:
    """Keep a bed empty; one that is blocked for a repair is free when that is done."""
    made: UUID = _write(session, _BLOCK, bed=bed_id, first=from_on, until=until_on, request=request_id, why=why)
    return made


def unblock(session: Session, allocation_id: UUID) -> None:
    """Let a blocked bed be given again."""
    _write(session, _UNBLOCK, allocation=allocation_id)


def _write(session: Session, statement: Any, **values: Any) -> Any:
    session.flush()
    found = session.execute(statement, values).scalar()
    session.expire_all()
    return found


# --- reading --------------------------------------------------------------------------------------------


def choices(session: Session, hostel_id: UUID, from_on: date, until_on: date | None = None) -> list[Choice]:
    """All beds of a hostel as they are in a period, for whoever may hold one; overdue holds count no more."""
    rows = session.execute(_CHOICES, {"hostel": hostel_id, "first": from_on, "until": until_on})
    return [Choice(**{**row, "state": BedState(row["state"])}) for row in rows.mappings()]


def house_day(session: Session, hostel_id: UUID) -> date:
    """The day that it is in a hostel."""
    found: date = session.execute(_DAY, {"hostel": hostel_id}).scalar_one()
    return found


@dataclass(frozen=True)
class Standing:
    """What a bed is on a day, because of whom or what."""

    state: BedState
    who: str = ""
    stay_id: UUID | None = None
    hold_id: UUID | None = None
    request_id: UUID | None = None


FREE = Standing(BedState.FREE)


def standings(session: Session, bed_ids: Sequence[UUID], day: date) -> Mapping[UUID, Standing]:
    """What of these beds is not free on a day, in one statement."""
    found = select(BedAllocation.bed_id, BedAllocation.kind, Member.name, BedAllocation.stay_id, BedAllocation.hold_id,
                   BedAllocation.request_id).outerjoin(
        Member, and_(Member.org_id == BedAllocation.org_id, Member.user_id == BedAllocation.user_id)).where(
        BedAllocation.bed_id.in_(bed_ids), BedAllocation.state == AllocationState.ACTIVE.value, BedAllocation.period.contains(day))
    return {bed: Standing(BED_STATE[AllocationKind(kind)], who or "", *ids) for bed, kind, who, *ids in session.execute(found)}


def line_of(session: Session, bed_id: UUID) -> Sequence[BedHold]:
    """Who holds, is offered or waits for a bed, in their order."""
    return session.scalars(
        select(BedHold).options(joinedload(BedHold.member)).where(
            BedHold.bed_id == bed_id, BedHold.state.in_([HoldState.QUEUED.value, HoldState.OFFERED.value, HoldState.HELD.value]))
        .order_by(BedHold.state == HoldState.QUEUED.value, BedHold.queued_at, BedHold.id)).all()


def log_of(session: Session, bed_id: UUID, most: int = 50) -> Sequence[Any]:
    """(event, whose hold it was, what was done by whom) of a bed, the latest first."""
    acting = Member.__table__.alias("acting")
    return session.execute(
        select(BedHoldEvent, Member.name, acting.c.name)
        .join(BedHold, and_(BedHold.org_id == BedHoldEvent.org_id, BedHold.id == BedHoldEvent.hold_id))
        .join(Member, and_(Member.org_id == BedHold.org_id, Member.user_id == BedHold.user_id))
        .outerjoin(acting, and_(acting.c.org_id == BedHoldEvent.org_id, acting.c.user_id == BedHoldEvent.changed_by))
        .where(BedHoldEvent.bed_id == bed_id).order_by(BedHoldEvent.seq.desc()).limit(most)).all()


def placements(session: Session, stay_id: UUID) -> Sequence[BedAllocation]:
    """In which bed a stay was, is and will be, in the order of time."""
    return session.scalars(
        select(BedAllocation).options(joinedload(BedAllocation.bed).joinedload(Bed.room)).where(
            BedAllocation.stay_id == stay_id, BedAllocation.state == AllocationState.ACTIVE.value)
        .order_by(func.lower(BedAllocation.period))).all()


def blocks_of(session: Session, request_id: UUID) -> Sequence[BedAllocation]:
    """The beds that a repair keeps empty."""
    return session.scalars(
        select(BedAllocation).options(joinedload(BedAllocation.bed).joinedload(Bed.room)).where(
            BedAllocation.request_id == request_id, BedAllocation.state == AllocationState.ACTIVE.value)
        .order_by(func.lower(BedAllocation.period))).all()


def open_stays(session: Session, hostel_id: UUID) -> Sequence[Stay]:
    """Stays of a hostel that have not ended, by the name of the resident."""
    return session.scalars(
        select(Stay).join(Stay.member).options(joinedload(Stay.member), joinedload(Stay.bed).joinedload(Bed.room)).where(
            Stay.hostel_id == hostel_id, Stay.status != "ended").order_by(Member.name, Stay.id)).all()


def unblock_today(session: Session, bed_id: UUID, day: date) -> None:
    """Lift what blocks a bed on a day."""
    found = session.scalar(select(BedAllocation.id).where(
        BedAllocation.bed_id == bed_id, BedAllocation.kind == AllocationKind.BLOCK.value,
        BedAllocation.state == AllocationState.ACTIVE.value, BedAllocation.period.contains(day)))
    if found is None:
        raise NotFound("This bed is not blocked any more.")
    unblock(session, found)
