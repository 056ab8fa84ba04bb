"""Moving out: notice given and withdrawn, things inspected, the settlement made. The database's functions write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session, joinedload

from app.gateways.objects import ObjectStore
from app.models.moveout import MoveOut, MoveOutItem, MoveOutPhoto
from app.models.residents import Stay, Tariff
from app.permissions import Action, Resource
from app.rules import moveout as rules
from app.rules.errors import Conflict, NotFound
from app.rules.files import Purpose
from app.rules.moveout import Condition, MoveOutStatus, Settlement, Terms
from app.rules.residents import StayStatus, TariffKind
from app.services import files
from app.services.notifications import Message, people_who_can, tell

_GIVE = text("SELECT app.give_notice(:stay, :leaves, :why, :id)")
_WITHDRAW = text("SELECT app.withdraw_notice(:id)")
_CHANGE_DAY = text("SELECT app.change_last_day(:id, :leaves)")
_JUDGE = text("SELECT app.judge_item(:item, :condition, :deduction, :note)")
_ADD = text("SELECT app.add_inspection_item(:id, :name)")
_PHOTO = text("SELECT app.add_inspection_photo(:item, :file)")
_FINISH = text("SELECT app.finish_inspection(:id)")
_SETTLE = text("SELECT app.settle_move_out(:id, :paid_until, :leaves, :deposit, :rent, :notice, :damages)")
_CALLED = text("SELECT app.bed_called(:stay)")


@dataclass(frozen=True)
class Finding:
    """What was found of one thing, with photos of it."""

    item_id: UUID
    condition: Condition
    deduction_paise: int = 0
    note: str = ""
    photos: Sequence[files.Upload] = ()


# Errors of all below (as DBAPIError, translated at the edge): VR404 unknown or foreign, VR403 not allowed, VR409 not
# possible as things stand, VR422 a day that cannot be meant, VR429 too many.


def give_notice(session: Session, stay_id: UUID, leaves_on: date, why: str = "", move_out_id: UUID | None = None) -> UUID:
    """Somebody leaves: `leaves_on` is the first day without them."""
    made: UUID = _write(session, _GIVE, stay=stay_id, leaves=leaves_on, why=why, id=move_out_id)
    return made


def withdraw(session: Session, move_out_id: UUID) -> None:
    """They stay after all, if their bed is still there."""
    _write(session, _WITHDRAW, id=move_out_id)


def change_day(session: Session, move_out_id: UUID, leaves_on: date) -> None:
    """They leave earlier, or later if their bed is still there."""
    _write(session, _CHANGE_DAY, id=move_out_id, leaves=leaves_on)


def inspect(session: Session, objects: ObjectStore, move_out_id: UUID, findings: Sequence[Finding]) -> None:
    """Write down what was found, all of it or nothing."""
    known = {item.id: item for item in items_of(session, move_out_id)}
    for one in findings:
        item = known.get(one.item_id)
        if item is None:
            raise NotFound("There is no such thing on the list.")
        rules.check_item(one.condition, one.deduction_paise)
        if (item.condition, item.deduction_paise, item.note) != (one.condition.value, one.deduction_paise, one.note.strip()):
            session.execute(_JUDGE, {"item": one.item_id, "condition": one.condition.value, "deduction": one.deduction_paise, "note": one.note})
        for upload in one.photos:
            stored = files.store(session, objects, upload, Purpose.INSPECTION, item.hostel_id)
            session.execute(_PHOTO, {"item": one.item_id, "file": stored.id})
    session.expire_all()


def add_item(session: Session, move_out_id: UUID, name: str) -> UUID:
    """Something more to look at."""
    [checked] = rules.check_items([name], "name")
    made: UUID = _write(session, _ADD, id=move_out_id, name=checked)
    return made


def finish_inspection(session: Session, move_out_id: UUID) -> None:
    """Everything has been looked at."""
    _write(session, _FINISH, id=move_out_id)


def draft(session: Session, move_out: MoveOut, paid_until: date) -> Settlement:
    """The settlement as it would be made now."""
    return rules.settle(_terms(session, move_out), paid_until)


def settle(session: Session, move_out_id: UUID, paid_until: date, seen_balance: int) -> Settlement:
    """Make the settlement that somebody has seen; Conflict if it would be another one by now, or is made already."""
    move_out = find(session, move_out_id)
    made = draft(session, move_out, paid_until)
    if move_out.standing is MoveOutStatus.INSPECTED and made.balance_paise != seen_balance:
        raise Conflict("The settlement has changed in the meantime: look at it again.")
    _write(session, _SETTLE, id=move_out_id, paid_until=paid_until, leaves=move_out.leaves_on, deposit=made.deposit_paise,
           rent=made.rent_paise, notice=made.notice_paise, damages=made.damages_paise)
    return made


def _terms(session: Session, move_out: MoveOut) -> Terms:
    stay = session.scalars(select(Stay).where(Stay.id == move_out.stay_id)).one()
    damages = session.scalar(select(func.sum(MoveOutItem.deduction_paise)).where(MoveOutItem.move_out_id == move_out.id)) or 0
    return Terms(move_out.noticed_on, move_out.notice_days, stay.from_on, move_out.leaves_on, stay.rent_paise or 0,
                 _deposit(session, stay), int(damages))


def _deposit(session: Session, stay: Stay) -> int:
    """What the tariff asked for on the first day; a price for this kind of room before one for all."""
    return session.scalar(select(Tariff.amount_paise).where(
        Tariff.hostel_id == stay.hostel_id, Tariff.kind == TariffKind.DEPOSIT.value, Tariff.deleted_at.is_(None),
        or_(Tariff.room_type_id == stay.room_type_id, Tariff.room_type_id.is_(None)), Tariff.valid_from <= stay.from_on,
        or_(Tariff.valid_until.is_(None), Tariff.valid_until > stay.from_on))
        .order_by(Tariff.room_type_id.is_(None), Tariff.id).limit(1)) or 0


def _write(session: Session, statement: Any, **values: Any) -> Any:
    session.flush()
    found = session.execute(statement, values).scalar()
    session.expire_all()
    return found


# --- reading --------------------------------------------------------------------------------------------


def find(session: Session, move_out_id: UUID) -> MoveOut:
    """One move-out, with whom and where; NotFound for what the caller may not see."""
    found: MoveOut | None = session.scalar(select(MoveOut).options(
        joinedload(MoveOut.member), joinedload(MoveOut.hostel), joinedload(MoveOut.resident),
        joinedload(MoveOut.stay)).where(MoveOut.id == move_out_id))
    if found is None:
        raise NotFound("There is no such move-out.")
    return found


def items_of(session: Session, move_out_id: UUID) -> list[MoveOutItem]:
    """What is looked at, in its order."""
    return list(session.scalars(select(MoveOutItem).where(MoveOutItem.move_out_id == move_out_id).order_by(MoveOutItem.position)))


def photos_of(session: Session, move_out_id: UUID) -> Mapping[UUID, list[MoveOutPhoto]]:
    """The photos of each thing."""
    found: dict[UUID, list[MoveOutPhoto]] = {}
    for photo in session.scalars(select(MoveOutPhoto).options(joinedload(MoveOutPhoto.file)).where(
            MoveOutPhoto.move_out_id == move_out_id).order_by(MoveOutPhoto.id)):
        found.setdefault(photo.item_id, []).append(photo)
    return found


def own_stays(session: Session, user_id: int) -> list[Stay]:
    """A person's stays that have not ended, the first first."""
    return list(session.scalars(select(Stay).options(joinedload(Stay.hostel)).where(
        Stay.user_id == user_id, Stay.status != StayStatus.ENDED.value).order_by(Stay.from_on)))


def own(session: Session, user_id: int) -> list[MoveOut]:
    """A person's move-outs that were not withdrawn, the latest first."""
    return list(session.scalars(select(MoveOut).options(joinedload(MoveOut.stay), joinedload(MoveOut.hostel)).where(
        MoveOut.user_id == user_id, MoveOut.status != MoveOutStatus.WITHDRAWN.value).order_by(MoveOut.id.desc())))


def bed_called(session: Session, stay_id: UUID) -> str:
    """What the bed of a stay is called."""
    return session.execute(_CALLED, {"stay": stay_id}).scalar() or ""


# --- telling --------------------------------------------------------------------------------------------

def tell_of_move(session: Session, move_out_id: UUID, state: str) -> None:
    """Tell whoever leaves, and whoever inspects, what has happened; each last day is told of once."""
    found = session.scalar(select(MoveOut).options(joinedload(MoveOut.resident)).where(MoveOut.id == move_out_id))
    if found is None:
        return
    own, theirs = _told(state, found.resident.reference)
    key = f"moveout:{found.id}:{state}" + (f":{found.leaves_on}" if state == "moved" else "")
    tell(session, {found.user_id}, Message(f"moveout.{state}", key, own, found.hostel_id, "/my/move-out/"))
    if theirs:
        staff = people_who_can(session, Resource.MOVE_OUTS, Action.UPDATE, found.hostel_id) - {found.user_id}
        tell(session, staff, Message(f"moveout.{state}", key, theirs, found.hostel_id, f"/move-outs/show/{found.id}"))


def _told(state: str, reference: str) -> tuple[str, str]:
    """What whoever leaves is told, and what those who see to it are; the name stands where only they may read it."""
    return {
        "noticed": ("Your notice is written down.", f"{reference} has given notice."),
        "moved": ("The day on which you leave was changed.", f"{reference} leaves on another day."),
        "withdrawn": ("Your notice is withdrawn: you stay.", f"{reference} stays: the notice is withdrawn."),
        "settled": ("The settlement of your stay is made: look at it under moving out.", ""),
    }[state]
