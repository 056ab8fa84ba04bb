"""A storeroom's items come in from a file, in the words of a kitchen's own list, and go again unless something was booked (C6, Y2)."""

from __future__ import annotations

from decimal import Decimal

from app.permissions import Role
from app.services import imports
from tests.imports import as_, imported, manager, there, told, undone
from tests.inventory import K, book

ITEMS = (b"Ingredient,UOM,Category,Min Level,Max Level,Vendor\nRice,Kgs,Grains,10,60,Mandi\nEggs,nos,Eggs & meat,60.5,,\nMilk,Ltr,Dairy,,,\n"
         b"Salt,handful,,,,\nTea,kg,,5,2,\nrice,kg,,,,\n")


def test_items_come_in_once_and_go_again_unless_they_moved(world, app, superuser):
    boss = manager(world)
    run_id = imported(boss, ITEMS, kind="stock")
    run, counts = told(boss, run_id)
    with as_(boss) as session:
        assert [row.number for row in imports.refused_rows(session, None, run)] == [3, 5, 6, 7]
    assert (counts.created, counts.refused) == (2, 4)
    assert [tuple(row) for row in there(superuser, "SELECT name, unit, category, reorder_level, fill_to, supplier FROM inventory_items ORDER BY name")] == [
        ("Milk", "l", "dairy", 0, None, ""), ("Rice", "kg", "grains", 10, Decimal(60), "Mandi")]
    assert told(boss, imported(boss, ITEMS, kind="stock"))[1].created == 0
    rice = there(superuser, "SELECT id FROM inventory_items WHERE name = 'Rice'")[0][0]
    book(world.a.people[Role.CANTEEN_STAFF], K.OPENING, (rice, 5), price=50_00)
    undone(boss, run_id)
    assert [row[0] for row in there(superuser, "SELECT name FROM inventory_items WHERE deleted_at IS NULL")] == ["Rice"]
    with as_(boss) as session:
        assert "Rice has been worked with since" in imports.kept_rows(session, told(boss, run_id)[0], 5)[0].reason
    assert told(boss, imported(boss, b"Item,Unit\nMilk,l\n", kind="stock"))[1].restored == 1
