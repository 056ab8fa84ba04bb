"""What all tests share: a real database through the unprivileged logins, and the people of two organizations.

Every test gets the same fresh world, committed for real: savepoints would hide mistakes with transaction settings.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

import config
from tests.servers import Servers, running_servers
from tests.world import Person, World, build_world

APPS: list[Any] = []
ROOT = Path(__file__).resolve().parent.parent


def _hash(*patterns: str) -> str:
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with running_servers() as found:
        yield found


@pytest.fixture(scope="session")
def migrated(servers: Servers) -> str:
    """A template database at head with its reference data."""
    from app.cli.database import bootstrap, upgrade

    def build(url: str) -> None:
        engine = create_engine(url, poolclass=NullPool)
        bootstrap(engine, {})
        upgrade(engine)

    key = _hash("migrations/**/*.py", "migrations/**/*.sql", "app/models/cluster.py", "app/permissions.py",
                "app/services/seeds.py", "app/rules/*.py")
    return servers.template_database(f"m{key}", build)


@pytest.fixture(scope="session")
def database_name(servers: Servers) -> str:
    return servers.create_database()


@pytest.fixture(scope="session")
def settings(servers: Servers, database_name: str, tmp_path_factory: pytest.TempPathFactory) -> config.Settings:
    """Settings of the product as an operator would give them, pointing at the test servers."""
    folder = tmp_path_factory.mktemp("console")
    key = base64.b64encode(b"k" * 32).decode()
    return config.load({
        "DATABASE_URL": servers.url(database_name, "viramah_web"),
        "DATABASE_AUTH_URL": servers.url(database_name, "viramah_auth"),
        "DATABASE_SERVICE_URL": servers.url(database_name, "viramah_service"),
        "DATABASE_ADMIN_URL": servers.admin_url(database_name),
        "REDIS_URL": servers.redis_url(0),
        "SECRET_KEY": "test-secret-" * 6, "AUDIT_SEAL_KEY": key, "FIELD_KEYS": f"k1:{key}",
        "ANCHOR_DIR": str(folder / "anchors"), "FILES_DIR": str(folder / "files"),
        "MAILBOX_DIR": str(folder / "mail"), "MAIL_FROM": "console@example.org",
        "PUBLIC_URL": "http://localhost", "LOG_LEVEL": "INFO",
    })


@pytest.fixture(scope="session")
def app_object(settings: config.Settings, migrated: str) -> Any:
    from app import create_app

    app = create_app("web", settings)
    app.config["TESTING"] = True
    app.config["WTF_CSRF_ENABLED"] = False
    APPS.append(app)
    return app


@pytest.fixture(scope="session")
def world_template(servers: Servers, migrated: str, settings: config.Settings) -> tuple[str, World]:
    """A template with two organizations and their people; the ids are fixed, so the world is known without asking."""
    world = World.known()

    def build(url: str) -> None:
        engine = create_engine(url, poolclass=NullPool)
        build_world(engine, world)

    key = f"w{migrated[-20:]}{_hash('tests/world.py')[:8]}".replace("tmpl_", "")
    with servers_copy(servers, migrated, key, build) as name:
        return name, world


@contextmanager
def servers_copy(servers: Servers, base: str, key: str, build: Any) -> Iterator[str]:
    """A template made from another template."""
    def from_base(url: str) -> None:
        # The new template starts empty: fill it from the base by copying, then build on it.
        name = url.rsplit("/", 1)[1].split("?", maxsplit=1)[0]
        servers.postgres.execute(f'DROP DATABASE "{name}"', f'CREATE DATABASE "{name}" TEMPLATE "{base}"')
        build(url)

    yield servers.template_database(key, from_base)


@pytest.fixture
def world(servers: Servers, world_template: tuple[str, World], database_name: str) -> World:
    """A fresh copy of the world for this test."""
    name, found = world_template
    close_all_connections()
    servers.postgres.execute(
        f'DROP DATABASE IF EXISTS "{database_name}" WITH (FORCE)', f'CREATE DATABASE "{database_name}" TEMPLATE "{name}"')
    return found


@pytest.fixture
def app(app_object: Any, world: World) -> Iterator[Any]:
    """The application, in whose context the test runs."""
    with app_object.app_context():
        app_object.extensions["redis"].flushdb()
        shutil.rmtree(app_object.config["SETTINGS"].anchor_dir, ignore_errors=True)  # a fresh log has no anchors yet
        yield app_object


@pytest.fixture
def superuser(servers: Servers, world: World, database_name: str) -> Iterator[Engine]:
    """The database's superuser: for looking behind the walls, and for doing what no product role can."""
    engine = create_engine(servers.admin_url(database_name), poolclass=NullPool)
    yield engine
    engine.dispose()


def close_all_connections() -> None:
    """Close what pools hold, so that the database can be replaced under them."""
    from app.wiring import db, engines

    for app in APPS:
        with app.app_context():
            db.engine.dispose()
            engines().dispose()


class Browser:
    """A Flask test client that is signed in as somebody."""

    def __init__(self, app: Any, person: Person | None) -> None:
        self.app, self.person = app, person
        self.http = app.test_client()
        if person is not None:
            self._sign_in(person)

    def _sign_in(self, person: Person) -> None:
        from app.security import new_token, token_digest
        from app.tenancy import auth_scope

        token = new_token()
        with self.app.app_context(), auth_scope() as session:
            session.execute(text(
                "INSERT INTO user_sessions (user_id, digest, device, address, second_factor, expires_at) "
                "VALUES (:user, :digest, 'test', '127.0.0.1', true, :until)"),
                {"user": person.user_id, "digest": token_digest(token), "until": datetime.now(UTC) + timedelta(days=30)})
        with self.http.session_transaction() as cookie:
            cookie.update({"token": token, "_user_id": str(person.user_id), "_fresh": True, "org": str(person.org_id)})

    # Each request in a context of its own: beside one that a test has pushed, requests would share `g`.

    def get(self, path: str, **options: Any) -> Any:
        with self.app.app_context():
            return self.http.get(path, **options)

    def edit(self, path: str, data: dict[str, Any]) -> Any:
        """Open the form at `path` and send it changed: with the version that it was opened with."""
        found = re.search(r'name="_version" value="([^"]+)"', self.get(path).get_data(as_text=True))
        assert found, path
        return self.post(path, {**data, "_version": found[1]})

    def post(self, path: str, data: Any = None, **options: Any) -> Any:
        with self.app.app_context():
            return self.http.post(path, data=data, **options)


@pytest.fixture
def browser(app_object: Any, world: World) -> Any:
    """Call it with a person for a signed-in test client, with None for nobody's."""
    return lambda person: Browser(app_object, person)
