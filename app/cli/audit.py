"""flask audit …: seal the log, verify it, write part of it into a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

import click
from flask.cli import AppGroup
from sqlalchemy import text

from app.gateways.anchors import FileAnchors
from app.rules.audit import SealKeys
from app.rules.errors import DomainError
from app.services import audit
from app.tenancy import queue_scope, service_scope, tenant_scope
from app.wiring import settings

group = AppGroup("audit", help="The audit log: seal, verify, export.")
_ORGANIZATION = text("SELECT id FROM app.platform_organizations() WHERE slug = :slug")


def sealing(log: audit.Log = audit.AUDIT) -> tuple[FileAnchors, SealKeys]:
    """Anchors and keys of this installation for one chain."""
    keys = SealKeys.derive(settings().audit_seal_key, log.chain)
    return FileAnchors(settings().anchor_dir, keys.anchors), keys


@contextmanager
def _told() -> Iterator[None]:
    """A refusal is one sentence at the terminal."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(error.message) from error


@group.command("seal")
def seal_command() -> None:
    """Seal everything committed so far; a job does the same every five minutes."""
    # Sealing leaves no audit row, as that would be one more to seal: the batch itself says when it was made.
    with _told():
        done = audit.seal_log(queue_scope, *sealing())
    click.echo("Another sealer is at work." if done.busy else f"Sealed {done.rows} rows in {done.batches} batches.")


@group.command("resume")
@click.option("--reason", required=True, help="Which backup was restored, and why; it is written into the log.")
def resume_command(reason: str) -> None:
    """Go on after a restore that lost sealed batches: what was lost stays known, and sealing works again."""
    with _told(), service_scope(reason) as session:
        batch = audit.resume_log(session, *sealing())
    with _told():
        audit.seal_log(queue_scope, *sealing())
    click.echo(f"Batch {batch.number} resumes after batch {batch.resumes}.")


@group.command("verify")
@click.option("--from", "since", type=click.IntRange(1), default=1, help="First batch to look at.")
def verify_command(since: int) -> None:
    """Compare every row with its seal, the chain with its anchors; exits with 1 and names whatever is wrong."""
    count = 0
    with service_scope("verification of the audit log") as session:
        verification = audit.Verification(session, *sealing())
        for finding in verification.findings(since):
            count += 1
            click.echo(str(finding))
    if count:
        click.echo(f"The audit log was tampered with: {count} findings.", err=True)
        sys.exit(1)
    for first, last in verification.lost:
        click.echo(f"Batches {first} to {last} were lost when the database was restored; somebody resumed after them.")
    click.echo(f"The audit log is whole: {verification.rows:,} sealed rows in {verification.batches:,} batches, "
               f"{verification.unsealed:,} rows not sealed yet.")


@group.command("export")
@click.option("--org", required=True, help="The organization's short name.")
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="First day, in UTC.")
@click.option("--to", "end", type=click.DateTime(["%Y-%m-%d"]), help="Last day, in UTC.")
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), default="csv")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; standard output otherwise.")
def export_command(org: str, start: datetime | None, end: datetime | None, kind: str, output: Path | None) -> None:
    """Write an organization's entries, oldest first; that they were taken is an entry itself."""
    first = start.replace(tzinfo=UTC) if start else None
    after = end.replace(tzinfo=UTC) + timedelta(days=1) if end else None
    with service_scope(f"export of the audit log of {org}") as session:
        org_id = session.scalar(_ORGANIZATION, {"slug": org})
    if org_id is None:
        raise click.ClickException(f"There is no organization {org}.")
    write = audit.write_csv if kind == "csv" else audit.write_jsonl
    with tenant_scope(org_id) as session, _opened(output) as target:
        audit.note_export(session, {"From": str(first or "the start"), "To": str(after or "now")}, "flask audit export")
        count = write(target, audit.as_rows(session, audit.entries_between(org_id, first, after)))
    click.echo(f"Wrote {count:,} entries.", err=True)


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    with path.open("x", encoding="utf-8", newline="") as file:
        yield file
