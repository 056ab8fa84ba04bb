"""The storeroom: items with what is there and what it is worth, every move of them, and what was counted.

`stock`, `value_paise` and `price_paise` change through functions alone, with an insert-only move beside each change.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    Index,
    Integer,
    Numeric,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    NOW,
    Authored,
    Model,
    SoftDelete,
    Tenant,
    Timestamps,
    in_tenant,
    line,
    link,
    person,
    quoted,
)
from app.models.declare import Grant, Published, functions, protect, staff_policies, trigger
from app.models.organizations import Hostel
from app.permissions import Portal, Resource
from app.rules.canteen import Allergen
from app.rules.inventory import NOTE_MAX, QUANTITY_MAX, WHOLE, Category, MoveKind, Unit, WasteReason, rounded

_QUANTITY = Numeric(12, 3)


class InventoryItem(Tenant, Timestamps, Authored, SoftDelete, Model):
    """Something that a kitchen keeps. `low` is whether it has to be bought; `price_paise` is what a unit of it cost last."""

    __tablename__ = "inventory_items"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = line(80)
    category: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    reorder_level: Mapped[Decimal] = mapped_column(_QUANTITY, server_default="0")
    fill_to: Mapped[Decimal | None] = mapped_column(_QUANTITY)
    supplier: Mapped[str] = mapped_column(Text, server_default="")
    allergens: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    note: Mapped[str] = mapped_column(Text, server_default="")
    stock: Mapped[Decimal] = mapped_column(_QUANTITY, server_default="0")
    value_paise: Mapped[int] = mapped_column(BigInteger, server_default="0")
    price_paise: Mapped[int] = mapped_column(BigInteger, server_default="0")
    low: Mapped[bool] = mapped_column(Boolean, Computed("reorder_level > 0 AND stock <= reorder_level", persisted=True))
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="InventoryItem")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("created_by"),
        Index("inventory_items_name_key", "org_id", "hostel_id", text("lower(name)"), unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index("inventory_items_sort_name", "org_id", "name", "id"),
        Index("inventory_items_low", "org_id", "hostel_id", postgresql_where=text("low AND deleted_at IS NULL")),
        CheckConstraint("length(btrim(name)) > 0", name="inventory_items_named"),
        CheckConstraint(f"category IN ({quoted(Category)})", name="inventory_items_category_known"),
        CheckConstraint(f"unit IN ({quoted(Unit)})", name="inventory_items_unit_known"),
        CheckConstraint(f"allergens <@ ARRAY[{quoted(Allergen)}]", name="inventory_items_allergens_known"),
        CheckConstraint(f"stock BETWEEN 0 AND {QUANTITY_MAX}", name="inventory_items_stock"),
        CheckConstraint("value_paise >= 0 AND (stock > 0 OR value_paise = 0)", name="inventory_items_value"),
        CheckConstraint(f"reorder_level BETWEEN 0 AND {QUANTITY_MAX} AND fill_to BETWEEN reorder_level AND {QUANTITY_MAX}",
                        name="inventory_items_levels"),
        CheckConstraint(f"unit NOT IN ({quoted(sorted(WHOLE))}) OR stock = trunc(stock)", name="inventory_items_whole"),
        CheckConstraint("deleted_at IS NULL OR stock = 0", name="inventory_items_removed_empty"),
        CheckConstraint(f"length(note) <= {NOTE_MAX} AND length(supplier) <= 120", name="inventory_items_short"),
    )

    @property
    def average_paise(self) -> int | None:
        """What a unit of what is there cost on average."""
        return rounded(self.value_paise / self.stock) if self.stock else None

    def __repr__(self) -> str:
        return self.name


class InventoryCount(Tenant, Authored, Model):
    """A stock take: how many items were counted, how many differed, and what the differences are worth."""

    __tablename__ = "inventory_counts"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    counted_on: Mapped[date] = mapped_column(Date)
    items: Mapped[int] = mapped_column(Integer)
    differences: Mapped[int] = mapped_column(Integer)
    value_paise: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("created_by"),
        Index("inventory_counts_house", "org_id", "hostel_id", "created_at"),
        CheckConstraint("items > 0 AND differences BETWEEN 0 AND items", name="inventory_counts_numbers"),
        CheckConstraint(f"length(note) <= {NOTE_MAX}", name="inventory_counts_short"),
    )


class InventoryMove(Tenant, Authored, Model):
    """Something that came (plus) or went (minus) on a day; moves of one `batch_id` were booked together.

    A mistake is not taken out but turned round: a move of the same kind and day that `reverses` it, once.
    """

    __tablename__ = "inventory_moves"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    item_id: Mapped[UUID] = mapped_column(Uuid)
    batch_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text)
    quantity: Mapped[Decimal] = mapped_column(_QUANTITY)
    value_paise: Mapped[int] = mapped_column(BigInteger)
    stock_after: Mapped[Decimal] = mapped_column(_QUANTITY)
    price_paise: Mapped[int | None] = mapped_column(BigInteger)
    supplier: Mapped[str] = mapped_column(Text, server_default="")
    bill_number: Mapped[str] = mapped_column(Text, server_default="")
    reason: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    happened_on: Mapped[date] = mapped_column(Date)
    reverses_id: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="InventoryMove")
    item: Mapped[InventoryItem] = link("InventoryItem", "item_id", here="InventoryMove")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("item_id", "inventory_items"), in_tenant("reverses_id", "inventory_moves"), person("created_by"),
        Index("inventory_moves_batch_key", "org_id", "batch_id", "item_id", unique=True),
        Index("inventory_moves_reverses_key", "org_id", "reverses_id", unique=True, postgresql_where=text("reverses_id IS NOT NULL")),
        Index("inventory_moves_item", "org_id", "item_id", "id"),
        Index("inventory_moves_sort_happened", "org_id", "happened_on", "id"),
        CheckConstraint(f"kind IN ({quoted(MoveKind)})", name="inventory_moves_kind_known"),
        CheckConstraint(f"reason IN ({quoted(WasteReason)}) AND (reason IS NOT NULL) = (kind = 'waste')", name="inventory_moves_reason_known"),
        CheckConstraint("quantity <> 0 AND stock_after >= 0", name="inventory_moves_quantity"),
        CheckConstraint("sign(quantity) * sign(value_paise) >= 0", name="inventory_moves_value"),
        CheckConstraint(f"length(note) <= {NOTE_MAX} AND length(supplier) <= 120 AND length(bill_number) <= 60", name="inventory_moves_short"),
    )

    def __repr__(self) -> str:
        return str(self.item)


functions("inventory")

_R, _STORE = Resource.INVENTORY, (Portal.ADMIN, Portal.CANTEEN)
_KEPT = ("name", "category", "reorder_level", "fill_to", "supplier", "allergens", "note", "deleted_at")

protect(
    InventoryItem.__table__, definer="SELECT, UPDATE",
    published=Published(key=("org_id", "hostel_id", "id"), columns=("org_id", "id", "hostel_id", "stock", "deleted_at")),
    grants=[Grant(_STORE, select=True, insert=("id", "hostel_id", "unit", *_KEPT), update=_KEPT)],
    policies=staff_policies(_R, _STORE, commands=("SELECT", "INSERT", "UPDATE")),
)
protect(InventoryMove.__table__, immutable=True, grants=[Grant(_STORE, select=True)], policies=staff_policies(_R, _STORE, commands=("SELECT",)))
protect(InventoryCount.__table__, immutable=True, grants=[Grant(_STORE, select=True)], policies=staff_policies(_R, _STORE, commands=("SELECT",)))
trigger("inventory_items", "x_low", "AFTER UPDATE", "app.note_low_stock()")
