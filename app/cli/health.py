"""flask health …: how every part of the installation is."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from app.health import checks
from app.rules.health import State

group = AppGroup("health", help="How the installation is.")
_MARKS = {State.WELL: "ok", State.ATTENTION: "LOOK", State.BROKEN: "BAD"}


@group.command("check")
def check_command() -> None:
    """One line for each part; exits with 1 unless all are well."""
    found = checks.everything()
    for check in found:
        click.echo(f"{_MARKS[check.state]:<5}{check.title:<16}{check.sentence}")
    if not all(check.well for check in found):
        sys.exit(1)
