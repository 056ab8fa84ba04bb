"""What a declared lifecycle promises: legal moves found, illegal ones refused in words, one row per edge."""

from enum import StrEnum

import pytest

from app.lifecycle import By, IllegalTransition, Machine, T, document
from app.permissions import Action, Resource

WORK = (Resource.MAINTENANCE, Action.UPDATE)
DECIDE = (Resource.MAINTENANCE, Action.APPROVE)


class Lamp(StrEnum):
    OFF = "off"
    ON = "on"
    BURNT_OUT = "burnt_out"


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch):
    registry = {}
    monkeypatch.setattr("app.lifecycle.MACHINES", registry)
    return registry


def lamp(*extra):
    return Machine("desk_lamp", Lamp, initial=Lamp.OFF, transitions=[
        T("switch_on", {Lamp.OFF}, Lamp.ON, needs=WORK),
        T("switch_off", {Lamp.ON}, Lamp.OFF, needs=WORK, label="Turn off"),
        T("burn_out", {Lamp.OFF, Lamp.ON}, Lamp.BURNT_OUT, by=By.SYSTEM),
        *extra,
    ])


def test_an_event_is_found_in_the_state_it_starts_from():
    assert lamp().find("switch_on", Lamp.OFF).to is Lamp.ON


def test_an_illegal_event_is_refused_naming_the_state_what_was_tried_and_what_is_possible():
    with pytest.raises(IllegalTransition) as refusal:
        lamp().find("switch_on", Lamp.ON)
    assert refusal.value.status == 409
    assert refusal.value.message == (
        "This desk lamp is on, so “switch on” is not possible; possible now: “turn off”, “burn out”."
    )


def test_an_event_nobody_declared_is_refused_without_repeating_it():
    with pytest.raises(IllegalTransition, match="a step that does not exist"):
        lamp().find("<script>", Lamp.OFF)


def test_in_a_final_state_the_refusal_says_that_nothing_more_can_happen():
    with pytest.raises(IllegalTransition, match="nothing more can happen"):
        lamp().find("switch_on", Lamp.BURNT_OUT)


def test_only_moves_the_person_is_capable_of_are_offered_and_never_those_of_the_system():
    machine = lamp()
    assert [t.label for t in machine.available(Lamp.ON, capabilities={WORK})] == ["Turn off"]
    assert machine.available(Lamp.ON, capabilities={DECIDE}) == []


def test_several_events_may_share_an_edge():
    machine = lamp(T("force_on", {Lamp.OFF}, Lamp.ON, needs=DECIDE))
    assert [t.name for t in machine.between(Lamp.OFF, Lamp.ON)] == ["switch_on", "force_on"]
    assert len(machine.edges) == 4


def test_final_and_unreachable_states_are_told():
    machine = Machine("dead_lamp", Lamp, Lamp.OFF, [T("switch_on", {Lamp.OFF}, Lamp.ON, needs=WORK)])
    assert machine.final_states == {Lamp.ON, Lamp.BURNT_OUT}
    assert machine.unreachable() == {Lamp.BURNT_OUT}


def test_rows_hold_one_line_for_each_event_and_state_it_starts_from():
    rows = lamp().rows()
    assert [(row["event"], row["from_state"], row["to_state"]) for row in rows] == [
        ("switch_on", "off", "on"), ("switch_off", "on", "off"),
        ("burn_out", "off", "burnt_out"), ("burn_out", "on", "burnt_out"),
    ]
    assert rows[0] == {
        "machine": "desk_lamp", "event": "switch_on", "from_state": "off", "to_state": "on",
        "resource": "maintenance", "action": "update", "needs_note": False, "by_system": False,
    }
    assert (rows[2]["resource"], rows[2]["action"], rows[2]["by_system"]) == (None, None, True)


def test_the_diagram_draws_each_edge_once_with_all_its_events():
    machine = lamp(T("force_on", {Lamp.OFF}, Lamp.ON, needs=DECIDE))
    assert machine.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> off",
        "    off --> on: switch_on, force_on",
        "    off --> burnt_out: burn_out",
        "    on --> off: switch_off",
        "    on --> burnt_out: burn_out",
        "    burnt_out --> [*]",
    ]


def test_the_document_shows_every_registered_machine(empty_registry):
    lamp()
    text = document(empty_registry)
    assert "## Desk lamp" in text
    assert "| switch_off | on | off | maintenance: update |  |" in text
    assert "| burn_out | off, on | burnt_out | the system |  |" in text


@pytest.mark.parametrize(("mistake", "words"), [
    (lambda: lamp(T("switch_on", {Lamp.OFF}, Lamp.BURNT_OUT, needs=WORK)), "declared twice"),
    (lambda: T("stay", {Lamp.ON}, Lamp.ON, needs=WORK), "no move"),
    (lambda: T("appear", set(), Lamp.ON, needs=WORK), "no state"),
    (lambda: T("sneak", {Lamp.OFF}, Lamp.ON), "needs a capability"),
    (lambda: T("sweep", {Lamp.OFF}, Lamp.ON, needs=WORK, by=By.SYSTEM), "needs a capability"),
])
def test_a_mistaken_declaration_fails_when_it_is_made(mistake, words):
    with pytest.raises(ValueError, match=words):
        mistake()


def test_two_machines_cannot_share_a_name():
    lamp()
    with pytest.raises(ValueError, match="declared already"):
        lamp()
