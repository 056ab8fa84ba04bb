"""The product itself on a database of its own, with as many maintenance requests as a measurement wants."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

import config
from tests.servers import Servers
from tests.world import World, build_world

ROOMS = 1000
PROCESSES = 2


@dataclass(frozen=True)
class Console:
    """The running application, its world, and the superuser's address of its database."""

    app: Any
    world: World
    admin_url: str
    environment: dict[str, str]  # what a process of this console is told

    def client(self, user_id: int) -> Any:
        """A test client signed in as somebody of organization A."""
        from app.security import new_token, token_digest

        token = new_token()
        engine = create_engine(self.admin_url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text(
                "INSERT INTO user_sessions (user_id, digest, device, address, second_factor, expires_at) "
                "VALUES (:user, :digest, 'bench', '127.0.0.1', true, now() + interval '1 day')"),
                {"user": user_id, "digest": token_digest(token)})
        client = self.app.test_client()
        with client.session_transaction() as cookie:
            cookie.update({"token": token, "_user_id": str(user_id), "_fresh": True, "org": str(self.world.a.org_id)})
        return client


def _environment(servers: Servers, database: str, folder: str) -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        "DATABASE_URL": servers.url(database, "viramah_web"), "DATABASE_AUTH_URL": servers.url(database, "viramah_auth"),
        "DATABASE_SERVICE_URL": servers.url(database, "viramah_service"), "DATABASE_ADMIN_URL": servers.admin_url(database),
        "REDIS_URL": servers.redis_url(0), "SECRET_KEY": secrets.token_urlsafe(48), "AUDIT_SEAL_KEY": key,
        "FIELD_KEYS": f"k1:{key}", "ANCHOR_DIR": f"{folder}/anchors", "FILES_DIR": f"{folder}/files",
        "MAILBOX_DIR": f"{folder}/mail", "MAIL_FROM": "console@example.org", "PUBLIC_URL": "http://localhost",
        "LOG_LEVEL": "ERROR",
    }


def _fill(admin_url: str, world: World, requests: int) -> None:
    """Rooms and requests of organization A, in one statement each; triggers rest, so no audit rows are made."""
    place = world.a.places[0]
    values = {"org": world.a.org_id, "hostel": place.hostel_id, "floor": place.floor_id, "rooms": ROOMS, "n": requests}
    engine = create_engine(admin_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(
            "INSERT INTO rooms (org_id, hostel_id, floor_id, number) "
            "SELECT :org, :hostel, :floor, 'R' || i FROM generate_series(1, :rooms) i"), values)
        connection.execute(text("""
            WITH rooms AS (SELECT array_agg(id) AS ids FROM rooms WHERE org_id = :org),
                 trades AS (SELECT array_agg(id) AS ids FROM maintenance_categories WHERE org_id = :org),
                 people AS (SELECT array_agg(user_id) AS ids FROM members WHERE org_id = :org)
            INSERT INTO maintenance_requests
                (org_id, hostel_id, number, user_id, category_id, room_id, description, priority, status, raised_at)
            SELECT :org, :hostel, i, people.ids[1 + i % cardinality(people.ids)],
                   trades.ids[1 + i % cardinality(trades.ids)], rooms.ids[1 + i % cardinality(rooms.ids)],
                   'The tap in the corner drips since ' || i, CASE WHEN i % 5 = 0 THEN 'high' ELSE 'normal' END,
                   (ARRAY['submitted', 'assigned', 'in_progress', 'on_hold'])[1 + i % 4],
                   timestamptz '2020-01-01' + i * interval '3 minutes'
            FROM generate_series(1, :n) i, rooms, trades, people"""), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE maintenance_requests"))
        connection.execute(text("ANALYZE"))
    engine.dispose()


@contextmanager
def console(servers: Servers, requests: int) -> Iterator[Console]:
    """A migrated database with two organizations, `requests` requests in the first, and the application on it."""
    from app import create_app
    from app.cli.database import bootstrap, upgrade
    from app.wiring import db, engines

    database = servers.create_database()
    admin_url = servers.admin_url(database)
    world = World.known()
    engine = create_engine(admin_url, poolclass=NullPool)
    bootstrap(engine, {})
    upgrade(engine)
    build_world(engine, world)
    _fill(admin_url, world, requests)
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(servers, database, folder)
        app = create_app("web", config.load(environment))
        app.config["WTF_CSRF_ENABLED"] = False
        try:
            yield Console(app, world, admin_url, environment)
        finally:
            with app.app_context():
                db.engine.dispose()
                engines().dispose()


@contextmanager
def served(house: Console, *, app: str = "app:create_app()", **more: str) -> Iterator[Path]:
    """The socket of the application under gunicorn, in two processes as `python3 run.py` starts them, with its log and its counts."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        address = Path(folder) / "http"
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", app, "--config", "python:app.gunicorn", "--bind", f"unix:{address}", "--workers", str(PROCESSES)],
            env={**os.environ, **house.environment, "LOG_LEVEL": "INFO", "PROMETHEUS_MULTIPROC_DIR": folder, **more}, stderr=log)
        try:
            until = time.monotonic() + 120
            while not _answers(address):
                assert process.poll() is None and time.monotonic() < until, (Path(folder) / "log").read_text()[-2000:]  # noqa: PT018
                time.sleep(0.2)
            yield address
        finally:
            process.terminate()
            process.wait()


def _answers(address: Path) -> bool:
    """Whether it takes a question, and answers it well."""
    try:
        return exchange(str(address), b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def exchange(address: str, request: bytes) -> bytes:
    """The first part of the answer to a request that was written before: a client that costs next to nothing."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)
        client.sendall(request)
        return client.recv(65_536)
