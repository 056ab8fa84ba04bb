"""flask ledger …: seal and verify the books, see what accounts hold, write statements and entries into files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cli import refusals
from app.cli.audit import sealing
from app.cli.users import find_hostel, find_organization
from app.models.people import Member
from app.rules.wallet import OF_A_PERSON, AccountCode
from app.services import audit, ledger
from app.services.ledger import Account
from app.tenancy import service_scope, tenant_scope

group = AppGroup("ledger", help="The ledger: seal, verify, balances, statements, export.")
ORGANIZATION = click.option("--org", required=True, help="The organization's short name.")
START = click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), default="1970-01-01", help="First day, in UTC.")
END = click.option("--to", "end", type=click.DateTime(["%Y-%m-%d"]), help="Last day, in UTC; today if not given.")
OUTPUT = click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; standard output otherwise.")
ALL = click.option("--org", help="Only this organization, by its short name.")
TOLD = 100  # findings per organization: one account changed by hand can be thousands


def organizations(why: str, slug: str | None) -> dict[str, UUID]:
    """Those that a command is about, by short name."""
    if slug is not None:
        return {slug: find_organization(slug)}
    with service_scope(f"command line: {why}") as session:
        return ledger.organizations(session)


def seal_one(org_id: UUID) -> audit.Sealed:
    """Seal what an organization has booked."""
    log = ledger.log_of(org_id)
    return audit.seal_log(partial(tenant_scope, org_id), *sealing(log), log=log)


@group.command("seal")
@ALL
def seal_command(org: str | None) -> None:
    """Seal everything booked so far; a job does the same every five minutes."""
    for slug, org_id in organizations("sealing of the ledger", org).items():
        with refusals():
            done = seal_one(org_id)
        click.echo(f"{slug}: " + ("another sealer is at work." if done.busy else f"sealed {done.rows} transactions in {done.batches} batches."))


@group.command("resume")
@ORGANIZATION
@click.option("--reason", required=True, help="Which backup was restored, and why; it is written into the audit log.")
def resume_command(org: str, reason: str) -> None:
    """Go on after a restore that lost sealed batches: what was lost stays known, and sealing works again."""
    org_id = find_organization(org)
    log = ledger.log_of(org_id)
    with service_scope(f"the ledger of {org} is resumed: {reason}"), refusals():
        with tenant_scope(org_id) as session:
            batch = audit.resume_log(session, *sealing(log), log=log)
        seal_one(org_id)
    click.echo(f"Batch {batch.number} resumes after batch {batch.resumes}.")


@group.command("verify")
@ALL
def verify_command(org: str | None) -> None:
    """Compare transactions with their seals, chains with their anchors, wallets with their entries; exits with 1 and names what is wrong."""
    wrong = 0
    for slug, org_id in organizations("verification of the ledger", org).items():
        with tenant_scope(org_id) as session:
            found = ledger.Check(session, *sealing(ledger.log_of(org_id)), org_id)
        wrong += len(found.findings)
        for finding in found.findings[:TOLD]:
            click.echo(f"{slug}: {finding}")
        if len(found.findings) > TOLD:
            click.echo(f"{slug}: and {len(found.findings) - TOLD:,} more.")
        for first, last in found.lost:
            click.echo(f"{slug}: batches {first} to {last} were lost when the database was restored; somebody resumed after them.")
        if not found.findings:
            click.echo(f"{slug}: the ledger is whole: {found.transactions:,} sealed transactions in {found.batches:,} batches, {found.unsealed:,} not sealed yet.")
    if wrong:
        click.echo(f"The ledger is not what it was, or does not add up: {wrong:,} findings.", err=True)
        sys.exit(1)


@group.command("balance")
@ORGANIZATION
@click.option("--person", help="Only this person's accounts: their number or e-mail address.")
@END
def balance_command(org: str, person: str | None, end: datetime | None) -> None:
    """Show what the accounts of each hostel hold; those of people summed up, unless one person is named."""
    org_id = find_organization(org)
    with refusals(), tenant_scope(org_id) as session:
        for row in ledger.totals(session, _after(end), _person(session, person) if person else None):
            name = f"{row.account} {row.party}".strip()
            click.echo(f"{row.hostel:<12} {name:<24} {row.paise / 100:>18,.2f} {row.currency}  {row.entries:>9,} entries")


@group.command("statement")
@ORGANIZATION
@click.option("--hostel", required=True, help="The hostel's code.")
@click.option("--account", type=click.Choice([code.value for code in AccountCode]), default="wallet", show_default=True)
@click.option("--person", help="Whose: their number or e-mail address.")
@click.option("--party", default="", help="Of which gateway, for clearing.")
@START
@END
@OUTPUT
def statement_command(org: str, hostel: str, account: str, person: str | None, party: str, start: datetime, end: datetime | None,  # noqa: PLR0913, PLR0917
                      output: Path | None) -> None:
    """Write one account's entries as CSV, with the balance before, after each and at the end."""
    if (AccountCode(account) in OF_A_PERSON) != bool(person):
        raise click.ClickException("Wallets, deposits and receivables belong to a --person, and no other account does.")
    org_id = find_organization(org)
    with refusals(), tenant_scope(org_id) as session:
        place = find_hostel(session, hostel)
        wanted = Account(place, account, _person(session, person) if person else None, party)
        _note(session, {"Account": account, "Hostel": hostel, "Person": wanted.person}, start, end)
        with _opened(output) as target:
            count = ledger.write_statement(session, target, wanted, start.replace(tzinfo=UTC), _after(end))
    click.echo(f"Wrote {count:,} entries.", err=True)


@group.command("export")
@ORGANIZATION
@START
@END
@OUTPUT
def export_command(org: str, start: datetime, end: datetime | None, output: Path | None) -> None:
    """Write all entries of a time as CSV, oldest first; that they were taken is in the audit log."""
    org_id = find_organization(org)
    with tenant_scope(org_id) as session:
        _note(session, {}, start, end)
        with _opened(output) as target:
            count = ledger.write_entries(session, target, start.replace(tzinfo=UTC), _after(end))
    click.echo(f"Wrote {count:,} entries.", err=True)


def _note(session: Session, what: dict[str, Any], start: datetime, end: datetime | None) -> None:
    audit.note_export(session, {**what, "From": f"{start:%Y-%m-%d}", "To": f"{end:%Y-%m-%d}" if end else "now"}, "flask ledger", "ledger_entries")


def _after(end: datetime | None) -> datetime:
    """The moment after the last day; far in the future if none is given."""
    far = datetime(2999, 1, 1)  # noqa: DTZ001 - its zone comes at once
    return min(end or far, far).replace(tzinfo=UTC) + timedelta(days=1)


def _person(session: Session, words: str) -> int:
    number = int(words) if words.isascii() and words.isdigit() and len(words) < 10 else None  # noqa: PLR2004 - an int4
    asked = select(Member.user_id).where(Member.email == words.strip().lower() if number is None else Member.user_id == number)
    found = session.scalars(asked).one_or_none()
    if found is None:
        raise click.ClickException("There is no such person in this organization.")
    return found


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[Any]]:
    if path is None:
        yield click.get_binary_stream("stdout")
        return
    try:
        file = path.open("xb")
    except OSError as error:
        raise click.ClickException(f"The file cannot be written: {error.strerror}.") from error
    with file:
        yield file
