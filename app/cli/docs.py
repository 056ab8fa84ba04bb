"""flask docs: write the documents that the code generates."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from app.lifecycle import MACHINES, document

group = AppGroup("docs", help="Documents written from the code.")


@group.command("write")
def write() -> None:
    """Write docs/lifecycles.md from the declared lifecycles."""
    target = Path("docs/lifecycles.md")
    target.write_text(document(MACHINES), encoding="utf-8")
    click.echo(f"{target} is current.")
