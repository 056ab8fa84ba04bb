"""flask inquiries …: the funnel into a file, and what the schedule does by itself, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.cli import refusals
from app.cli.users import find_organization
from app.models.organizations import Organization
from app.services.inquiries import telling
from app.tenancy import service_scope, tenant_scope

group = AppGroup("inquiries", help="Reminders and reports of inquiries.")


@group.command("remind")
def remind() -> None:
    """Remind owners of what is due now, in all organizations."""
    with service_scope("reminders of inquiries from the command line") as session:
        organizations = telling.organizations_with_reminders(session)
    told = 0
    for org_id in organizations:
        found = telling.MOST
        while found == telling.MOST:  # each handful is a transaction of its own
            with tenant_scope(org_id) as session:
                found = telling.remind(session)
            told += found
    click.echo(f"{told} reminders in {len(organizations)} organizations.")


@group.command("report")
@click.option("--organization", required=True, help="Its address (slug).")
@click.option("--first", required=True, help="First day, like 2026-03-01.")
@click.option("--last", required=True, help="Last day, like 2026-03-31.")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def report(organization: str, first: str, last: str, target: Path) -> None:
    """Write the funnel of a period to TARGET, which ends in .pdf or .csv."""
    # Imported here: WeasyPrint is slow to load, and other commands do without it.
    from app.views.inquiries.funnel import document
    from reports import inquiry_funnel as funnel
    from reports.render import to_csv, to_pdf

    if target.suffix not in {".pdf", ".csv"}:
        raise click.BadParameter("The file must end in .pdf or .csv.", param_hint="TARGET")
    now = datetime.now(UTC)
    with refusals(), tenant_scope(find_organization(organization)) as session:
        parameters = funnel.read_parameters({"first": first, "last": last}, now.date() + timedelta(days=1))
        where = session.scalars(select(Organization)).one()
        found = funnel.query(session, parameters, org_id=where.id, hostel_id=None, organization=where.name, made_by="the command line",
                             timezone=where.timezone, now=now)
    if target.suffix == ".pdf":
        target.write_bytes(to_pdf(document(found)))
    else:
        with target.open("w", encoding="utf-8", newline="") as file:
            file.writelines(to_csv(funnel.CSV_HEADS, funnel.csv_rows(found)))
    click.echo(f"{target}: {found.total.count} inquiries.")
