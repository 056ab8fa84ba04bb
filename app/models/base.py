"""What all tables share: keys that contain the tenant, times, soft deletion."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_appbuilder.models.sqla import Model
from sqlalchemy import Computed, DateTime, ForeignKeyConstraint, Integer, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

NOW = text("clock_timestamp()")
CURRENT_ORG = text("app.current_org()")
CURRENT_USER = text("app.current_user_id()")
NEW_ID = text("uuidv7()")


def quoted(words: Iterable[str]) -> str:
    """Words as a list in SQL: `'new', 'lost'`."""
    return ", ".join(f"'{word}'" for word in words)


def line(length: int = 200) -> Any:
    """A short text column with its limit kept by the database."""
    return mapped_column(String(length))


def search_key(expression: str) -> Any:
    """A column that the database computes for the search box, found by what it begins with."""
    return mapped_column(Text(collation="C"), Computed(expression, persisted=True), deferred=True)


class Timestamps:
    """`created_at` and `updated_at`, both kept by the database (`updated_at` by trigger)."""

    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)


class SoftDelete:
    """Rows are hidden by the ORM, not by policies: a policy on `deleted_at` would make the deletion itself fail."""

    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Tenant:
    """Key of every tenant table: `(org_id, id)` in the database, `id` in the ORM."""

    org_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=CURRENT_ORG, sort_order=-20)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID, sort_order=-19)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"primary_key": [cls.__table__.c.id], "eager_defaults": False}


class Authored:
    """Who made the row, as a member of the organization; set by the database from the session."""

    created_by: Mapped[int | None] = mapped_column(Integer, server_default=CURRENT_USER)


def in_tenant(column: str, target: str, *, target_column: str = "id", ondelete: str | None = None) -> ForeignKeyConstraint:
    """Foreign key `(org_id, column)` → `target(org_id, id)`, so that no row can point into another tenant.

    `ondelete="SET NULL"` nulls the column alone: nulling `org_id` with it would be refused.
    """
    if ondelete == "SET NULL":
        ondelete = f"SET NULL ({column})"
    return ForeignKeyConstraint(
        ["org_id", column], [f"{target}.org_id", f"{target}.{target_column}"], ondelete=ondelete
    )


def person(column: str) -> ForeignKeyConstraint:
    """Foreign key to a person in this organization."""
    return in_tenant(column, "members", target_column="user_id")


def link(target: str, column: str, *, here: str, key: str = "id", **options: Any) -> Any:
    """Relationship over a composite key that leaves `org_id` alone when it is cleared."""
    return relationship(
        target, primaryjoin=f"and_({target}.{key} == foreign({here}.{column}), {target}.org_id == {here}.org_id)",
        viewonly=options.pop("viewonly", False), **options,
    )


__all__ = [
    "CURRENT_ORG", "CURRENT_USER", "NEW_ID", "NOW", "Authored", "Model", "SoftDelete", "Tenant", "Timestamps", "in_tenant", "line", "link", "person",
    "quoted", "search_key",
]
