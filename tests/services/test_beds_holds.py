"""Holds on beds: the countdown, the line behind a bed, the offer to the next, and fifty who want the last one (O4, O10)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.permissions import Portal, Role
from app.rules.errors import Conflict
from app.rules.residents import HoldState
from app.services import beds
from app.tenancy import service_scope, tenant_scope
from tests.beds import DAY, held, people, states, stay, taken, today
from tests.houses import scalar
from tests.maintenance import at, refusal, scope

H = HoldState
CROWD = 50


@pytest.fixture
def bed(world):
    return world.a.places[0].beds[0]


def release(person, hold, why=""):
    with scope(person) as session:
        beds.release(session, hold, why)


def expire(world):
    with tenant_scope(world.a.org_id) as session:
        return beds.expire(session)


def test_fifty_choose_the_last_bed_at_once_and_one_holds_it_while_49_are_in_line(app, world, superuser, settings, bed):
    crowd, day = people(superuser, world, CROWD), today(world.owner)
    engine = create_engine(settings.database_service_url, pool_size=CROWD, max_overflow=0)
    start = Barrier(CROWD)

    def choose(user):
        with Session(engine) as session:
            session.execute(text("SELECT app.bind_as(:user, :org, :portals, NULL, '')"),
                            {"user": user, "org": world.a.org_id, "portals": [Portal.RESIDENT]})
            start.wait(timeout=60)
            state = beds.hold(session, bed, day).standing
            session.commit()
            return state

    with ThreadPoolExecutor(CROWD) as threads:
        outcomes = list(threads.map(choose, crowd))
    engine.dispose()
    assert sorted(outcomes) == [H.HELD] + [H.QUEUED] * (CROWD - 1)
    assert scalar(superuser, "SELECT count(*) FROM bed_allocations WHERE state = 'active'") == 1


def test_the_next_in_line_is_offered_the_bed_for_a_short_time_then_the_one_after(app, world, superuser, bed):
    one, two, three = people(superuser, world, 3)
    first, second, third = (held(world.owner, bed, user)[0] for user in (one, two, three))
    at(superuser, timedelta(hours=49))
    assert expire(world) == 1
    assert states(superuser) == {first: H.EXPIRED, second: H.OFFERED, third: H.QUEUED}
    at(superuser, timedelta(hours=50, minutes=1))
    assert expire(world) == 1
    assert states(superuser) == {first: H.EXPIRED, second: H.LAPSED, third: H.OFFERED}
    with scope(world.owner) as session:
        beds.accept(session, next(hold for hold in beds.line_of(session, bed) if hold.id == third))
    assert states(superuser)[third] == H.HELD
    with scope(world.owner) as session:
        told = [(event.event, event.triggered_by) for event, _whose, _who in reversed(beds.log_of(session, bed))]
    assert told == [("queue", "user"), ("hold", "user"), ("queue", "user"), ("queue", "user"), ("expire", "system"), ("offer", "system"),
                    ("lapse", "system"), ("offer", "system"), ("accept", "user")]


def test_an_overdue_hold_stands_in_nobodys_way(app, world, superuser, bed):
    one, two = people(superuser, world, 2)
    first, _ = held(world.owner, bed, one)
    at(superuser, timedelta(hours=49))
    with scope(world.owner) as session:
        choices = {choice.bed_id: choice.state for choice in beds.choices(session, world.a.places[0].hostel_id, today(world.owner))}
    assert choices[bed] == "free"
    second, state = held(world.owner, bed, two)
    assert (state, states(superuser)[first]) == (H.HELD, H.EXPIRED)
    assert states(superuser)[second] == H.HELD


def test_a_hold_that_ran_out_is_not_confirmed_and_says_so(app, world, superuser, bed):
    one, two = people(superuser, world, 2)
    first, second = held(world.owner, bed, one)[0], held(world.owner, bed, two)[0]
    at(superuser, timedelta(hours=49))

    def confirm():
        with scope(world.owner) as session:
            beds.confirm(session, first)

    assert refusal(confirm).message == "The hold on this bed ran out before it was confirmed: a bed has to be chosen again."
    expire(world)
    assert refusal(confirm).status == Conflict.status
    assert states(superuser) == {first: H.EXPIRED, second: H.OFFERED}


def test_choosing_another_bed_lets_go_of_the_first_and_confirming_leaves_every_line(app, world, superuser, bed):
    other, third = world.a.places[0].beds[1:3]
    one, two = people(superuser, world, 2)
    first, behind = held(world.owner, bed, one)[0], held(world.owner, bed, two)[0]
    blocking = held(world.owner, third, two)[0]
    waiting = held(world.owner, third, one)
    chosen = held(world.owner, other, one)
    assert (waiting[1], chosen[1]) == (H.QUEUED, H.HELD)
    assert states(superuser) | {first: "", behind: ""} == {first: "", behind: "", blocking: H.HELD, waiting[0]: H.QUEUED, chosen[0]: H.HELD}
    assert (states(superuser)[first], states(superuser)[behind]) == (H.RELEASED, H.OFFERED)
    with scope(world.owner) as session:
        beds.confirm(session, chosen[0])
    assert states(superuser)[waiting[0]] == H.RELEASED
    assert stay(world.owner, one, other, hold_id=chosen[0])
    assert (other, "stay", f"[{today(world.owner)},)") in taken(superuser)


def test_a_line_is_kept_in_order_also_by_days_that_do_not_meet(app, world, superuser, bed):
    one, two, three, four = people(superuser, world, 4)
    day = today(world.owner)
    held(world.owner, bed, one, day, day + 10 * DAY)
    assert held(world.owner, bed, two, day + 5 * DAY, day + 20 * DAY)[1] is H.QUEUED
    assert held(world.owner, bed, three, day + 15 * DAY, day + 30 * DAY)[1] is H.QUEUED, "days that somebody waits for come after theirs"
    assert held(world.owner, bed, four, day + 20 * DAY, day + 25 * DAY)[1] is H.QUEUED
    assert held(world.owner, world.a.places[0].beds[1], four, day + 30 * DAY)[1] is H.HELD


def test_the_same_choice_twice_is_one_hold_and_other_days_are_refused(app, world, superuser, bed):
    (one,) = people(superuser, world, 1)
    assert held(world.owner, bed, one) == held(world.owner, bed, one)
    assert "other days" in refusal(lambda: held(world.owner, bed, one, today(world.owner) + DAY)).message


def test_residents_hold_for_themselves_in_their_house_and_see_their_own_alone(app, world, superuser, bed):
    pending = world.a.people[Role.PENDING_RESIDENT]
    day = today(world.owner)
    (other,) = people(superuser, world, 1)
    theirs = held(world.owner, bed, other)[0]
    with scope(pending) as session:
        mine = beds.hold(session, world.a.places[0].beds[1], day)
        assert [hold.id for hold in session.query(type(mine))] == [mine.id]
    assert refusal(lambda: held(pending, bed, other, day)).status == 404
    assert refusal(lambda: held(pending, world.a.places[1].beds[0], None, day)).status == 404
    assert refusal(lambda: release(pending, theirs)).status == 404
    assert refusal(lambda: held(world.outsider, bed, None, day)).status == 404
    assert refusal(lambda: held(world.a.people[Role.VIEWER], bed, other, day)).status == 403


def test_the_schedule_finds_what_is_due_and_tells_the_next(app, world, superuser, bed):
    from jobs import residents as jobs

    one, two = people(superuser, world, 2)
    held(world.owner, bed, one)
    held(world.owner, bed, two)
    at(superuser, timedelta(hours=49))
    with service_scope("test") as session:
        assert beds.organizations_with_due_beds(session) == [world.a.org_id]
    with tenant_scope(world.a.org_id) as session:
        jobs.turn(session, {})
    with superuser.connect() as connection:
        asked = connection.execute(text("SELECT payload FROM outbox WHERE kind = 'residents.hold_moved' ORDER BY id")).scalars().all()
    with tenant_scope(world.a.org_id) as session:
        for payload in asked:
            jobs.hold_moved(session, payload)
    with superuser.connect() as connection:
        told = dict(map(tuple, connection.execute(text("SELECT user_id, title FROM notifications"))))
    assert told == {one: "101-A: Your hold on a bed has run out.", two: "101-A: A bed you wait for is free: take it before the offer ends."}
