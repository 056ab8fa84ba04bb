"""The people and places of every test: two organizations, A with two hostels and B with one, somebody in every role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from app.permissions import Role


@dataclass(frozen=True)
class Person:
    """Somebody with one role in one organization."""

    user_id: int
    org_id: UUID
    name: str
    email: str
    role: Role
    hostel_id: UUID | None


@dataclass(frozen=True)
class Place:
    """A hostel with one floor, two rooms and four beds."""

    hostel_id: UUID
    floor_id: UUID
    rooms: tuple[UUID, UUID]
    beds: tuple[UUID, ...]


@dataclass(frozen=True)
class Organization:
    """One tenant."""

    org_id: UUID
    name: str
    slug: str
    people: dict[Role, Person]
    places: tuple[Place, ...]


_ROLES = [role for role in Role if role is not Role.SUPER_ADMIN]
_LOCAL = {Role.MAINTENANCE_STAFF, Role.RESIDENT, Role.PENDING_RESIDENT, Role.HOSTEL_MANAGER, Role.GUARD}


def _id(org: int, kind: int, number: int = 0) -> UUID:
    return UUID(f"0000000{org}-0000-7000-8000-{kind:04d}{number:08d}")


def _organization(number: int, name: str, slug: str, hostels: int) -> Organization:
    places = tuple(
        Place(_id(number, 1, h), _id(number, 2, h), (_id(number, 3, 2 * h), _id(number, 3, 2 * h + 1)),
              tuple(_id(number, 4, 4 * h + bed) for bed in range(4)))
        for h in range(hostels))
    org_id = _id(number, 0)
    people = {
        role: Person(number * 100 + place, org_id, f"{role.replace('_', ' ').title()} {slug[0].upper()}",
                     f"{role}@{slug}.example", role, places[0].hostel_id if role in _LOCAL else None)
        for place, role in enumerate(_ROLES)}
    return Organization(org_id, name, slug, people, places)


@dataclass(frozen=True)
class World:
    """Both organizations, and the three whom most tests are about."""

    a: Organization
    b: Organization
    super_admin: int = 900

    @classmethod
    def known(cls) -> World:
        """The world as `build_world` makes it."""
        return cls(_organization(1, "Asha Homes", "asha", 2), _organization(2, "Banyan Stays", "banyan", 1))

    @property
    def owner(self) -> Person:
        return self.a.people[Role.OWNER]

    @property
    def staff(self) -> Person:
        """Maintenance staff of A's first hostel."""
        return self.a.people[Role.MAINTENANCE_STAFF]

    @property
    def resident(self) -> Person:
        return self.a.people[Role.RESIDENT]

    @property
    def outsider(self) -> Person:
        """The owner of B: as powerful as can be, elsewhere."""
        return self.b.people[Role.OWNER]


def build_world(engine: Engine, world: World) -> None:
    """Write the world as the superuser, audited like everything else."""
    with engine.begin() as connection:
        for organization in (world.a, world.b):
            _write(connection, organization)
        _insert(connection, "ab_user", {"id": world.super_admin, "first_name": "Platform", "last_name": "Admin",
                                        "username": "platform@example.org", "email": "platform@example.org", "active": True})
        _insert(connection, "platform_roles", {"user_id": world.super_admin})
        connection.execute(text("SELECT setval('ab_user_id_seq', 1000)"))


def _insert(connection: Connection, table: str, row: dict[str, Any]) -> None:
    columns = ", ".join(row)
    connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({', '.join(':' + c for c in row)})"), row)


def _write(connection: Connection, organization: Organization) -> None:
    import json

    from app.services.seeds import category_document

    org = organization.org_id
    owner = organization.people[Role.OWNER]
    for person in organization.people.values():
        first, _, last = person.name.rpartition(" ")
        _insert(connection, "ab_user", {"id": person.user_id, "first_name": first, "last_name": last,
                                        "username": person.email, "email": person.email, "active": True})
    made = connection.scalar(text("SELECT app.create_organization(:name, :slug, 'enterprise', :owner, CAST(:cats AS jsonb))"), {
        "name": organization.name, "slug": organization.slug, "owner": owner.user_id, "cats": json.dumps(category_document())})
    # The function makes its own id; the world's are fixed, so that tests need not ask.
    for statement in ("SET session_replication_role = replica",):
        connection.execute(text(statement))
    for table in ("members", "memberships", "maintenance_categories", "maintenance_issue_types", "usage_counters"):
        connection.execute(text(f"UPDATE {table} SET org_id = :org WHERE org_id = :made"), {"org": org, "made": made})
    connection.execute(text("UPDATE organizations SET id = :org WHERE id = :made"), {"org": org, "made": made})
    connection.execute(text("DELETE FROM audit_log"))
    connection.execute(text("SET session_replication_role = origin"))
    connection.execute(text("SELECT set_config('app.org_id', :org, true), set_config('app.user_id', '', true)"), {"org": str(org)})
    for number, place in enumerate(organization.places):
        _insert(connection, "hostels", {"org_id": org, "id": place.hostel_id, "code": f"H{number + 1}",
                                        "name": f"{organization.name} {number + 1}"})
        _insert(connection, "floors", {"org_id": org, "id": place.floor_id, "hostel_id": place.hostel_id, "name": "First",
                                       "level": 1})
        for index, room in enumerate(place.rooms):
            _insert(connection, "rooms", {"org_id": org, "id": room, "hostel_id": place.hostel_id, "floor_id": place.floor_id,
                                          "number": f"10{index + 1}"})
        for index, bed in enumerate(place.beds):
            _insert(connection, "beds", {"org_id": org, "id": bed, "hostel_id": place.hostel_id,
                                         "room_id": place.rooms[index // 2], "label": "AB"[index % 2]})
    for person in organization.people.values():
        if person is not owner:
            _insert(connection, "members", {"org_id": org, "user_id": person.user_id, "name": person.name,
                                            "email": person.email})
            _insert(connection, "memberships", {"org_id": org, "user_id": person.user_id, "role": person.role.value,
                                                "hostel_id": person.hostel_id})
    _insert(connection, "team_members", {"org_id": org, "id": _id(int(str(org)[7]), 5), "name": "A Plumber",
                                         "member_type": "maintenance", "external_id": "ext-1"})
