"""Changing permissions: cell by cell, below one's own role, below the portal's ceiling, from the next request on (T7, T8)."""

from uuid import uuid4

import pytest
from sqlalchemy import select, text

from app.models.declare import FUNCTIONS, PROTECTED
from app.models.permissions import PermissionOverride
from app.permissions import ROLE_CAPABILITIES, ROLE_PORTAL, Action, Portal, Resource, Role
from app.problems import translate_database_error
from app.rules.errors import Conflict, Forbidden
from app.services import permissions
from app.tenancy import tenant_scope

READ_TEAM = (Resource.TEAM, Action.READ)
READ_AUDIT = (Resource.AUDIT, Action.READ)
UPDATE = (Resource.MAINTENANCE, Action.UPDATE)


def as_person(person):
    return tenant_scope(person.org_id, person.user_id)


def overrides(session):
    return [(o.role, o.user_id, o.resource, o.action, o.hostel_id, o.allowed) for o in session.scalars(select(PermissionOverride))]


def refusal(error):
    return translate_database_error(error.value).message


# -- ceiling -----------------------------------------------------------------------------------------------------


def test_the_ceiling_names_tables_and_functions_that_exist():
    assert set(permissions._TABLE.values()) <= PROTECTED.keys()
    assert set(permissions._BY_FUNCTION.values()) <= {f.entity.signature.partition("(")[0] for f in FUNCTIONS}


@pytest.mark.parametrize("role", [Role.OWNER, Role.MAINTENANCE_STAFF, Role.GUARD, Role.RESIDENT])
def test_what_the_matrix_lets_a_role_read_lies_below_its_ceiling(role):
    readable = {c for c in ROLE_CAPABILITIES[role] if c[1] is Action.READ} - {(Resource.HEALTH, Action.READ)}
    assert readable <= permissions.ceiling(ROLE_PORTAL[role])


def test_a_portal_without_a_grant_has_no_access():
    assert READ_AUDIT in permissions.ceiling(Portal.ADMIN)
    assert READ_AUDIT not in permissions.ceiling(Portal.RESIDENT)
    assert UPDATE in permissions.ceiling(Portal.MANAGEMENT)
    assert permissions.ceiling(Portal.PUBLIC) == frozenset()


def test_nothing_is_given_above_the_ceiling(app, world):
    with as_person(world.owner) as session, pytest.raises(Forbidden, match="open nothing"):
        permissions.set_for_role(session, Role.RESIDENT, READ_AUDIT, True)


# -- changing ----------------------------------------------------------------------------------------------------


def test_a_change_is_one_override_and_changing_back_is_none(app, world):
    with as_person(world.owner) as session:
        for _ in range(2):
            permissions.set_for_role(session, Role.VIEWER, READ_TEAM, True)
        assert overrides(session) == [("viewer", None, "team", "read", None, True)]
        permissions.set_for_role(session, Role.VIEWER, READ_TEAM, False)
        assert overrides(session) == []


def test_a_change_in_one_hostel_is_its_own(app, world):
    here, there = (place.hostel_id for place in world.a.places)
    with as_person(world.owner) as session:
        permissions.set_for_role(session, Role.MAINTENANCE_STAFF, UPDATE, False, here)
        known = permissions.role_overrides(session)
        cells = [permissions.role_row(Role.MAINTENANCE_STAFF, known, hostel)[UPDATE].allowed for hostel in (here, there, None)]
    assert cells == [False, True, True]


def test_what_is_taken_away_everywhere_is_not_given_back_in_one_hostel(app, world):
    here = world.a.places[0].hostel_id
    with as_person(world.owner) as session:
        permissions.set_for_role(session, Role.MAINTENANCE_STAFF, UPDATE, False)
        with pytest.raises(Conflict, match="taken away in all hostels"):
            permissions.set_for_role(session, Role.MAINTENANCE_STAFF, UPDATE, True, here)


def test_nobody_changes_owners_themselves_or_their_betters(app, world):
    administrator, owner = world.a.people[Role.ADMINISTRATOR], world.owner
    with as_person(owner) as session, pytest.raises(Exception, match="owner may do cannot be changed") as error:
        permissions.set_for_role(session, Role.OWNER, READ_TEAM, False)
    assert refusal(error) == "What an owner may do cannot be changed."
    for target in (lambda s: permissions.set_for_role(s, Role.ADMINISTRATOR, READ_TEAM, False),
                   lambda s: permissions.set_for_person(s, administrator.user_id, READ_TEAM, False)):
        with as_person(administrator) as session, pytest.raises(Exception, match="yourself, or of a role at or above"):
            target(session)
    with as_person(administrator) as session, pytest.raises(Exception, match="owner may do cannot be changed"):
        permissions.set_for_person(session, owner.user_id, READ_TEAM, False)


def test_nobody_gives_what_they_do_not_hold(app, world):
    administrator = world.a.people[Role.ADMINISTRATOR]
    delete_org = (Resource.ORGANIZATION, Action.UPDATE)
    with as_person(world.owner) as session:
        permissions.set_for_person(session, administrator.user_id, delete_org, False)
    with as_person(administrator) as session, pytest.raises(Exception, match="do not hold yourself"):
        permissions.set_for_role(session, Role.VIEWER, delete_org, True)


def test_an_exception_of_one_person_reaches_no_other(app, world):
    viewer, member = world.a.people[Role.VIEWER], world.a.people[Role.MEMBER]
    with as_person(world.owner) as session:
        permissions.set_for_person(session, viewer.user_id, READ_AUDIT, True)
        allowed = [permissions.person_row(permissions.facts(session, p.user_id))[READ_AUDIT].allowed for p in (viewer, member)]
    assert allowed == [True, False]


def test_somebody_elsewhere_has_no_facts(app, world):
    with as_person(world.owner) as session, pytest.raises(Exception, match="no such person"):
        permissions.facts(session, world.outsider.user_id)


def test_another_organizations_overrides_change_nothing_here(app, world):
    with as_person(world.outsider) as session:
        permissions.set_for_role(session, Role.VIEWER, READ_AUDIT, True)
    with as_person(world.owner) as session:
        assert overrides(session) == []
        assert not permissions.explain(session, world.a.people[Role.VIEWER].user_id, *READ_AUDIT).allowed


# -- explaining --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hostel", [0, 1, None])
def test_the_explanation_agrees_with_what_the_database_binds(app, world, superuser, hostel):
    staff = world.staff
    place = world.a.places[hostel].hostel_id if hostel is not None else None
    with as_person(world.owner) as session:
        permissions.set_for_role(session, Role.MAINTENANCE_STAFF, (Resource.MAINTENANCE, Action.CREATE), False)
        permissions.set_for_person(session, staff.user_id, (Resource.FILES, Action.READ), False)
    with as_person(world.owner) as session:
        for resource in Resource:
            for action in Action:
                said = permissions.explain(session, staff.user_id, resource, action, place).allowed
                with superuser.begin() as connection:
                    caps = connection.scalar(text("SELECT app.capabilities(:o, :u, 'portal_management')"),
                                             {"o": staff.org_id, "u": staff.user_id})
                entry = caps.partition(f"|{resource}.{action}=")[2].partition("|")[0]
                bound = entry[:1] in {"*", "~"} if place is None else entry == "*" or str(place) in entry
                assert said == bound, (resource, action, entry)


def test_the_explanation_names_membership_role_and_override(app, world):
    viewer = world.a.people[Role.VIEWER]
    with as_person(world.owner) as session:
        permissions.set_for_role(session, Role.VIEWER, READ_AUDIT, True)
        permissions.set_for_person(session, viewer.user_id, READ_AUDIT, False)
        found = permissions.explain(session, viewer.user_id, *READ_AUDIT)
    assert (found.allowed, [step.sentence for step in found.steps]) == (False, [
        "The organization gives it to the role “viewer”, held for the whole organization.",
        "A personal override takes it away everywhere, which wins."])


def test_an_unknown_person_cannot_be_explained(app, world):
    with as_person(world.owner) as session, pytest.raises(Exception, match="no such person"):
        permissions.explain(session, uuid4().int % 10**6, *READ_AUDIT)
