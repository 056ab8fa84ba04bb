"""Flask commands: everything that operations does."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the `group` of every module of this package."""
    for found in iter_modules(__path__):
        app.cli.add_command(import_module(f"{__name__}.{found.name}").group)
