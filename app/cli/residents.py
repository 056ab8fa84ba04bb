"""flask beds …: what the schedule does by itself, by hand."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.services import beds
from app.tenancy import service_scope, tenant_scope

group = AppGroup("beds", help="Holds on beds and stays of residents.")


@group.command("expire")
def expire() -> None:
    """End overdue holds, offer those beds on, begin and end stays whose day has come, in all organizations."""
    with service_scope("overdue holds from the command line") as session:
        organizations = beds.organizations_with_due_beds(session)
    ended = turned = 0
    for org_id in organizations:
        with tenant_scope(org_id) as session:
            ended += beds.expire(session)
            turned += beds.turn(session)
    click.echo(f"{ended} holds and offers ended, {turned} stays changed, in {len(organizations)} organizations.")
