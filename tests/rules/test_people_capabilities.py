"""What a person may do, where, and why (T3, T6, T7, T8)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.permissions import ROLE_CAPABILITIES, Action, Portal, Resource, Role
from app.rules.people import (
    Effect,
    Membership,
    MemberStatus,
    Override,
    compare_roles,
    effective,
    explain,
    portals,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NORTH, SOUTH = UUID(int=1), UUID(int=2)
UPDATE = (Resource.MAINTENANCE, Action.UPDATE)
AUDIT = (Resource.AUDIT, Action.READ)

places = st.sampled_from([None, NORTH, SOUTH])
capabilities = st.sampled_from([UPDATE, AUDIT, (Resource.ROOMS, Action.READ)])
times = st.sampled_from([None, NOW - DAY, NOW, NOW + DAY])
memberships = st.lists(st.builds(
    Membership, st.sampled_from(Role), places, st.sampled_from(MemberStatus), times, times), max_size=4)
role_overrides = st.lists(st.builds(Override, capabilities, st.booleans(), st.sampled_from(Role)), max_size=4)
own_overrides = st.lists(
    st.builds(Override, capabilities, st.booleans(), st.none(), places), max_size=4)


def can(roles, hostel=None, org=(), own=(), capability=UPDATE, now=NOW):
    return effective(roles, org, own, now).can_in(*capability, hostel)


def test_a_role_for_the_organization_counts_in_every_hostel():
    roles = [Membership(Role.MAINTENANCE_STAFF)]
    assert can(roles)
    assert can(roles, NORTH)


def test_a_role_for_one_hostel_counts_there_only():
    roles = [Membership(Role.MAINTENANCE_STAFF, NORTH)]
    assert can(roles, NORTH)
    assert not can(roles, SOUTH)
    assert not can(roles, None)


def test_menus_show_what_is_possible_anywhere():
    somewhere = effective([Membership(Role.MAINTENANCE_STAFF, NORTH)], [], [], NOW)
    assert somewhere.can(*UPDATE)
    assert not somewhere.can(*AUDIT)


def test_several_roles_add_up():
    roles = [Membership(Role.VIEWER), Membership(Role.MAINTENANCE_STAFF, SOUTH)]
    assert not can(roles, NORTH)
    assert can(roles, SOUTH)
    assert can(roles, NORTH, capability=(Resource.ROOMS, Action.READ))


@pytest.mark.parametrize(("limits", "counts"), [
    ({"valid_from": NOW}, True), ({"valid_from": NOW + DAY}, False), ({"valid_until": NOW}, False),
    ({"valid_until": NOW + DAY}, True), ({"status": MemberStatus.SUSPENDED}, False),
    ({"status": MemberStatus.INVITED}, False),
])
def test_a_role_counts_from_its_first_moment_until_before_its_last(limits, counts):
    assert can([Membership(Role.MAINTENANCE_STAFF, **limits)]) is counts


def test_the_organization_gives_a_role_more_or_less():
    viewer, staff = [Membership(Role.VIEWER)], [Membership(Role.MAINTENANCE_STAFF)]
    assert can(viewer, org=[Override(UPDATE, granted=True, role=Role.VIEWER)])
    assert not can(staff, org=[Override(UPDATE, granted=False, role=Role.MAINTENANCE_STAFF)])
    assert can(staff, org=[Override(UPDATE, granted=False, role=Role.VIEWER)])


def test_what_one_role_loses_another_may_still_bring():
    roles = [Membership(Role.MAINTENANCE_STAFF), Membership(Role.ADMINISTRATOR)]
    assert can(roles, org=[Override(UPDATE, granted=False, role=Role.MAINTENANCE_STAFF)])


def test_a_members_loss_wins_over_every_role_and_every_gift():
    own = [Override(UPDATE, granted=True), Override(UPDATE, granted=False)]
    assert not can([Membership(Role.OWNER)], NORTH, own=own)


def test_a_loss_in_one_hostel_leaves_the_others():
    own = [Override(UPDATE, granted=False, hostel_id=NORTH)]
    roles = [Membership(Role.OWNER)]
    assert (can(roles, NORTH, own=own), can(roles, SOUTH, own=own)) == (False, True)


def test_a_menu_disappears_when_the_only_hostel_is_lost():
    own = [Override(UPDATE, granted=False, hostel_id=NORTH)]
    assert not effective([Membership(Role.MAINTENANCE_STAFF, NORTH)], [], own, NOW).can(*UPDATE)


def test_overrides_admit_nobody_whose_roles_do_not_count():
    own = [Override(UPDATE, granted=True)]
    assert not can([Membership(Role.OWNER, status=MemberStatus.SUSPENDED)], own=own)
    assert not can([], own=own)


@given(memberships, role_overrides, own_overrides, capabilities, places)
@settings(deadline=None)
def test_the_explanation_always_gives_the_answer_its_steps_add_up_to(roles, org, own, capability, hostel):
    explanation = explain(roles, org, own, NOW, *capability, hostel)
    effects = {step.effect for step in explanation.steps}
    assert explanation.allowed == can(roles, hostel, org, own, capability)
    assert explanation.allowed == (Effect.GIVES in effects and Effect.TAKES not in effects)
    assert explanation.steps


@given(memberships, role_overrides, own_overrides, places)
@settings(deadline=None)
def test_all_capabilities_of_a_hostel_are_those_asked_one_by_one(roles, org, own, hostel):
    standing = effective(roles, org, own, NOW)
    asked = {(r, a) for r in Resource for a in Action if standing.can_in(r, a, hostel)}
    assert standing.in_hostel(hostel) == asked
    assert all(standing.can(*capability) for capability in asked)


@given(memberships, role_overrides, own_overrides, capabilities, places)
@settings(deadline=None)
def test_taking_something_away_never_gives_anything(roles, org, own, capability, hostel):
    before = effective(roles, org, own, NOW).in_hostel(hostel)
    after = effective(roles, org, [*own, Override(capability, granted=False)], NOW).in_hostel(hostel)
    assert after == before - {capability}


def test_an_explanation_names_role_override_and_portal():
    roles = [Membership(Role.MAINTENANCE_STAFF, NORTH), Membership(Role.GUARD), Membership(Role.VIEWER, SOUTH),
             Membership(Role.ACCOUNTANT, valid_until=NOW - DAY)]
    own = [Override(UPDATE, granted=False, hostel_id=NORTH)]
    sentences = [step.sentence for step in explain(roles, [], own, NOW, *UPDATE, NORTH).steps]
    assert sentences == [
        "The role “maintenance staff” for one hostel has it by the matrix, through portal management.",
        "The role “guard” does not have it.",
        "The role “viewer” is for another hostel, so it does not count here.",
        "The role “accountant” ended on 28 February 2026, so it does not count.",
        "A personal override takes it away in this hostel, which wins.",
    ]


def test_a_stranger_is_told_that_they_have_no_role():
    explanation = explain([], [], [], NOW, *UPDATE, uuid4())
    assert not explanation.allowed
    assert explanation.steps[0].sentence == "No role in this organization."


def test_the_difference_between_two_roles_has_three_parts():
    difference = compare_roles(Role.OWNER, Role.ADMINISTRATOR)
    assert difference.only_first == ROLE_CAPABILITIES[Role.OWNER] - ROLE_CAPABILITIES[Role.ADMINISTRATOR]
    assert difference.only_second == set()
    assert difference.both == ROLE_CAPABILITIES[Role.ADMINISTRATOR]


def test_the_difference_minds_what_the_organization_changed():
    taken = [Override(UPDATE, granted=False, role=Role.ADMINISTRATOR)]
    assert UPDATE in compare_roles(Role.OWNER, Role.ADMINISTRATOR, taken).only_first


def test_portals_come_highest_role_first_and_once():
    roles = [Membership(Role.RESIDENT), Membership(Role.VIEWER), Membership(Role.MAINTENANCE_STAFF, NORTH),
             Membership(Role.OWNER, valid_from=NOW + DAY)]
    assert portals(roles, NOW) == [Portal.MANAGEMENT, Portal.ADMIN, Portal.RESIDENT]
