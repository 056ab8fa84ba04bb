"""flask reconciliation …: statements of gateways brought in, the comparison that runs every night, and what does not agree."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cli import refusals
from app.cli.ledger import ALL, organizations
from app.cli.users import find_organization
from app.gateways.payments import GatewayRefused, GatewayUnavailable
from app.models.reconciliation import ReconciliationBreak
from app.rules.reconciliation import BreakState
from app.services import payments, reconciliation
from app.services.files import Upload
from app.tenancy import tenant_scope
from app.wiring import objects, settings

group = AppGroup("reconciliation", help="What gateways say that they settled, against the ledger.")


@group.command("import")
@click.option("--org", required=True, help="The organization's short name.")
@click.option("--account", "asked", required=True, help="The account at the gateway: its name or id.")
@click.option("--dry-run", is_flag=True, help="Say what is in the file, and keep nothing.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_command(org: str, asked: str, dry_run: bool, file: Path) -> None:
    """Keep FILE, settlements as the gateway's own pages give them, as a statement and match its lines. The same again is the same."""
    keeper, org_id = payments.keeper_of(settings()), find_organization(org)
    with refusals():
        with tenant_scope(org_id) as session, file.open("rb") as stream:
            account = _account(session, asked)
            if dry_run:
                lines = reconciliation.read_file(session, keeper, account, stream.read())
                click.echo(f"{len(lines)} lines, {sum(line.net_paise for line in lines) / 100:,.2f} {lines[0].currency} paid to the bank.")
                return
            kept, lines = reconciliation.keep_file(session, keeper, objects(), account, Upload(file.name, "text/csv", stream))
            statement = reconciliation.add_file(session, keeper, objects(), account, kept)
        with tenant_scope(org_id) as session:
            new = reconciliation.match_account(session, account)
    click.echo(f"Statement {statement}: {len(lines)} lines, {new} new breaks.")


@group.command("run")
@ALL
def run_command(org: str | None) -> None:
    """Fetch statements, match them and compare the books, as every night; exits with 1 where a gateway gave no statement."""
    keeper, silent = payments.keeper_of(settings()), 0
    for slug, org_id in organizations("reconciliation", org).items():
        fetched = new = 0
        with tenant_scope(org_id) as session:
            accounts = {one.id: one.name for one in reconciliation.accounts(session)}
        for account, name in accounts.items():
            try:
                with tenant_scope(org_id) as session:
                    fetched += len(reconciliation.fetch(session, keeper, account, datetime.now(UTC).date()))
            except (GatewayUnavailable, GatewayRefused) as error:
                silent += 1
                click.echo(f"{slug}: {name} gave no statement: {error}", err=True)
            with refusals(), tenant_scope(org_id) as session:
                new += reconciliation.match_account(session, account)
        with refusals(), tenant_scope(org_id) as session:
            new += reconciliation.check_clearing(session)
        click.echo(f"{slug}: {fetched} statements, {new} new breaks.")
    if silent:
        sys.exit(1)


@group.command("breaks")
@ALL
@click.option("--all", "every", is_flag=True, help="Those that were decided on as well.")
def breaks_command(org: str | None, every: bool) -> None:
    """What does not agree, the oldest first; exits with 1 while something is open."""
    row, waiting = ReconciliationBreak, 0
    for slug, org_id in organizations("breaks", org).items():
        with tenant_scope(org_id) as session:
            asked = select(row).order_by(row.created_at, row.id)
            for one in session.scalars(asked if every else asked.where(row.status == BreakState.OPEN.value)):
                waiting += one.status == BreakState.OPEN.value
                click.echo(f"{slug}  {one.created_at:%Y-%m-%d}  {one.gateway:<9} {one.cause:<18} {one.amount_paise / 100:>14,.2f} {one.currency}  {one.status:<11} {one.id}")
    click.echo(f"{waiting} open.", err=True)
    if waiting:
        sys.exit(1)


def _account(session: Session, asked: str) -> UUID:
    found = [one.id for one in reconciliation.accounts(session) if asked in {one.name, str(one.id)}]
    if len(found) != 1:
        raise click.ClickException("There is no such account at a gateway in use; `Money → Payment gateways` shows them." if not found
                                   else f"Several accounts are called {asked!r}: give the id.")
    return found[0]
