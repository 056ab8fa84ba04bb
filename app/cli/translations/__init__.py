"""flask translations: keep the catalogs of the languages up with the texts of the code, and share out the work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import click
from babel.messages import Catalog, Message
from babel.messages.pofile import read_po, write_po
from flask import current_app
from flask.cli import AppGroup

from app.cli.translations import texts
from app.languages import FOLDER, SOURCE, catalog_path, languages

group = AppGroup("translations", help="Catalogs of the languages.")
_PLACES = re.compile(r"%\(\w+\)[a-z]|%[sd]")


def read(path: Path, code: str) -> Catalog:
    """A catalog as it lies there."""
    with path.open("rb") as file:
        return read_po(file, locale=code)


def write(path: Path, catalog: Catalog) -> None:
    """Without line numbers and dates: a catalog changes when a text does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=120, sort_by_file=True, include_lineno=False, ignore_obsolete=True, omit_header=False)


def template(known: Iterable[texts.Text] | None = None) -> Catalog:
    """Every text of the console that there is now, untranslated."""
    found = Catalog(project="Viramah Console", charset="utf-8")
    for text in texts.collect(current_app) if known is None else known:
        found.add(text.id, context=None, locations=[(text.where, 0)], auto_comments=list(text.comments))
    return found


def updated(code: str, known: Iterable[texts.Text] | None = None) -> Catalog:
    """The catalog of a language with what is new, still untranslated; what is gone is among its obsolete texts."""
    path = catalog_path(code)
    found = read(path, code) if path.exists() else Catalog(locale=code, charset="utf-8")
    found.update(template(known), no_fuzzy_matching=True, update_creation_date=False)
    found.fuzzy = False
    return found


def places(text: str) -> list[str]:
    """The placeholders of a text, sorted."""
    return sorted(_PLACES.findall(text))


def wrong_with(message: Message) -> str | None:
    """Why a message is not translated well enough to be shown; None if it is."""
    said = [message.string] if isinstance(message.string, str) else list(message.string or ("",))
    if not all(said):
        return "is not translated"
    if message.fuzzy:
        return "is marked as fuzzy"
    asked = [places(text) for text in ([message.id] if isinstance(message.id, str) else message.id)]
    if any(places(text) not in asked for text in said):
        return "has other placeholders"
    return None


def problems(catalog: Catalog) -> list[str]:
    """What is wrong in a catalog, one line each."""
    return [f"{first(message)!r} {wrong}" for message in catalog if message.id and (wrong := wrong_with(message))]


def first(message: Message) -> str:
    """What a message is looked up by."""
    return message.id if isinstance(message.id, str) else message.id[0]


@group.command("update")
@click.option("--new", "code", help="Begin another language, such as mr.")
def update(code: str | None) -> None:
    """Bring every catalog up to the texts of the code."""
    for each in [*languages(), *([code] if code else [])]:
        if each == SOURCE:
            continue
        catalog = updated(each)
        write(catalog_path(each), catalog)
        click.echo(f"{each}: {len(catalog)} texts, {len(problems(catalog))} to translate.")


@group.command("check")
@click.argument("code")
def check(code: str) -> None:
    """List what is not translated, or wrongly."""
    found = problems(updated(code))
    click.echo("\n".join([*found, f"{len(found)} to do."]))


@group.command("split")
@click.argument("code")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--parts", default=4, show_default=True)
def split(code: str, folder: Path, parts: int) -> None:
    """Write what is to be translated into so many files, for as many people."""
    waiting = [message for message in updated(code) if message.id and wrong_with(message)]
    waiting.sort(key=lambda message: sorted(place for place, _ in message.locations))
    size = -(-len(waiting) // parts) or 1
    for number in range(parts):
        part = Catalog(locale=code, charset="utf-8", fuzzy=False)
        for message in waiting[number * size:(number + 1) * size]:
            part.add(message.id, message.string, message.locations, auto_comments=message.auto_comments)
        write(folder / f"{code}-{number + 1}.po", part)
        click.echo(f"{folder / f'{code}-{number + 1}.po'}: {len(part)} texts")


@group.command("merge")
@click.argument("code")
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
def merge(code: str, files: tuple[Path, ...]) -> None:
    """Take over what was translated in files; what does not fit is told and left out."""
    catalog, taken = updated(code), 0
    for file in files:
        for message in read(file, code):
            own = catalog.get(message.id) if message.id else None
            if own is None:
                continue
            if (wrong := wrong_with(message)) is not None:
                click.echo(f"{file.name}: {first(message)!r} {wrong}")
                continue
            own.string, taken = message.string, taken + 1
    write(catalog_path(code), catalog)
    click.echo(f"{catalog_path(code).relative_to(FOLDER.parent.parent)}: {taken} taken over, {len(problems(catalog))} to translate.")
