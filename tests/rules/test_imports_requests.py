"""Rows of a file become requests or are refused with a reason, and get a legal history (Y2)."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.errors import Invalid
from app.rules.imports import (
    DateOrder,
    Field,
    ImportSettings,
    check_rows,
    error_rows,
    import_path,
    propose,
    read_csv,
    sla_started_at,
    summarise,
)
from app.rules.maintenance import CLOSED, REQUEST, CategoryCode
from app.rules.maintenance import RequestStatus as S

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADER = "Unique Key,Created Date,Closed Date,Complaint Type,Descriptor,Incident Address,Status,Resolution Description"
GOOD = "1,06/26/2018 10:58:54 AM,06/26/2018 12:50:01 PM,PLUMBING,TOILET,1 MAIN STREET,Closed,It was mended."


def table(*rows, header=HEADER):
    return read_csv(lambda: io.StringIO("\n".join([header, *rows]), newline=""), ",")


def chosen(read, **changes):
    proposal = propose(read)
    orders = {f: guess.order or DateOrder.MONTH_FIRST for f, guess in proposal.orders.items()}
    return replace(ImportSettings(proposal.columns, "America/New_York", orders), **changes)


def verdicts(*rows, header=HEADER, **changes):
    read = table(*rows, header=header)
    return list(check_rows(read, chosen(read, **changes), NOW))


def refusal(*rows, **changes):
    return verdicts(*rows, **changes)[-1]


def test_a_closed_row_becomes_a_resolved_request_at_its_own_times():
    request = verdicts(GOOD)[0].request
    assert (request.external_id, request.status, request.category) == ("1", S.RESOLVED, CategoryCode.PLUMBER)
    assert request.created_at == datetime(2018, 6, 26, 14, 58, 54, tzinfo=UTC)
    assert request.closed_at == datetime(2018, 6, 26, 16, 50, 1, tzinfo=UTC)
    assert (request.issue_type, request.place) == ("toilet", "1 MAIN STREET")
    assert request.description == "PLUMBING: TOILET"
    assert request.resolution == "It was mended."


def test_a_row_closed_before_it_was_created_is_refused_naming_both_times_and_the_column():
    verdict = refusal("7,06/26/2018 10:00:00 AM,06/25/2018 10:00:00 AM,PLUMBING,,,Closed,")
    assert verdict.reason == (
        "The request was closed (06/25/2018 10:00:00 AM) before it was created (06/26/2018 10:00:00 AM)."
    )
    assert (verdict.number, verdict.column, verdict.code) == (2, "Closed Date", "closed_before_created")


@pytest.mark.parametrize(("row", "code"), [
    ("1,,06/26/2018 12:50:01 PM,PLUMBING,,,Closed,", "no_created_at"),
    ("1,soon,,PLUMBING,,,Open,", "unreadable_time"),
    ("1,03/11/2018 02:30:00 AM,,PLUMBING,,,Open,", "unreadable_time"),
    ("1,03/02/2026 10:00:00 AM,,PLUMBING,,,Open,", "in_future"),
    ("1,06/26/2018 10:00:00 AM,06/26/2028 10:00:00 AM,PLUMBING,,,Closed,", "in_future"),
    ("1,06/26/1918 10:00:00 AM,,PLUMBING,,,Open,", "too_early"),
    ("1,06/26/2018 10:00:00 AM,,PLUMBING,,,Closed,", "no_closed_at"),
    ("1,06/26/2018 10:00:00 AM,,PLUMBING,,,Frobnicated,", "unknown_status"),
    ("1,06/26/2018 10:00:00 AM,,,,5 MAIN STREET,Open,", "says_nothing"),
    (f"1,06/26/2018 10:00:00 AM,,PLUMBING,,{'x' * 201},Open,", "too_long"),
    (f"1,06/26/2018 10:00:00 AM,,PLUMBING,,,Open,{'x' * 4001}", "too_long"),
    (f"{GOOD},what,is,this", "too_many_cells"),
])
def test_rows_that_are_not_fit_are_refused_with_a_reason(row, code):
    verdict = refusal(row)
    assert verdict.code == code
    assert verdict.reason.endswith(".")
    assert not verdict.ok


def test_a_second_row_with_the_same_id_is_refused_naming_the_first():
    verdict = refusal("9,06/01/2018 10:00:00 AM,,X,,,Open,", GOOD, GOOD)
    assert (verdict.number, verdict.reason) == (4, "The request 1 is in row 3 already.")


def test_a_refused_row_does_not_take_the_id_from_a_good_one():
    bad = GOOD.replace("06/26/2018 10:58:54 AM", "")
    assert [verdict.ok for verdict in verdicts(bad, GOOD)] == [False, True]


def test_rows_without_an_id_are_recognised_by_what_they_say():
    row = GOOD.removeprefix("1")
    first, second = verdicts(row, row)
    again = verdicts(row)[0]
    assert first.request.external_id == again.request.external_id
    assert second.reason == "The same request is in row 2 already."


def test_a_text_of_four_thousand_characters_is_taken_whole():
    assert len(verdicts(GOOD.replace("It was mended.", "x" * 4000))[0].request.resolution) == 4000


def test_emoji_script_tags_and_right_to_left_text_are_kept_as_they_are():
    text = "<script>alert(1)</script> 🛠 שלום"
    assert verdicts(GOOD.replace("It was mended.", text))[0].request.resolution == text


def test_an_open_request_with_a_closing_time_stays_open_and_says_so():
    request = verdicts(GOOD.replace("Closed", "Pending"))[0].request
    assert (request.status, request.closed_at) == (S.SUBMITTED, None)
    assert "06/26/2018 12:50:01 PM" in request.notes[0]


def test_when_clocks_went_back_a_closing_time_is_read_so_that_it_follows_the_creation():
    request = verdicts("1,11/04/2018 01:50:00 AM,11/04/2018 01:10:00 AM,PLUMBING,,,Closed,")[0].request
    assert request.closed_at - request.created_at == timedelta(minutes=20)


def test_a_persons_choice_of_category_and_state_wins_over_the_guess():
    request = verdicts(GOOD, categories={"PLUMBING": "carpentry"}, statuses={"Closed": S.REJECTED})[0].request
    assert (request.category, request.status) == ("carpentry", S.REJECTED)


def test_a_category_of_the_operators_own_is_taken():
    request = verdicts(GOOD, categories={"PLUMBING": "garden"})[0].request
    assert (request.category, request.issue_type) == ("garden", "other")


@pytest.mark.parametrize(("changes", "words"), [
    ({"columns": {Field.PLACE: "Incident Address"}}, "choose the column for the time of creation"),
    ({"columns": {Field.CREATED_AT: "Nowhere"}}, "no column “Nowhere”"),
    ({"columns": {Field.CREATED_AT: "Status", Field.STATUS: "Status"}}, "used 2 times"),
    ({"time_zone": "Mars/Olympus"}, "no time zone"),
])
def test_settings_that_cannot_work_are_refused_before_any_row(changes, words):
    with pytest.raises(Invalid, match=words):
        verdicts(GOOD, **changes)


def test_a_proposal_tells_what_was_guessed_and_what_must_be_asked():
    general = "2,07/01/2018 10:00:00 AM,,GENERAL,{},,Frobnicated,"
    proposal = propose(table(GOOD, general.format("VENTILATION"), general.format("SIGNAGE")))
    assert proposal.statuses == {"Closed": S.RESOLVED}
    assert proposal.unknown_statuses == ("Frobnicated",)
    assert proposal.categories == {"PLUMBING": CategoryCode.PLUMBER, "GENERAL": None}


def test_a_column_of_open_order_follows_one_that_settles_it():
    proposal = propose(table("1,26/06/2018,03/07/2018,PLUMBING,,,Closed,"))
    assert {guess.order for guess in proposal.orders.values()} == {DateOrder.DAY_FIRST}


def test_a_summary_counts_what_goes_in_and_why_the_rest_does_not():
    counts = summarise(verdicts(GOOD, GOOD, GOOD.replace("1,", "2,", 1), "3,,,PLUMBING,,,Open,"))
    assert (counts.accepted, counts.refused) == (2, 2)
    assert counts.by_status == {"resolved": 2}
    assert counts.by_category == {"plumber": 2}
    assert counts.by_reason == {"duplicate": 1, "no_created_at": 1}


def test_the_error_file_holds_refused_rows_as_they_came_with_reason_and_no_formula():
    read = table(GOOD, "4,,,PLUMBING,=cmd(),,Open,")
    found = list(check_rows(read, chosen(read), NOW))
    lines = list(error_rows(read.headers, found))
    assert len(lines) == 2
    assert lines[0] == [*HEADER.split(","), "Row", "Reason"]
    assert lines[1][3:5] == ["PLUMBING", "'=cmd()"]
    assert lines[1][-2:] == ["3", "The row does not say when the request was created."]


@given(status=st.sampled_from(list(S)), hours=st.integers(0, 10_000))
def test_every_history_follows_edges_of_the_lifecycle_in_time(status, hours):
    base = verdicts(GOOD)[0].request
    closed_at = base.created_at + timedelta(hours=hours) if status in CLOSED else None
    steps = import_path(replace(base, status=status, closed_at=closed_at), NOW)
    assert (steps[0].event, steps[0].to, steps[0].event_at) == ("submit", REQUEST.initial, base.created_at)
    assert steps[-1].to is status
    for before, after in pairwise(steps):
        step = REQUEST.find(after.event, before.to)
        assert step.to is after.to
        assert after.note or not step.needs_note
        assert after.event_at >= before.event_at
    assert steps[-1].event_at == (closed_at or (NOW if len(steps) > 1 else base.created_at))


def test_a_resolved_history_says_that_the_source_does_not_know_when_work_began():
    notes = [step.note for step in import_path(verdicts(GOOD)[0].request, NOW)]
    unknown = "imported; the source does not say when work began"
    assert notes == ["imported", unknown, unknown, "It was mended."]


def test_what_was_decided_on_the_way_is_told_by_the_first_step():
    request = verdicts(GOOD.replace("Closed", "Pending"))[0].request
    assert import_path(request, NOW)[0].note.startswith("imported; the source gives a closing time, 06/26/2018")


def test_the_clock_of_an_open_request_starts_with_the_import():
    closed = verdicts(GOOD)[0].request
    still_open = replace(closed, status=S.SUBMITTED, closed_at=None)
    assert sla_started_at(still_open, NOW) == NOW
    assert sla_started_at(closed, NOW) == closed.created_at
