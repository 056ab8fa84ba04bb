"""Categories and issue types: what a request can be about. Old requests keep what was removed."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.models.maintenance import MaintenanceCategory, MaintenanceIssueType, MaintenanceRequest
from app.rules.errors import Conflict, NotFound

_CODE_MAX = 40


def add_category(session: Session, name: str, icon: str = "", position: int = 0) -> MaintenanceCategory:
    """A new trade; its code is made of its name."""
    code = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:_CODE_MAX] or "category"
    category = MaintenanceCategory(code=code, name=name, icon=icon, position=position)
    session.add(category)
    session.flush()
    return category


def change_category(session: Session, category_id: UUID, values: dict[str, Any]) -> None:
    """Rename or move it; its code stays, because imports and reports know it."""
    _change(session, MaintenanceCategory, category_id, values)


def remove_category(session: Session, category_id: UUID) -> None:
    """No new requests of this kind; refused while some are open."""
    open_ones = session.scalar(select(func.count()).select_from(MaintenanceRequest).where(
        MaintenanceRequest.category_id == category_id, MaintenanceRequest.deleted_at.is_(None),
        MaintenanceRequest.resolved_at.is_(None), MaintenanceRequest.status != "rejected"))
    if open_ones:
        raise Conflict(f"{open_ones} requests of this category are open: settle them or change their category first.")
    _change(session, MaintenanceCategory, category_id, {"deleted_at": func.app.now()})


def restore_category(session: Session, category_id: UUID) -> None:
    """Offer it again."""
    _change(session, MaintenanceCategory, category_id, {"deleted_at": None}, deleted=True)


def add_issue_type(session: Session, category_id: UUID, name: str, position: int = 0) -> MaintenanceIssueType:
    """Another thing that can be wrong within a category."""
    issue = MaintenanceIssueType(category_id=category_id, name=name, position=position)
    session.add(issue)
    session.flush()
    return issue


def change_issue_type(session: Session, issue_id: UUID, values: dict[str, Any]) -> None:
    """Rename or move it."""
    _change(session, MaintenanceIssueType, issue_id, values)


def remove_issue_type(session: Session, issue_id: UUID) -> None:
    """Do not offer it any more."""
    _change(session, MaintenanceIssueType, issue_id, {"deleted_at": func.app.now()})


def restore_issue_type(session: Session, issue_id: UUID) -> None:
    """Offer it again."""
    _change(session, MaintenanceIssueType, issue_id, {"deleted_at": None}, deleted=True)


def _change(session: Session, model: Any, row_id: UUID, values: dict[str, Any], *, deleted: bool = False) -> None:
    gone = model.deleted_at.is_not(None)
    changed = session.execute(update(model).where(model.id == row_id, gone if deleted else ~gone).values(**values)
                              .execution_options(synchronize_session=False))
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound("This is not there any more.")
    session.expire_all()
