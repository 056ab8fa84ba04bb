"""A first start that is cut short is finished by the next (issue 2, part 1)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sqlalchemy import Connection, text

from app.services.demo import cast


def one(connection: Connection, statement: str) -> Any:
    return connection.scalar(text(statement))


@pytest.fixture
def small_demo(app: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The demo with twenty requests in each house, and a runner for its command."""
    monkeypatch.setitem(app.config, "SETTINGS", dataclasses.replace(
        app.config["SETTINGS"], demo=True, demo_password="a few unrelated words"))
    small = tuple(dataclasses.replace(company, houses=tuple(dataclasses.replace(house, requests=20) for house in company.houses))
                  for company in cast.COMPANIES)
    monkeypatch.setattr("app.services.demo.COMPANIES", small)
    return lambda: app.test_cli_runner().invoke(args=["demo", "load"])


def test_a_load_that_was_cut_short_is_finished_by_the_next(small_demo, superuser, monkeypatch):
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("app.services.demo.set_passwords", killed)
        broken.setattr("app.services.demo.COMPANIES", cast.COMPANIES[1:])
        assert small_demo().exit_code == 1
    result = small_demo()
    assert result.output == "The demo is loaded.\n"
    with superuser.connect() as connection:
        assert one(connection, "SELECT count(*) FROM user_credentials") == len(cast.everybody())
        assert one(connection, "SELECT count(*) FROM beds WHERE org_id NOT IN "
                               "(SELECT id FROM organizations WHERE slug IN ('asha', 'banyan'))") == 240
