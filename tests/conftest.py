"""What all tests share: a real database through the unprivileged logins, and the people of two organizations.

Every test gets the same fresh world, committed for real: savepoints would hide mistakes with transaction settings.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from redis import Redis
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

import config
from tests.renewal import Kept, Renewed
from tests.servers import Servers, running_servers
from tests.world import Person, World, build_world

APPS: list[Any] = []
KEPT = Kept()
hypothesis_settings.register_profile("console", deadline=None)  # a busy machine is no failure
hypothesis_settings.load_profile("console")
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
    from app.services.people import passwords
    from app.wiring import db, engines

    passwords.METHOD = "scrypt:1024:8:1"  # what passwords cost would be a good part of the time that tests take
    app = create_app("web", settings)
    app.config["TESTING"] = True
    app.config["WTF_CSRF_ENABLED"] = False
    APPS.append(app)
    with app.app_context():
        KEPT.watch(db.engine, engines().auth, engines().service)
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


@pytest.fixture(scope="session")
def renewed(servers: Servers, world_template: tuple[str, World], database_name: str) -> Renewed:
    return Renewed(servers, database_name, world_template[0], KEPT)


@pytest.fixture
def world(servers: Servers, world_template: tuple[str, World], renewed: Renewed, settings: config.Settings) -> World:
    """The world for this test alone, as if no test had been before: in the database, Redis, files, mail and anchors."""
    renewed.renew()
    with Redis.from_url(settings.redis_url) as redis:
        redis.flushdb()
    for folder in (settings.anchor_dir, settings.files_dir, settings.mailbox_dir):
        for found in folder.rglob("*") if folder else ():
            if found.is_file():
                found.unlink()
    return world_template[1]


@pytest.fixture
def app(app_object: Any, world: World) -> Iterator[Any]:
    """The application, in whose context the test runs."""
    with app_object.app_context():
        yield app_object


@pytest.fixture(scope="session")
def superusers(servers: Servers, database_name: str) -> Engine:
    engine = create_engine(servers.admin_url(database_name), pool_size=2, max_overflow=100, pool_pre_ping=True)
    KEPT.watch(engine)
    return engine


@pytest.fixture
def superuser(superusers: Engine, world: World) -> Engine:
    """The database's superuser: for looking behind the walls, and for doing what no product role can."""
    return superusers


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
