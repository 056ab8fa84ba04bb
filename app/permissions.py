"""Who may do what: resources, actions, roles, portals, and the capability matrix the database is seeded from.

A *capability* is a pair (resource, action). Roles carry capabilities, a membership carries a role (perhaps
for one hostel only), overrides of the organization or the member add or take away single capabilities, and a
*portal* is the PostgreSQL role a person works through: its grants are the ceiling of whatever the matrix says.
"""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What can be done to a resource."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    APPROVE = "approve"
    EXPORT = "export"


class Resource(StrEnum):
    """What permissions are about. One resource may cover several tables of a domain."""

    ORGANIZATION = "organization"
    HOSTELS = "hostels"
    ROOMS = "rooms"
    RESIDENTS = "residents"
    MOVE_OUTS = "move_outs"
    WALLET = "wallet"
    BILLING = "billing"
    CANTEEN = "canteen"
    INVENTORY = "inventory"
    AMENITIES = "amenities"
    PAYMENTS = "payments"
    ONBOARDING = "onboarding"
    MEMBERS = "members"
    TEAM = "team"
    PERSONAL = "personal"
    PERMISSIONS = "permissions"
    INQUIRIES = "inquiries"
    MAINTENANCE = "maintenance"
    NOTIFICATIONS = "notifications"
    ANNOUNCEMENTS = "announcements"
    TELEGRAM = "telegram"
    EVENTS = "events"
    FILES = "files"
    IMPORTS = "imports"
    REPORTS = "reports"
    AUDIT = "audit"
    TASKS = "tasks"
    WORK = "work"
    HEALTH = "health"


class Role(StrEnum):
    """What a person is in an organization, highest first; `super_admin` belongs to the platform alone."""

    SUPER_ADMIN = "super_admin"
    OWNER = "owner"
    ADMINISTRATOR = "administrator"
    HOSTEL_MANAGER = "hostel_manager"
    ACCOUNTANT = "accountant"
    GUARD = "guard"
    SALES_AGENT = "sales_agent"
    CANTEEN_STAFF = "canteen_staff"
    AMENITY_MANAGER = "amenity_manager"
    MAINTENANCE_STAFF = "maintenance_staff"
    BOT_TRAINER = "bot_trainer"
    MEMBER = "member"
    VIEWER = "viewer"
    RESIDENT = "resident"
    PENDING_RESIDENT = "pending_resident"


class Portal(StrEnum):
    """The PostgreSQL roles that a web transaction takes on; each is granted its own tables and columns only."""

    PUBLIC = "portal_public"
    RESIDENT = "portal_resident"
    MANAGEMENT = "portal_management"
    SALES = "portal_sales"
    CANTEEN = "portal_canteen"
    AMENITY = "portal_amenity"
    ADMIN = "portal_admin"
    PLATFORM = "portal_platform"


Capability = tuple[Resource, Action]

ROLE_PORTAL: dict[Role, Portal] = {
    Role.SUPER_ADMIN: Portal.PLATFORM,
    Role.OWNER: Portal.ADMIN,
    Role.ADMINISTRATOR: Portal.ADMIN,
    Role.HOSTEL_MANAGER: Portal.ADMIN,
    Role.ACCOUNTANT: Portal.ADMIN,
    Role.MEMBER: Portal.ADMIN,
    Role.VIEWER: Portal.ADMIN,
    Role.BOT_TRAINER: Portal.ADMIN,
    Role.MAINTENANCE_STAFF: Portal.MANAGEMENT,
    Role.SALES_AGENT: Portal.SALES,
    Role.CANTEEN_STAFF: Portal.CANTEEN,
    Role.AMENITY_MANAGER: Portal.AMENITY,
    Role.GUARD: Portal.AMENITY,
    Role.RESIDENT: Portal.RESIDENT,
    Role.PENDING_RESIDENT: Portal.RESIDENT,
}

# Nobody gives a role at or above their own rank, but an owner (T13). Roles that do different work of equal
# weight share a rank, so a guard cannot make a cook.
_RANK: dict[Role, int] = {
    Role.SUPER_ADMIN: 100,
    Role.OWNER: 90,
    Role.ADMINISTRATOR: 80,
    Role.HOSTEL_MANAGER: 70,
    Role.ACCOUNTANT: 60,
    Role.GUARD: 40,
    Role.SALES_AGENT: 40,
    Role.CANTEEN_STAFF: 40,
    Role.AMENITY_MANAGER: 40,
    Role.MAINTENANCE_STAFF: 40,
    Role.BOT_TRAINER: 40,
    Role.MEMBER: 30,
    Role.VIEWER: 20,
    Role.RESIDENT: 10,
    Role.PENDING_RESIDENT: 5,
}


def rank(role: Role) -> int:
    """How high a role stands; equal numbers are peers."""
    return _RANK[role]


def _caps(table: dict[Resource, str]) -> frozenset[Capability]:
    """Read a compact row of the matrix: `crudax` letters stand for the six actions."""
    letters = dict(
        zip("crudax", (Action.CREATE, Action.READ, Action.UPDATE, Action.DELETE, Action.APPROVE, Action.EXPORT),
            strict=True)
    )
    return frozenset((resource, letters[letter]) for resource, row in table.items() for letter in row)


R = Resource
_VIEWER = _caps({R.HOSTELS: "r", R.ROOMS: "r", R.RESIDENTS: "r", R.MAINTENANCE: "r", R.NOTIFICATIONS: "ru", R.FILES: "r",
                 R.TASKS: "ru", R.EVENTS: "r"})
_MEMBER = _VIEWER | _caps({R.MAINTENANCE: "cr", R.FILES: "c", R.TEAM: "r"})
_ACCOUNTANT = _VIEWER | _caps({R.REPORTS: "rx", R.MAINTENANCE: "rx", R.TEAM: "r", R.MOVE_OUTS: "ra", R.FILES: "c",
                                R.WALLET: "cruax", R.BILLING: "cruax", R.CANTEEN: "rx", R.INVENTORY: "rx", R.AMENITIES: "rx", R.PAYMENTS: "cruax"})
_FIELD_STAFF = _caps({R.HOSTELS: "r", R.ROOMS: "r", R.NOTIFICATIONS: "ru", R.TASKS: "ru"})
_MAINTENANCE_STAFF = _FIELD_STAFF | _caps({R.MAINTENANCE: "cru", R.FILES: "cr"})
_HOSTEL_MANAGER = _MEMBER | _ACCOUNTANT | _MAINTENANCE_STAFF | _caps({
    R.HOSTELS: "ru", R.ROOMS: "crudx", R.RESIDENTS: "crudx", R.INQUIRIES: "crudax", R.MEMBERS: "cru", R.TEAM: "crud", R.MAINTENANCE: "crudax",
    R.IMPORTS: "crud", R.FILES: "crd", R.HEALTH: "r", R.PERSONAL: "crua", R.ONBOARDING: "rua",
    R.MOVE_OUTS: "crua", R.CANTEEN: "crudax", R.INVENTORY: "crudax", R.AMENITIES: "crudax", R.ANNOUNCEMENTS: "crudax", R.EVENTS: "crudax",
})
_ADMINISTRATOR = _HOSTEL_MANAGER | _caps({
    R.ORGANIZATION: "ru", R.HOSTELS: "crudx", R.MEMBERS: "crudax", R.PERMISSIONS: "rua", R.AUDIT: "rx",
    R.WORK: "ru", R.TEAM: "x", R.REPORTS: "rx", R.PERSONAL: "crudax", R.TELEGRAM: "ru",
})
_OWNER = _ADMINISTRATOR | _caps({R.ORGANIZATION: "rudax", R.PERMISSIONS: "crudax"})

ROLE_CAPABILITIES: dict[Role, frozenset[Capability]] = {
    Role.SUPER_ADMIN: _caps({R.ORGANIZATION: "crudax", R.WORK: "ru", R.HEALTH: "r", R.AUDIT: "rx"}),
    Role.OWNER: _OWNER,
    Role.ADMINISTRATOR: _ADMINISTRATOR,
    Role.HOSTEL_MANAGER: _HOSTEL_MANAGER,
    Role.ACCOUNTANT: _ACCOUNTANT,
    Role.GUARD: _FIELD_STAFF | _caps({R.AMENITIES: "r", R.EVENTS: "r"}),
    Role.SALES_AGENT: _FIELD_STAFF | _caps({R.RESIDENTS: "r", R.INQUIRIES: "crux"}),
    Role.CANTEEN_STAFF: _FIELD_STAFF | _caps({R.CANTEEN: "crudx", R.INVENTORY: "crudx", R.FILES: "cr"}),
    Role.AMENITY_MANAGER: _FIELD_STAFF | _caps({R.AMENITIES: "crudax", R.EVENTS: "crudax"}),
    Role.MAINTENANCE_STAFF: _MAINTENANCE_STAFF,
    Role.BOT_TRAINER: _caps({R.HOSTELS: "r", R.NOTIFICATIONS: "ru"}),
    Role.MEMBER: _MEMBER,
    Role.VIEWER: _VIEWER,
    # A resident's capabilities are about their own rows: the policies of portal_resident see to that.
    Role.RESIDENT: _caps({R.HOSTELS: "r", R.ROOMS: "r", R.MAINTENANCE: "cr", R.FILES: "cr", R.NOTIFICATIONS: "ru", R.PERSONAL: "cru",
                          R.MOVE_OUTS: "cru", R.WALLET: "r", R.BILLING: "r", R.CANTEEN: "cr", R.AMENITIES: "cr", R.PAYMENTS: "cr", R.EVENTS: "cr"}),
    Role.PENDING_RESIDENT: _caps({R.NOTIFICATIONS: "ru", R.FILES: "cr", R.PERSONAL: "cru", R.ONBOARDING: "cru"}),
}
