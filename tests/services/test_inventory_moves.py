"""Stock never goes below zero, is booked once, valued at its average, counted against a sheet, and corrected once (C6)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.rules.errors import Conflict, Forbidden, Invalid, NotFound
from app.services import beds, inventory
from app.services.inventory import Counted, Line
from app.tenancy import tenant_scope
from tests.houses import execute
from tests.inventory import K, book, item, there
from tests.maintenance import refusal, scope
from tests.wallet import HOSTEL, one


@pytest.fixture
def cook(app, world):
    return world.a.people[Role.CANTEEN_STAFF]


@pytest.fixture
def manager(app, world):
    return world.a.people[Role.HOSTEL_MANAGER]


def count(person, *lines, batch=None, note=""):
    with scope(person) as session:
        return inventory.count(session, HOSTEL, [Counted(key, Decimal(seen), Decimal(counted)) for key, seen, counted in lines], batch or uuid4(), note)


def last_move(superuser) -> UUID:
    return one(superuser, "SELECT id FROM inventory_moves ORDER BY id DESC LIMIT 1")


def reverse(person, move: UUID, batch: UUID | None = None) -> None:
    with scope(person) as session:
        inventory.reverse(session, move, "Typed wrongly", batch or uuid4())


def test_purchases_are_averaged_uses_leave_at_the_average_and_a_double_click_is_one(world, superuser, cook):
    rice, batch = item(world), uuid4()
    for _ in range(2):
        assert book(cook, K.PURCHASE, (rice, 10), price=50_00, batch=batch, supplier="Mandi", bill="7") == 1
    book(cook, K.PURCHASE, (rice, 10), price=70_00)
    assert there(superuser, rice) == (20, 1_200_00)
    book(cook, K.USE, (rice, "2.5"))
    book(cook, K.WASTE, (rice, 1), reason="spoiled")
    book(cook, K.RETURN, (rice, "0.5"))
    assert there(superuser, rice) == (16, 960_00)
    book(cook, K.USE, (rice, 16))
    assert there(superuser, rice) == (0, 0)
    assert one(superuser, "SELECT count(*) FROM inventory_moves") == 6


def test_what_is_not_there_cannot_be_taken_and_a_batch_is_booked_whole_or_not_at_all(world, superuser, cook):
    rice, salt = item(world), item(world, "Salt")
    book(cook, K.OPENING, (rice, "2.5"), (salt, 1), price=10_00)
    refused = refusal(lambda: book(cook, K.USE, (salt, 1), (rice, 3)))
    assert isinstance(refused, Conflict)
    assert refused.message == "Only 2.5 kg of Rice are in stock."
    assert there(superuser, salt)[0] == 1
    eggs = item(world, "Eggs", unit="pieces")
    for wrong in (lambda: book(cook, K.PURCHASE, (eggs, "1.5"), price=1), lambda: book(cook, K.PURCHASE, (rice, 1)), lambda: book(cook, K.USE, (rice, 0)),
                  lambda: book(cook, K.WASTE, (rice, 1)), lambda: book(cook, K.WASTE, (rice, 1), reason="other"), lambda: book(cook, K.COUNT, (rice, 1))):
        assert isinstance(refusal(wrong), Invalid)
    assert isinstance(refusal(lambda: book(cook, K.OPENING, (rice, 1))), Conflict)
    assert isinstance(refusal(lambda: book(cook, K.USE, (uuid4(), 1))), NotFound)
    with scope(cook) as session:
        tomorrow = beds.house_day(session, HOSTEL).toordinal() + 1
    def late() -> None:
        with scope(cook) as session:
            inventory.book(session, HOSTEL, K.USE, [Line(rice, Decimal(1))], beds.house_day(session, HOSTEL).fromordinal(tomorrow), uuid4())
    assert isinstance(refusal(late), Invalid)


def test_ten_hands_reach_for_the_last_kilo_at_once(app, world, superuser, cook):
    rice, salt = item(world), item(world, "Salt")
    book(cook, K.OPENING, (rice, 3), (salt, 3), price=10_00)

    def take(place: int) -> bool:
        pair = [(rice, 1), (salt, 1)]
        try:
            with app.app_context():
                book(cook, K.USE, *(pair if place % 2 else pair[::-1]))
        except DBAPIError as error:
            assert error.orig.pgcode == "VR409"  # noqa: PT017 - every other refusal is a mistake
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(take, range(10))) == 3
    assert (there(superuser, rice), there(superuser, salt)) == ((0, 0), (0, 0))


def test_a_stock_take_books_differences_once_and_refuses_a_sheet_that_is_old(world, superuser, cook):
    rice, salt, batch = item(world), item(world, "Salt"), uuid4()
    book(cook, K.OPENING, (rice, 10), (salt, 4), price=20_00)
    for _ in range(2):
        assert count(cook, (rice, "10", "9.5"), (salt, "4", "4"), batch=batch, note="Month's end") == 1
    assert there(superuser, rice) == (Decimal("9.5"), 190_00)
    refused = refusal(lambda: count(cook, (rice, "10", "9"), (salt, "4", "3")))
    assert isinstance(refused, Conflict)
    assert refused.message.startswith("Stock has moved since this sheet was opened, of: Rice.")
    assert there(superuser, salt)[0] == 4
    with scope(cook) as session:
        [kept] = inventory.last_counts(session, HOSTEL)
        assert (kept.items, kept.differences, kept.value_paise, kept.note) == (2, 1, -10_00, "Month's end")
        assert inventory.people(session, [kept.id]) == {kept.id: cook.name}
    book(cook, K.USE, (salt, 4))
    count(cook, (salt, "0", "2"))  # found behind the shelf: worth what it cost last
    assert there(superuser, salt) == (2, 40_00)


def test_a_mistake_is_turned_round_once_by_somebody_in_charge(world, superuser, cook, manager):
    rice = item(world)
    book(cook, K.PURCHASE, (rice, 10), price=50_00)
    bought = last_move(superuser)
    book(cook, K.WASTE, (rice, 4), reason="spilled")
    wrong, batch = last_move(superuser), uuid4()
    assert isinstance(refusal(lambda: reverse(cook, wrong)), Forbidden)
    for _ in range(2):
        reverse(manager, wrong, batch)
    assert there(superuser, rice) == (10, 500_00)
    assert isinstance(refusal(lambda: reverse(manager, wrong)), Conflict)
    assert isinstance(refusal(lambda: reverse(manager, last_move(superuser))), Conflict)
    with scope(manager) as session:
        day = beds.house_day(session, HOSTEL)
        assert inventory.waste(session, HOSTEL, day, day).lines == []
    book(cook, K.USE, (rice, 1))
    assert isinstance(refusal(lambda: reverse(manager, bought)), Conflict)
    with pytest.raises(DBAPIError):
        execute(superuser, "UPDATE inventory_moves SET quantity = 1")


def test_what_runs_low_is_told_once_until_it_is_filled_up(world, superuser, cook):
    rice = item(world, reorder_level=Decimal(5))
    told = "SELECT count(*) FROM outbox WHERE kind = 'inventory.low'"
    book(cook, K.OPENING, (rice, 10), price=10_00)
    for amount in (4, 1, 1):
        book(cook, K.USE, (rice, amount))
    assert one(superuser, told) == 1
    with scope(cook) as session:
        [wanted] = inventory.to_buy(session, HOSTEL)
        assert (wanted.quantity, wanted.cost_paise) == (6, 60_00)
    book(cook, K.PURCHASE, (rice, 6), price=10_00)
    book(cook, K.USE, (rice, 6))
    assert one(superuser, told) == 2
    for _ in range(2):
        with tenant_scope(world.a.org_id) as session:
            inventory.tell_of_low(session, rice)
    assert one(superuser, "SELECT count(*) FROM notifications WHERE user_id = :cook", cook=cook.user_id) == 1
    assert one(superuser, "SELECT title FROM notifications LIMIT 1") == "To be bought: Rice, 4 kg left."


def test_only_those_who_keep_the_storeroom_of_this_house_see_and_move_it(world, cook):
    rice = item(world)
    book(cook, K.OPENING, (rice, 5), price=10_00)
    stranger, accountant = world.b.people[Role.CANTEEN_STAFF], world.a.people[Role.ACCOUNTANT]
    assert isinstance(refusal(lambda: book(stranger, K.USE, (rice, 1))), NotFound)
    assert isinstance(refusal(lambda: book(accountant, K.USE, (rice, 1))), Forbidden)
    for person, seen in ((stranger, 0), (accountant, 1), (world.a.people[Role.VIEWER], 0)):
        with scope(person) as session:
            assert len(inventory.items(session, HOSTEL)) == seen

    def remove() -> None:
        with scope(cook) as session:
            inventory.remove(session, inventory.items(session, HOSTEL)[0])
    assert refusal(remove).message == "Some of it is in stock: book that out first."
