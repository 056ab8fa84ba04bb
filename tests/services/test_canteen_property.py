"""Whatever is ordered, cancelled, decided and frozen in whatever order: portions and money are what a plain model says (C2, C4)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.permissions import Portal, Role
from app.services import canteen, wallet
from app.tenancy import tenant_scope
from tests.canteen import dish, housed
from tests.houses import execute
from tests.maintenance import scope
from tests.wallet import HOSTEL, C, balance, credit, one, post, residents, sums
from tests.world import World

PEOPLE, DISHES, PRICES, PORTIONS, FUNDS = 2, 2, (30_00, 50_00), (6, 8), 300_00
EXAMPLES, STEPS = 4, 20
WHO, WHICH, PLACE = st.integers(0, PEOPLE - 1), st.integers(0, DISHES - 1), st.integers(0, 30)
NEXT = {"placed": "confirm", "confirmed": "prepare", "preparing": "ready", "ready": "deliver", "delivered": "complete"}
TO = {"confirm": "confirmed", "prepare": "preparing", "ready": "ready", "deliver": "delivered", "complete": "completed"}


class Canteen(RuleBasedStateMachine):
    """Two residents, two dishes, one kitchen and somebody in charge."""

    world: World
    superuser: Engine
    users: list[int]
    dishes: list[UUID]

    @initialize()
    def begin(self) -> None:
        execute(self.superuser, f"""
            SET session_replication_role = replica; TRUNCATE canteen_orders, canteen_order_items, ledger_entries, ledger_transactions,
              ledger_proposals, wallet_freezes, rate_limit_counters CASCADE;
            UPDATE wallet_balance_cache SET balance_paise = 0, version = 0, frozen = false;
            UPDATE canteen_menu SET stock = CASE id WHEN '{self.dishes[0]}' THEN {PORTIONS[0]} ELSE {PORTIONS[1]} END""")
        post(self.world, *(credit(f"funds {user}", user, FUNDS) for user in self.users))
        self.money, self.stock, self.frozen = [FUNDS] * PEOPLE, list(PORTIONS), [False] * PEOPLE
        self.orders: list[dict[str, Any]] = []

    @rule(who=WHO, wanted=st.dictionaries(WHICH, st.integers(1, 3), min_size=1))
    def order(self, who: int, wanted: dict[int, int]) -> None:
        total, key = sum(PRICES[one] * count for one, count in wanted.items()), uuid4()
        fine = all(self.stock[one] >= count for one, count in wanted.items()) and self.money[who] >= total and not self.frozen[who]
        assert self.attempt(who, lambda session: canteen.ordering.place(
            session, HOSTEL, {self.dishes[one]: count for one, count in wanted.items()}, key)) is fine
        if fine:
            self.orders.append({"id": key, "who": who, "wanted": wanted, "total": total, "status": "placed"})
            self.give(who, wanted, -total, -1)

    @rule(place=PLACE)
    def cook(self, place: int) -> None:
        if (found := self.at(place)) and found["status"] in NEXT:
            event = NEXT[found["status"]]
            assert self.attempt(Role.CANTEEN_STAFF, lambda session: canteen.ordering.move(session, found["id"], event))
            found["status"] = TO[event]

    @rule(place=PLACE, staff=st.booleans())
    def cancel(self, place: int, staff: bool) -> None:
        if found := self.at(place):
            fine = found["status"] in {"placed", "confirmed"}
            assert self.attempt(Role.CANTEEN_STAFF if staff else found["who"],
                                lambda session: canteen.ordering.move(session, found["id"], "cancel")) is fine
            if fine:
                found["status"] = "cancelled"
                self.give(found["who"], found["wanted"], found["total"], 1)

    @rule(place=PLACE, decision=st.sampled_from(["approve", "reject"]))
    def cancel_late(self, place: int, decision: str) -> None:
        if found := self.at(place):
            fine = found["status"] in {"preparing", "ready"}
            assert self.attempt(found["who"], lambda session: canteen.ordering.move(session, found["id"], "cancel_late", "Ill")) is fine
            if fine:
                found["status"] = "cancelled"
                asked = one(self.superuser, "SELECT id FROM ledger_proposals WHERE source_id = :id", id=found["id"])
                assert self.attempt(Role.HOSTEL_MANAGER, lambda session: wallet.decide(session, asked, decision, "Seen"))
                self.give(found["who"], {}, found["total"] if decision == "approve" else 0, 1)

    @rule(who=WHO)
    def turn_the_key(self, who: int) -> None:
        change = wallet.unfreeze if self.frozen[who] else wallet.freeze
        assert self.attempt(Role.HOSTEL_MANAGER, lambda session: change(session, wallet.wallet_of(session, HOSTEL, self.users[who]).id, "Sample"))
        self.frozen[who] = not self.frozen[who]

    def give(self, who: int, wanted: dict[int, int], money: int, sign: int) -> None:
        self.money[who] += money
        for place, count in wanted.items():
            self.stock[place] += sign * count

    def at(self, place: int) -> dict[str, Any] | None:
        return self.orders[place % len(self.orders)] if getattr(self, "orders", None) else None

    def attempt(self, who: Role | int, work: Any) -> bool:
        own = self.world.a
        try:
            with scope(own.people[who]) if isinstance(who, Role) else tenant_scope(
                    own.org_id, self.users[who], portal=Portal.RESIDENT) as session:
                work(session)
        except DBAPIError as error:
            assert error.orig.pgcode == "VR409", error  # noqa: PT017 - every other refusal is a mistake
            return False
        return True

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "orders"):
            assert [balance(None, user) for user in self.users] == self.money
            assert [one(self.superuser, "SELECT stock FROM canteen_menu WHERE id = :id", id=found) for found in self.dishes] == self.stock
            assert sums(self.superuser).get((C.CANTEEN, None, ""), 0) == PEOPLE * FUNDS - sum(self.money)
            assert {found["id"]: found["status"] for found in self.orders} == self.statuses()

    def statuses(self) -> dict[UUID, str]:
        return {UUID(key): status for key, status in one(self.superuser, "SELECT coalesce(jsonb_object_agg(id, status), '{}') FROM canteen_orders").items()}


def test_the_kitchen_and_the_wallets_agree_with_a_plain_model(app, world, superuser):
    Canteen.world, Canteen.superuser, Canteen.users = world, superuser, residents(superuser, world, PEOPLE)
    housed(superuser, world, *Canteen.users)
    Canteen.dishes = [dish(world, f"Dish {n}", price_paise=PRICES[n], portions=PORTIONS[n]) for n in range(DISHES)]
    with tenant_scope(world.a.org_id) as session:  # opens the wallets
        wallet.post(session, [credit(f"opens {user}", user, 1) for user in Canteen.users])
    run_state_machine_as_test(Canteen, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None,
                                                         suppress_health_check=list(HealthCheck)))
