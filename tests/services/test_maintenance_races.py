"""Two staff who want one request, and many who raise requests at once: on real connections, committed for real (M1, M3)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.permissions import Portal, Role
from app.rules.maintenance import RequestStatus
from app.services import maintenance
from app.services.maintenance import NewRequest
from tests.maintenance import category, first_hostel, scope

RACES = 200
WRITERS, EACH = 8, 250

_BIND = text("SELECT app.bind_as(:user, :org, :portals, NULL, '')")


@pytest.fixture
def pool(app, world, settings):
    engine = create_engine(settings.database_service_url, pool_size=WRITERS)
    yield engine
    engine.dispose()


def working_as(engine, person, portal):
    """A session on a connection of its own; the caller binds each transaction by `begin`."""
    session = Session(engine)

    def begin():
        session.execute(_BIND, {"user": person.user_id, "org": person.org_id, "portals": [portal]})

    return session, begin


def test_two_hundred_races_for_a_request_have_one_winner_each_and_the_other_is_told_who(pool, app, world, superuser):
    manager, hostel = world.a.people[Role.HOSTEL_MANAGER], first_hostel(world.staff)
    with scope(world.owner) as session:
        new = NewRequest(hostel, category(session))
        requests = [maintenance.submit(session, new) for _ in range(RACES)]
    start = Barrier(2)
    runners = [(world.staff, Portal.MANAGEMENT), (manager, Portal.ADMIN)]

    def run(person, portal):
        outcomes = []
        session, begin = working_as(pool, person, portal)
        with session:
            for request in requests:
                start.wait(timeout=30)
                try:
                    begin()
                    outcomes.append(maintenance.claim(session, request))
                    session.commit()
                except DBAPIError as error:
                    session.rollback()
                    outcomes.append((error.orig.pgcode, error.orig.diag.message_primary))
        return outcomes

    with ThreadPoolExecutor(2) as threads:
        ours, theirs = (future.result() for future in [threads.submit(run, *runner) for runner in runners])

    with superuser.connect() as connection:
        held = dict(map(tuple, connection.execute(text("SELECT request_id, user_id FROM maintenance_assignments WHERE active"))))
        histories = connection.scalar(text("SELECT count(*) FROM maintenance_status_history WHERE event = 'claim'"))
    assert histories == len(held) == RACES
    for request, ours_one, theirs_one in zip(requests, ours, theirs, strict=True):
        (winner, won), (loser, lost) = sorted([(world.staff, ours_one), (manager, theirs_one)],
                                              key=lambda pair: isinstance(pair[1], tuple))
        assert won is RequestStatus.ASSIGNED
        assert held[request] == winner.user_id != loser.user_id
        assert lost == ("VR409", f"{winner.name} has claimed this request already.")


def test_many_writers_leave_no_gap_and_no_double_in_the_references(pool, app, world, superuser):
    with scope(world.owner) as session:
        new = NewRequest(first_hostel(world.owner), category(session))

    def write(number):
        session, begin = working_as(pool, world.owner, Portal.ADMIN)
        with session:
            for turn in range(EACH):
                begin()
                maintenance.submit(session, new)
                if (turn + number) % 7 == 0:
                    session.rollback()  # what is taken back must leave no gap either
                    begin()
                    maintenance.submit(session, new)
                session.commit()

    with ThreadPoolExecutor(WRITERS) as threads:
        for future in [threads.submit(write, number) for number in range(WRITERS)]:
            future.result()
    with superuser.connect() as connection:
        numbers = connection.execute(text("SELECT number FROM maintenance_requests ORDER BY number")).scalars().all()
    assert numbers == list(range(1, WRITERS * EACH + 1))
