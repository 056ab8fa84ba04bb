"""Whatever is done to beds in whatever order, the database agrees with a plain model, and no bed is had twice (O4, O10)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.services import beds as service
from app.tenancy import tenant_scope
from tests.beds import people
from tests.houses import execute
from tests.maintenance import at, scope

EVER = 10**6
HELD, OFFERED = 2880, 60  # minutes
BEDS, PEOPLE = 3, 4
EXAMPLES = 10
LIVE = {"queued", "offered", "held"}


class Refused(Exception):
    """The model's no."""


@dataclass
class Hold:
    user: int
    bed: int
    first: int
    until: int
    state: str = "queued"
    ends: int = EVER


@dataclass
class Stay:
    user: int
    first: int
    until: int
    status: str = "upcoming"


@dataclass
class Model:
    """Beds as anybody would write them down: `taken` holds [bed, first, until, kind, whose number]."""

    holds: list[Hold] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    taken: list[list[Any]] = field(default_factory=list)
    blocks: int = 0
    now: int = 0
    day: int = 0

    def check(self, fine: bool) -> None:
        if not fine:
            raise Refused

    def vacant(self, bed: int, first: int, until: int) -> bool:
        return not any(b == bed and f < until and first < u for b, f, u, *_ in self.taken)

    def line(self, bed: int) -> list[Hold]:
        return [hold for hold in self.holds if hold.bed == bed and hold.state == "queued"]

    def awaited(self, bed: int, first: int, until: int) -> bool:
        return any(hold.first < until and first < hold.until for hold in self.line(bed))

    def end(self, hold: Hold, state: str) -> None:
        hold.state, hold.ends = state, EVER
        self.taken = [one for one in self.taken if one[3:] != ["hold", self.holds.index(hold)]]

    def offer(self, *beds: int) -> None:
        for bed in beds:
            before: list[tuple[int, int]] = []
            for hold in self.line(bed):
                first = max(hold.first, self.day)
                if hold.until <= first:
                    self.end(hold, "lapsed")
                elif self.vacant(bed, first, hold.until) and not any(f < hold.until and first < u for f, u in before):
                    hold.first, hold.state, hold.ends = first, "offered", self.now + OFFERED
                    self.taken.append([bed, first, hold.until, "hold", self.holds.index(hold)])
                else:
                    before.append((first, hold.until))

    def sweep(self) -> None:
        due = [hold for hold in self.holds if hold.ends <= self.now]
        for hold in due:
            self.end(hold, "expired" if hold.state == "held" else "lapsed")
        self.offer(*{hold.bed for hold in due})

    def drop_others(self, mine: Hold, states: set[str]) -> None:
        for hold in self.holds:
            if hold is not mine and hold.user == mine.user and hold.state in states:
                queued = hold.state == "queued"
                self.end(hold, "released")
                self.offer(*[] if queued else [hold.bed])

    def keep(self, hold: Hold) -> None:
        hold.state, hold.ends = "held", self.now + HELD
        self.drop_others(hold, {"offered", "held"})

    def hold(self, user: int, bed: int, first: int, until: int) -> None:
        self.sweep()
        mine = next((one for one in self.holds if (one.user, one.bed) == (user, bed) and one.state in LIVE), None)
        if mine is not None:
            if mine.state == "offered":
                return self.keep(mine)
            return self.check((mine.first, mine.until) == (first, until))
        self.check(self.day <= first < until)
        free = self.vacant(bed, first, until) and not self.awaited(bed, first, until)
        self.holds.append(Hold(user, bed, first, until))
        if free:
            self.taken.append([bed, first, until, "hold", len(self.holds) - 1])
            self.keep(self.holds[-1])
        return None

    def release(self, number: int) -> None:
        self.sweep()
        hold = self.holds[number]
        self.check(hold.state in LIVE)
        self.end(hold, "released")
        self.offer(hold.bed)

    def confirm(self, number: int) -> None:
        self.sweep()
        hold = self.holds[number]
        self.check(hold.state == "held")
        hold.state, hold.ends = "confirmed", EVER
        self.drop_others(hold, LIVE)

    def begin(self, user: int, bed: int, first: int, until: int, hold: int | None = None) -> None:
        self.check(first < until)
        self.sweep()
        if hold is None:
            self.check(not self.awaited(bed, first, until))
        else:
            self.check(self.holds[hold].state == "confirmed" and any(one[3:] == ["hold", hold] for one in self.taken))
            self.taken = [one for one in self.taken if one[3:] != ["hold", hold]]
        self.check(not any(one.user == user and one.status != "ended" and one.first < until and first < one.until for one in self.stays))
        self.check(self.vacant(bed, first, until))
        self.taken.append([bed, first, until, "stay", len(self.stays)])
        self.stays.append(Stay(user, first, until, "ended" if until <= self.day else "current" if first <= self.day else "upcoming"))
        self.offer(bed)

    def of(self, number: int, on: int) -> list[list[Any]]:
        return [one for one in self.taken if one[3:] == ["stay", number] and one[2] > on]

    def lasting(self, number: int, on: int) -> Stay:
        stay = self.stays[number]
        self.check(stay.status != "ended" and self.day <= on and stay.first <= on <= stay.until)
        return stay

    def bed_on(self, number: int, on: int) -> int | None:
        return next((bed for bed, first, *_ in self.of(number, on) if first <= on), None)

    def cut(self, number: int, on: int) -> None:
        for one in self.of(number, on):
            one[2] = min(one[2], on)
        self.taken = [one for one in self.taken if one[1] < one[2]]

    def place(self, number: int, bed: int, on: int) -> None:
        until = self.stays[number].until
        self.check(self.vacant(bed, on, until))
        self.taken.append([bed, on, until, "stay", number])

    def transfer(self, number: int, bed: int, on: int) -> None:
        stay = self.lasting(number, on)
        before = [one[0] for one in self.of(number, on)]
        self.sweep()
        self.check(not (self.bed_on(number, on) == bed and len(before) == 1) and on < stay.until)
        self.cut(number, on)
        self.check(not self.awaited(bed, on, stay.until))
        self.place(number, bed, on)
        self.offer(*set(before))

    def swap(self, first: int, second: int, on: int) -> None:
        self.check(first != second)
        self.lasting(first, on), self.lasting(second, on)
        before = [one[0] for number in (first, second) for one in self.of(number, on)]
        self.sweep()
        one, other = self.bed_on(first, on), self.bed_on(second, on)
        self.check(one is not None and other is not None)
        self.cut(first, on), self.cut(second, on)
        self.place(first, other, on), self.place(second, one, on)
        self.offer(*set(before))

    def leave(self, number: int, on: int) -> None:
        stay = self.lasting(number, on)
        before = [one[0] for one in self.of(number, on)]
        self.sweep()
        self.cut(number, on)
        stay.until = on
        if on <= self.day or on == stay.first:
            stay.status = "ended"
        self.offer(*set(before))

    def block(self, bed: int, first: int, until: int) -> None:
        self.check(self.day <= first < until)
        self.sweep()
        self.check(self.vacant(bed, first, until))
        self.taken.append([bed, first, until, "block", self.blocks])
        self.blocks += 1

    def unblock(self, number: int) -> None:
        block = next((one for one in self.taken if one[3:] == ["block", number]), None)
        self.check(block is not None)
        self.sweep()
        block[2] = max(min(block[2], self.day), block[1])
        self.taken = [one for one in self.taken if one[1] < one[2]]
        self.offer(block[0])

    def turn(self) -> None:
        self.sweep()
        for stay in self.stays:
            if stay.status != "ended":
                stay.status = "ended" if stay.until <= self.day else "current" if stay.first <= self.day else "upcoming"


_BED, _WHO, _NUMBER, _DAY = (st.integers(0, most) for most in (BEDS - 1, PEOPLE - 1, 30, 8))
_UNTIL = st.one_of(st.integers(1, 14), st.just(EVER))


class Beds(RuleBasedStateMachine):
    """Does the same to the database and to the model."""

    world: Any
    superuser: Any
    users: list[int]

    @initialize()
    def clean(self) -> None:
        execute(self.superuser, "SET LOCAL session_replication_role = replica; TRUNCATE bed_allocations, bed_hold_events, bed_holds, "
                                "stays, residents, outbox CASCADE")
        # Noon in the hostel: days then turn far from the moments at which something is done.
        execute(self.superuser, "UPDATE clock SET shift = (date_trunc('day', now() AT TIME ZONE 'Asia/Kolkata') + interval '12 hours') "
                                "AT TIME ZONE 'Asia/Kolkata' - now()")
        with self.superuser.connect() as connection:
            self.start = connection.scalar(text("SELECT shift FROM clock"))
        self.beds = self.world.a.places[0].beds[:BEDS]
        self.base = self._today()
        self.model = Model()
        self.holds: list[Any] = []
        self.stays: list[Any] = []
        self.blocks: list[Any] = []

    def _today(self) -> Any:
        with scope(self.world.owner) as session:
            return service.house_day(session, self.world.a.places[0].hostel_id)

    def _date(self, day: int) -> Any:
        return None if day >= EVER else self.base + timedelta(days=day)

    def both(self, work: Any, planned: Any, system: bool = False) -> Any:
        """The model's outcome and the database's; what is refused changes neither."""
        after, answer, said = deepcopy(self.model), None, ""
        try:
            planned(after)
            self.model, fine = after, True
        except Refused:
            fine = False
        try:
            with tenant_scope(self.world.a.org_id) if system else scope(self.world.owner) as session:
                answer = work(session)
        except DBAPIError as error:
            said = error.orig.pgcode
        assert fine == (not said), said or "the model refuses this"
        assert said[:2] == "VR" or said in ("", "23P01")
        return answer

    @rule(who=_WHO, bed=_BED, first=_DAY, until=_UNTIL)
    def hold(self, who: int, bed: int, first: int, until: int) -> None:
        made = self.both(lambda s: service.hold(s, self.beds[bed], self._date(first), self._date(until), self.users[who]).id,
                         lambda m: m.hold(who, bed, first, until))
        if made is not None and made not in self.holds:
            self.holds.append(made)

    @rule(first=_WHO, second=_WHO, bed=_BED)
    def crowd(self, first: int, second: int, bed: int) -> None:
        """Two want the same bed from today on: what happens to a line is rarely met by chance."""
        for who in (first, second):
            self.hold(who, bed, self.model.day, EVER)

    @precondition(lambda self: self.holds)
    @rule(number=_NUMBER)
    def release(self, number: int) -> None:
        number %= len(self.holds)
        self.both(lambda s: service.release(s, self.holds[number]), lambda m: m.release(number))

    @precondition(lambda self: self.holds)
    @rule(number=_NUMBER)
    def confirm_and_begin(self, number: int) -> None:
        number %= len(self.holds)
        self.both(lambda s: service.confirm(s, self.holds[number]), lambda m: m.confirm(number))
        hold = self.model.holds[number]
        self._begin(hold.user, hold.bed, hold.first, hold.until, number)

    @rule(who=_WHO, bed=_BED, first=_DAY, until=_UNTIL)
    def begin(self, who: int, bed: int, first: int, until: int) -> None:
        self._begin(who, bed, first, until)

    def _begin(self, who: int, bed: int, first: int, until: int, hold: int | None = None) -> None:
        made = self.both(
            lambda s: service.begin_stay(s, service.NewStay(self.users[who], self.beds[bed], self._date(first), self._date(until),
                                                            None if hold is None else self.holds[hold])),
            lambda m: m.begin(who, bed, first, until, hold))
        if made is not None:
            self.stays.append(made)

    @precondition(lambda self: self.stays)
    @rule(number=_NUMBER, bed=_BED, on=_DAY)
    def transfer(self, number: int, bed: int, on: int) -> None:
        number %= len(self.stays)
        self.both(lambda s: service.transfer(s, self.stays[number], self.beds[bed], self._date(on)), lambda m: m.transfer(number, bed, on))

    @precondition(lambda self: len(self.stays) > 1)
    @rule(number=_NUMBER, other=_NUMBER, on=_DAY)
    def swap(self, number: int, other: int, on: int) -> None:
        number, other = number % len(self.stays), other % len(self.stays)
        self.both(lambda s: service.swap(s, self.stays[number], self.stays[other], self._date(on)), lambda m: m.swap(number, other, on))

    @precondition(lambda self: self.stays)
    @rule(number=_NUMBER, on=_DAY)
    def leave(self, number: int, on: int) -> None:
        number %= len(self.stays)
        self.both(lambda s: service.end_stay(s, self.stays[number], self._date(on)), lambda m: m.leave(number, on))

    @rule(bed=_BED, first=_DAY, until=_UNTIL)
    def block(self, bed: int, first: int, until: int) -> None:
        made = self.both(lambda s: service.block(s, self.beds[bed], self._date(first), self._date(until)), lambda m: m.block(bed, first, until))
        if made is not None:
            self.blocks.append(made)

    @precondition(lambda self: self.blocks)
    @rule(number=_NUMBER)
    def unblock(self, number: int) -> None:
        number %= len(self.blocks)
        self.both(lambda s: service.unblock(s, self.blocks[number]), lambda m: m.unblock(number))

    @rule(steps=st.integers(1, 90) | st.sampled_from((2, HELD // 37 + 1)))  # an offer, or a hold, is over then
    def wait(self, steps: int) -> None:
        self.model.now += steps * 37  # never to the minute at which something ends
        at(self.superuser, self.start + timedelta(minutes=self.model.now))
        self.model.day = (self._today() - self.base).days

    @rule()
    def turn(self) -> None:
        self.both(lambda s: (service.expire(s), service.turn(s)), lambda m: m.turn(), system=True)

    @invariant()
    def agree(self) -> None:
        with self.superuser.connect() as connection:
            taken = connection.execute(text("SELECT bed_id, lower(period), upper(period), kind FROM bed_allocations WHERE state = 'active'")).all()
            holds = dict(map(tuple, connection.execute(text("SELECT id, state FROM bed_holds"))))
            stays = {row[0]: row[1:] for row in connection.execute(text("SELECT id, from_on, until_on, status FROM stays"))}
        assert sorted(map(str, taken)) == sorted(
            str((self.beds[bed], self._date(first), self._date(until), kind)) for bed, first, until, kind, _ in self.model.taken)
        assert [holds[key] for key in self.holds] == [hold.state for hold in self.model.holds]
        assert [tuple(stays[key]) for key in self.stays] == [
            (self._date(stay.first), self._date(stay.until), stay.status) for stay in self.model.stays]


def test_any_order_of_doing_things_to_beds_agrees_with_a_plain_model(app, world, superuser):
    users = people(superuser, world, PEOPLE)

    class Here(Beds):
        pass

    Here.world, Here.superuser, Here.users = world, superuser, users
    run_state_machine_as_test(Here, settings=settings(
        max_examples=EXAMPLES, stateful_step_count=25, deadline=None, database=None, suppress_health_check=list(HealthCheck)))
