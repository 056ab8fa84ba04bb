"""Plans and their limits, names and slugs, the hand-over of ownership (T1, T5, P2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.permissions import Role
from app.rules.errors import DomainError, Forbidden, Invalid
from app.rules.organizations import (
    PLAN_LIMITS,
    RESERVED_SLUGS,
    Limit,
    Plan,
    PlanLimitReached,
    SubscriptionStatus,
    check_limit,
    check_slug,
    check_transfer,
    clean_name,
    describe_limit,
    slug_from,
)


def test_the_last_place_of_a_plan_can_be_taken_and_the_next_is_refused_by_name():
    check_limit(Plan.STARTER, Limit.HOSTELS, used=2)
    with pytest.raises(PlanLimitReached) as refusal:
        check_limit(Plan.STARTER, Limit.HOSTELS, used=3)
    assert refusal.value.message == (
        "The starter plan allows 3 hostels, and they are used up. An owner can change the plan."
    )


def test_a_file_that_would_go_beyond_the_storage_is_refused():
    with pytest.raises(PlanLimitReached, match="1 GB of storage"):
        check_limit(Plan.FREE, Limit.STORAGE_BYTES, used=1024**3 - 10, adding=11)


def test_an_agreed_limit_replaces_that_of_the_plan():
    check_limit(Plan.FREE, Limit.HOSTELS, used=1, agreed={Limit.HOSTELS: 2})
    check_limit(Plan.FREE, Limit.HOSTELS, used=500, agreed={Limit.HOSTELS: None})
    with pytest.raises(PlanLimitReached):
        check_limit(Plan.ENTERPRISE, Limit.HOSTELS, used=2, agreed={Limit.HOSTELS: 2})


def test_enterprise_has_no_limits():
    for limit in Limit:
        check_limit(Plan.ENTERPRISE, limit, used=10**12)


def test_a_dearer_plan_never_allows_less():
    for limit in Limit:
        numbers = [PLAN_LIMITS[plan][limit] for plan in Plan]
        finite = [number for number in numbers if number is not None]
        assert finite == sorted(finite)
        assert numbers[:len(finite)] == finite


@pytest.mark.parametrize(("limit", "allowed", "said"), [
    (Limit.HOSTELS, 1, "1 hostel"), (Limit.MESSAGES_PER_MONTH, 10_000, "10,000 messages a month"),
    (Limit.USERS, None, "unlimited users"), (Limit.STORAGE_BYTES, 1024**3 // 2, "0.5 GB of storage"),
    (Limit.MESSAGES_PER_MONTH, 1, "1 message a month"),
])
def test_limits_are_said_with_their_unit(limit, allowed, said):
    assert describe_limit(limit, allowed) == said


def test_only_trial_and_active_organizations_may_write():
    assert {s for s in SubscriptionStatus if s.may_write} == {SubscriptionStatus.TRIAL, SubscriptionStatus.ACTIVE}


@pytest.mark.parametrize("slug", ["abc", "green-nest-2", "a" * 40])
def test_good_slugs_are_accepted(slug):
    assert check_slug(slug) == slug


@pytest.mark.parametrize("slug", ["", "ab", "a" * 41, "Green", "-abc", "abc-", "a--b", "a_b", "a.b", "grün", "abc\n", *sorted(RESERVED_SLUGS)])
def test_bad_slugs_are_refused(slug):
    with pytest.raises(Invalid) as refusal:
        check_slug(slug)
    assert refusal.value.field == "slug"


@given(st.text(max_size=120))
def test_a_proposed_slug_is_good_or_too_short_or_reserved(name):
    slug = slug_from(name)
    if len(slug) >= 3 and slug not in RESERVED_SLUGS:
        assert check_slug(slug) == slug


def test_accents_are_folded_in_a_proposed_slug():
    assert slug_from("Café Höstel & Co.") == "cafe-hostel-co"


def test_a_name_is_trimmed_and_loses_what_cannot_be_seen():
    assert clean_name("  Green\tNest \u202e\x00 🏠 ") == "Green Nest 🏠"


@pytest.mark.parametrize(("name", "words"), [("   ", "give a name"), ("x" * 300, "this one has 300")])
def test_empty_and_endless_names_are_refused(name, words):
    with pytest.raises(Invalid, match=words):
        clean_name(name)


def test_an_owner_hands_over_to_an_active_member():
    check_transfer(frozenset({Role.OWNER}), receiver_is_active=True, same_person=False)


@pytest.mark.parametrize(("roles", "active", "same", "error"), [
    ({Role.ADMINISTRATOR}, True, False, Forbidden), ({Role.OWNER}, False, False, Invalid), ({Role.OWNER}, True, True, Invalid),
])
def test_other_transfers_are_refused(roles, active, same, error):
    with pytest.raises(DomainError) as refusal:
        check_transfer(frozenset(roles), receiver_is_active=active, same_person=same)
    assert type(refusal.value) is error
