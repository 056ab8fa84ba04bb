"""flask privacy …: what a person may ask for: all that is kept of them, and to be forgotten."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.cli import refusals
from app.cli.users import find_organization
from app.crypto import KeyRing
from app.models.people import Member
from app.services.personal import privacy
from app.tenancy import auth_scope, tenant_scope
from app.wiring import objects, settings

group = AppGroup("privacy", help="Export and erasure of one person's data.")
_ORG = click.option("--org", "slug", required=True, help="Short name of the organization.")


def _find(org_id: UUID, email: str) -> int:
    with tenant_scope(org_id) as session:
        found = session.scalars(select(Member.user_id).where(Member.email == email.strip().lower())).one_or_none()
    if found is None:
        raise click.ClickException("There is no such person in this organization.")
    return found


@group.command("export")
@_ORG
@click.argument("email")
@click.option("--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The ZIP to write; it must not exist yet.")
@click.option("--reason", default="export that the person asked for", show_default=True, help="For the audit log.")
def export(slug: str, email: str, output: Path, reason: str) -> None:
    """Write everything that an organization keeps of a person, values in clear and documents included."""
    org_id = find_organization(slug)
    user_id, ring = _find(org_id, email), KeyRing(dict(settings().field_keys))
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(f"The file cannot be written: {error.strerror}.") from error
    try:
        with refusals(), os.fdopen(handle, "wb") as target, tenant_scope(org_id) as session:
            privacy.export(session, ring, objects(), user_id, target, reason)
    except BaseException:
        output.unlink()
        raise
    click.echo("The export is written. It holds everything in clear: give it to nobody else.")


@group.command("erase")
@_ORG
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(slug: str, email: str, yes: bool) -> None:
    """Forget a person who has no role any more: key, values, documents, name and addresses. It cannot be undone."""
    org_id = find_organization(slug)
    user_id = _find(org_id, email)
    if not yes:
        click.confirm("Erase this person for good?", abort=True)
    with refusals(), tenant_scope(org_id) as session:
        erased = privacy.erase(session, KeyRing(dict(settings().field_keys)), user_id)
    privacy.delete_objects(objects(), erased.objects)
    if erased.account:
        with auth_scope() as auth:
            privacy.forget_credentials(auth, user_id, email)
    click.echo(f"Person {user_id} is erased. {len(erased.objects)} documents were deleted.")
