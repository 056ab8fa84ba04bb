"""What machines ask: is the process alive, may people come in, what was counted."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, create_engine, text

from app.cli.audit import sealing
from app.cli.health import check_command
from app.health import checks
from app.services.audit import seal_log
from app.tenancy import queue_scope

TOKEN = "t" * 40


@pytest.fixture
def probe(app: Any) -> Any:
    return app.test_client()


def test_a_process_is_alive_without_asking_anybody(app: Any, probe: Any, no_database: None, no_redis: None) -> None:
    assert probe.get("/healthz").status_code == 200


def test_a_whole_installation_is_ready(probe: Any) -> None:
    answer = probe.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ready\n")


@pytest.fixture
def no_database(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.wiring import db

    nowhere = create_engine("postgresql+psycopg2://somebody:secret-word@127.0.0.1:1/nowhere")
    monkeypatch.setitem(db._app_engines[app], None, nowhere)


@pytest.fixture
def no_redis(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.extensions, "redis", Redis(host="127.0.0.1", port=1, socket_connect_timeout=1))


def test_a_database_that_is_away_is_named_without_its_address(probe: Any, no_database: None) -> None:
    answer = probe.get("/readyz")
    assert (answer.status_code, "database: " in answer.text) == (503, True)
    assert "secret-word" not in answer.text
    assert "127.0.0.1" not in answer.text


def test_a_redis_that_is_away_is_named(probe: Any, no_redis: None) -> None:
    answer = probe.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "redis: Redis does not answer.\n")


def test_an_older_schema_is_named(probe: Any, superuser: Engine) -> None:
    with superuser.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = probe.get("/readyz")
    assert (answer.status_code, "migrations: The schema is at 0000" in answer.text) == (503, True)


def test_work_that_nobody_takes_up_is_named(probe: Any, superuser: Engine) -> None:
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO outbox (kind, due_at) VALUES ('x.y', now() - interval '1 hour')"))
    answer = probe.get("/readyz")
    assert (answer.status_code, "queue: One piece of work is due, the oldest for 60 minutes" in answer.text) == (503, True)


def test_missing_roles_are_named(probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.rules.health.ROLES", ("viramah_web", "portal_gone"))
    answer = probe.get("/readyz")
    assert (answer.status_code, "portal_gone" in answer.text) == (503, True)


def test_readiness_is_asked_as_the_web_login_in_few_statements(app: Any, probe: Any) -> None:
    from sqlalchemy import event

    from app.wiring import db

    seen: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    probe.get("/readyz")
    assert db.engine.url.username == "viramah_web"
    assert len(seen) == 2


@pytest.fixture
def token(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SETTINGS", dataclasses.replace(app.config["SETTINGS"], metrics_token=TOKEN))


@pytest.mark.parametrize(("header", "status"), [
    (f"Bearer {TOKEN}", 200), (f"Bearer {TOKEN[:-1]}", 404), ("", 404), (f"Basic {TOKEN}", 404), ("Bearer é", 404),
])
def test_figures_are_for_whoever_has_the_token(probe: Any, token: None, header: str, status: int) -> None:
    assert probe.get("/metrics", headers={"Authorization": header}).status_code == status


@pytest.mark.parametrize(("address", "headers", "status"), [
    ("127.0.0.1", {}, 200), ("::1", {}, 200), ("10.0.0.7", {}, 404), ("127.0.0.1", {"X-Forwarded-For": "1.2.3.4"}, 404),
    ("127.0.0.1", {"Forwarded": "for=1.2.3.4"}, 404),
])
def test_without_a_token_figures_stay_on_the_machine(probe: Any, address: str, headers: Any, status: int) -> None:
    answer = probe.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == status


def test_figures_tell_of_requests_refusals_and_work(probe: Any, superuser: Engine) -> None:
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO outbox (kind, state) VALUES ('x.y', 'dead')"))
    probe.get("/healthz")
    figures = probe.get("/metrics").text
    assert 'viramah_requests_total{endpoint="healthz",method="GET",status="200"}' in figures
    assert "viramah_outbox_dead 1.0" in figures
    assert "viramah_outbox_due 0.0" in figures


def test_figures_are_told_also_while_the_database_is_away(probe: Any, no_database: None) -> None:
    figures = probe.get("/metrics").text
    assert "viramah_requests_total" in figures
    assert "viramah_outbox_due" not in figures


def test_the_command_says_the_same_and_fails_if_something_is_wrong(app: Any, superuser: Engine, no_redis: None) -> None:
    result = app.test_cli_runner().invoke(check_command)
    assert result.exit_code == 1
    assert "BAD  Redis           Redis does not answer." in result.output
    assert "ok   Database        PostgreSQL answers." in result.output


def test_the_command_succeeds_when_all_is_well(app: Any, superuser: Engine) -> None:
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO outbox (kind, key, state, finished_at) VALUES ('x.y', 'z', 'done', now())"))
    seal_log(queue_scope, *sealing())  # what the world was built of may be older than a seal takes
    result = app.test_cli_runner().invoke(check_command)
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) == len(checks.everything())
