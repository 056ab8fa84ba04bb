"""What states a thing can be in and who may move it: each lifecycle is one table of transitions, declared once.

From that one declaration come the buttons of a screen, the 409 of the API, the rows of `lifecycle_transitions`
that `app.move` and a trigger check in the database, and the diagrams in docs/lifecycles.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from app.permissions import Capability
from app.rules.errors import Conflict

S = TypeVar("S", bound=StrEnum)


class IllegalTransition(Conflict):
    """The lifecycle has no such step from the state the thing is in."""

    code = "illegal_transition"


class By(StrEnum):
    """Who may take a step: somebody with the capability, the product itself (sweeps, jobs), or either."""

    PEOPLE = "people"
    SYSTEM = "system"
    EITHER = "either"


@dataclass(frozen=True)
class Transition(Generic[S]):
    """One event: from which states it may come, where it leads, who may cause it and whether it needs words.

    `needs` is the capability a person must hold; None only where people have no part in it. `label` is the
    text of the button. Rules of a domain may narrow this further (own requests only), never widen it.
    """

    name: str
    from_states: AbstractSet[S]
    to: S
    needs: Capability | None = None
    needs_note: bool = False
    by: By = By.PEOPLE
    label: str = ""

    def __post_init__(self) -> None:
        if not self.from_states:
            raise ValueError(f"{self.name} starts from no state")
        if self.to in self.from_states:
            raise ValueError(f"{self.name} leads from {self.to} to itself, which is no move")
        if (self.needs is None) != (self.by is By.SYSTEM):
            raise ValueError(f"{self.name} needs a capability exactly when people may cause it")
        object.__setattr__(self, "from_states", frozenset(self.from_states))
        object.__setattr__(self, "label", self.label or _words(self.name).capitalize())

    @property
    def by_system(self) -> bool:
        """Whether a sweep or a job may cause it without a person."""
        return self.by is not By.PEOPLE

    def permitted(self, capabilities: AbstractSet[Capability]) -> bool:
        """Whether a person with these capabilities may cause it, as far as the lifecycle alone can say."""
        return self.needs is not None and self.needs in capabilities


T = Transition


class Machine(Generic[S]):
    """A lifecycle: its states, where it begins, and every legal move; anything else is refused."""

    def __init__(self, name: str, states: type[S], initial: S, transitions: Iterable[Transition[S]]) -> None:
        self.name = name
        self.states = states
        self.initial = initial
        self.transitions = tuple(transitions)
        self._by_event: dict[tuple[str, S], Transition[S]] = {}
        for transition in self.transitions:
            for state in transition.from_states:
                if self._by_event.setdefault((transition.name, state), transition) is not transition:
                    raise ValueError(f"{name}: {transition.name} from {state} is declared twice")
        if MACHINES.setdefault(name, self) is not self:
            raise ValueError(f"a lifecycle named {name} is declared already")

    def __iter__(self) -> Iterator[Transition[S]]:
        return iter(self.transitions)

    def find(self, event: str, state: S) -> Transition[S]:
        """The transition that `event` means in `state`; IllegalTransition if there is none."""
        try:
            return self._by_event[event, state]
        except KeyError:
            known = event in self.events
            tried = f"“{_words(event)}”" if known else "a step that does not exist"
            allowed = [f"“{t.label.lower()}”" for t in self.available(state)]
            hope = f"possible now: {', '.join(allowed)}" if allowed else "nothing more can happen to it"
            raise IllegalTransition(
                f"This {_words(self.name)} is {_words(state)}, so {tried} is not possible; {hope}."
            ) from None

    def available(self, state: S, capabilities: AbstractSet[Capability] | None = None) -> list[Transition[S]]:
        """What can happen in `state`, in the order of declaration; with `capabilities`, to whom holds those."""
        return [
            t for t in self.transitions
            if state in t.from_states and (capabilities is None or t.permitted(capabilities))
        ]

    def between(self, from_state: S, to: S) -> list[Transition[S]]:
        """The events that lead from one state to another: what a card dragged on a board can mean."""
        return [t for t in self.available(from_state) if t.to == to]

    @property
    def events(self) -> frozenset[str]:
        """Names of all events."""
        return frozenset(t.name for t in self.transitions)

    @property
    def edges(self) -> frozenset[tuple[S, S]]:
        """Every legal (from, to); several events may share one."""
        return frozenset((state, t.to) for t in self.transitions for state in t.from_states)

    @property
    def final_states(self) -> frozenset[S]:
        """States that nothing leads out of."""
        return frozenset(self.states) - {state for state, _ in self.edges}

    def unreachable(self) -> frozenset[S]:
        """States that no sequence of events leads to; a declaration with any is a mistake."""
        reached, frontier = {self.initial}, [self.initial]
        while frontier:
            state = frontier.pop()
            new = {to for source, to in self.edges if source == state} - reached
            reached |= new
            frontier.extend(new)
        return frozenset(self.states) - reached

    def rows(self) -> list[dict[str, Any]]:
        """One row of `lifecycle_transitions` for each event and state it starts from, in a stable order."""
        return [
            {
                "machine": self.name,
                "event": t.name,
                "from_state": state.value,
                "to_state": t.to.value,
                "resource": t.needs[0].value if t.needs else None,
                "action": t.needs[1].value if t.needs else None,
                "needs_note": t.needs_note,
                "by_system": t.by_system,
            }
            for t in self.transitions
            for state in self.states
            if state in t.from_states
        ]

    def mermaid(self) -> str:
        """The lifecycle as a Mermaid `stateDiagram-v2`, one arrow per edge, its events on it."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        for source in self.states:
            for target in self.states:
                events = ", ".join(t.name for t in self.between(source, target))
                if events:
                    lines.append(f"    {source} --> {target}: {events}")
        lines += [f"    {state} --> [*]" for state in self.states if state in self.final_states]
        return "\n".join(lines)


MACHINES: dict[str, Machine[Any]] = {}
"""Every lifecycle by name, filled as the rules modules declare them."""


def document(machines: Mapping[str, Machine[Any]] = MACHINES) -> str:
    """The text of docs/lifecycles.md: for each machine a diagram and a table of who may do what."""
    parts = ["# Lifecycles\n\nGenerated from the declarations in app/rules; do not edit.\n"]
    for name in sorted(machines):
        machine = machines[name]
        parts.append(f"\n## {_words(name).capitalize()}\n\n```mermaid\n{machine.mermaid()}\n```\n")
        parts.append("\n| event | from | to | who | note |\n|---|---|---|---|---|\n")
        for t in machine:
            sources = ", ".join(state for state in machine.states if state in t.from_states)
            people = [f"{t.needs[0]}: {t.needs[1]}"] if t.needs else []
            who = " or ".join(people + (["the system"] if t.by_system else []))
            parts.append(f"| {t.name} | {sources} | {t.to} | {who} | {'required' if t.needs_note else ''} |\n")
    return "".join(parts)


def _words(name: str) -> str:
    return name.replace("_", " ")
