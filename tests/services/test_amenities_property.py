"""Whatever is booked, waited for, taken, left and cancelled in whatever order: slots are what a plain model says (B2–B4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.services.amenities import booking
from tests.amenities import agrees, opened, resident, slots
from tests.houses import execute
from tests.wallet import residents
from tests.world import World

PEOPLE, SLOTS, PLACES, PER_DAY = 5, 2, 1, 9
WHO, WHICH = st.integers(0, PEOPLE - 1), st.integers(0, SLOTS - 1)
WAYS = ("book", "join", "join", "take", "leave", "cancel")


class Gym(RuleBasedStateMachine):
    """Five residents, two slots of one place: lines are long."""

    world: World
    superuser: Engine
    users: list[int]
    slots: list[UUID]

    @initialize()
    def begin(self) -> None:
        execute(self.superuser, "SET session_replication_role = replica; TRUNCATE amenity_bookings, amenity_waits; UPDATE amenity_slots SET booked_count = 0, held_count = 0")
        self.booked: list[dict[int, UUID]] = [{} for _ in range(SLOTS)]
        self.line: list[list[list[Any]]] = [[] for _ in range(SLOTS)]  # [who, wait, offered]
        self.book(0, 0)
        for who in (1, 2, 3):  # short runs should find a line as well
            self.join(who, 0)

    @rule(who=WHO, slot=WHICH, way=st.sampled_from(WAYS))
    def act(self, who: int, slot: int, way: str) -> None:
        able = {"cancel": sorted(self.booked[slot]), "take": [one[0] for one in self.line[slot]], "leave": [one[0] for one in self.line[slot]]}.get(way)
        getattr(self, way)(able[who % len(able)] if able else who, slot)

    def mine(self, who: int, slot: int) -> list[Any] | None:
        return next((one for one in self.line[slot] if one[0] == who), None)

    def free(self, slot: int) -> int:
        return PLACES - len(self.booked[slot]) - sum(one[2] for one in self.line[slot])

    def offer(self, slot: int) -> None:
        for one in self.line[slot]:
            if self.free(slot) and not one[2]:
                one[2] = True

    def book(self, who: int, slot: int) -> None:
        known, key, mine = self.booked[slot].get(who), uuid4(), self.mine(who, slot)
        offered = mine is not None and mine[2]
        made = self.attempt(who, lambda session: booking.book(session, self.slots[slot], key))
        assert made == (known or (mine[1] if offered and mine else key if self.free(slot) else None))
        if made and not known:
            self.booked[slot][who] = made
            self.line[slot] = [one for one in self.line[slot] if one[0] != who]

    def join(self, who: int, slot: int) -> None:
        mine, key = self.mine(who, slot), uuid4()
        made = self.attempt(who, lambda session: booking.join(session, self.slots[slot], key))
        fine = who not in self.booked[slot] and not self.free(slot)
        assert made == (mine[1] if mine else key if fine else None)
        if made and not mine:
            self.line[slot].append([who, key, False])

    def take(self, who: int, slot: int) -> None:
        if mine := self.mine(who, slot):
            assert self.attempt(who, lambda session: booking.take(session, mine[1])) == (mine[1] if mine[2] else None)
            if mine[2]:
                self.line[slot].remove(mine)
                self.booked[slot][who] = mine[1]

    def leave(self, who: int, slot: int) -> None:
        if mine := self.mine(who, slot):
            assert self.attempt(who, lambda session: booking.leave(session, mine[1]) or True)
            self.line[slot].remove(mine)
            self.offer(slot)

    def cancel(self, who: int, slot: int) -> None:
        if known := self.booked[slot].get(who):
            assert self.attempt(who, lambda session: booking.cancel(session, known) or True)
            del self.booked[slot][who]
            self.offer(slot)

    def attempt(self, who: int, work: Callable[[Any], Any]) -> Any:
        try:
            with resident(self.world, self.users[who]) as session:
                return work(session)
        except DBAPIError as error:
            assert error.orig.pgcode == "VR409", error  # noqa: PT017 - every other refusal is a mistake
            return None

    @invariant()
    def same(self) -> None:
        if not hasattr(self, "line"):
            return
        assert agrees(self.superuser)
        with self.superuser.connect() as connection:
            for slot, key in enumerate(self.slots):
                rows = connection.execute(text("SELECT user_id, id FROM amenity_bookings WHERE slot_id = :slot AND status = 'booked'"), {"slot": key})
                assert dict(iter(rows)) == {self.users[who]: made for who, made in self.booked[slot].items()}
                rows = connection.execute(text("SELECT user_id, status = 'offered' FROM amenity_waits WHERE slot_id = :slot AND status IN ('waiting', 'offered') ORDER BY seq"), {"slot": key})
                assert [tuple(row) for row in rows] == [(self.users[who], offered) for who, _, offered in self.line[slot]]


def test_slots_and_lines_are_what_a_plain_model_says(app, world, superuser):
    Gym.world, Gym.superuser, Gym.users = world, superuser, residents(superuser, world, PEOPLE)
    Gym.slots = slots(superuser, opened(world, PLACES, per_day=PER_DAY))[:SLOTS]
    run_state_machine_as_test(Gym, settings=settings(max_examples=6, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)))
