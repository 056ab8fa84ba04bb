"""The canteen: its times, the menu with what is left of each dish, orders and what they hold."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    Text,
    Time,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

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
from app.models.declare import (
    ADMITTED,
    IN_ORG,
    MINE,
    Grant,
    Policy,
    Published,
    can,
    functions,
    protect,
    staff_policies,
    trigger,
)
from app.models.organizations import Hostel
from app.models.rooms import Room
from app.permissions import Action, Portal, Resource
from app.rules.canteen import (
    LOW_STOCK,
    NOTE_MAX,
    ORDER_UNTIL,
    PORTIONS_MAX,
    PRICE_MAX_PAISE,
    QUANTITY_MAX,
    SUMMARY_AT,
    Allergen,
    Diet,
    Meal,
    OrderStatus,
    RefundState,
)


def _at(moment: time) -> Mapped[time]:
    return mapped_column(Time, server_default=text(f"'{moment:%H:%M}'"))


class CanteenSettings(Tenant, Timestamps, Authored, Model):
    """Until when the meals of a house are ordered, when its day is summed up, and when a dish runs low."""

    __tablename__ = "canteen_settings"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    breakfast_until: Mapped[time] = _at(ORDER_UNTIL[Meal.BREAKFAST])
    lunch_until: Mapped[time] = _at(ORDER_UNTIL[Meal.LUNCH])
    snacks_until: Mapped[time] = _at(ORDER_UNTIL[Meal.SNACKS])
    dinner_until: Mapped[time] = _at(ORDER_UNTIL[Meal.DINNER])
    summary_at: Mapped[time] = _at(SUMMARY_AT)
    low_stock: Mapped[int] = mapped_column(SmallInteger, server_default=str(LOW_STOCK))

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("created_by"),
        Index("canteen_settings_hostel_key", "org_id", "hostel_id", unique=True),
        CheckConstraint("low_stock BETWEEN 0 AND 1000", name="canteen_settings_low_stock"),
    )


class Dish(Tenant, Timestamps, Authored, SoftDelete, Model):
    """A dish of one meal of one day: `portions` were planned, `stock` are left, which orders and app.set_dish_stock change."""

    __tablename__ = "canteen_menu"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    served_on: Mapped[date] = mapped_column(Date)
    meal: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = line(80)
    description: Mapped[str] = mapped_column(Text, server_default="")
    price_paise: Mapped[int] = mapped_column(BigInteger)
    portions: Mapped[int] = mapped_column(Integer)
    stock: Mapped[int] = mapped_column(Integer)
    order_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    diet: Mapped[str] = mapped_column(Text, server_default=Diet.VEG.value)
    allergens: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    photo_id: Mapped[UUID | None] = mapped_column(Uuid)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="Dish")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("photo_id", "files"), person("created_by"),
        Index("canteen_menu_dish_key", "org_id", "hostel_id", "served_on", "meal", text("lower(name)"), unique=True,
              postgresql_where=text("deleted_at IS NULL")),
        Index("canteen_menu_sort_served", "org_id", "served_on", "id"),
        Index("canteen_menu_photo", "org_id", "photo_id", postgresql_where=text("photo_id IS NOT NULL")),
        CheckConstraint(f"meal IN ({quoted(Meal)})", name="canteen_menu_meal_known"),
        CheckConstraint(f"diet IN ({quoted(Diet)})", name="canteen_menu_diet_known"),
        CheckConstraint(f"allergens <@ ARRAY[{quoted(Allergen)}]", name="canteen_menu_allergens_known"),
        CheckConstraint(f"price_paise BETWEEN 1 AND {PRICE_MAX_PAISE}", name="canteen_menu_price"),
        CheckConstraint(f"portions BETWEEN 0 AND {PORTIONS_MAX}", name="canteen_menu_portions"),
        CheckConstraint("stock >= 0", name="canteen_menu_stock"),
        CheckConstraint("length(btrim(name)) > 0", name="canteen_menu_named"),
        CheckConstraint("length(description) <= 500", name="canteen_menu_description_short"),
    )

    def __repr__(self) -> str:
        return self.name


class CanteenOrder(Tenant, Timestamps, SoftDelete, Model):
    """What somebody ordered of one meal, with the room it is brought to. Written by functions alone."""

    __tablename__ = "canteen_orders"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[int] = mapped_column(Integer)
    reference: Mapped[str] = mapped_column(Text, Computed(
        "'CO-' || CASE WHEN number < 10000 THEN lpad(number::text, 4, '0') ELSE number::text END", persisted=True))
    user_id: Mapped[int] = mapped_column(Integer)
    room_id: Mapped[UUID] = mapped_column(Uuid)
    served_on: Mapped[date] = mapped_column(Date)
    meal: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default=OrderStatus.CART.value)
    total_paise: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(Text, server_default="")
    refund: Mapped[str] = mapped_column(Text, server_default=RefundState.NONE.value)
    placed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    moved_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="CanteenOrder")
    room: Mapped[Room] = link("Room", "room_id", here="CanteenOrder")
    items: Mapped[list[CanteenItem]] = relationship(
        "CanteenItem", viewonly=True, order_by="CanteenItem.name",
        primaryjoin="and_(foreign(CanteenItem.order_id) == CanteenOrder.id, CanteenItem.org_id == CanteenOrder.org_id)")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("room_id", "rooms"), person("user_id"),
        Index("canteen_orders_number_key", "org_id", "hostel_id", "number", unique=True),
        Index("canteen_orders_kitchen", "org_id", "hostel_id", "served_on", "meal"),
        Index("canteen_orders_person", "org_id", "user_id", "placed_at", "id"),
        Index("canteen_orders_sort_placed", "org_id", "placed_at", "id"),
        Index("canteen_orders_sort_number", "org_id", "number", "id"),
        CheckConstraint(f"status IN ({quoted(OrderStatus)})", name="canteen_orders_status_known"),
        CheckConstraint(f"refund IN ({quoted(RefundState)})", name="canteen_orders_refund_known"),
        CheckConstraint(f"meal IN ({quoted(Meal)})", name="canteen_orders_meal_known"),
        CheckConstraint("total_paise > 0", name="canteen_orders_total"),
        CheckConstraint(f"length(note) <= {NOTE_MAX}", name="canteen_orders_note_short"),
    )

    @property
    def state(self) -> OrderStatus:
        """Where it stands, as the rules know it."""
        return OrderStatus(self.status)

    def __repr__(self) -> str:
        return self.reference


class CanteenItem(Tenant, Model):
    """A dish of an order, as it was called and priced then."""

    __tablename__ = "canteen_order_items"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    order_id: Mapped[UUID] = mapped_column(Uuid)
    dish_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = line(80)
    quantity: Mapped[int] = mapped_column(SmallInteger)
    price_paise: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("order_id", "canteen_orders"), in_tenant("dish_id", "canteen_menu"), person("user_id"),
        Index("canteen_order_items_dish_key", "org_id", "order_id", "dish_id", unique=True),
        Index("canteen_order_items_dish", "org_id", "dish_id"),
        CheckConstraint(f"quantity BETWEEN 1 AND {QUANTITY_MAX}", name="canteen_order_items_quantity"),
    )


functions("canteen")

_R, _KITCHEN = Resource.CANTEEN, (Portal.ADMIN, Portal.CANTEEN)
_OWN = Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE} AND {ADMITTED} AND {can(_R, Action.READ)}")
_PLAN = ("name", "description", "price_paise", "portions", "order_until", "diet", "allergens", "photo_id")


def _all_but(model: type[Model], *left_out: str) -> tuple[str, ...]:
    return tuple(column.name for column in model.__table__.columns if column.name not in left_out)


protect(CanteenSettings.__table__, definer="SELECT, INSERT, UPDATE", grants=[Grant(_KITCHEN, select=True)],
        policies=staff_policies(_R, _KITCHEN, commands=("SELECT",)))
protect(
    Dish.__table__, definer="SELECT, UPDATE",
    published=Published(key=("org_id", "hostel_id", "id"), columns=("org_id", "id", "hostel_id", "served_on", "meal", "stock", "deleted_at")),
    grants=[Grant(_KITCHEN, select=True, insert=("id", "hostel_id", "served_on", "meal", "stock", "deleted_at", *_PLAN), update=(*_PLAN, "deleted_at")),
            Grant((Portal.RESIDENT,), select=_all_but(Dish, "created_by", "portions"))],
    policies=[*staff_policies(_R, (*_KITCHEN, Portal.RESIDENT), commands=("SELECT",)),
              *staff_policies(_R, _KITCHEN, commands=("INSERT", "UPDATE"))],
)
protect(
    CanteenOrder.__table__, definer="SELECT, INSERT, UPDATE",
    published=Published(key=("org_id", "hostel_id", "user_id", "id"),
                        columns=("org_id", "id", "hostel_id", "user_id", "served_on", "meal", "status")),
    grants=[Grant((*_KITCHEN, Portal.RESIDENT), select=True)],
    policies=[*staff_policies(_R, _KITCHEN, commands=("SELECT",)), _OWN],
)
protect(CanteenItem.__table__, immutable=True, grants=[Grant((*_KITCHEN, Portal.RESIDENT), select=True)],
        policies=[*staff_policies(_R, _KITCHEN, commands=("SELECT",)), _OWN])
trigger("canteen_orders", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('canteen_order')")
trigger("stays", "x_canteen", "AFTER INSERT OR UPDATE OF status, bed_id", "app.bring_to_new_room()")
trigger("ledger_proposals", "x_canteen", "AFTER UPDATE OF status", "app.follow_canteen_refund()")
