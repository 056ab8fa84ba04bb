"""The thousand requests of New York go in whole, but for those that cannot be true; twice, undone, and again."""

from __future__ import annotations

from app.services import imports
from app.services.imports import Progress
from tests.imports import NYC, as_, imported, manager, ring, there, told, undone


def test_all_goes_in_but_what_cannot_be_true_and_twice_changes_nothing_and_undone_it_comes_back(app, world, superuser):
    """In one go: each round takes seconds."""
    boss = manager(world)
    first = imported(boss, NYC.read_bytes())
    run, progress = told(boss, first)
    assert (run.status, progress) == ("done", Progress(refused=10, created=990))
    with as_(boss) as session:
        refused = list(imports.refused_rows(session, ring(), run))
    assert {verdict.code for verdict in refused} == {"closed_before_created"}
    assert all(len(verdict.cells) == 16 for verdict in refused)
    assert there(superuser, "SELECT count(*), count(DISTINCT number), min(number), max(number) FROM maintenance_requests") == [
        (990, 990, 1, 990)]

    everything = "SELECT id, number, status, raised_at, resolved_at, description, place FROM maintenance_requests ORDER BY id"
    before = there(superuser, everything)
    history = there(superuser, "SELECT count(*) FROM maintenance_status_history")

    second = imported(boss, NYC.read_bytes())
    assert told(boss, second)[1] == Progress(refused=10, unchanged=990)
    assert there(superuser, everything) == before

    undone(boss, first)
    run, progress = told(boss, first)
    assert (run.status, progress) == ("undone", Progress(refused=10, created=990, hidden=990))
    assert there(superuser, "SELECT count(*) FROM maintenance_requests WHERE deleted_at IS NULL") == [(0,)]

    third = imported(boss, NYC.read_bytes())
    assert told(boss, third)[1] == Progress(refused=10, restored=990)
    assert there(superuser, everything) == before
    assert there(superuser, "SELECT count(*) FROM maintenance_status_history") == history
