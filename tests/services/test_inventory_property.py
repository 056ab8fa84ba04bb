"""Whatever is bought, used, thrown away, counted and corrected in whatever order: stock and its value are what a plain model says (C6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.rules.inventory import value_change
from app.services import beds, inventory
from app.services.inventory import Counted, Line
from tests.inventory import K, item
from tests.maintenance import scope
from tests.wallet import HOSTEL

AMOUNT = st.decimals("0.001", "9", places=3)
DEEDS = st.lists(st.one_of(
    st.tuples(st.just(K.PURCHASE), AMOUNT, st.integers(0, 500_00)), st.tuples(st.sampled_from([K.USE, K.WASTE, K.RETURN, K.COUNT]), AMOUNT, st.none()),
    st.tuples(st.just("reverse"), st.integers(0, 20), st.none())), min_size=4, max_size=20)


@dataclass
class Shelf:
    """One item as anybody would write it down: each deed says whether it fits, and changes nothing if it does not."""

    stock: Decimal = Decimal(0)
    value: int = 0
    price: int = 0
    moves: list[tuple[Decimal, int]] = field(default_factory=list)
    undone: set[int] = field(default_factory=set)

    def move(self, quantity: Decimal, change: int) -> bool:
        if self.stock + quantity < 0:
            return False
        self.value += -self.value if self.stock + quantity == 0 else max(change, -self.value)
        self.stock += quantity
        return True

    def take(self, kind: Any, amount: Any, paid: int | None) -> bool:
        if kind == "reverse":
            quantity, change = self.moves[amount]
            fits = amount not in self.undone and self.move(-quantity, -change)
            self.undone |= {amount} if fits else set()
            return fits
        quantity = amount if kind == K.PURCHASE else amount - self.stock if kind == K.COUNT else -amount
        before, known = self.value, self.price if kind == K.COUNT and not self.stock else paid
        fits = self.move(quantity, value_change(self.stock, self.value, quantity, known) if self.stock + quantity >= 0 else 0)
        if fits and quantity:
            self.moves.append((quantity, self.value - before))
        self.price = paid or self.price
        return fits


def deed(session: Any, rice: UUID, kind: Any, amount: Any, paid: int | None, stock: Decimal) -> bool:
    """The same in the storeroom."""
    before = session.begin_nested()
    try:
        if kind == "reverse":
            inventory.reverse(session, session.scalar(text("SELECT id FROM inventory_moves WHERE reverses_id IS NULL ORDER BY id OFFSET :n LIMIT 1"), {"n": amount}),
                              "Wrong", uuid4())
        elif kind == K.COUNT:
            inventory.count(session, HOSTEL, [Counted(rice, stock, amount)], uuid4())
        else:
            inventory.book(session, HOSTEL, kind, [Line(rice, amount, paid)], beds.house_day(session, HOSTEL), uuid4(), reason="spoiled")
    except DBAPIError as error:
        before.rollback()
        assert error.orig.pgcode == "VR409"  # noqa: PT017 - every other refusal is a mistake
        return False
    return True


def test_the_storeroom_agrees_with_a_plain_model(app, world):
    rice = item(world)

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(DEEDS)
    def agrees(deeds: list[tuple[Any, Any, int | None]]) -> None:
        with scope(world.a.people[Role.HOSTEL_MANAGER]) as session:
            first, shelf = session.begin_nested(), Shelf()
            for kind, some, paid in deeds:
                if kind == "reverse" and not shelf.moves:
                    continue
                amount = some % len(shelf.moves) if kind == "reverse" else some
                stock = shelf.stock
                assert deed(session, rice, kind, amount, paid, stock) is shelf.take(kind, amount, paid)
                found = session.execute(text("SELECT stock, value_paise FROM inventory_items WHERE id = :id"), {"id": rice}).one()
                assert tuple(found) == (shelf.stock, shelf.value)
                assert tuple(session.execute(text("SELECT coalesce(sum(quantity), 0), coalesce(sum(value_paise), 0) FROM inventory_moves")).one()) == found
            first.rollback()

    agrees()
