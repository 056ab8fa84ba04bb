"""flask maintenance …: what the schedule does by itself, by hand; and the SLA report into a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.cli import refusals
from app.cli.users import find_hostel, find_organization
from app.models.organizations import Organization
from app.services.maintenance import sweep as sweeping
from app.tenancy import service_scope, tenant_scope

group = AppGroup("maintenance", help="The clock's sweep, figures and reports of maintenance.")


@group.command("sweep")
def sweep() -> None:
    """Escalate what is due now, in all organizations."""
    with service_scope("maintenance sweep from the command line") as session:
        organizations = sweeping.organizations_with_overdue(session)
    escalated = 0
    for org_id in organizations:
        found = sweeping.MOST
        while found == sweeping.MOST:  # each handful is a transaction of its own
            with tenant_scope(org_id) as session:
                found = sweeping.escalate_overdue(session, sweeping.MOST)
            escalated += found
    click.echo(f"{escalated} requests escalated in {len(organizations)} organizations.")


@group.command("refresh")
def refresh() -> None:
    """Make the figures anew."""
    with service_scope("maintenance figures from the command line") as session:
        sweeping.refresh_analytics(session)
    click.echo("The figures are fresh.")


@group.command("report")
@click.option("--organization", required=True, help="Its address (slug).")
@click.option("--hostel", "code", required=True, help="The hostel's code.")
@click.option("--first", required=True, help="First day, like 2026-03-01.")
@click.option("--last", required=True, help="Last day, like 2026-03-31.")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def report(organization: str, code: str, first: str, last: str, target: Path) -> None:
    """Write the SLA report of a hostel and period to TARGET, which ends in .pdf or .csv."""
    # Imported here: WeasyPrint is slow to load, and other commands do without it.
    from app.views.reports import sla_document
    from reports import maintenance_sla as sla
    from reports.render import to_csv, to_pdf

    if target.suffix not in {".pdf", ".csv"}:
        raise click.BadParameter("The file must end in .pdf or .csv.", param_hint="TARGET")
    now = datetime.now(UTC)
    with refusals(), tenant_scope(find_organization(organization)) as session:
        parameters = sla.read_parameters({"hostel": str(find_hostel(session, code)), "first": first, "last": last}, now.date())
        found = sla.query(session, parameters, organization=session.scalars(select(Organization.name)).one(),
                          made_by="the command line", now=now)
    if target.suffix == ".pdf":
        target.write_bytes(to_pdf(sla_document(found)))
    else:
        with target.open("w", encoding="utf-8", newline="") as file:
            file.writelines(to_csv(sla.CSV_HEADS, sla.csv_rows(found)))
    click.echo(f"{target}: {found.total.raised} requests.")
