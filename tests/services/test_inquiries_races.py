"""Many at once: attempts are counted in one place, one person is one inquiry, one proof is one form."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, text

from app.permissions import Role
from app.rules.errors import Conflict, LimitReached
from app.rules.inquiries import Lead
from app.services import inquiries
from app.services.inquiries import Device
from app.tenancy import RequestBinding, bind_request, tenant_scope
from app.views import formats
from app.views.inquiries.strangers import ring
from app.wiring import db
from tests.world import World


def at_once(app: Any, count: int, work: Callable[[int], Any]) -> list[Any]:
    """What `work` returns or raises for each of so many strangers, each in a request of their own."""

    def one(number: int) -> Any:
        with app.test_request_context():
            bind_request(RequestBinding(None, None, (), None, ""))
            try:
                found = work(number)
                db.session.commit()
            except (LimitReached, Conflict) as refusal:
                db.session.rollback()
                return type(refusal)
            finally:
                db.session.remove()
            return found

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_of_five_attempts_at_once_three_are_admitted(app: Any, world: World) -> None:
    found = at_once(app, 5, lambda _: inquiries.admit(db.session, "secret", "203.0.113.7"))
    assert sorted(one is None for one in found) == [False, False, True, True, True]


def test_one_proof_is_used_once(app: Any, world: World) -> None:
    ends = formats.now() + timedelta(minutes=5)
    found = at_once(app, 5, lambda _: inquiries.use_proof(db.session, "a challenge", ends))
    assert sum(one is None for one in found) == 1


def test_one_person_who_asks_many_times_at_once_is_one_inquiry(app: Any, world: World, superuser: Engine) -> None:
    def send(number: int) -> bool:
        where = inquiries.place(db.session, "asha")
        lead = Lead("Meera Joshi", "+919876543210", "meera@example.org" if number % 2 else None)
        return inquiries.submit(db.session, ring(), where, uuid4(), lead, Device(), f"cookie {number}")

    assert at_once(app, 5, send) == [False] * 5
    with superuser.connect() as connection:
        rows = connection.execute(text("SELECT number, duplicate_of IS NULL, times_asked FROM inquiries ORDER BY number")).all()
    assert [tuple(row) for row in rows] == [(1, True, 5), *((number, False, 0) for number in range(2, 6))]


def test_two_who_move_it_at_once_do_so_one_after_the_other(app: Any, world: World, superuser: Engine) -> None:
    agent, owner = world.a.people[Role.SALES_AGENT], world.owner
    with tenant_scope(agent.org_id, agent.user_id) as session:
        key = inquiries.add(session, ring(), agent.org_id, None, uuid4(), Lead("Meera Joshi", "+919876543210"))

    def move(person: Any) -> str:
        with app.app_context(), tenant_scope(person.org_id, person.user_id) as session:
            return inquiries.move(session, key, "contact").value

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(move, person) for person in (agent, owner)]
    refused = [future.exception() for future in futures if future.exception()]
    assert len(refused) == 1
    assert "contacted" in str(refused[0])
    with superuser.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM inquiry_stage_history")) == 2
