"""What lists do beside showing rows: columns, quick filters, presets, weight, and CSV of what is shown."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.maintenance import Priority
from tests.maintenance import category, first_hostel, moved, raised, scope
from tests.views import toy
from tests.views.conftest import ORG_A, VENDORS

ROOT = "/maintenance/requests"


def heads(page):
    return [re.sub(r"<[^>]+>", "", head) for head in re.findall(r'<th scope="col".*?</th>', page.text)]


def titles(page):
    return re.findall(r'class="row-link[^>]*>([^<]*)<', page.text)


def csv_of(answer):
    content = answer.get_data()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_columns_are_those_of_the_link_in_its_order(workshop):
    workshop.ticket()
    assert heads(workshop.get("/tickets/list/?cols=opened_at&cols=state")) == ["Title", "Opened", "State"]
    assert heads(workshop.get("/tickets/list/?cols=opened_at,state")) == ["Title", "Opened", "State"]
    page = workshop.get("/tickets/list/?cols=gone,state")
    assert heads(page) == ["Title", "State"]
    assert "A column of this link is not there any more" in page.text


def test_several_values_of_a_filter_are_any_of_them(workshop):
    for state in toy.State:
        workshop.ticket(state.name, state=state)
    page = workshop.get("/tickets/list/?state=open&state=closed")
    assert sorted(titles(page)) == ["CLOSED", "OPEN"]
    assert re.search(r"State: <strong[^>]*>Open, Closed<", page.text)


def test_a_relation_can_be_asked_to_be_empty_or_not(workshop):
    workshop.ticket("Alone")
    workshop.ticket("With", vendor_id=VENDORS[ORG_A])
    assert titles(workshop.get("/tickets/list/?vendor=none")) == ["Alone"]
    assert titles(workshop.get("/tickets/list/?vendor=any")) == ["With"]


def test_a_period_can_move_with_today(workshop):
    now = datetime.now(UTC)
    workshop.ticket("Today", opened_at=now)
    workshop.ticket("Last week", opened_at=now - timedelta(days=5))
    workshop.ticket("Long ago", opened_at=now - timedelta(days=90))
    assert titles(workshop.get("/tickets/list/?opened_at.in=today")) == ["Today"]
    assert sorted(titles(workshop.get("/tickets/list/?opened_at.in=last_7_days"))) == ["Last week", "Today"]
    assert workshop.get("/tickets/list/?opened_at.in=someday").status_code == 400


def test_every_word_of_a_search_must_be_found_somewhere(workshop):
    workshop.ticket("Tap leaks", notes="second floor")
    workshop.ticket("Tap drips")
    assert titles(workshop.get("/tickets/list/?q=floor+tap")) == ["Tap leaks"]


def test_quick_filters_are_one_click_and_say_which_is_chosen(app, world, browser):
    free, taken = raised(world.owner), raised(world.owner, priority=Priority.HIGH)
    moved(world.staff, taken, "claim")
    staff = browser(world.staff)
    tabs = {label: address.replace("&amp;", "&") for address, label in
            re.findall(r'class="view-tab" href="([^"]+)"[^>]*>([^<]+)<', staff.get(f"{ROOT}/list/?cols=status").text)}
    assert list(tabs) == ["All", "Open", "Mine", "Overdue", "Unassigned", "Urgent"]
    shown = {label: re.findall(r"/show/([0-9a-f-]{36})", staff.get(address).text) for label, address in tabs.items()}
    assert shown == {"All": [str(taken), str(free)], "Open": [str(taken), str(free)], "Mine": [str(taken)], "Overdue": [],
                     "Unassigned": [str(free)], "Urgent": [str(taken)]}
    assert all("cols=status" in address for address in tabs.values())
    assert re.search(r'aria-current="page">Mine<', staff.get(tabs["Mine"]).text)


@pytest.fixture
def many(app, world, superuser):
    """A hundred and twenty requests, written straight into the table."""
    with scope(world.owner) as session:
        trade = category(session)
    with superuser.begin() as c:
        c.execute(text("SET session_replication_role = replica"))
        c.execute(text("""
            INSERT INTO maintenance_requests (org_id, hostel_id, number, category_id, user_id, room_id, description, place,
                                              raised_at, resolve_by)
            SELECT :org, :hostel, n, :category, :user, :room, 'The tap in the bathroom drips all night long', 'beside the window',
                   now() - n * interval '1 hour', now() + n * interval '1 hour' FROM generate_series(1, 120) n"""), {
            "org": world.a.org_id, "hostel": first_hostel(world.owner), "category": trade,
            "user": world.resident.user_id, "room": world.a.places[0].rooms[0]})
    return world


@pytest.mark.parametrize("language", ["en", "hi"])
def test_a_page_of_requests_weighs_at_most_sixty_kilobytes(many, browser, language):
    """Devanagari takes three bytes a letter; 25 rows are what one sees without asking for more."""
    somebody = browser(many.owner)
    somebody.http.set_cookie("language", language)
    page = somebody.get(f"{ROOT}/list/")
    assert f'<html lang="{language}"' in page.text
    assert len(titles(page)) == 25
    assert len(page.data) <= 60_000


def test_csv_is_what_is_shown_all_of_it(many, browser, monkeypatch):
    monkeypatch.setattr("app.views.export._BATCH", 50)
    answer = browser(many.owner).post(f"{ROOT}/export/?q=MR&cols=where,status,raised_at&sort=number", buffered=True)
    assert re.fullmatch(r'attachment; filename="maintenance-requests-\d{4}-\d\d-\d\d\.csv"', answer.headers["Content-Disposition"])
    head, *rows = csv_of(answer)
    assert head == ["Request", "Place", "Status", "Raised"]
    assert [row[0][:7] for row in rows] == [f"MR-{n:04}" for n in range(1, 121)]
    assert rows[0][2] == "Submitted"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", rows[0][3])


def test_csv_of_selected_rows_has_only_them_and_nobody_elses(many, browser):
    theirs, owner = raised(many.outsider), browser(many.owner)
    mine = re.search(r"/show/([0-9a-f-]{36})", owner.get(f"{ROOT}/list/").text)[1]
    answer = owner.post(f"{ROOT}/export/", {"rowid": [str(mine), str(theirs), "nonsense"]}, buffered=True)
    assert len(csv_of(answer)) == 2
    answer = owner.post(f"{ROOT}/export/", {"rowid": [str(mine)], "all": "1"}, buffered=True)
    assert len(csv_of(answer)) == 121


def test_csv_is_refused_beyond_the_cap_and_noted_in_the_audit_log(many, browser, superuser, monkeypatch):
    owner = browser(many.owner)
    owner.post(f"{ROOT}/export/?q=secret", buffered=True)
    with superuser.connect() as c:
        noted = c.execute(text("SELECT table_name, after FROM audit_log WHERE action = 'export'")).all()
    assert [(table, data["rows"], data["filters"]) for table, data in noted] == [("maintenance_requests", 0, ["q"])]
    assert "secret" not in str(noted)
    monkeypatch.setattr("app.views.export.EXPORT_MAX", 119)
    answer = owner.post(f"{ROOT}/export/")
    assert answer.status_code == 422
    assert "more than 119 rows" in answer.text


def test_csv_takes_the_capability_to_export(app, world, browser):
    raised(world.owner)
    viewer = browser(world.a.people[Role.VIEWER])
    assert "Save as CSV" not in viewer.get(f"{ROOT}/list/").text
    assert viewer.post(f"{ROOT}/export/").status_code == 403


@pytest.mark.parametrize("text_", ["=1+1", "+1", "-1", "@x"])
def test_no_cell_of_a_csv_is_a_formula(workshop, text_, monkeypatch):
    monkeypatch.setattr("app.services.audit.note_export", lambda *_, **__: None)
    workshop.ticket(text_ + " tap", cost_paise=-123456)
    head, row = csv_of(workshop.post("/tickets/export/?cols=cost_paise", buffered=True))
    assert head == ["Title", "Cost (INR)"]
    assert row == ["'" + text_ + " tap", "-1234.56"]
