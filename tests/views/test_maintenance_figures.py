"""The screen of figures draws everything here and puts a table behind each chart (M8)."""

from __future__ import annotations

import re

import pytest

from app.permissions import Role
from app.services.maintenance import sweep
from app.tenancy import service_scope
from tests.maintenance import moved, raised

FIGURES = "/maintenance/figures/"


@pytest.fixture
def drawn(app, world, browser):
    for _ in range(3):
        moved(world.staff, raised(world.resident, code="plumber"), "claim", "start", "resolve")
    raised(world.resident, code="wifi")
    with service_scope("fresh figures for a test") as session:
        sweep.refresh_analytics(session)
    return browser


def test_every_chart_has_a_sentence_and_the_table_it_is_drawn_from(drawn, world):
    page = drawn(world.owner).get(FIGURES).text
    charts = re.findall(r"<figure data-chart.*?</figure>", page, re.DOTALL)
    assert len(charts) == 5
    for chart in charts:
        assert re.search(r'<canvas role="img" aria-label="[^"]+: \d+|<canvas role="img" aria-label="[^"]+ \d+[^"]*"', chart), chart
        heads, rows = (re.findall(rf"<{tag}>.*?</{tag}>", chart, re.DOTALL)[0] for tag in ("thead", "tbody"))
        assert heads.count("<th ") == (rows.count("<th ") + rows.count("<td ")) / rows.count("<tr")
    assert f'{world.staff.name}</th><td class="n" data-value="' in page
    assert "Most are in WiFi / Internet: 1." in page


def test_nothing_on_it_comes_from_elsewhere(drawn, world):
    page = drawn(world.owner).get(FIGURES).text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//[^"]+"', page)
    assert not re.search(r"<(?:script|img|svg)[^>]* on\w+=", page)


def test_before_anything_happened_it_says_so(app, world, browser):
    page = browser(world.owner).get(FIGURES)
    assert page.status_code == 200
    assert "Nothing is open." in page.text


@pytest.mark.parametrize("weeks", ["0", "13", "x", "9999999999"])
def test_a_period_that_is_not_offered_is_refused(app, world, browser, weeks):
    assert browser(world.owner).get(f"{FIGURES}?weeks={weeks}").status_code == 400


@pytest.mark.parametrize("role", [Role.RESIDENT, Role.GUARD])
def test_it_is_not_for_everybody(app, world, browser, role):
    assert browser(world.a.people[role]).get(FIGURES).status_code == 403
