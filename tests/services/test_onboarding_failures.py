"""Submitting and approving happen wholly or not at all: the database fails at the first write, at the second, and so on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.services import beds
from app.tenancy import tenant_scope
from tests.approval import claimed, decided
from tests.beds import held, people, states
from tests.faults.processes import wait_until
from tests.houses import scalar
from tests.maintenance import at
from tests.onboarding import fill, newcomer, send

_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
_FAIL = """
CREATE SEQUENCE writes;
CREATE TABLE failing AS SELECT 0 AS write;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  IF nextval('writes') = (SELECT write FROM failing) THEN
    RAISE EXCEPTION 'injected';
  END IF;
  RETURN NULL;
END $$"""


@pytest.fixture
def fragile(app, world, superuser):
    """Call it with some work: it is tried again and again, failing at one write after the other, until it succeeds.

    Each failure leaves every row of every table as it was. Returns how many writes there are.
    """
    with superuser.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        tables = connection.execute(text(_TABLES)).scalars().all()
        everything = text(" UNION ALL ".join(f"SELECT '{table}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t" for table in tables))
        connection.execute(text(_FAIL))
        for table in tables:
            connection.execute(text(f"CREATE TRIGGER zz AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fail()"))

        def rows():
            return dict(connection.execute(everything).all())

        def fails(work, number):
            connection.execute(text("SELECT setval('writes', 1, false)"))
            connection.execute(text("UPDATE failing SET write = :number"), {"number": number})
            try:
                work()
            except DBAPIError as error:
                return "injected" in str(error)
            return False

        def work_on(work):
            before, number = rows(), 1
            while fails(work, number):
                assert rows() == before, number
                number += 1
            connection.execute(text("UPDATE failing SET write = 0"))
            return number - 1

        yield work_on


def test_submitting_and_approving_fail_as_a_whole_wherever_they_fail(fragile, world):
    person, submission = newcomer(world), uuid4()
    fill(person, world.a.places[0].beds[0])
    assert fragile(lambda: send(person, submission)) > 20
    claimed(world.owner, submission)
    assert fragile(lambda: decided(world.owner, submission)) > 30


def test_a_hold_that_runs_out_while_it_is_approved_loses_and_the_reviewer_reads_why(app, world, superuser, browser):
    person, bed = newcomer(world), world.a.places[0].beds[0]
    fill(person, bed)
    submission = send(person)
    next_one, _ = held(world.owner, bed, people(superuser, world, 1)[0])
    claimed(world.owner, submission)
    reviewer = browser(world.owner)
    at(superuser, timedelta(hours=49))
    with ThreadPoolExecutor(1) as pool:
        with tenant_scope(person.org_id) as session:  # the sweep has the bed …
            beds.expire(session)
            answer = pool.submit(reviewer.post, f"/onboarding/submissions/approve/{submission}")  # … when the reviewer says yes
            wait_until(lambda: scalar(superuser, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"))
        answer = answer.result()
    assert answer.status_code == 409
    assert "The hold on this bed ran out before it was confirmed: a bed has to be chosen again." in answer.get_data(as_text=True)
    assert scalar(superuser, "SELECT state FROM onboarding_submissions") == "under_review"
    assert scalar(superuser, "SELECT count(*) FROM stays") == 0
    assert states(superuser)[next_one] == "offered"
