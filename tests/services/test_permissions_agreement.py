"""The rules in Python and app.capabilities in SQL give the same answer, whatever roles and overrides a person has (T7)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.identity import EVERYWHERE, read_capabilities
from app.permissions import ROLE_PORTAL, Action, Portal, Resource, Role
from app.rules.people import Membership, MemberStatus, Override, effective

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ORG = UUID("00000001-0000-7000-8000-000000000000")
NORTH, SOUTH, EAST = (UUID(int=ORG.int + 0x10001_0000 + n) for n in range(3))
WIDE = {Role.OWNER, Role.ADMINISTRATOR}
ROLES = [Role.OWNER, Role.ADMINISTRATOR, Role.HOSTEL_MANAGER, Role.MAINTENANCE_STAFF, Role.VIEWER, Role.RESIDENT]
CAPABILITIES = [(Resource.MAINTENANCE, Action.UPDATE), (Resource.AUDIT, Action.READ), (Resource.ROOMS, Action.READ)]

places = st.sampled_from([None, NORTH, SOUTH])
times = st.sampled_from([None, NOW - DAY, NOW + DAY])
memberships = st.lists(
    st.builds(Membership, st.sampled_from(ROLES), places, st.sampled_from([MemberStatus.ACTIVE, MemberStatus.SUSPENDED]),
              times).filter(lambda m: m.role not in WIDE or m.hostel_id is None),
    max_size=3, unique_by=lambda m: (m.role, m.hostel_id))
overrides = st.lists(
    st.builds(Override, st.sampled_from(CAPABILITIES), st.booleans(), st.sampled_from([None, *ROLES]), places),
    max_size=6, unique_by=lambda o: (o.capability, o.role, o.hostel_id))


@pytest.fixture
def hostels(world, superuser):
    """Three hostels: two that roles and overrides may name, and one that nothing names."""
    found = [place.hostel_id for place in world.a.places]
    with superuser.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        made = connection.scalar(text("INSERT INTO hostels (org_id, name, code) VALUES (:org, 'East', 'E') RETURNING id"),
                                 {"org": world.a.org_id})
    return [*found, made]


def _write(connection, org, user, hostels, roles, changes):
    place = dict(zip((None, NORTH, SOUTH), (None, *hostels), strict=False))
    connection.execute(text("SET session_replication_role = replica"))
    connection.execute(text("DELETE FROM memberships WHERE user_id = :user"), {"user": user})
    connection.execute(text("DELETE FROM permission_overrides"))
    connection.execute(text("INSERT INTO kyc_completions (org_id, user_id) VALUES (:o, :u) ON CONFLICT DO NOTHING"), {"o": org, "u": user})
    for m in roles:
        connection.execute(text(
            "INSERT INTO memberships (org_id, user_id, role, hostel_id, status, valid_from) VALUES (:o, :u, :r, :h, :s, :f)"),
            {"o": org, "u": user, "r": m.role, "h": place[m.hostel_id], "s": m.status, "f": m.valid_from})
    for o in changes:
        connection.execute(text(
            "INSERT INTO permission_overrides (org_id, user_id, role, resource, action, hostel_id, allowed) "
            "VALUES (:o, :u, :r, :resource, :action, :h, :allowed)"),
            {"o": org, "u": None if o.role else user, "r": o.role, "resource": o.capability[0], "action": o.capability[1],
             "h": place[o.hostel_id], "allowed": o.granted})


@given(roles=memberships, changes=overrides)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rules_and_database_agree_in_every_portal_and_place(world, superuser, hostels, roles, changes):
    person = world.a.people[Role.VIEWER]
    of_roles, own = [o for o in changes if o.role], [o for o in changes if not o.role]
    ask = text("SELECT app.capabilities(:org, :user, :portal)")
    with superuser.begin() as connection:
        _write(connection, world.a.org_id, person.user_id, hostels, roles, changes)
        for portal in (Portal.ADMIN, Portal.MANAGEMENT, Portal.RESIDENT):
            caps = connection.scalar(ask, {"org": world.a.org_id, "user": person.user_id, "portal": portal})
            held = read_capabilities(caps)
            mine = [m for m in roles if ROLE_PORTAL[m.role] is portal]
            expected = effective(mine, of_roles, own, NOW)
            for capability in CAPABILITIES:
                reach = held.get(capability, frozenset())
                for place, hostel in zip((NORTH, SOUTH, EAST), hostels, strict=True):
                    in_sql = reach is EVERYWHERE or hostel in reach
                    assert in_sql == expected.can_in(*capability, place), (portal, capability, place, caps)
                nowhere = f"|{capability[0]}.{capability[1]}=" in caps and caps.split(
                    f"|{capability[0]}.{capability[1]}=")[1][:1] in "*~"
                assert nowhere == expected.can_in(*capability, None), (portal, capability, caps)
                assert (capability in held) == expected.can(*capability), (portal, capability, caps)
