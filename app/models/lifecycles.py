"""The declared lifecycles as rows, which the database checks every change of state against."""

from __future__ import annotations

from sqlalchemy import Boolean, ForeignKey, Index, Integer, Interval, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Model
from app.models.declare import functions, protect


class LifecycleMachine(Model):
    """Where a machine's state and history are kept, and the function that guards and accompanies its moves."""

    __tablename__ = "lifecycle_machines"

    machine: Mapped[str] = mapped_column(Text, primary_key=True)
    table_name: Mapped[str] = mapped_column(Text)
    initial: Mapped[str] = mapped_column(Text)
    hook: Mapped[str | None] = mapped_column(Text)


class LifecycleTransition(Model):
    """One edge of a machine under the name of its event."""

    __tablename__ = "lifecycle_transitions"

    machine: Mapped[str] = mapped_column(ForeignKey("lifecycle_machines.machine"), primary_key=True)
    event: Mapped[str] = mapped_column(Text, primary_key=True)
    from_state: Mapped[str] = mapped_column(Text, primary_key=True)
    to_state: Mapped[str] = mapped_column(Text)
    resource: Mapped[str | None] = mapped_column(Text)
    action: Mapped[str | None] = mapped_column(Text)
    needs_note: Mapped[bool] = mapped_column(Boolean, server_default="false")
    by_system: Mapped[bool] = mapped_column(Boolean, server_default="false")

    __table_args__ = (Index("lifecycle_transitions_edge", "machine", "from_state", "to_state"),)


class Clock(Model):
    """How far the product's clock stands from the real one: zero, but in tests, which move it as superuser."""

    __tablename__ = "clock"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    shift: Mapped[object] = mapped_column(Interval)


class BindingKey(Model):
    """What the binding of a transaction is sealed with (app.seal_of); made at deploy, readable by the definer alone."""

    __tablename__ = "binding_keys"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(Text)


functions("lifecycles")

protect(BindingKey.__table__, definer="SELECT", unaudited="a secret", closed="read by app.seal_of alone")
for _model in (LifecycleMachine, LifecycleTransition, Clock):
    protect(_model.__table__, definer="SELECT", unaudited="reference data, seeded at deploy",
            closed="asked by app.move, its trigger and app.now alone")
