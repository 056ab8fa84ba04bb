"""flask audit …: seal the log, verify it, write part of it into a file."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from app.gateways.anchors import FileAnchors
from app.rules.audit import SealKeys
from app.services import audit
from app.tenancy import queue_scope, service_scope
from app.wiring import settings

group = AppGroup("audit", help="The audit log: seal, verify, export.")


def sealing() -> tuple[FileAnchors, SealKeys]:
    """Anchors and keys of this installation."""
    keys = SealKeys.derive(settings().audit_seal_key)
    return FileAnchors(settings().anchor_dir, keys.anchors), keys


@group.command("seal")
def seal_command() -> None:
    """Seal everything committed so far; a job does the same every five minutes."""
    # Sealing leaves no audit row, as that would be one more to seal: the batch itself says when it was made.
    done = audit.seal_log(queue_scope, *sealing())
    click.echo("Another sealer is at work." if done.busy else f"Sealed {done.rows} rows in {done.batches} batches.")


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
    click.echo(f"The audit log is whole: {verification.rows:,} sealed rows in {verification.batches:,} batches, "
               f"{verification.unsealed:,} rows not sealed yet.")
