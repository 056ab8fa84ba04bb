"""Runs the commands that make a database ready in one process: `python -m app.local.prepare STEP …`.

Importing the application for each of them would be most of the time that a second start takes. Titles, and what a
step without a title prints, go to standard output; everything else goes to standard error, which is a log.
"""

from __future__ import annotations

import contextlib
import sys

import click
from flask.cli import ScriptInfo

# Step: its title for the person who waits, and the flask command; no title: what it prints is the result.
STEPS = {
    "bootstrap": ("Making database roles …", ("database", "bootstrap")),
    "upgrade": ("Migrating the database …", ("database", "upgrade")),
    "load": ("Loading demo data …", ("demo", "load")),
    "logins": ("", ("demo", "logins")),
}


def main(steps: list[str]) -> int:
    """Run the steps in order; the first that fails ends it with its sentence on standard error."""
    told, sys.stdout = sys.stdout, sys.stderr
    info = ScriptInfo(app_import_path="app:create_app")
    app = info.load_app()
    for step in steps:
        title, words = STEPS[step]
        if title:
            print(title, file=told, flush=True)
        with contextlib.redirect_stdout(sys.stderr if title else told):
            try:
                app.cli.main(list(words), prog_name="flask", standalone_mode=False, obj=info)
            except click.ClickException as error:
                print(f"Error: `flask {' '.join(words)}`: {error.format_message()}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
