"""Statements of gateways: asked for, or read from the file that the gateway's own pages give."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import exists, func, select, text, update
from sqlalchemy.orm import Session, load_only

from app.gateways.objects import ObjectStore
from app.gateways.payments import NO_API, GatewayRefused, SettlementLine
from app.models.files import File
from app.models.payments import GatewayAccount
from app.models.reconciliation import SettlementLine as StatedLine
from app.models.reconciliation import SettlementStatement
from app.rules.errors import Invalid, NotFound
from app.rules.files import Purpose
from app.rules.reconciliation import DAYS_BACK, Origin
from app.services import files
from app.services.files import Upload
from app.services.payments import Keeper

LISTED = 100
_LOOKED_AT_FOR = timedelta(days=1)
_NOW = text("SELECT app.now()")
_ADD = text("SELECT app.add_statement(:id, :account, :origin, :digest, :file, :lines)")


def accounts(session: Session) -> Sequence[GatewayAccount]:
    """The accounts whose statements are read: without their secrets."""
    row = GatewayAccount
    return session.scalars(select(row).options(load_only(row.id, row.name, row.gateway, row.hostel_id)).where(row.active).order_by(row.created_at, row.id)).all()


def read_file(session: Session, keeper: Keeper, account_id: UUID, content: bytes) -> list[SettlementLine]:
    """The lines of an uploaded file. Errors: NotFound, Invalid that names the row."""
    try:
        lines = keeper.open(session, account_id).parse_settlement_csv(content)
    except GatewayRefused as error:
        raise Invalid(f"This file cannot be read: {error.reason}", field="file") from error
    if not lines:
        raise Invalid("This file has no line of a settlement.", field="file")
    tomorrow = session.execute(_NOW).scalar_one().date() + timedelta(days=1)  # somewhere it has begun
    if any(line.settled_on > tomorrow for line in lines):  # what is not stated until then would all be missing
        raise Invalid("This file tells of days that have not come yet.", field="file")
    return lines


def keep_file(session: Session, keeper: Keeper, objects: ObjectStore, account_id: UUID, upload: Upload) -> tuple[UUID, list[SettlementLine]]:
    """Keep an uploaded file to be looked at; its lines are nothing yet. Errors: as read_file, and what files refuse."""
    account = session.scalars(select(GatewayAccount).options(load_only(GatewayAccount.id, GatewayAccount.hostel_id)).where(
        GatewayAccount.id == account_id)).one_or_none()
    if account is None:
        raise NotFound("There is no such account at a gateway.")
    files.check(upload, Purpose.SETTLEMENT)
    lines = read_file(session, keeper, account_id, upload.stream().read())
    kept = files.store(session, objects, upload, Purpose.SETTLEMENT, account.hostel_id)
    session.flush()
    return kept.id, lines


def add_file(session: Session, keeper: Keeper, objects: ObjectStore, account_id: UUID, file_id: UUID) -> UUID:
    """Make a kept file a statement; one that says the same is the same. Errors: NotFound, Invalid, VR403."""
    with files.open_file(session, objects, file_id)[1] as content:
        lines = read_file(session, keeper, account_id, content.read())
    return add(session, account_id, lines, Origin.FILE, file_id=file_id)


def discard_unkept(session: Session) -> None:
    """Remove files that were looked at a day ago and never became a statement."""
    session.execute(update(File).where(
        File.purpose == Purpose.SETTLEMENT.value, File.deleted_at.is_(None), File.created_at < func.app.now() - _LOOKED_AT_FOR,
        ~exists().where(SettlementStatement.file_id == File.id)).values(deleted_at=func.app.now()))


def fetch(session: Session, keeper: Keeper, account_id: UUID, today: date) -> list[UUID]:
    """Ask the gateway for the last days; nothing where statements come as files alone. Errors: GatewayUnavailable, GatewayRefused."""
    gateway = keeper.open(session, account_id)
    try:
        days = [list(gateway.settlements(today - timedelta(days=back))) for back in range(DAYS_BACK, -1, -1)]
    except GatewayRefused as error:
        if error.code == NO_API:
            return []
        raise
    return [add(session, account_id, lines, Origin.API) for lines in days if lines]


def add(session: Session, account_id: UUID, lines: Sequence[SettlementLine], origin: Origin, *, file_id: UUID | None = None) -> UUID:
    """Keep lines as a statement, and have them matched. Errors: VR403, VR404."""
    session.flush()
    found: UUID = session.execute(_ADD, {
        "id": uuid4(), "account": account_id, "origin": origin.value, "digest": digest(lines), "file": file_id,
        "lines": json.dumps([_document(line) for line in lines])}).scalar_one()
    session.expire_all()
    return found


def lines_of(session: Session, statement_id: UUID) -> Sequence[StatedLine]:
    """What a statement added, up to LISTED of it."""
    row = StatedLine
    return session.scalars(select(row).where(row.statement_id == statement_id).order_by(row.settled_on, row.line_id).limit(LISTED)).all()


def digest(lines: Sequence[SettlementLine]) -> str:
    """Names what a statement says, in whatever order and from wherever it came."""
    told = sorted(json.dumps(_document(line), sort_keys=True) for line in lines)
    return sha256("\n".join(told).encode()).hexdigest()


def _document(line: SettlementLine) -> dict[str, Any]:
    return {"line_id": line.line_id, "kind": line.kind.value, "payment_id": line.payment_id, "reference": line.reference, "refund_id": line.refund_id,
            "amount": line.amount_paise, "fee": line.fee_paise, "tax": line.tax_paise, "currency": line.currency, "utr": line.utr,
            "settled_on": line.settled_on.isoformat(), "at": line.occurred_at.isoformat() if line.occurred_at else None}
