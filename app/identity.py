"""Who is calling: the answer of the database to a session token, as screens and rules read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.permissions import Action, Portal, Resource, Role

EVERYWHERE = None


@dataclass(frozen=True)
class Place:
    """An organization or hostel to choose."""

    id: UUID
    name: str
    timezone: str = ""


def read_capabilities(text: str) -> dict[tuple[str, str], frozenset[UUID] | None]:
    """Parse '|resource.action=*|resource.action=hostel,hostel|' (see app.capabilities); None means everywhere.

    '~' says that what belongs to no hostel is included; screens ask about hostels, the policies about the rest.
    """
    found: dict[tuple[str, str], frozenset[UUID] | None] = {}
    for entry in filter(None, text.split("|")):
        name, _, where = entry.partition("=")
        resource, _, action = name.partition(".")
        hostels = filter(None, where.removeprefix("~").split(","))
        found[resource, action] = EVERYWHERE if where == "*" else frozenset(map(UUID, hostels))
    return found


@dataclass(frozen=True)
class Identity:
    """A signed-in person, in one organization, working through one portal."""

    user_id: int
    session_id: UUID
    name: str
    email: str
    portal: Portal
    portals: tuple[Portal, ...]
    roles: tuple[Role, ...]
    org_id: UUID | None
    org_name: str
    org_slug: str
    timezone: str
    currency: str
    country: str
    plan: str
    hostel_id: UUID | None
    organizations: tuple[Place, ...]
    hostels: tuple[Place, ...]
    unread: int
    second_factor: bool
    second_factor_due: bool
    capabilities: dict[tuple[str, str], frozenset[UUID] | None] = field(repr=False)
    language: str
    org_language: str
    grouping: str

    def can(self, resource: Resource, action: Action, hostel_id: UUID | None = None) -> bool:
        """Whether the caller holds a capability: anywhere, or in the one hostel given."""
        if (resource, action) not in self.capabilities:
            return False
        reach = self.capabilities[resource, action]
        return hostel_id is None or reach is EVERYWHERE or hostel_id in reach

    @property
    def hostel_timezone(self) -> str:
        """The zone that times are shown in: the chosen hostel's, else the organization's."""
        return next((h.timezone for h in self.hostels if h.id == self.hostel_id and h.timezone), self.timezone)

    @classmethod
    def read(cls, answer: dict[str, Any]) -> Identity:
        """From the document of app.bind."""
        user, organization = answer["user"], answer["organization"] or {}
        places = {kind: tuple(Place(UUID(row["id"]), row["name"], row.get("timezone", "")) for row in answer[kind] or ())
                  for kind in ("organizations", "hostels")}
        return cls(
            user_id=answer["user_id"], session_id=UUID(answer["session_id"]),
            name=f"{user['first_name']} {user['last_name']}".strip(), email=user["email"],
            portal=Portal(answer["portal"]), portals=tuple(map(Portal, answer["portals"])),
            roles=tuple(map(Role, answer["roles"] or ())),
            org_id=UUID(answer["org_id"]) if answer["org_id"] else None,
            org_name=organization.get("name", ""), org_slug=organization.get("slug", ""),
            timezone=organization.get("timezone", "UTC"), currency=organization.get("currency", "INR"),
            country=organization.get("country", "IN"), plan=organization.get("plan", ""),
            hostel_id=UUID(answer["hostel_id"]) if answer["hostel_id"] else None,
            unread=answer["unread"], second_factor=answer["second_factor"],
            second_factor_due=answer.get("second_factor_due", False),
            capabilities=read_capabilities(answer["caps"]),
            language=user.get("language") or "", org_language=organization.get("language") or "",
            grouping=organization.get("grouping") or "", **places,
        )
