"""Lists of the base view: paging by neighbour, sorting by index, filters from the link."""

from __future__ import annotations

import base64
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.views import toy
from tests.views.conftest import ORG_A, ORG_B, VENDORS, Workshop, visible


def titles(response):
    return re.findall(r'class="row-link[^>]*>([^<]*)<', response.text)


def link(response, rel):
    found = re.search(rf'rel="{rel}" href="([^"]+)"', response.text)
    return found and found[1].replace("&amp;", "&")


def walk(workshop, response, rel):
    pages = [titles(response)]
    while (url := link(response, rel)) is not None:
        response = workshop.get(url)
        pages.append(titles(response))
    return pages, response


@pytest.fixture
def forty(workshop):
    for n in range(40):
        workshop.ticket(f"Ticket {n:02}", due_on=date(2026, 1, 1) + timedelta(days=n // 3) if n % 4 else None,
                        cost_paise=None if n % 2 else n // 6 * 1000)
    return workshop


@pytest.mark.parametrize("sort", ["title", "-title", "due_on", "-due_on", "cost_paise", "-cost_paise", "id", "-id"])
def test_walking_on_and_back_shows_every_row_once_in_order(forty, sort):
    column, down = sort.removeprefix("-"), sort.startswith("-")
    key = lambda ticket: (getattr(ticket, column), ticket.id)  # noqa: E731
    rows = forty.tickets()
    filled = sorted((t for t in rows if getattr(t, column) is not None), key=key, reverse=down)
    empty = sorted((t for t in rows if getattr(t, column) is None), key=lambda t: t.id, reverse=down)
    expected = [ticket.title for ticket in filled + empty]

    forward, last = walk(forty, forty.get(f"/tickets/list/?size=7&sort={sort}"), "next")
    backward, _ = walk(forty, last, "prev")

    assert [title for page in forward for title in page] == expected
    assert backward == forward[::-1]


def test_a_list_with_three_relations_is_read_in_two_statements(workshop):
    kind = workshop.add(toy.Kind(org_id=ORG_A, name="Plumbing"))[0]
    for n in range(30):
        workshop.ticket(f"Ticket {n}", vendor_id=VENDORS[ORG_A], kind_id=kind)
    workshop.statements.clear()

    page = workshop.get("/tickets/list/?size=25")

    assert page.text.count("Plumber of Lakeside") == 25
    assert len(workshop.statements) == 2  # the page and its capped count


def test_only_indexed_columns_can_be_sorted(workshop):
    workshop.ticket()
    page = workshop.get("/tickets/list/").text
    offered = set(re.findall(r"[?&;]sort=-?(\w+)", page))
    assert offered == {"title", "due_on", "cost_paise"}
    assert workshop.get("/tickets/list/?sort=opened_at").status_code == 400
    assert workshop.get("/tickets/list/?sort=no_such_column").status_code == 400


def test_a_sorted_list_says_which_way(workshop):
    workshop.ticket()
    assert 'aria-sort="descending"' in workshop.get("/tickets/list/?sort=-title").text


@pytest.mark.parametrize("place", ["x", "e30", "WyJ0aXRsZSIsIngiLCJ5Il0", "%00", "ey" * 3000])
def test_a_broken_place_in_a_list_is_refused(workshop, place):
    response = workshop.get(f"/tickets/list/?sort=title&after={place}")
    assert response.status_code == 400


def place_token(raw):
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


@pytest.mark.parametrize("raw", [
    "[" * 2_500, "[" * 5_000, r'["title","\ud800","00000000-0000-0000-0000-000000000001"]',
    r'["title","\u0000","00000000-0000-0000-0000-000000000001"]', '["title",{},"x"]',
    '["title","x","00000000-0000-0000-0000-000000000001"]' + " " * 4_000])
def test_a_place_that_no_list_gave_out_is_refused(workshop, raw):
    assert workshop.get(f"/tickets/list/?sort=title&after={place_token(raw)}").status_code == 400


def test_a_place_of_another_order_is_refused(forty):
    url = link(forty.get("/tickets/list/?size=7&sort=title"), "next")
    assert forty.get(url.replace("sort=title", "sort=-title")).status_code == 400


def test_counting_stops_at_a_thousand(workshop):
    rows = [toy.Ticket(org_id=ORG_A, title=f"T{n}", place_id=workshop_place()) for n in range(1002)]
    workshop.add(*rows)
    assert "1,000+ rows" in workshop.get("/tickets/list/").text


def workshop_place():
    from tests.views.conftest import PLACES

    return PLACES[ORG_A]


@pytest.mark.parametrize(("asked", "shown"), [("7", 7), ("100000", 40), ("-3", 1), ("0", 1)])
def test_a_page_has_a_sensible_size_whatever_is_asked(forty, asked, shown):
    assert len(titles(forty.get(f"/tickets/list/?size={asked}"))) == shown


@pytest.mark.parametrize("query", ["size=many", "state=broken", "vendor=1", "opened_at.from=yesterday",
                                   "opened_at.to=9999-12-31", "cost_paise=9e99", "urgent=maybe", "q=%00"])
def test_a_filter_that_cannot_be_read_is_refused(workshop, query):
    response = workshop.get(f"/tickets/list/?{query}")
    assert response.status_code == 400


def test_the_list_shows_only_the_callers_organization(workshop: Workshop):
    workshop.ticket("Ours")
    workshop.ticket("Theirs", org=ORG_B)
    assert titles(workshop.get("/tickets/list/")) == ["Ours"]


def test_filters_narrow_and_are_shown(workshop):
    workshop.ticket("Tap", state=toy.State.CLOSED, vendor_id=VENDORS[ORG_A], priority="high")
    workshop.ticket("Fan")
    for query in ("state=closed", f"vendor={VENDORS[ORG_A]}", "priority=high", "q=tA"):
        page = workshop.get(f"/tickets/list/?{query}")
        assert titles(page) == ["Tap"], query
        assert 'class="chips"' in page.text


def test_a_period_is_counted_in_days_of_the_hostels_zone(workshop):
    # 20:00 UTC on the 4th is 01:30 on the 5th in Kolkata.
    workshop.ticket("Late", opened_at=datetime(2026, 3, 4, 20, 0, tzinfo=UTC))
    workshop.ticket("Early", opened_at=datetime(2026, 3, 4, 18, 0, tzinfo=UTC))
    assert titles(workshop.get("/tickets/list/?opened_at.from=2026-03-05&opened_at.to=2026-03-05")) == ["Late"]


def test_searching_takes_wildcards_as_what_they_are(workshop):
    workshop.ticket("100% wet")
    workshop.ticket("100 wet")
    assert titles(workshop.get("/tickets/list/?q=0%25")) == ["100% wet"]


def test_removed_rows_are_hidden_until_asked_for(workshop):
    workshop.ticket("Gone", deleted_at=datetime.now(UTC))
    workshop.ticket("Here")
    assert titles(workshop.get("/tickets/list/")) == ["Here"]
    assert titles(workshop.get("/tickets/list/?deleted=1")) == ["Gone"]


def test_an_empty_list_says_what_to_do(workshop):
    assert "Open the first ticket" in workshop.get("/tickets/list/").text
    workshop.ticket()
    assert "Nothing matches" in workshop.get("/tickets/list/?q=nothing").text


def test_an_embedded_list_is_only_its_table(workshop):
    workshop.ticket()
    page = workshop.get("/tickets/list/?embed=1").text
    assert "<table" in page
    assert "<html" not in page


def test_a_list_page_shows_no_identifier_and_no_code(workshop):
    identifier = workshop.ticket(state=toy.State.IN_PROGRESS, vendor_id=VENDORS[ORG_A], cost_paise=12345600)
    text = visible(workshop.get("/tickets/list/").text)
    assert str(identifier) not in text
    assert "in_progress" not in text
    assert "In progress" in text
    assert "₹1,23,456.00" in text


def test_options_are_found_by_their_name_and_only_ours(workshop):
    found = workshop.get("/tickets/options/vendor?q=PLUMB").get_json()["options"]
    assert found == [{"value": str(VENDORS[ORG_A]), "label": "Plumber of Lakeside"}]
    assert workshop.get("/tickets/options/title").status_code == 404


def test_options_come_twenty_at_a_time(workshop):
    workshop.add(*(toy.Vendor(org_id=ORG_A, name=f"Vendor {n}") for n in range(50)))
    assert len(workshop.get("/tickets/options/vendor").get_json()["options"]) == 20
