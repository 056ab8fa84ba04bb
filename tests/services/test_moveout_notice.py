"""Somebody leaves: notice, inspection, settlement, the bed on the day; twice and at once is once (O9)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.problems import translate_database_error
from app.rules.errors import Conflict, DomainError
from app.rules.moveout import Condition
from app.services import beds, moveout, residents
from app.tenancy import tenant_scope
from app.wiring import objects
from tests.beds import DAY, held, people, stay, taken, today
from tests.houses import execute, scalar
from tests.maintenance import at, refusal, scope

RENT = 9000_00


@pytest.fixture
def house(world):
    return world.a.places[0]


@pytest.fixture
def lodged(app, world, house):
    """The resident lives in the first bed, after a deposit of 20,000."""
    day = today(world.owner)
    with scope(world.owner) as session:
        residents.create_tariff(session, {"hostel_id": house.hostel_id, "kind": "deposit", "name": "Deposit", "amount_paise": 20000_00,
                                          "valid_from": day - DAY})
    return stay(world.owner, world.resident.user_id, house.beds[0], rent_paise=RENT)


def given(person, stay_id, leaves, **more):
    with scope(person) as session:
        return moveout.give_notice(session, stay_id, leaves, **more)


def looked_at(person, move_out, deduction=500_00):
    """All is well but the first thing."""
    with scope(person) as session:
        first, *others = moveout.items_of(session, move_out)
        moveout.inspect(session, objects(), move_out, [moveout.Finding(first.id, Condition.MISSING, deduction, "Gone"),
                                                       *(moveout.Finding(one.id, Condition.OK) for one in others)])
        moveout.finish_inspection(session, move_out)


def settled(person, move_out, paid_until):
    with scope(person) as session:
        seen = moveout.draft(session, moveout.find(session, move_out), paid_until)
        return moveout.settle(session, move_out, paid_until, seen.balance_paise)


def test_a_resident_gives_notice_and_the_bed_is_free_on_the_day_and_they_are_gone(world, superuser, house, lodged):
    day = today(world.owner)
    leaves = day + 30 * DAY
    once = uuid4()
    made = given(world.resident, lodged, leaves, why=" Home ", move_out_id=once)
    assert given(world.resident, lodged, leaves, move_out_id=once) == made
    assert refusal(lambda: given(world.owner, lodged, leaves)).message == "Notice has been given for this stay already."
    assert taken(superuser) == {(house.beds[0], "stay", f"[{day},{leaves})")}
    assert scalar(superuser, "SELECT status FROM residents") == "notice"
    looked_at(world.owner, made)
    assert settled(world.owner, made, leaves).balance_paise == 19500_00
    assert scalar(superuser, "SELECT status FROM move_outs") == "settled"
    at(superuser, timedelta(days=30))
    with tenant_scope(world.a.org_id) as session:
        beds.turn(session)
    assert scalar(superuser, "SELECT r.status || ' ' || m.status FROM residents r, move_outs m") == "left left"
    assert held(world.owner, house.beds[0], people(superuser, world, 1)[0])[1] == "held"


def test_days_that_are_missing_are_charged_by_the_rule_of_the_house(world, superuser, house, lodged):
    execute(superuser, "UPDATE hostels SET notice_days = 45 WHERE id = :id", id=house.hostel_id)
    leaves = today(world.owner) + 15 * DAY
    made = given(world.resident, lodged, leaves)
    with scope(world.owner) as session:
        found = moveout.draft(session, moveout.find(session, made), leaves)
    assert RENT * 30 // 31 - 1 <= found.notice_paise <= RENT * 30 // 28 + 1


def test_who_withdraws_stays_as_long_as_before_unless_the_bed_is_promised(world, superuser, house, lodged):
    leaves = today(world.owner) + 40 * DAY
    made = given(world.resident, lodged, leaves)
    with scope(world.resident) as session:
        moveout.withdraw(session, made)
    assert taken(superuser) == {(house.beds[0], "stay", f"[{today(world.owner)},)")}
    assert scalar(superuser, "SELECT r.status || ' ' || coalesce(s.until_on::text, 'open') FROM residents r, stays s") == "current open"
    again = given(world.resident, lodged, leaves)
    held(world.owner, house.beds[0], people(superuser, world, 1)[0], leaves)
    with pytest.raises(DBAPIError, match="another bed is needed"), scope(world.resident) as session:
        moveout.withdraw(session, again)
    assert scalar(superuser, "SELECT status FROM move_outs WHERE id = :id", id=again) == "noticed"


def test_of_two_who_settle_one_wins(app, world, superuser, lodged):
    leaves = today(world.owner) + 30 * DAY
    made = given(world.owner, lodged, leaves)
    looked_at(world.owner, made)

    def one(person, paid):
        try:
            with app.app_context():
                return settled(person, made, paid).rent_paise
        except DBAPIError as error:
            return translate_database_error(error).message
        except DomainError as error:
            return error.message

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(one, (world.owner, world.a.people[Role.ACCOUNTANT]), (leaves, leaves - DAY)))
    [refused] = [one for one in found if isinstance(one, str)]
    assert refused == "This move-out is settled already, so that is not possible any more."
    assert scalar(superuser, "SELECT rent_paise FROM move_outs") in found


def test_what_was_seen_is_what_is_settled_and_then_stays(world, superuser, lodged):
    leaves = today(world.owner) + 30 * DAY
    made = given(world.owner, lodged, leaves)
    with scope(world.owner) as session:
        seen = moveout.draft(session, moveout.find(session, made), leaves)
    assert refusal(lambda: settled(world.owner, made, leaves)).message == "Finish the inspection first."
    looked_at(world.owner, made, 700_00)
    with pytest.raises(Conflict, match="changed in the meantime"), scope(world.owner) as session:
        moveout.settle(session, made, leaves, seen.balance_paise)
    settled(world.owner, made, leaves)
    with scope(world.owner) as session:
        item = moveout.items_of(session, made)[0].id
    for late in (lambda s: moveout.inspect(s, objects(), made, [moveout.Finding(item, Condition.OK)]), lambda s: moveout.withdraw(s, made),
                 lambda s: beds.end_stay(s, lodged, leaves - DAY)):
        with pytest.raises(DBAPIError), scope(world.owner) as session:
            late(session)
    assert scalar(superuser, "SELECT sum(deduction_paise) FROM move_out_items") == 700_00


def test_an_earlier_end_of_the_stay_moves_the_last_day(world, superuser, lodged):
    leaves = today(world.owner) + 30 * DAY
    given(world.resident, lodged, leaves)
    with scope(world.owner) as session:
        beds.end_stay(session, lodged, leaves - 3 * DAY)
    assert scalar(superuser, "SELECT leaves_on FROM move_outs") == leaves - 3 * DAY


def test_only_ones_own_stay_and_only_days_that_can_be_meant(world, superuser, house, lodged):
    other, day = people(superuser, world, 1)[0], today(world.owner)
    theirs = stay(world.owner, other, house.beds[1])
    for person, stay_id in ((world.resident, theirs), (world.b.people[Role.OWNER], lodged), (world.staff, lodged)):
        assert refusal(lambda p=person, s=stay_id: given(p, s, day + 40 * DAY)).status in {403, 404}
    for leaves in (day, day + 500 * DAY, date(2020, 1, 1)):
        assert refusal(lambda d=leaves: given(world.resident, lodged, d)).status == 422


def test_another_day_is_refused_when_the_bed_is_promised_and_both_sides_are_told_of_what_is_not(world, superuser, house, lodged):
    leaves = today(world.owner) + 40 * DAY
    made = given(world.resident, lodged, leaves)
    held(world.owner, house.beds[0], people(superuser, world, 1)[0], leaves)
    with pytest.raises(DBAPIError, match="another bed is needed"), scope(world.owner) as session:
        moveout.change_day(session, made, leaves + DAY)
    with scope(world.resident) as session:
        moveout.change_day(session, made, leaves - DAY)
    with tenant_scope(world.a.org_id) as session:
        for _ in range(2):
            for state in ("noticed", "moved"):
                moveout.tell_of_move(session, made, state)
    told = "SELECT count(*) FROM notifications WHERE kind LIKE 'moveout.%' AND user_id = :user"
    for person in (world.resident, world.owner):
        assert scalar(superuser, told, user=person.user_id) == 2
    assert scalar(superuser, told, user=world.staff.user_id) == 0
    assert "R-0001 leaves on another day." in scalar(superuser, "SELECT string_agg(title, ' ') FROM notifications WHERE user_id = :user",
                                                     user=world.owner.user_id)
