"""What the realtime process decides from a change record is what PostgreSQL decides from the row."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from itertools import count, product
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from app.api.realtime.readable import readable
from app.models.declare import IN_ORG, MINE, PROTECTED, can, within
from app.permissions import Action, Portal, Resource, Role
from app.rules.realtime import Reader, compiled
from app.services.realtime import find_listeners, read_token
from app.tenancy import tenant_scope
from tests.isolation.samples import SAMPLES

_numbers, _rounds = count(20_000), count(1)
_FRESH = {"number": lambda: next(_numbers), "key": lambda: str(next(_numbers)), "reference": lambda: str(next(_numbers)),
          "request_id": uuid4, "notification_id": uuid4, "amenity_id": uuid4, "external_id": lambda: None, "round": lambda: next(_rounds)}
_DECIDED = {"onboarding_submissions": {"state": "rejected"}, "amenity_bookings": {"status": "cancelled"},
            "amenity_waits": {"status": "left"}}  # of those that are open a person has one


def rows_of(table, world):
    """Rows of both organizations in each hostel or none, of each of some people or nobody, as far as the table allows."""
    columns = PROTECTED[table].table.c
    looked_at = {name for policy in PROTECTED[table].policies if policy.command == "SELECT" for name in compiled(policy.using)[1]}
    for organization in (world.a, world.b):
        people = [organization.people[role].user_id for role in (Role.OWNER, Role.MAINTENANCE_STAFF, Role.RESIDENT)]
        hostels = [place.hostel_id for place in organization.places]
        choices = []
        for name, values, follows in (("hostel_id", hostels, {"hostel_key"}), ("user_id", people, set())):
            if {name, *follows} & looked_at:
                choices.append([(name, value) for value in [*values, *([None] if columns[name].nullable else [])]])
        for chosen in product(*choices):
            made = {name: make() for name, make in _FRESH.items() if name in columns and not columns[name].computed}
            yield {**SAMPLES[table](organization)[0], **made, **_DECIDED.get(table, {}), **dict(chosen), "id": uuid4()}


@pytest.fixture
def rows(world, superuser):
    """Table → its rows as text, as the stream has them."""
    found = {}
    with superuser.begin() as c:
        c.execute(text("SET LOCAL session_replication_role = replica"))
        for table in readable():
            for row in rows_of(table, world):
                c.execute(text(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(':' + n for n in row)})"), row)
            found[table] = [dict(c.execute(text("SELECT key, value FROM jsonb_each_text(CAST(:row AS jsonb))"), {"row": row}).all())
                            for row in c.scalars(text(f"SELECT to_jsonb(t)::text FROM {table} t"))]
        for role, allowed, hostel in ((Role.VIEWER, False, world.a.places[0].hostel_id), (Role.MAINTENANCE_STAFF, True, None),
                                      (Role.ACCOUNTANT, False, None)):
            c.execute(text("INSERT INTO permission_overrides (org_id, role, resource, action, hostel_id, allowed) "
                           "VALUES (:org, :role, 'maintenance', 'read', :hostel, :allowed)"),
                      {"org": world.a.org_id, "role": role, "hostel": hostel, "allowed": allowed})
    return found


def visible(session, table):
    """The ids that PostgreSQL shows; none without a grant."""
    if not session.scalar(text("SELECT has_any_column_privilege(:table, 'SELECT')"), {"table": table}):
        return set()
    return {str(found) for found in session.scalars(text(f"SELECT id FROM {table}"))}


def test_every_role_is_told_of_the_rows_that_it_could_select(app, world, rows, token, live_settings):
    engine = create_engine(live_settings.database_realtime_url, poolclass=NullPool)
    differ, told = [], 0
    for organization in (world.a, world.b):
        asked = [(person, dataclasses.replace(read_token(token.key, token(person), datetime.now(UTC)), hostel_id=hostel))
                 for person in organization.people.values() for hostel in (None, organization.places[0].hostel_id)]
        with Session(engine) as session:
            listeners = find_listeners(session, [claims for _, claims in asked])
        for (person, claims), listener in zip(asked, listeners, strict=True):
            reader = listener.reader
            with tenant_scope(person.org_id, person.user_id, hostel_id=claims.hostel_id) as session:
                for table, portals in readable().items():
                    part = portals.get(reader.portal)
                    python = {row["id"] for row in rows[table] if part and part.covers({**dict.fromkeys(PROTECTED[table].table.c.keys()), **row}, reader)}
                    told += len(python)
                    if python != visible(session, table):
                        differ.append(f"{person.role} of {organization.slug} narrowed to {claims.hostel_id}: {table}")
    assert differ == []
    assert told > 150


def test_columns_are_told_to_whom_they_are_granted(superuser):
    with superuser.connect() as c:
        granted = {(table, portal): set(c.scalars(text(
            "SELECT column_name FROM information_schema.column_privileges WHERE table_name = :table AND grantee = :portal "
            "AND privilege_type = 'SELECT'"), {"table": table, "portal": portal})) for table in readable() for portal in Portal}
        sent = {table: set(c.scalar(text("SELECT attnames::text[] FROM pg_publication_tables WHERE tablename = :t"), {"t": table}))
                for table in readable()}
    for table, portals in readable().items():
        for portal in Portal:
            told = portals[portal].columns if portal in portals else set()
            assert told == granted[table, portal] & sent[table], (table, portal)


def test_the_login_of_the_realtime_process_reads_no_table(superuser):
    with superuser.connect() as c:
        assert c.scalars(text("SELECT grantee || ' ' || table_name FROM information_schema.column_privileges "
                              "WHERE grantee = 'viramah_realtime'")).all() == []
        assert c.scalars(text("SELECT proname FROM pg_proc WHERE pronamespace = 'app'::regnamespace "
                              "AND has_function_privilege('viramah_realtime', oid, 'EXECUTE') "
                              "AND NOT has_function_privilege('viramah_web', oid, 'EXECUTE')")).all() == ["live_readers"]


R, A = Resource.MAINTENANCE, Action.READ
ME = Reader("o", "7", "portal_admin", "|maintenance.read=h1,h2|rooms.read=*|files.read=~h1|")


@pytest.mark.parametrize(("policy", "row", "verdict"), [
    (IN_ORG, {"org_id": "o"}, True), (IN_ORG, {"org_id": "p"}, False), (IN_ORG, {"org_id": None}, False),
    (f"{IN_ORG} AND {MINE}", {"org_id": "o", "user_id": "7"}, True), (f"{IN_ORG} AND {MINE}", {"org_id": "o", "user_id": "77"}, False),
    (within(R, A), {"hostel_id": "h2"}, True), (within(R, A), {"hostel_id": "h3"}, False), (within(R, A), {"hostel_id": None}, True),
    (within(R, Action.UPDATE), {"hostel_id": None}, False), (within(Resource.ROOMS, A), {"hostel_id": "h9"}, True),
    (within(Resource.FILES, A), {"hostel_id": "h1"}, True), (can(R, A), {}, True), (can(R, Action.DELETE), {}, False),
    (f"({MINE} OR {can(R, Action.DELETE)}) AND {IN_ORG}", {"org_id": "o", "user_id": "7"}, True),
])
def test_a_policy_means_in_python_what_it_means_in_sql(policy, row, verdict):
    assert compiled(policy)[0](row, ME) is verdict


@pytest.mark.parametrize("policy", ["app.is_my_request(request_id)", "deleted_at IS NULL AND NOT true", "", f"{IN_ORG} AND", f"({IN_ORG}"])
def test_a_policy_that_is_not_understood_stops_the_start(policy):
    with pytest.raises(ValueError, match="cannot read"):
        compiled(policy)


