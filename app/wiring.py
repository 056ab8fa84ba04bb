"""The objects that the parts share: database, migrations, forgery protection, settings, queue."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app
from flask_appbuilder.models.sqla.base import SQLA
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from app.crypto import KeyRing
from app.gateways.mail import FolderMailer, Mailer, SmtpMailer
from app.gateways.oauth import Client, GitHub, Google, SignInProvider
from app.gateways.objects import LocalStore, ObjectStore, S3Store
from app.gateways.sms import FolderTexter, Texter, Twilio
from app.models.base import Model
from app.rules.oauth import Provider

if TYPE_CHECKING:
    from config import Settings


class ConsoleSession(Session):
    """A session whose transactions begin with the binding of app/tenancy.py."""

    def __init__(self, db: Any = None, **options: Any) -> None:
        self._db = db
        super().__init__(**options)

    def get_bind(self, *args: Any, **options: Any) -> Engine:
        """Tenant and service scopes bring their own engine; the request's session uses the web login's."""
        if self.bind is not None or self._db is None:
            return super().get_bind(*args, **options)  # type: ignore[return-value]
        return self._db.engine  # type: ignore[no-any-return]


db = SQLA(metadata=Model.metadata, session_options={"class_": ConsoleSession})
migrate = Migrate(directory="migrations")
csrf = CSRFProtect()


class Engines:
    """Connections beside the request's, opened when first asked for: most web processes never need service."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def auth(self) -> Engine:
        """The login that alone reads credentials; a pool of two."""
        return create_engine(self._settings.database_auth_url, pool_size=2, max_overflow=2, pool_pre_ping=True)

    @cached_property
    def service(self) -> Engine:
        """The login of jobs and commands."""
        return create_engine(self._settings.database_service_url, pool_size=2, max_overflow=6, pool_pre_ping=True)

    @cached_property
    def doors(self) -> Engine:
        """The web login, for connections that are kept (app/tenancy.py `Line`)."""
        return create_engine(self._settings.database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    def dispose(self) -> None:
        """Close what is open: before a fork, and at the end of a test run."""
        for name in ("auth", "service", "doors"):
            if name in self.__dict__:
                getattr(self, name).dispose()


def settings() -> Settings:
    """The settings of the running application."""
    return current_app.config["SETTINGS"]  # type: ignore[no-any-return]


def engines() -> Engines:
    """The extra logins' engines of the running application."""
    return current_app.extensions["engines"]  # type: ignore[no-any-return]


def redis() -> Redis:
    """The Redis connection of the running application."""
    return current_app.extensions["redis"]  # type: ignore[no-any-return]


def objects() -> ObjectStore:
    """Where the bytes of files are: an S3 bucket if one is set, else a folder."""
    if "objects" not in current_app.extensions:
        current_app.extensions["objects"] = _object_store(settings())
    return current_app.extensions["objects"]  # type: ignore[no-any-return]


def _object_store(found: Settings) -> ObjectStore:
    if found.s3_endpoint:
        return S3Store(found.s3_endpoint, found.s3_bucket or "", found.s3_access_key or "", found.s3_secret_key or "",
                       found.s3_region)
    if found.files_dir is None:
        raise LookupError("neither S3_ENDPOINT nor FILES_DIR is set")
    return LocalStore(found.files_dir)


def mailer() -> Mailer:
    """The way out for mail: an SMTP server if one is set, else the folder that is the demo's mailbox."""
    found = settings()
    if found.smtp_url:
        return SmtpMailer(found.smtp_url, found.mail_from)
    if found.mailbox_dir is None:
        raise LookupError("neither SMTP_URL nor MAILBOX_DIR is set")
    return FolderMailer(found.mailbox_dir, found.mail_from)


def texter() -> Texter | None:
    """The way out for text messages: Twilio if it is set, in the demo the mailbox, else none."""
    found = settings()
    if found.twilio_account_sid:
        return Twilio(found.twilio_api_base, found.twilio_account_sid, found.twilio_auth_token or "", found.twilio_from or "")
    return FolderTexter(FolderMailer(found.mailbox_dir, found.mail_from)) if found.demo and found.mailbox_dir else None


def ring() -> KeyRing:
    """The keys of single fields."""
    return KeyRing(dict(settings().field_keys))


def providers() -> dict[Provider, SignInProvider]:
    """Whose accounts people may sign in with: those whose client is set."""
    found = settings()
    ways: dict[Provider, SignInProvider] = {}
    if found.oauth_google_client_id:
        ways[Provider.GOOGLE] = Google(
            Client(found.oauth_google_client_id, found.oauth_google_client_secret or "", found.oauth_google_url))
    if found.oauth_github_client_id:
        ways[Provider.GITHUB] = GitHub(Client(
            found.oauth_github_client_id, found.oauth_github_client_secret or "", found.oauth_github_url, found.oauth_github_api_url))
    return ways


def queue() -> Queue:
    """The one RQ queue: jobs carry ids, the outbox is the truth."""
    return Queue("work", connection=redis())


def init_app(app: Flask, found: Settings) -> None:
    """Attach everything to the application."""
    app.config["SETTINGS"] = found
    db.init_app(app)
    migrate.init_app(app, db)
    csrf.init_app(app)
    app.extensions["engines"] = Engines(found)
    app.extensions["redis"] = Redis.from_url(
        found.redis_url, socket_connect_timeout=2, socket_timeout=30, health_check_interval=30,
        retry=Retry(NoBackoff(), 1))  # a new connection after a restart; nobody waits for a Redis that is away
