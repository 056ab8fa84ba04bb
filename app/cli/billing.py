"""flask billing …: the charges of a month from the command line, and what the schedule does every day."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import click
from flask.cli import AppGroup

from app.cli import refusals
from app.cli.users import find_hostel, find_organization
from app.rules.billing import read_month
from app.services.billing import daily, runs
from app.tenancy import tenant_scope

group = AppGroup("billing", help="Invoices to residents.")


@group.command("run")
@click.option("--organization", required=True, help="Its address (slug).")
@click.option("--hostel", "code", required=True, help="The hostel's code.")
@click.option("--month", "asked", required=True, help="Like 2026-11.")
@click.option("--dry-run", is_flag=True, help="Say what would be issued, and issue nothing.")
def run(organization: str, code: str, asked: str, dry_run: bool) -> None:
    """Charge a month, 100 stays in a transaction. Begun again after it was cut off, it adds only what is missing."""
    with refusals():
        org_id, month = find_organization(organization), read_month(asked)
        with tenant_scope(org_id) as session:
            hostel = find_hostel(session, code)
            if hostel is None:
                raise click.ClickException("Which hostel?")
            found = runs.preview(session, hostel, month)
        for name, kind in found.exceptions:
            click.echo(f"no price: {kind.value} of {name}", err=True)
        if dry_run:
            click.echo(f"{found.stays} stays: {found.invoices} invoices of {found.amount_paise / 100:.2f}, {found.credited_paise / 100:.2f} credited.")
            return
        click.echo(f"{_issue(org_id, hostel, month)} invoices issued.")


def _issue(org_id: UUID, hostel: UUID, month: date) -> int:
    issued, after = 0, None
    while True:
        with tenant_scope(org_id) as session:
            after, _, more = runs.step(session, hostel, month, after)
        issued += more
        if after is None:
            return issued


@group.command("pay")
@click.option("--organization", required=True, help="Its address (slug).")
def pay(organization: str) -> None:
    """Pay open invoices from the wallets that are enough."""
    paid, found, org_id = 0, daily.MOST, find_organization(organization)
    while found == daily.MOST:
        with tenant_scope(org_id) as session:
            found = daily.pay_from_wallets(session)
        paid += found
    click.echo(f"{paid} invoices paid.")
