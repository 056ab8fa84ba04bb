"""Who may give which role, change which permission, and that an owner always remains (T5, T13)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.permissions import Action, Resource, Role, rank
from app.rules.errors import Forbidden, Invalid
from app.rules.people import (
    LastOwner,
    Membership,
    Override,
    check_grant,
    check_override,
    check_owner_remains,
    effective,
    may_grant,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NORTH, SOUTH = UUID(int=1), UUID(int=2)
UPDATE = (Resource.MAINTENANCE, Action.UPDATE)
AUDIT = (Resource.AUDIT, Action.READ)


@pytest.mark.parametrize("granter", [r for r in Role if r not in {Role.OWNER, Role.SUPER_ADMIN}])
def test_nobody_but_an_owner_gives_their_own_rank_or_one_above(granter):
    given = {role for role in Role if may_grant([granter], role)}
    assert given == {role for role in Role if rank(role) < rank(granter)}


def test_an_owner_gives_every_role_of_the_organization_and_none_of_the_platform():
    assert {role for role in Role if may_grant([Role.OWNER], role)} == set(Role) - {Role.SUPER_ADMIN}


def test_only_a_super_admin_gives_platform_roles():
    assert {role for role in Role if may_grant([role], Role.SUPER_ADMIN)} == {Role.SUPER_ADMIN}


def test_several_low_roles_do_not_add_up_to_a_high_one():
    assert not may_grant([Role.GUARD, Role.MEMBER, Role.VIEWER], Role.MAINTENANCE_STAFF)


def test_who_has_no_role_gives_none():
    assert not any(may_grant([], role) for role in Role)


def test_the_manager_of_one_hostel_gives_roles_there_only():
    manager = [Membership(Role.HOSTEL_MANAGER, NORTH), Membership(Role.VIEWER)]
    check_grant(manager, Membership(Role.GUARD, NORTH), NOW)
    for elsewhere in (SOUTH, None):
        with pytest.raises(Forbidden, match="role guard"):
            check_grant(manager, Membership(Role.GUARD, elsewhere), NOW)


def test_a_role_that_has_ended_gives_nothing():
    former = [Membership(Role.OWNER, valid_until=NOW)]
    with pytest.raises(Forbidden):
        check_grant(former, Membership(Role.VIEWER), NOW)


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMINISTRATOR])
def test_owners_and_administrators_are_so_for_the_whole_organization(role):
    with pytest.raises(Invalid, match=f"role {role} is for the whole organization"):
        check_grant([Membership(Role.OWNER)], Membership(role, NORTH), NOW)


def test_ownership_has_no_end():
    for_a_day = Membership(Role.OWNER, valid_until=NOW + timedelta(days=1))
    with pytest.raises(Invalid, match="no end date"):
        check_grant([Membership(Role.OWNER)], for_a_day, NOW)


def test_a_role_cannot_end_before_it_begins():
    backwards = Membership(Role.GUARD, valid_from=NOW, valid_until=NOW)
    with pytest.raises(Invalid, match="cannot end before"):
        check_grant([Membership(Role.OWNER)], backwards, NOW)


def test_the_last_owner_cannot_go_but_one_of_two_can():
    one, two = uuid4(), uuid4()
    check_owner_remains([one, two], leaving=one)
    with pytest.raises(LastOwner, match="make somebody else owner first"):
        check_owner_remains([one], leaving=one)


def override_by(role, override, hostel=None):
    granter = effective([Membership(role, hostel)], [], [], NOW)
    check_override(granter, [role], override)


def test_nobody_gives_a_permission_they_do_not_have():
    with pytest.raises(Forbidden, match="do not have yourself"):
        override_by(Role.HOSTEL_MANAGER, Override(AUDIT, granted=True, role=Role.VIEWER))
    override_by(Role.ADMINISTRATOR, Override(AUDIT, granted=True, role=Role.VIEWER))


def test_the_manager_of_one_hostel_gives_no_permission_for_all():
    with pytest.raises(Forbidden):
        override_by(Role.HOSTEL_MANAGER, Override(UPDATE, granted=True), NORTH)
    override_by(Role.HOSTEL_MANAGER, Override(UPDATE, granted=True, hostel_id=NORTH), NORTH)


def test_nobody_changes_their_own_role():
    with pytest.raises(Forbidden, match="not below your own"):
        override_by(Role.ADMINISTRATOR, Override(UPDATE, granted=True, role=Role.ADMINISTRATOR))


def test_owners_cannot_be_locked_out_even_by_owners():
    with pytest.raises(Forbidden, match="Nothing can be taken from owners"):
        override_by(Role.OWNER, Override(UPDATE, granted=False, role=Role.OWNER))
