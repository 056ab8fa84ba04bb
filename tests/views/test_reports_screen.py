"""The form of the SLA report, and its files (R1)."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from app.permissions import Role
from tests.maintenance import first_hostel, moved, raised, today

SLA = "/reports/maintenance-sla/"


def period(world, **changes):
    given = {"hostel": str(first_hostel(world.owner)), "first": str(today() - timedelta(days=3)), "last": str(today()), **changes}
    return "&".join(f"{name}={value}" for name, value in given.items())


def test_the_screen_and_the_csv_say_the_same(app, world, browser):
    for _ in range(3):
        moved(world.staff, raised(world.resident, place="=HYPERLINK(1)"), "claim", "start", "resolve")
    owner = browser(world.owner)
    page = owner.get(f"{SLA}?{period(world)}").text
    assert "100 %" in page
    answer = owner.get(f"{SLA}csv?{period(world)}")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["verdict"] for row in rows] == ["in time"] * 3
    assert {row["place"] for row in rows} == {"'=HYPERLINK(1)"}
    assert answer.headers["Content-Type"].startswith("text/csv")


def test_the_pdf_is_one_and_has_a_name(app, world, browser):
    raised(world.resident)
    answer = browser(world.owner).get(f"{SLA}pdf?{period(world)}")
    assert answer.data.startswith(b"%PDF")
    assert f"SLA Asha Homes 1 {today() - timedelta(days=3)} to {today()}.pdf" in answer.headers["Content-Disposition"]


def test_the_empty_form_proposes_last_month(app, world, browser):
    page = browser(world.owner).get(SLA).text
    last = today().replace(day=1) - timedelta(days=1)
    assert f'value="{last}"' in page or f'value="{(today() + timedelta(days=1)).replace(day=1) - timedelta(days=1)}"' in page


@pytest.mark.parametrize(("changes", "words"), [
    ({"first": "x"}, "Please give a day"), ({"last": "2000-01-01"}, "The period ends before it begins."),
    ({"first": "2020-01-01"}, "A report covers at most 366 days."), ({"hostel": "x"}, "Please choose a hostel.")])
@pytest.mark.parametrize("path", ["", "pdf", "csv"])
def test_wrong_parameters_get_a_sentence_and_are_kept(app, world, browser, changes, words, path):
    answer = browser(world.owner).get(f"{SLA}{path}?{period(world, **changes)}")
    assert answer.status_code == 422
    assert words in answer.text
    assert f'value="{changes.get("first", today() - timedelta(days=3))}"' in answer.text


def test_a_hostel_of_others_is_not_found(app, world, browser):
    manager = browser(world.a.people[Role.HOSTEL_MANAGER])
    for hostel in (world.b.places[0].hostel_id, world.a.places[1].hostel_id):
        assert manager.get(f"{SLA}csv?{period(world, hostel=hostel)}").status_code == 404


@pytest.mark.parametrize("role", [Role.MAINTENANCE_STAFF, Role.MEMBER, Role.VIEWER, Role.RESIDENT])
def test_reports_are_for_those_who_may_read_them(app, world, browser, role):
    person = browser(world.a.people[role])
    assert person.get(SLA).status_code == 403
    assert person.get(f"{SLA}pdf?{period(world)}").status_code == 403


def test_an_accountant_reads_and_takes_them_along(app, world, browser):
    accountant = browser(world.a.people[Role.ACCOUNTANT])
    assert accountant.get(f"{SLA}?{period(world)}").status_code == 200
    assert accountant.get(f"{SLA}csv?{period(world)}").status_code == 200
