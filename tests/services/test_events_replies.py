"""Who comes to an event: places are never given twice, freed ones go to the line in its order, and what is too late is refused (N3)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from app.permissions import Portal, Role
from app.rules.errors import Conflict, Invalid, NotFound
from app.rules.events import Answer, ReplyState
from app.services import events
from app.tenancy import tenant_scope
from jobs import registry
from jobs.outbox import Drainer
from tests.events import change, event, move, now, reply, states
from tests.maintenance import at, refusal, scope
from tests.wallet import one, residents

S, A = ReplyState, Answer
registry.load()


@pytest.fixture
def people(app, world, superuser):
    return residents(superuser, world, 8)


def test_of_those_who_come_at_once_as_many_have_a_place_as_there_are_and_the_rest_stands_in_line(app_object, people, world, superuser):
    film = event(world, superuser, capacity=3)

    def answer(user, said=A.YES):
        with app_object.app_context():
            return reply(world, film, user, said)

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(answer, people))
    assert sorted(said) == [S.COMING] * 3 + [S.WAITING] * 5
    line = [user for user, in _all(superuser, "SELECT user_id FROM event_replies WHERE state = 'waiting' ORDER BY waiting_at")]
    coming = [user for user, state in states(superuser, film).items() if state == "coming"]
    with tenant_scope(world.a.org_id, line[2], portal=Portal.RESIDENT) as session:
        assert events.replying.counts(session, [film])[film] == events.replying.Counts(coming=3, waiting=5, ahead=2)
    with ThreadPoolExecutor(2) as pool:  # two go at once: the first two of the line come
        list(pool.map(lambda user: answer(user, A.NO), coming[:2]))
    assert {user for user, state in states(superuser, film).items() if state == "coming"} == {coming[2], *line[:2]}
    Drainer.new().drain()
    assert {user for user, in _all(superuser, "SELECT user_id FROM notifications WHERE kind = 'events.moved_up'")} == set(line[:2])


def test_nobody_who_needs_less_passes_somebody_who_needs_more(people, world, superuser):
    film = event(world, superuser, capacity=3, guests_most=2)
    a, b, c, d, *_ = people
    assert [reply(world, film, a, guests=1), reply(world, film, b, guests=2), reply(world, film, c)] == [S.COMING, S.WAITING, S.WAITING]
    assert reply(world, film, c) is S.WAITING  # again, and in the same place
    assert refusal(lambda: reply(world, film, a, guests=2)).message == "There are not enough places for more guests. You keep the places that you have."
    assert reply(world, film, a) is S.COMING  # alone: two are free, and the first in line needs three
    assert reply(world, film, d, A.MAYBE, 1) is S.MAYBE
    change(world, film, capacity=4)
    assert states(superuser, film) == {a: "coming", b: "coming", c: "waiting", d: "maybe"}
    assert refusal(lambda: change(world, film, capacity=3)).message == "So many are coming already: 4."
    change(world, film, capacity=None)
    assert states(superuser, film)[c] == "coming"


def test_what_cannot_be_is_refused_with_the_reason(people, world, superuser):
    me, start = people[0], now(superuser) + timedelta(days=2)
    film = event(world, superuser, starts_at=start, capacity=2, guests_most=3, reply_until=start - timedelta(days=1))
    draft, elsewhere = event(world, superuser, published=False), event(world, superuser, hostel_id=world.a.places[1].hostel_id)
    for wanted, error, words in [
        (lambda: reply(world, film, me, guests=4), Invalid, "So many guests can be brought at most: 3."),
        (lambda: reply(world, film, me, guests=-1), Invalid, "So many guests can be brought at most: 3."),
        (lambda: reply(world, film, me, guests=2), Invalid, "This event has fewer places altogether: 2."),
        *((lambda key=key: reply(world, key, me), NotFound, "There is no such event.") for key in (draft, elsewhere, uuid4())),
        (lambda: event(world, superuser, starts_at=now(superuser) - timedelta(minutes=1)), Invalid, "An event begins in the future."),
        (lambda: event(world, superuser, ends_at=now(superuser)), Invalid, "An event ends after it begins."),
    ]:
        found = refusal(wanted)
        assert (type(found), found.message) == (error, words)
    with scope(world.outsider) as session:
        assert events.replying.counts(session, [film]) == {}
        assert refusal(lambda: events.planning.find(session, film)).message == "There is no such event."
    assert reply(world, film, me) is S.COMING
    at(superuser, timedelta(days=1, minutes=1))
    assert "time to answer is over" in refusal(lambda: reply(world, film, me, guests=1)).message
    assert reply(world, film, me, A.NO) is S.DECLINED
    at(superuser, timedelta(days=2))
    assert refusal(lambda: reply(world, film, me, A.NO)).message == "This event has begun."
    at(superuser, timedelta(0))
    move(world, film, "cancel", "Rain")
    for wanted in (lambda: reply(world, film, me), lambda: change(world, film, title="New")):
        assert (type(found := refusal(wanted)), found.message) == (Conflict, "This event is cancelled.")


def test_what_is_for_all_houses_is_in_the_hands_of_those_who_work_in_all(people, world, superuser):
    assert one(superuser, "SELECT count(*) FROM hostel_events") == 0
    manager = world.a.people[Role.HOSTEL_MANAGER]
    refusal(lambda: event(world, superuser, by=manager, hostel_id=None))
    feast = event(world, superuser, hostel_id=None)
    assert reply(world, feast, people[0]) is S.COMING
    with scope(manager) as session:
        assert events.planning.find(session, feast).title == "Film night"
        assert [guest.user_id for guest in events.replying.people(session, feast)] == [people[0]]
    with scope(manager) as session, pytest.raises(Exception, match="no such hostel event"):
        events.planning.move(session, feast, "cancel", "No")


def _all(superuser, statement):
    with superuser.connect() as connection:
        return connection.exec_driver_sql(statement).all()
