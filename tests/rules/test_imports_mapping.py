"""First guesses of an import: columns, categories, states, priorities (Y2)."""

import pytest

from app.rules.imports import (
    Field,
    guess_category,
    guess_columns,
    guess_issue_type,
    guess_priority,
    guess_status,
)
from app.rules.maintenance import CategoryCode, Priority
from app.rules.maintenance import RequestStatus as S

NYC_311 = [
    "Unique Key", "Created Date", "Closed Date", "Agency", "Complaint Type", "Descriptor", "Location Type",
    "Incident Zip", "Incident Address", "City", "Status", "Due Date", "Resolution Description",
    "Resolution Action Updated Date", "Borough", "Open Data Channel Type",
]


def test_the_columns_of_new_yorks_311_line_are_recognised():
    assert guess_columns(NYC_311) == {
        Field.EXTERNAL_ID: "Unique Key", Field.CREATED_AT: "Created Date", Field.CLOSED_AT: "Closed Date",
        Field.CATEGORY: "Complaint Type", Field.ISSUE_TYPE: "Descriptor", Field.PLACE: "Incident Address",
        Field.STATUS: "Status", Field.RESOLUTION: "Resolution Description",
    }


@pytest.mark.parametrize(("header", "field"), [
    ("created_at", Field.CREATED_AT), ("CreatedAt", Field.CREATED_AT), ("Date Reported", Field.CREATED_AT),
    ("ticket-id", Field.EXTERNAL_ID), ("ROOM NO. / Room Number", Field.PLACE), ("Assigned To", Field.ASSIGNEE),
    ("Urgency", Field.PRIORITY), ("Notes", Field.DESCRIPTION),
])
def test_headers_are_recognised_however_they_are_written(header, field):
    assert guess_columns([header, "Sonstiges"]) == {field: header}


def test_no_column_is_used_twice_and_no_field_guessed_from_nothing():
    guess = guess_columns(["Date", "Created", "Foo", "Bar"])
    assert guess == {Field.CREATED_AT: "Created"}


def test_our_own_field_names_are_always_understood():
    assert guess_columns([str(field) for field in Field]) == {field: str(field) for field in Field}


@pytest.mark.parametrize(("value", "issue", "category"), [
    ("HEAT/HOT WATER", "ENTIRE BUILDING", CategoryCode.AC_HEATING),
    ("PLUMBING", "", CategoryCode.PLUMBER),
    ("WATER LEAK", "", CategoryCode.PLUMBER),
    ("DOOR/WINDOW", "", CategoryCode.CARPENTRY),
    ("Door lock broken", "", CategoryCode.SECURITY),
    ("PAINT/PLASTER", "", CategoryCode.CARPENTRY),
    ("ELECTRIC", "POWER OUTAGE", CategoryCode.ELECTRICITY),
    ("Electronics Waste Appointment", "", CategoryCode.HOUSEKEEPING),
    ("UNSANITARY CONDITION", "PESTS", CategoryCode.HOUSEKEEPING),
    ("Rodent", "", CategoryCode.HOUSEKEEPING),
    ("Internet down", "", CategoryCode.WIFI),
    ("GENERAL", "VENTILATION SYSTEM", CategoryCode.AC_HEATING),
    ("Noise - Residential", "Banging on the door", CategoryCode.OTHER),
    ("Blocked Driveway", "", CategoryCode.OTHER),
    ("Illegal Parking", "", CategoryCode.OTHER),
    ("", "", CategoryCode.OTHER),
])
def test_foreign_categories_find_ours_or_other(value, issue, category):
    assert guess_category(value, issue) is category


@pytest.mark.parametrize(("category", "text", "issue"), [
    (CategoryCode.HOUSEKEEPING, "PESTS", "pest_control"), (CategoryCode.PLUMBER, "SLOW LEAK", "pipe_leak"),
    (CategoryCode.ELECTRICITY, "NO LIGHTING", "lighting"), (CategoryCode.CARPENTRY, "CABINET", "other"),
])
def test_issue_types_follow_from_the_words_they_share(category, text, issue):
    assert guess_issue_type(category, text) == issue


@pytest.mark.parametrize(("value", "status"), [
    ("Closed", S.RESOLVED), ("COMPLETED", S.RESOLVED), ("Open", S.SUBMITTED), ("Pending", S.SUBMITTED),
    ("Email Sent", S.SUBMITTED), ("Assigned", S.ASSIGNED), ("Unassigned", S.UNASSIGNED), ("In Progress", S.IN_PROGRESS),
    ("in_progress", S.IN_PROGRESS), ("On-Hold", S.ON_HOLD), ("Cancelled", S.REJECTED), ("Frobnicated", None),
    ("not closed", None),
])
def test_foreign_states_find_ours_or_wait_for_an_answer(value, status):
    assert guess_status(value) is status


@pytest.mark.parametrize("state", S)
def test_our_own_states_are_always_understood(state):
    assert guess_status(state.value) is state


def test_a_blank_state_follows_from_the_closing_time():
    assert guess_status("", closed=True) is S.RESOLVED
    assert guess_status("", closed=False) is S.SUBMITTED


@pytest.mark.parametrize(("value", "priority"), [
    ("URGENT", Priority.HIGH), ("P1", Priority.HIGH), ("high", Priority.HIGH), ("low", Priority.NORMAL),
    ("", Priority.NORMAL), ("highly unlikely", Priority.NORMAL),
])
def test_what_calls_itself_urgent_is_high(value, priority):
    assert guess_priority(value) is priority
