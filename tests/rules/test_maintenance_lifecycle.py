"""The lifecycle of a maintenance request: M2's edges and no other, and who may take them (M2, M3, M7)."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from app.lifecycle import IllegalTransition
from app.permissions import ROLE_CAPABILITIES, Role
from app.rules.errors import Conflict, Forbidden
from app.rules.maintenance import (
    REOPEN_WINDOW,
    REQUEST,
    AlreadyClaimed,
    Person,
    Request,
    check_move,
    may_reassign,
    moves,
)
from app.rules.maintenance import RequestStatus as S

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PEOPLE = count(1)

# FEATURES M2, word for word.
M2 = {
    "submitted": "assigned unassigned escalated rejected",
    "unassigned": "assigned escalated rejected",
    "assigned": "in_progress on_hold unassigned escalated rejected",
    "in_progress": "on_hold resolved escalated rejected",
    "on_hold": "in_progress escalated rejected",
    "escalated": "assigned in_progress on_hold resolved rejected",
    "resolved": "in_progress",
    "rejected": "",
}


def person(role, user_id=None):
    return Person(user_id or next(PEOPLE), ROLE_CAPABILITIES[role])


def names(transitions):
    return {t.name for t in transitions}


def test_the_edges_are_exactly_those_of_the_feature_table():
    wanted = {(S(source), S(target)) for source, targets in M2.items() for target in targets.split()}
    assert REQUEST.edges == wanted


def test_every_state_can_be_reached_and_only_rejected_is_final():
    assert REQUEST.unreachable() == set()
    assert REQUEST.final_states == {S.REJECTED}


def test_rejecting_needs_a_note():
    assert REQUEST.find("reject", S.SUBMITTED).needs_note


def test_the_system_may_escalate_and_say_that_nobody_is_free_and_nothing_else():
    assert {t.name for t in REQUEST if t.by_system} == {"escalate", "mark_unassigned"}


def test_staff_claim_what_nobody_has():
    staff = person(Role.MAINTENANCE_STAFF)
    assert check_move("claim", staff, Request(S.SUBMITTED), NOW).to is S.ASSIGNED


def test_an_escalated_request_that_somebody_has_cannot_be_claimed():
    taken = Request(S.ESCALATED, assignee_id=next(PEOPLE))
    with pytest.raises(AlreadyClaimed):
        check_move("claim", person(Role.MAINTENANCE_STAFF), taken, NOW)


def test_a_second_claim_is_refused_as_illegal():
    with pytest.raises(IllegalTransition, match="is assigned"):
        check_move("claim", person(Role.MAINTENANCE_STAFF), Request(S.ASSIGNED, assignee_id=next(PEOPLE)), NOW)


def test_staff_move_their_own_work():
    staff = person(Role.MAINTENANCE_STAFF)
    own = Request(S.ASSIGNED, assignee_id=staff.user_id)
    assert names(moves(staff, own, NOW)) == {"start", "hold", "release", "escalate"}


def test_staff_cannot_touch_what_others_have():
    staff = person(Role.MAINTENANCE_STAFF)
    with pytest.raises(Forbidden, match="assigned to somebody else"):
        check_move("start", staff, Request(S.ASSIGNED, assignee_id=next(PEOPLE)), NOW)


def test_staff_cannot_move_what_nobody_has_without_claiming_it_first():
    with pytest.raises(Forbidden, match="claim it first"):
        check_move("escalate", person(Role.MAINTENANCE_STAFF), Request(S.SUBMITTED), NOW)


@pytest.mark.parametrize("event", ["reject", "assign", "mark_unassigned"])
def test_staff_do_not_decide_about_requests(event):
    with pytest.raises(Forbidden, match="Your role"):
        check_move(event, person(Role.MAINTENANCE_STAFF), Request(S.SUBMITTED), NOW)


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMINISTRATOR, Role.HOSTEL_MANAGER])
def test_administrators_override_whoever_has_the_request(role):
    taken = Request(S.IN_PROGRESS, assignee_id=next(PEOPLE))
    assert names(moves(person(role), taken, NOW)) == {"hold", "resolve", "escalate", "reject"}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ACCOUNTANT, Role.GUARD, Role.PENDING_RESIDENT])
@pytest.mark.parametrize("state", S)
def test_other_roles_move_nothing(role, state):
    somebody = person(role)
    request = Request(state, raised_by=somebody.user_id, assignee_id=somebody.user_id, resolved_at=NOW)
    assert moves(somebody, request, NOW) == []


def test_a_resident_may_dispute_their_own_resolved_request_and_do_nothing_else():
    resident = person(Role.RESIDENT)
    for state in S:
        own = Request(state, raised_by=resident.user_id, resolved_at=NOW - timedelta(days=1))
        assert names(moves(resident, own, NOW)) == ({"dispute"} if state is S.RESOLVED else set())


def test_a_dispute_is_possible_until_the_end_of_the_seventh_day():
    resident = person(Role.RESIDENT)
    own = Request(S.RESOLVED, raised_by=resident.user_id, resolved_at=NOW - REOPEN_WINDOW)
    assert check_move("dispute", resident, own, NOW).to is S.IN_PROGRESS
    with pytest.raises(Conflict, match="more than 7 days ago"):
        check_move("dispute", resident, own, NOW + timedelta(seconds=1))


def test_nobody_disputes_for_somebody_else():
    resolved = Request(S.RESOLVED, raised_by=next(PEOPLE), resolved_at=NOW)
    with pytest.raises(Forbidden, match="Only the person who raised"):
        check_move("dispute", person(Role.RESIDENT), resolved, NOW)


def test_who_resolved_a_request_may_reopen_it():
    staff = person(Role.MAINTENANCE_STAFF)
    assert names(moves(staff, Request(S.RESOLVED, assignee_id=staff.user_id), NOW)) == {"reopen"}


def test_administrators_reassign_what_is_in_somebodys_hands():
    administrator = person(Role.ADMINISTRATOR)
    assert {state for state in S if may_reassign(administrator, Request(state))} == {
        S.ASSIGNED, S.IN_PROGRESS, S.ON_HOLD, S.ESCALATED}


@pytest.mark.parametrize("state", S)
def test_staff_put_nothing_in_other_hands(state):
    staff = person(Role.MAINTENANCE_STAFF)
    assert not may_reassign(staff, Request(state, assignee_id=staff.user_id))
