"""flask files …: what becomes of objects that no row wants."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from app.services import files
from app.tenancy import tenant_scope
from app.wiring import objects

group = AppGroup("files", help="Private files.")


@group.command("sweep")
def sweep() -> None:
    """Delete stored objects whose upload was never finished, and those of files removed a month ago."""
    store, now, deleted = objects(), datetime.now(UTC), 0
    for org_id in files.organizations_with_objects(store):
        with tenant_scope(org_id) as session:
            deleted += files.sweep(session, store, now)
    click.echo(f"{deleted} objects were deleted.")
