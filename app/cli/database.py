"""flask database …: make the roles, migrate, check that the database is what the code declares."""

from __future__ import annotations

from urllib.parse import unquote

import click
from alembic import command
from alembic.config import Config
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from app.models.cluster import cluster_statements, database_statements, password_statements
from app.services.seeds import sync_reference_data
from app.wiring import settings

group = AppGroup("database", help="Roles, migrations and drift of the database.")


def admin_engine() -> Engine:
    """The superuser's engine; only these commands use it."""
    url = settings().database_admin_url
    if not url:
        raise click.ClickException("DATABASE_ADMIN_URL is not set: this command needs a superuser's address.")
    return create_engine(url)


def bootstrap(engine: Engine, passwords: dict[str, str]) -> None:
    """Make or repair the roles and give the owner its schemas; safe to repeat, one at a time per cluster."""
    database = engine.url.database or ""
    with engine.begin() as connection:
        # Roles belong to the cluster: two databases set up at once would stumble over each other.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('viramah roles', 0))"))
        for statement in [*cluster_statements(), *database_statements(database), *password_statements(passwords)]:
            connection.exec_driver_sql(statement)


def upgrade(engine: Engine) -> None:
    """Migrate to head as the owner and write the reference data, in one transaction each."""
    config = Config()
    config.set_main_option("script_location", "migrations")
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('viramah migrations', 0))")
        connection.exec_driver_sql("SET ROLE viramah_owner")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        sync_reference_data(connection)
        connection.exec_driver_sql("RESET ROLE")


@group.command("bootstrap")
def bootstrap_command() -> None:
    """Create the database roles, with the passwords that the DATABASE_… addresses name."""
    found = settings()
    passwords = {}
    for url in (found.database_url, found.database_auth_url, found.database_service_url, found.database_realtime_url):
        parts = make_url(url or "postgresql://")
        if parts.username and parts.password:
            passwords[parts.username] = unquote(str(parts.password))
    bootstrap(admin_engine(), passwords)
    click.echo("The roles are there.")


@group.command("upgrade")
def upgrade_command() -> None:
    """Migrate to the newest schema and write the reference data."""
    upgrade(admin_engine())
    click.echo("The database is up to date.")


@group.command("check")
def check_command() -> None:
    """Compare the database with what the code declares; exits with 1 if they differ."""
    from app.services.drift import differences

    found = differences(admin_engine())
    for line in found:
        click.echo(line)
    if found:
        raise click.ClickException(f"{len(found)} differences in {current_app.name}'s database.")
    click.echo("The database is what the code declares.")
