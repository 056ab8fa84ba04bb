"""The health page: a card for each part, for those who may see it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.permissions import Role


def test_the_page_shows_every_part(browser: Any, world: Any) -> None:
    answer = browser(world.owner).get("/health/")
    assert answer.status_code == 200
    for title in ("Database", "Migrations", "Redis", "Work queue", "Dead letters", "Workers", "Scheduler", "Audit log",
                  "File storage", "Mail"):
        assert f"<h2>{title} " in answer.text


def test_what_is_wrong_comes_first(browser: Any, world: Any, superuser: Engine) -> None:
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO outbox (kind, key, created_at) VALUES ('x.y', 'z', now() - interval '1 hour')"))
    page = browser(world.owner).get("/health/").text
    assert page.index("is the scheduler running?") < page.index("PostgreSQL answers.")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MAINTENANCE_STAFF, Role.RESIDENT])
def test_others_do_not_see_it(browser: Any, world: Any, role: Role) -> None:
    assert browser(world.a.people[role]).get("/health/").status_code in {302, 403}
