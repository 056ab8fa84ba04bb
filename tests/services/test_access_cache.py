"""What a person may do is worked out once and kept; any change that decides about it counts from the next transaction."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.tenancy import tenant_scope

CHANGES = {
    "a role is suspended": "UPDATE memberships SET status = 'suspended' WHERE org_id = :org AND user_id = :user",
    "a role is taken away": "DELETE FROM memberships WHERE org_id = :org AND user_id = :user",
    "a role is given": "INSERT INTO memberships (org_id, user_id, role) VALUES (:org, :user, 'viewer')",
    "a role ends in an hour": "UPDATE memberships SET valid_until = now() + interval '1 hour' WHERE org_id = :org AND user_id = :user",
    "the person leaves": "UPDATE members SET removed_at = now() WHERE org_id = :org AND user_id = :user",
    "the role loses a capability": "INSERT INTO permission_overrides (org_id, role, resource, action, allowed) "
                                   "VALUES (:org, 'hostel_manager', 'maintenance', 'read', false)",
    "the person gains a capability": "INSERT INTO permission_overrides (org_id, user_id, resource, action, allowed) "
                                     "VALUES (:org, :user, 'audit', 'read', true)",
    "a hostel opens": "INSERT INTO hostels (org_id, name, code) VALUES (:org, 'New', 'NEW')",
    "a hostel closes": "UPDATE hostels SET deleted_at = now() WHERE org_id = :org",
    "the organization gets another name": "UPDATE organizations SET name = 'Other' WHERE id = :org",
    "the organization is closed": "UPDATE organizations SET deleted_at = now() WHERE id = :org",
    "the person gets another name": "UPDATE ab_user SET first_name = 'Other' WHERE id = :user",
    "the person joins the platform": "INSERT INTO platform_roles (user_id) VALUES (:user)",
}


@pytest.fixture
def manager(world: Any) -> Any:
    from app.permissions import Role

    return world.a.people[Role.HOSTEL_MANAGER]


def _asked(engine: Engine, person: Any, function: str) -> Any:
    with engine.begin() as connection:
        return connection.execute(text(f"SELECT app.{function}(:user, :org, ARRAY['portal_admin'], NULL, true) - 'unread'"),
                                  {"user": person.user_id, "org": person.org_id}).scalar()


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_counts_from_the_next_transaction(superuser: Engine, world: Any, manager: Any, what: str) -> None:
    person = world.owner if what == "a hostel opens" else manager  # the manager's one hostel is another
    before = _asked(superuser, person, "described")
    with superuser.begin() as connection:
        # The superuser is nobody here, so nobody's rank would allow it.
        connection.execute(text("ALTER TABLE permission_overrides DISABLE TRIGGER b_no_self_elevation"))
        connection.execute(text(CHANGES[what]), {"org": person.org_id, "user": person.user_id})
    found = _asked(superuser, person, "described")
    assert found == _asked(superuser, person, "describe")
    assert what == "a role ends in an hour" or found != before


def test_it_is_kept_meanwhile(superuser: Engine, manager: Any) -> None:
    _asked(superuser, manager, "described")
    with superuser.begin() as connection:
        connection.execute(text("UPDATE access_cache SET document = document || '{\"kept\": true}'"))
    assert _asked(superuser, manager, "described")["kept"]


def test_a_role_ends_when_its_time_is_over(superuser: Engine, manager: Any) -> None:
    with superuser.begin() as connection:
        connection.execute(text(CHANGES["a role ends in an hour"]), {"org": manager.org_id, "user": manager.user_id})
    assert _asked(superuser, manager, "described")
    with superuser.begin() as connection:
        connection.execute(text("UPDATE clock SET shift = interval '2 hours'"))
    assert _asked(superuser, manager, "described") is None


def test_what_is_worked_out_while_something_changes_is_not_kept_for_good(superuser: Engine, manager: Any, app: Any) -> None:
    """The change commits after the other transaction read the version and before it kept what it found."""
    with superuser.connect() as slow, superuser.connect() as quick:
        slow.execute(text("SELECT app.described(:user, :org, ARRAY['portal_admin'], NULL, true)"),
                     {"user": manager.user_id, "org": manager.org_id})
        quick.execute(text(CHANGES["a role is suspended"]), {"org": manager.org_id, "user": manager.user_id})
        quick.commit()
        slow.commit()
    assert _asked(superuser, manager, "described") is None


def test_an_open_transaction_holds_up_nobody_who_asks_the_same(app: Any, world: Any) -> None:
    with tenant_scope(world.a.org_id, as_user=world.owner.user_id), \
            tenant_scope(world.a.org_id, as_user=world.owner.user_id) as second:
        assert second.execute(text("SELECT app.current_org()")).scalar() == world.a.org_id
