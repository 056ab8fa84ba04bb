"""The drain: what is committed is done, in the transaction that finishes it; failures come again, then rest."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.services import work
from app.tenancy import tenant_scope
from jobs.registry import handles
from tests.jobs.conftest import note


@pytest.fixture
def noting(kinds):
    @handles("test.note")
    def write(session, payload):
        note(session, payload["word"])


def ask(org_id, word, kind="test.note", **options):
    with tenant_scope(org_id) as session:
        return work.enqueue(session, kind, {"word": word}, **options)


def test_work_of_several_organizations_is_done_each_within_its_own(world, drainer, kinds, notes):
    seen = []

    @handles("test.where")
    def where(session, payload):
        seen.append((payload["word"], session.execute(text("SELECT app.current_org()")).scalar()))

    for place in (world.a, world.b):
        ask(place.org_id, place.slug, "test.where")
    assert drainer.drain() == 2
    assert sorted(seen) == sorted((place.slug, place.org_id) for place in (world.a, world.b))


def test_done_work_is_not_done_again(world, drainer, noting, notes, rows):
    ask(world.a.org_id, "once")
    assert (drainer.drain(), drainer.drain()) == (1, 0)
    assert notes() == ["once"]
    assert [row["state"] for row in rows()] == ["done"]
