"""flask imports: from a file to requests and back, without the console."""

from __future__ import annotations

import re

import pytest

from app.cli.imports import group
from tests.imports import NEW_YORK, NYC, row, rows, there


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(group, [str(word) for word in words])


@pytest.fixture
def into(flask):
    """Imports a file into the first hostel of A."""
    return lambda file, *words: flask("requests", file, "--org", "asha", "--hostel", "H1", *words)


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "old.csv"
    path.write_bytes(rows(row(1), row(2), row(3, closed="06/25/2018 12:00:00 AM", place="=A1")))
    return path


def test_the_file_of_new_york_goes_in_and_is_taken_back(world, flask, into, superuser):
    done = into(NYC, "--zone", NEW_YORK)
    assert done.exit_code == 0, done.output
    assert "990 created, 0 restored, 0 unchanged, 10 refused." in done.output
    assert "0 created, 0 restored, 990 unchanged, 10 refused." in into(NYC, "--zone", NEW_YORK).output
    assert there(superuser, "SELECT count(*) FROM maintenance_requests") == [(990,)]
    run_id = re.search(r"flask imports undo (\S+)", done.output)[1]
    assert "990 rows are hidden, 0 were left." in flask("undo", run_id).output
    listed = flask("list").output
    assert f"{run_id}" in listed
    assert "asha/H1  undone  requests  nyc-311-2018.csv: 990 created" in listed


def test_a_dry_run_counts_and_writes_nothing(world, into, small, superuser, tmp_path):
    told = into(small, "--zone", NEW_YORK, "--dry-run", "--errors", tmp_path / "refused.csv").output
    assert "2 rows go in, 1 are refused." in told
    assert "states: resolved 2" in told
    assert "reasons: closed_before_created 1" in told
    assert "Nothing was written." in told
    assert there(superuser, "SELECT (SELECT count(*) FROM import_runs), (SELECT count(*) FROM files)") == [(0, 0)]
    assert "'=A1" in (tmp_path / "refused.csv").read_text(encoding="utf-8-sig")


def test_a_dry_run_says_what_is_here_already(world, into, small):
    into(small, "--zone", NEW_YORK)
    assert "2 of them are here already." in into(small, "--zone", NEW_YORK, "--dry-run").output


def test_columns_may_be_said_and_left_out(world, into, small, superuser):
    into(small, "--zone", NEW_YORK, "--map", "Descriptor=place", "--map", "Incident Address=description", "--map", "Resolution Description=")
    assert there(superuser, "SELECT place, description, resolution FROM maintenance_requests WHERE external_id = '1'") == [
        ("TOILET", "1 MAIN STREET", "")]


@pytest.mark.parametrize(("words", "sentence"), [
    (["--org", "nobody", "--hostel", "H1"], "There is no organization with the address nobody."),
    (["--org", "asha", "--hostel", "X9"], "asha has no hostel with the code X9."),
    (["--org", "asha", "--hostel", "H1", "--zone", "Mars/Base"], "There is no time zone named “Mars/Base”."),
    (["--org", "asha", "--hostel", "H1", "--map", "Nowhere=place"], "--map Nowhere=place: there is no such column or field."),
])
def test_what_cannot_be_is_said_in_a_sentence(world, flask, small, words, sentence):
    told = flask("requests", small, *words)
    assert told.exit_code == 1
    assert sentence in told.output
    assert "Traceback" not in told.output


def test_a_file_in_another_encoding_says_what_to_do(world, into, tmp_path):
    path = tmp_path / "old.csv"
    path.write_bytes("Created,Description\n1 Jan 2020,Café\n".encode("cp1252"))
    assert "mostly Windows-1252" in into(path).output
    assert "1 created" in into(path, "--encoding", "cp1252").output


def test_dates_that_could_be_read_either_way_are_asked_for(world, into, tmp_path, superuser):
    path = tmp_path / "old.csv"
    path.write_text("Created,Description\n03/04/2019,Tap\n", encoding="utf-8")
    assert "whether the day or the month comes first in “Created”" in into(path).output
    assert "1 created" in into(path, "--dates", "day_first").output
    assert there(superuser, "SELECT (raised_at AT TIME ZONE 'Asia/Kolkata')::date::text FROM maintenance_requests") == [("2019-04-03",)]


def test_an_unknown_import_is_not_undone(world, flask):
    told = flask("undo", "0198f000-0000-7000-8000-000000000000")
    assert (told.exit_code, "There is no such import." in told.output) == (1, True)


def test_other_kinds_go_in_by_their_name_after_a_dry_run_that_writes_nothing(world, flask, tmp_path, superuser):
    file, errors = tmp_path / "people.csv", tmp_path / "refused.csv"
    file.write_text("Name,Email,Joining Date,Phone\nMeera Joshi,meera@people.example,2025-02-13,9876543210\nNobody,,2025-02-13,9876543211\n")
    words = ("residents", file, "--org", "asha", "--hostel", "H1", "--errors", errors)
    dry = flask(*words, "--dry-run")
    assert "1 rows go in, 1 are refused." in dry.output
    assert "9876543211" in errors.read_text()
    assert there(superuser, "SELECT count(*) FROM residents") == [(0,)]
    assert "1 created, 0 restored, 0 unchanged, 1 refused." in flask(*words).output
    assert there(superuser, "SELECT count(*) FROM personal_values WHERE name = 'phone'") == [(1,)]
    assert "no such column or field" in flask(*words, "--map", "Phone=category").output
