"""The page of components shows every state there is, to everybody signed in; its colours can be read."""

from __future__ import annotations

import pytest

from app.lifecycle import MACHINES
from app.permissions import Role
from app.views import design, formats
from tests.views.conftest import visible


@pytest.mark.parametrize("role", [Role.OWNER, Role.PENDING_RESIDENT])
def test_it_shows_each_state_of_each_lifecycle(app, world, browser, role):
    page = browser(world.a.people[role]).get("/design")
    assert page.status_code == 200
    shown = visible(page.text)
    missing = {state.value for machine in MACHINES.values() for state in machine.states if formats.human(state) not in shown}
    assert MACHINES
    assert missing == set()
    assert "₹1,23,456.00" in shown


def test_strangers_do_not_see_it(app, browser, world):
    assert "/login" in browser(None).get("/design").location


def test_text_can_be_read_in_both_themes():
    assert len(design.tokens()) > 20
    assert [(text, ground) for text, ground, light, dark in design.pairs() if min(light, dark) < 4.5] == []
