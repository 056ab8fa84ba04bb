"""flask permissions …: write the matrix to the database, explain it, compare two roles."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli import refusals
from app.cli.database import admin_engine
from app.cli.users import find_hostel, find_organization, find_user
from app.permissions import ROLE_PORTAL, Action, Resource, Role
from app.rules.people import RoleDifference, compare_roles
from app.services import permissions
from app.services.seeds import sync_reference_data
from app.tenancy import service_scope, tenant_scope

group = AppGroup("permissions", help="The capability matrix: write it, explain it, compare roles.")
RESOURCES = click.Choice([resource.value for resource in Resource])
ACTIONS = click.Choice([action.value for action in Action])
ROLES = click.Choice([role.value for role in Role])


@group.command("sync")
def sync() -> None:
    """Write roles and capabilities of the code to the database, for Flask-AppBuilder's tables too."""
    with admin_engine().begin() as connection:
        connection.exec_driver_sql("SET ROLE viramah_owner")
        sync_reference_data(connection)
    click.echo("The database has the code's roles and permissions.")


@group.command("explain")
@click.argument("email")
@click.argument("resource", type=RESOURCES)
@click.argument("action", type=ACTIONS)
@click.option("--org", "slug", help="Short name of the organization; needed if there are several.")
@click.option("--hostel", "code", help="Code of a hostel; without, what belongs to no hostel.")
def explain(email: str, resource: str, action: str, slug: str | None, code: str | None) -> None:
    """Say whether somebody may do something, and through which membership, role and override."""
    with refusals():
        org_id = find_organization(slug or _only_slug())
        with service_scope("command line: permissions explained") as session:
            user_id = find_user(session, email)
        with tenant_scope(org_id) as session:
            hostel = find_hostel(session, code)
            found = permissions.explain(session, user_id, Resource(resource), Action(action), hostel)
    click.echo("yes" if found.allowed else "no")
    for step in found.steps:
        click.echo(f"  {step.effect:<8} {step.sentence}")
    raise SystemExit(0 if found.allowed else 1)


def _only_slug() -> str:
    from sqlalchemy import text

    with service_scope("command line: which organization") as session:
        slugs = list(session.scalars(text("SELECT slug FROM app.platform_organizations()")))
    if len(slugs) != 1:
        raise click.ClickException("There are several organizations: name one with --org.")
    return str(slugs[0])


@group.command("diff")
@click.argument("first", type=ROLES)
@click.argument("second", type=ROLES)
@click.option("--org", "slug", help="With the changes of this organization.")
def diff(first: str, second: str, slug: str | None) -> None:
    """Show what only one of two roles may."""
    one, two = Role(first), Role(second)
    found: RoleDifference
    with refusals():
        if slug:
            with tenant_scope(find_organization(slug)) as session:
                found = permissions.difference(session, one, two)
        else:
            found = compare_roles(one, two)
    for role, only in ((one, found.only_first), (two, found.only_second)):
        click.echo(f"only {role} ({ROLE_PORTAL[role]}):")
        for resource, action in sorted(only):
            click.echo(f"  {resource}.{action}")
    click.echo(f"both: {len(found.both)}")
