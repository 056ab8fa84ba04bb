"""The home page in a browser: charts come out of their tables, in the page's colours; what others do appears by itself."""

from __future__ import annotations

import pytest

from tests.browser.windows import NARROW
from tests.maintenance import raised

pytestmark = pytest.mark.browser
PICTURE = "figure => figure.querySelector('canvas').toDataURL()"


def test_a_chart_is_drawn_from_its_table_and_again_when_the_colours_change(windows, people):
    page = windows.open(people.owner, color_scheme="light")
    figure = page.locator("figure[data-chart=line].drawn")
    assert not figure.locator("table").is_visible()
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    light = figure.evaluate(PICTURE)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("before => document.querySelector('figure[data-chart=line] canvas').toDataURL() !== before", arg=light)
    figure.locator("summary").press("Enter")
    assert figure.locator("tbody tr").count() == 14
    assert figure.locator("tbody tr").first.is_visible()


def test_without_scripts_the_table_is_what_one_reads(windows, people):
    page = windows.open(people.owner, java_script_enabled=False)
    figure = page.locator("figure[data-chart=line]")
    assert figure.locator("table").is_visible()
    assert not figure.locator("canvas").is_visible()


def test_on_a_phone_nothing_is_wider_than_the_screen(windows, people):
    page = windows.open(people.owner, viewport=NARROW)
    page.wait_for_selector("figure.drawn")
    page.evaluate("for (const one of document.querySelectorAll('details.chart-table')) one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]


def test_what_others_do_appears_by_itself(windows, people):
    page = windows.open(people.staff)
    page.wait_for_selector("[data-live-state] :text('Live'), [data-live-state]:has-text('Live')")
    tile = page.locator(".tile", has_text="Raised today").locator("strong")
    before = int(tile.inner_text())
    raised(people.resident)
    page.wait_for_function("before => [...document.querySelectorAll('.tile')].some(one => one.textContent.includes('Raised today') "
                           "&& Number(one.querySelector('strong').textContent) === before + 1)", arg=before, timeout=3000)
