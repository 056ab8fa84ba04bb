"""Writes the demo the way the product writes: accounts, organizations, places, roles, then three months of repairs.

Each step looks first whether it was taken, so that a start that was cut short is finished by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from app.gateways.objects import ObjectStore
from app.models.maintenance import MaintenanceCategory, MaintenanceIssueType, MaintenanceStatusHistory
from app.models.organizations import Hostel
from app.models.people import TeamMember, UserCredential
from app.permissions import Role
from app.rules.files import MediaType, Purpose
from app.services import beds, files, organizations, rooms, work
from app.services.demo import amenities, bills, canteen, cast, history, lodging, meals, money, pictures
from app.services.seeds import category_document

# The demo's password is random: a slow hash would add nothing to it, and ninety of them much to the first start.
HASHING = "scrypt:1024:8:1"
_AT_ONCE = 50  # requests in one statement
_TEAM = {Role.MAINTENANCE_STAFF: "maintenance", Role.SALES_AGENT: "sales", Role.CANTEEN_STAFF: "canteen",
         Role.AMENITY_MANAGER: "amenities", Role.BOT_TRAINER: "support", Role.HOSTEL_MANAGER: "operations"}

_ACCOUNTS = text("""
    SELECT p.person ->> 'email', coalesce(app.find_user(p.person ->> 'email'),
                                          app.create_account(p.person ->> 'email', p.person ->> 'name'))
    FROM jsonb_array_elements(CAST(:people AS jsonb)) p (person)""")
_JOIN = text("SELECT app.add_member(u.id::integer) FROM jsonb_array_elements_text(CAST(:ids AS jsonb)) u (id)")
_GRANT = text("""
    SELECT app.grant_role(g.user_id, g.role, g.hostel_id, NULL, NULL)
    FROM jsonb_to_recordset(CAST(:grants AS jsonb)) g (user_id integer, role text, hostel_id uuid)""")
_IMPORT = text("""
    SELECT app.import_request(NULL, :hostel, NULL, s.category, s.issue, s.room, s.place, s.description, s.priority,
                              s.resolution, s.outside, s.steps)
    FROM jsonb_to_recordset(CAST(:stories AS jsonb)) s (category uuid, issue uuid, room uuid, place text, description text,
                              priority text, resolution text, outside text, steps jsonb)""")

Ids = dict[str, int]
"""A person's id by e-mail."""


def found(session: Session) -> tuple[Ids, dict[str, UUID]]:
    """Accounts and organizations, within a service scope: ids of people by e-mail, of organizations by slug."""
    people = [{"email": person.email, "name": person.name} for person in cast.everybody()]
    ids: Ids = dict(session.execute(_ACCOUNTS, {"people": json.dumps(people)}).all())
    session.execute(text("SELECT app.set_platform_role(:user, true)"), {"user": ids[cast.PLATFORM.email]})
    made = {tenant.slug: tenant.id for tenant in organizations.list_organizations(session)}
    for company in cast.COMPANIES:
        if company.slug not in made:
            made[company.slug] = organizations.create_organization(
                session, company.name, company.slug, company.plan, ids[company.people[0].email], category_document())
            session.execute(text("SELECT app.set_plan(:org, :plan, 'active', '{}')"),
                            {"org": made[company.slug], "plan": company.plan.value})
    return ids, {company.slug: made[company.slug] for company in cast.COMPANIES}


def fill(session: Session, company: cast.Company, ids: Ids, objects: ObjectStore, until: datetime) -> bool:
    """Everything in one organization, within its scope, as of `until`; False if it was there already."""
    if session.scalar(select(Hostel.id).limit(1)) is not None:
        return False
    hostels = {house.code: _build(session, house) for house in company.houses}
    _employ(session, company, ids, {code: hostel.id for code, hostel in hostels.items()})
    for house in company.houses:
        _remember(session, company, house, hostels[house.code].id, ids, objects, until)
        lodging.lodge(session, objects, hostels[house.code].id, house, list(_people_of(company, house, ids).residents),
                      _coming(company, house, ids), until.astimezone(history.ZONE).date())
        canteen.serve(session, objects, hostels[house.code].id, beds.house_day(session, hostels[house.code].id))
        money.pay(session, hostels[house.code].id, house.code, [person for person, _ in _people_of(company, house, ids).residents], until)
        bills.issue(session, hostels[house.code].id)
        meals.plan(session, hostels[house.code].id)
        amenities.furnish(session, hostels[house.code].id, [person for person, _ in _people_of(company, house, ids).residents], until,
                          beds.house_day(session, hostels[house.code].id))
    return True


def set_passwords(session: Session, ids: Ids, password: str) -> None:
    """Let everybody in who has no password yet, within the auth login's scope."""
    rows = [{"user_id": user, "password_hash": generate_password_hash(password, HASHING)} for user in ids.values()]
    session.execute(insert(UserCredential).values(rows).on_conflict_do_nothing())


def _build(session: Session, house: cast.House) -> Hostel:
    hostel = organizations.create_hostel(session, {
        "name": house.name, "code": house.code, "city": house.city, "address": house.address})
    for storey in house.storeys:
        rooms.create_rooms(session, rooms.create_floor(session, hostel.id, storey.level), storey.rooms)
    return hostel


def _employ(session: Session, company: cast.Company, ids: Ids, hostels: Mapping[str, UUID]) -> None:
    _owner, *others = company.people
    places = [(ids[person.email], role, hostels.get(code or "")) for person in others for role, code in person.places]
    if company.slug in cast.GUESTS:
        email, role = cast.GUESTS[company.slug]
        places.append((ids[email], role, None))
    session.execute(_JOIN, {"ids": json.dumps(sorted({user for user, _, _ in places}))})
    session.execute(_GRANT, {"grants": json.dumps([
        {"user_id": user, "role": role, "hostel_id": hostel and str(hostel)} for user, role, hostel in places])})
    session.execute(insert(TeamMember).values([
        {"name": person.name, "email": person.email, "member_type": _TEAM[role], "hostel_id": hostels.get(code or "")}
        for person in others for role, code in person.places if role in _TEAM]))


def _remember(session: Session, company: cast.Company, house: cast.House, hostel_id: UUID, ids: Ids,
              objects: ObjectStore, until: datetime) -> None:
    """The repairs of one house."""
    numbers = rooms.room_ids(session, hostel_id)
    categories = dict(session.execute(select(MaintenanceCategory.code, MaintenanceCategory.id)).all())
    issues = {(category, name): key for category, name, key in session.execute(
        select(MaintenanceIssueType.category_id, MaintenanceIssueType.name, MaintenanceIssueType.id))}
    random = Random(house.code)  # noqa: S311 - made-up data
    stories = history.Narrator(_people_of(company, house, ids), until, house.code).tell(house.requests)
    for start in range(0, len(stories), _AT_ONCE):
        session.execute(_IMPORT, {"hostel": hostel_id, "stories": json.dumps([{
            "category": str(categories[story.category]),
            "issue": str(issues[categories[story.category], story.issue]),
            "room": str(numbers[story.room]), "place": story.place, "description": story.description,
            "priority": story.priority, "resolution": story.resolution, "outside": story.outside,
            "steps": [story.steps[0], *_photos(session, story, hostel_id, objects, random), *story.steps[1:]],
        } for story in stories[start:start + _AT_ONCE]])})
    _tell_of_the_last_day(session, hostel_id, until)


def _people_of(company: cast.Company, house: cast.House, ids: Ids) -> history.House:
    def holding(role: Role) -> list[int]:
        return [ids[person.email] for person in company.people if (role, house.code) in person.places]

    bedrooms = [room.number for storey in house.storeys for room in storey.rooms if room.beds]
    common = [room.number for storey in house.storeys for room in storey.rooms if not room.beds]
    residents = [(person, bedrooms[place * 7 % len(bedrooms)]) for place, person in enumerate(holding(Role.RESIDENT))]
    return history.House(holding(Role.HOSTEL_MANAGER)[0], holding(Role.MAINTENANCE_STAFF), residents, bedrooms, common)


def _coming(company: cast.Company, house: cast.House, ids: Ids) -> list[int]:
    """Those whom the house holds a bed for; the others choose one themselves."""
    return [ids[person.email] for person in company.people if (Role.PENDING_RESIDENT, house.code) in person.places][:1]


def _photos(session: Session, story: history.Story, hostel_id: UUID, objects: ObjectStore,
            random: Random) -> Iterator[dict[str, Any]]:
    """Steps that attach what was sent with a request, some minutes later."""
    for number in range(story.pictures):
        name = f"{story.issue} {number + 1}.png".lower()
        file = files.store(session, objects, files.Upload(name, MediaType.PNG, pictures.photo(random)), Purpose.MAINTENANCE,
                           hostel_id)
        yield {"at": (story.raised_at + timedelta(minutes=number + 1)).isoformat(), "by": story.raised_by, "file_id": str(file.id)}


def _tell_of_the_last_day(session: Session, hostel_id: UUID, until: datetime) -> None:
    """An imported history tells nobody anything; of the last day people hear as they would have: from the workers."""
    told = select(MaintenanceStatusHistory.request_id, MaintenanceStatusHistory.seq).where(
        MaintenanceStatusHistory.hostel_id == hostel_id, MaintenanceStatusHistory.event_at > until - timedelta(days=1))
    for request_id, seq in session.execute(told.order_by(MaintenanceStatusHistory.event_at)):
        work.enqueue(session, "maintenance.moved", {"request_id": str(request_id), "seq": seq}, key=f"history:{seq}")
