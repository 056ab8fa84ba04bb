"""A running console with people in front of it: real processes, and one Chromium."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.browser.windows import CHROMIUM, PASSWORD, House, Windows, free_port
from tests.faults.processes import Faults, wait_until
from tests.servers import Servers
from tests.world import World


@pytest.fixture(scope="session")
def house(servers: Servers, world_template: tuple[str, World], settings: Any, tmp_path_factory: Any) -> Iterator[House]:
    """One console for all browser tests: each makes what it needs, and looks at nothing else."""
    name, world = world_template
    database, port, live_port, folder = servers.create_database(name), free_port(), free_port(), tmp_path_factory.mktemp("browser")
    own = dataclasses.replace(
        settings, database_url=servers.url(database, "viramah_web"), database_auth_url=servers.url(database, "viramah_auth"),
        database_service_url=servers.url(database, "viramah_service"), database_admin_url=servers.admin_url(database),
        database_realtime_url=servers.url(database, "viramah_realtime"), redis_url=servers.redis_url(7),
        anchor_dir=folder / "anchors", files_dir=folder / "files", mailbox_dir=folder / "mail",  # other tests empty theirs
        public_url=f"http://127.0.0.1:{port}", realtime_port=live_port, realtime_url=f"http://127.0.0.1:{live_port}")
    engine = create_engine(servers.admin_url(database), poolclass=NullPool)
    found = House(own, world, engine)
    running = Faults(own, engine, world.a.org_id, folder)
    try:
        running.start("-m", "gunicorn", "app:create_app()", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--no-control-socket",
                      "--config", "python:app.gunicorn")
        live = running.start("-m", "app.api.realtime")
        wait_until(lambda: _answers(f"{found.address}/readyz"))
        yield found
    finally:
        live.terminate()
        live.wait()
        running.end()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = :name"),
                               {"name": database})
        sys.stderr.write((running.folder / "log").read_text()[-4000:])


@pytest.fixture(autouse=True)
def inside(house: House) -> Iterator[None]:
    """Tests call services as well: on the console's own database."""
    with house.app.app_context():
        yield


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(url, timeout=5).status == 200  # noqa: S310 - our own address
    return False


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser; only where there is none, and nobody insists, are its tests left out."""
    program = shutil.which("chromium")
    if program is None and not os.environ.get("CI"):
        pytest.skip("no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def windows(chromium: Any, house: House, request: Any, tmp_path: Path) -> Iterator[Windows]:
    """People in front of the console; at the end nothing may have gone wrong behind their backs."""
    found = Windows(chromium, house)
    yield found
    pages = [page for context in found.contexts for page in context.pages]
    if getattr(request.node, "failed", False):
        for number, page in enumerate(pages):
            with contextlib.suppress(Exception):  # a picture is a courtesy
                page.screenshot(path=tmp_path / f"window{number}.png")
        sys.stderr.write(f"pictures: {tmp_path}\n")
    for context in found.contexts:
        context.close()
    assert found.unexpected() == []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any) -> Any:
    outcome = yield
    if outcome.get_result().failed:
        item.failed = True


@pytest.fixture(scope="session")
def people(house: House) -> Any:
    """Who is needed by name; `both` owns A and manages in B, and signs in with a password."""
    from app.services.people import accounts
    from app.tenancy import auth_scope

    world = house.world
    with house.engine.begin() as connection:
        connection.execute(text("SELECT set_config('app.org_id', :org, true), set_config('app.user_id', '', true)"), {"org": str(world.b.org_id)})
        connection.execute(text("INSERT INTO members (org_id, user_id, name, email) VALUES (:org, :user, :name, :email)"),
                           {"org": world.b.org_id, "user": world.owner.user_id, "name": world.owner.name, "email": world.owner.email})
        connection.execute(text("INSERT INTO memberships (org_id, user_id, role) VALUES (:org, :user, 'administrator')"),
                           {"org": world.b.org_id, "user": world.owner.user_id})
    with house.app.app_context(), auth_scope() as auth:
        accounts.set_password(auth, world.owner.user_id, PASSWORD)
    return SimpleNamespace(both=world.owner, owner=world.owner, staff=world.staff, resident=world.resident, outsider=world.outsider,
                           a=world.a, b=world.b)
