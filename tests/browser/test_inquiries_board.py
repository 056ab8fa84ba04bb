"""The board of inquiries as sales work on it: by mouse and by keyboard, asked what a step asks, and others see it go."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.permissions import ROLE_PORTAL, Role
from app.rules.inquiries import Lead, Stage
from app.services import inquiries
from app.tenancy import tenant_scope
from app.views.inquiries.strangers import ring
from tests.browser.test_board import arrived, card, column, drag

pytestmark = pytest.mark.browser
S = Stage


@pytest.fixture
def agent(people: Any) -> Any:
    return people.a.people[Role.SALES_AGENT]


def scope(person: Any) -> Any:
    return tenant_scope(person.org_id, person.user_id, portal=ROLE_PORTAL[person.role])


def written_down(person: Any) -> UUID:
    """An inquiry of somebody new; committed."""
    with scope(person) as session:
        return inquiries.add(session, ring(), person.org_id, None, uuid4(), Lead("Meera Joshi", f"+9198{uuid4().int % 10**8:08}"))


def row_of(house: Any, key: UUID) -> Any:
    with house.engine.connect() as connection:
        return connection.execute(text("SELECT status, lost_reason, next_action, next_action_at FROM inquiries WHERE id = :id"), {"id": key}).one()


def board(windows: Any, person: Any) -> Any:
    page = windows.open(person, "/inquiries/board/")
    page.wait_for_selector("#board[data-ready]")
    return page


def test_the_mouse_takes_an_inquiry_to_a_visit_and_to_a_loss(windows: Any, agent: Any, house: Any) -> None:
    key = written_down(agent)
    page = board(windows, agent)
    drag(page, key, S.VISIT_SCHEDULED)
    page.get_by_label("When?").fill("2099-05-01T10:00")
    page.get_by_label("What was agreed?").fill("With her father")
    page.get_by_role("button", name="Schedule a visit").click()
    arrived(page, key, S.VISIT_SCHEDULED)
    assert "Visit" in card(page, key).inner_text()
    assert row_of(house, key).next_action_at.isoformat().startswith("2099-05-01T04:30")
    drag(page, key, S.LOST)
    page.locator("#board-choice").select_option(label="Lost: No free bed")
    page.get_by_role("button", name="Lost: No free bed").click()
    arrived(page, key, S.LOST)
    assert row_of(house, key).lost_reason == "no_free_bed"


def test_the_keyboard_does_the_same_and_colleagues_see_it(windows: Any, agent: Any, people: Any) -> None:
    key = written_down(agent)
    other = board(windows, people.owner)
    other.wait_for_selector("[data-live-state=live]", state="attached")
    page = board(windows, agent)
    card(page, key).locator(".board-link").focus()
    page.keyboard.press("Space")
    for _ in S:
        page.keyboard.press("ArrowRight")
        if column(page, S.LOST).evaluate("one => one.matches('.over')"):
            break
    page.keyboard.press("Space")
    page.locator("#board-choice").press("End")
    page.keyboard.press("Tab")
    page.keyboard.type("Nobody answers")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    arrived(page, key, S.LOST)
    arrived(other, key, S.LOST)
    arrived(other, written_down(agent), S.NEW)
    assert page.evaluate("document.activeElement.closest('.board-card')?.id") == f"card-{key}"
