"""The pages of an import, from the upload to the undoing, as a manager uses them."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest

from app.permissions import Role
from tests.imports import NYC, checked, imported, manager, row, rows, there, told, work

WINDOWS = "Created,Description,Status\n1 Jan 2020,Café,Open\n".encode("cp1252")


@pytest.fixture
def boss(app, world):
    return manager(world)


@pytest.fixture
def client(boss, browser):
    return browser(boss)


def send(client, person, content, name="old.csv", **values):
    return client.post("/imports/add", {"hostel_id": str(person.hostel_id), "file": (io.BytesIO(content), name), "encoding": "", **values},
                       content_type="multipart/form-data")


def begun(client, person, content, **options):
    """The id of an import that has just been uploaded."""
    answer = send(client, person, content, **options)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].rpartition("/")[2]


def typed(page: str, **changes):
    """What a browser would send of the last form of fields on a page."""
    form = re.search(r'<form method="post" data-guard[^>]*>.*?</form>', page, re.DOTALL)[0]
    found = {}
    for tag in re.finditer(r"<input([^>]*)>|<select([^>]*)>(.*?)</select>", form, re.DOTALL):
        name = re.search(r'name="([^"]+)"', tag[1] or tag[2])[1]
        chosen = re.search(r'<option value="([^"]*)" selected', tag[3]) if tag[2] else re.search(r'value="([^"]*)"', tag[1])
        found.setdefault(name, []).append(html.unescape(chosen[1]) if chosen else "")
    return {**found, **changes}


def test_a_file_is_led_from_upload_through_columns_and_values_to_the_requests_and_back(client, boss, superuser):
    run_id = begun(client, boss, NYC.read_bytes(), name="nyc-311-2018.csv")
    assert client.get(f"/imports/show/{run_id}").headers["Location"] == f"/imports/columns/{run_id}"

    columns = client.get(f"/imports/columns/{run_id}").text
    assert '<option value="Complaint Type" selected>' in columns
    assert "for example" in columns
    answer = client.post(f"/imports/columns/{run_id}", typed(columns, time_zone="America/New_York"))
    assert answer.headers["Location"] == f"/imports/values/{run_id}"

    values = client.get(f"/imports/values/{run_id}").text
    assert re.search(r'value="resolved" selected', values)
    assert client.post(f"/imports/values/{run_id}", typed(values)).headers["Location"] == f"/imports/show/{run_id}"

    assert "Every row is being checked" in client.get(f"/imports/show/{run_id}").text
    work()
    page = client.get(f"/imports/show/{run_id}").text
    assert "Import 990 rows" in page
    assert "was closed (11/13/2017 01:27:00 PM)" in page

    assert client.post(f"/imports/start/{run_id}").status_code == 303
    assert "Rows are taken in" in client.get(f"/imports/show/{run_id}").text
    work()
    assert "Hide the 990 rows" in client.get(f"/imports/show/{run_id}").text
    assert there(superuser, "SELECT count(*) FROM maintenance_requests") == [(990,)]

    client.post(f"/imports/undo/{run_id}")
    work()
    assert "hidden again" in client.get(f"/imports/show/{run_id}").text
    assert there(superuser, "SELECT count(*) FROM maintenance_requests WHERE deleted_at IS NULL") == [(0,)]


@pytest.mark.parametrize(("name", "content", "status", "words"), [
    ("old.csv", WINDOWS, 422, "The file is not UTF-8: byte 42 (line 2, 0xE9) cannot be read. Save it as “CSV UTF-8”, or choose its"),
    ("old.csv", b"", 422, "old.csv is empty"),
    ("old.csv", b"Created,Description\n", 422, "has headers, but no rows"),
    ("old.csv", b"MZ\x90\x00\x03\x00", 415, "is a Windows program"),
    ("old.xlsx", b"PK\x03\x04" + b"\0" * 22 + b"\x0f\x00\x00\x00xl/workbook.xml", 422, "workbook is damaged"),
])
def test_a_file_that_cannot_be_read_is_refused_with_a_sentence_and_nothing_is_kept(client, boss, superuser, name, content, status, words):
    answer = send(client, boss, content, name)
    assert answer.status_code == status
    assert words in answer.text
    assert there(superuser, "SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM import_runs)") == [(0, 0)]


def test_a_form_without_a_file_comes_back_with_what_was_chosen(client, boss):
    answer = client.post("/imports/add", {"hostel_id": str(boss.hostel_id), "encoding": "cp1252"})
    assert "Please choose a file." in answer.text
    assert '<option selected value="cp1252">' in answer.text


def test_a_windows_file_goes_through_once_its_encoding_is_chosen(client, boss):
    run_id = begun(client, boss, WINDOWS, encoding="cp1252")
    assert "Café" in client.get(f"/imports/columns/{run_id}").text


def test_choices_that_cannot_work_come_back_with_the_reason_and_as_they_were_typed(client, boss):
    run_id = begun(client, boss, rows(row(1)))
    page = client.get(f"/imports/columns/{run_id}").text
    answer = client.post(f"/imports/columns/{run_id}", typed(page, **{
        "column-created_at": "", "column-place": "Descriptor", "time_zone": "America/New_York"}))
    assert answer.status_code == 422
    assert "Please choose the column for the time of creation." in answer.text
    assert typed(answer.text)["time_zone"] == ["America/New_York"]
    assert typed(answer.text)["column-place"] == ["Descriptor"]


def test_an_unknown_zone_is_named(client, boss):
    run_id = begun(client, boss, rows(row(1)))
    answer = client.post(f"/imports/columns/{run_id}", typed(client.get(f"/imports/columns/{run_id}").text, time_zone="Mars/Base"))
    assert answer.status_code == 422
    assert "There is no time zone named “Mars/Base”." in answer.text


def test_dates_that_may_be_read_either_way_are_asked_about(client, boss, superuser):
    run_id = begun(client, boss, b"Id,Created,Description\n1,03/04/2019,Tap\n2,05/06/2019,Door\n")
    values = client.get(f"/imports/values/{run_id}").text
    assert "Day or month first?" in values
    assert client.post(f"/imports/values/{run_id}", typed(values)).status_code == 422
    client.post(f"/imports/values/{run_id}", typed(values, **{"order-created_at": "day_first"}))
    work()
    client.post(f"/imports/start/{run_id}")
    work()
    assert there(superuser, "SELECT raised_at::date::text FROM maintenance_requests ORDER BY raised_at") == [("2019-04-02",), ("2019-06-04",)]


def test_what_a_person_says_a_value_means_is_what_it_means(client, boss, superuser):
    run_id = begun(client, boss, rows(row(1, what="SIGNAGE"), row(2, status="Parked")))
    page = client.get(f"/imports/values/{run_id}").text
    sent = typed(page, **{"category-value": ["SIGNAGE"], "category": ["carpentry"], "status-value": ["Parked"], "status": ["on_hold"]})
    client.post(f"/imports/values/{run_id}", sent)
    work()
    client.post(f"/imports/start/{run_id}")
    work()
    assert there(superuser, "SELECT m.external_id, c.code, m.status FROM maintenance_requests m JOIN maintenance_categories c "
                            "ON c.org_id = m.org_id AND c.id = m.category_id ORDER BY 1") == [
        ("1", "carpentry", "resolved"), ("2", "plumber", "on_hold")]


def test_refused_rows_are_downloaded_with_their_reason_and_harmless_to_a_spreadsheet(client, boss):
    run_id = imported(boss, rows(row(1), row(2, place="=HYPERLINK(0)", closed="06/25/2018 12:00:00 AM")))
    answer = client.get(f"/imports/refused/{run_id}")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="old-refused.csv"')
    header, line = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert header[-2:] == ["Row", "Reason"]
    assert line[5] == "'=HYPERLINK(0)"
    assert line[-2] == "3"
    assert "was closed (06/25/2018" in line[-1]


def test_a_corrected_error_file_goes_in(client, boss, superuser):
    run_id = imported(boss, rows(row(1, closed="06/25/2018 12:00:00 AM", place="=5")))
    refused = client.get(f"/imports/refused/{run_id}").data.replace(b"06/25/2018", b"06/28/2018")
    imported(boss, refused)
    assert there(superuser, "SELECT external_id, place FROM maintenance_requests") == [("1", "=5")]


def test_a_check_is_discarded_and_its_file_with_it(client, boss, superuser):
    run_id = checked(boss, rows(row(1)))
    assert client.post(f"/imports/discard/{run_id}").status_code == 303
    assert told(boss, run_id)[0].status == "discarded"
    assert there(superuser, "SELECT count(*) FROM files WHERE deleted_at IS NULL") == [(0,)]
    assert client.post(f"/imports/start/{run_id}").status_code == 409


def test_choices_are_closed_once_the_import_has_begun(client, boss):
    run_id = imported(boss, rows(row(1)))
    for page in ("columns", "values"):
        assert client.get(f"/imports/{page}/{run_id}").headers["Location"] == f"/imports/show/{run_id}"


def test_what_a_file_says_is_never_taken_for_markup(client, boss):
    run_id = begun(client, boss, rows(row(1, what="<script>alert(1)</script>", place="<img src=x>"),
                                      header=rows().decode().strip().replace("Descriptor", "<b>Descriptor</b>")))
    for page in ("columns", "values"):
        assert "<script>alert" not in client.get(f"/imports/{page}/{run_id}").text
        assert "<img src=x" not in client.get(f"/imports/{page}/{run_id}").text


def test_only_those_who_may_import_see_imports_and_nobody_from_elsewhere(boss, browser, world):
    run_id = checked(boss, rows(row(1)))
    for role in (Role.VIEWER, Role.ACCOUNTANT, Role.MAINTENANCE_STAFF, Role.RESIDENT):
        assert browser(world.a.people[role]).get(f"/imports/show/{run_id}").status_code in (302, 403)
    for path in ("show", "columns", "refused"):
        assert browser(world.outsider).get(f"/imports/{path}/{run_id}").status_code == 404
    assert browser(world.outsider).post(f"/imports/start/{run_id}").status_code == 404


def test_a_manager_imports_into_their_own_hostel_only(client, boss, world):
    other = str(world.a.places[1].hostel_id)
    answer = client.post("/imports/add", {"hostel_id": other, "file": (io.BytesIO(rows(row(1))), "a.csv"), "encoding": ""},
                         content_type="multipart/form-data")
    assert answer.status_code == 422
    assert other not in client.get("/imports/add").text


def test_the_list_shows_each_import_with_its_state(client, boss):
    checked(boss, rows(row(1)), name="first.csv")
    page = client.get("/imports/list/").text
    assert "first.csv" in page
    assert "Checked" in page


def test_a_first_line_that_is_one_endless_cell_is_refused_with_a_sentence(client, boss):
    answer = send(client, boss, b"x" * 200_000 + b"\nCreated\n2020-01-01\n")
    assert answer.status_code == 422
    assert "Line 1 has a cell of more than 131,072 characters." in answer.text
