"""Flask commands: everything that operations does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pkgutil import iter_modules

import click
from flask import Flask
from sqlalchemy.exc import DBAPIError

from app.problems import translate_database_error
from app.rules.errors import DomainError


def init_app(app: Flask) -> None:
    """Register the `group` of every module of this package."""
    for found in iter_modules(__path__):
        app.cli.add_command(import_module(f"{__name__}.{found.name}").group)


@contextmanager
def refusals() -> Iterator[None]:
    """Say what was refused in its sentence, without a traceback."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(error.message) from error
    except DBAPIError as error:
        meaning = translate_database_error(error)
        if meaning is None:
            raise
        raise click.ClickException(meaning.message) from error
