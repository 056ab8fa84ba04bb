"""flask imports …: bring requests in from CSV and Excel files, list what was brought, undo it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TextIO
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.cli import refusals
from app.crypto import KeyRing
from app.models.imports import ImportRun
from app.models.organizations import Hostel, Organization
from app.rules.errors import Invalid
from app.rules.files import Purpose
from app.rules.imports import (
    KINDS,
    DateOrder,
    ImportKind,
    RowVerdict,
    Summary,
    Table,
    check_rows,
    error_rows,
    summarise,
)
from app.rules.imports.runs import RUN
from app.services import files, imports, lifecycle
from app.services.files import Upload
from app.services.imports import Choices
from app.services.work import enqueue
from app.tenancy import service_scope, tenant_scope
from app.wiring import objects, settings

group = AppGroup("imports", help="Bring requests in from CSV and Excel files, and take them out again.")

_RESCUE = timedelta(minutes=5)  # after which a worker goes on with what a killed command has left
_ORGS = text("SELECT id, slug FROM app.platform_organizations()")
_ORG_OF_RUN = text("SELECT app.organization_of_import(:run)")


@dataclass(frozen=True)
class Target:
    """Where rows go."""

    org_id: UUID
    hostel_id: UUID
    timezone: str
    country: str


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--org", required=True, help="The organization's address (slug).")
@click.option("--hostel", required=True, help="The hostel's code.")
@click.option("--map", "mapped", multiple=True, metavar="COLUMN=FIELD",
              help="What a column is, instead of the guess. An empty field leaves the column out.")
@click.option("--zone", help="Time zone of the file's times; otherwise the hostel's.")
@click.option("--encoding", help="Encoding of a CSV, if it is not UTF-8: cp1252, iso-8859-1, utf-16.")
@click.option("--dates", type=click.Choice([order.value for order in DateOrder]), help="What 03/04 means, where the file leaves it open.")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write the refused rows here, with their reasons.")
@click.option("--dry-run", is_flag=True, help="Check every row and write nothing.")
def import_file(file: Path, org: str, hostel: str, mapped: tuple[str, ...], zone: str | None,  # noqa: PLR0913, PLR0917 - one per option
                    encoding: str | None, dates: str | None, errors: Path | None, dry_run: bool) -> None:
    """Import FILE into a hostel. The same file again changes nothing."""
    kind = KINDS[str(click.get_current_context().info_name)]
    with refusals():
        target = _find_target(org, hostel)
        with file.open("rb") as stream:
            sent = Upload(file.name, "", stream)
            accepted = files.check(sent, Purpose.IMPORT)
            with imports.opened(sent.stream(), accepted.media_type, encoding) as (table, found):
                choices = _choices(table, imports.first_choices(table, zone or target.timezone, found, kind.code, target.country), mapped, dates)
                _tell_choices(choices)
                if dry_run:
                    _dry_run(target, table, choices, errors)
                    return
                run_id = _checked(target, sent, table, choices)
        _run(target, run_id)
        _tell_result(target.org_id, run_id, errors)


for _kind in KINDS.values():
    group.add_command(click.Command(
        _kind.code, callback=import_file.callback, params=import_file.params,
        help=f"{_kind.label} from FILE into a hostel. The same file again changes nothing. Fields: {', '.join(_kind.synonyms)}."))


@group.command("undo")
@click.argument("run_id", type=click.UUID)
def undo(run_id: UUID) -> None:
    """Hide what import RUN_ID brought. Numbers stay taken; what people have worked on since stays."""
    with refusals():
        org_id = _organization_of(run_id)
        with tenant_scope(org_id) as session:
            imports.find(session, run_id)
            _move(session, run_id, "undo")
        _batches(org_id, run_id, imports.undo_batch, "hidden")
        with tenant_scope(org_id) as session:
            run, progress = imports.find(session, run_id), imports.progress(session, run_id)
            click.echo(f"{progress.hidden} rows are hidden, {progress.kept} were left.")
            for row in imports.kept_rows(session, run, progress.kept):
                click.echo(f"  row {row.number}: {row.reason}")


@group.command("list")
@click.option("--org", help="The organization's address (slug); without it, all of them.")
def list_runs(org: str | None) -> None:
    """Imports by organization, the newest last; times are UTC."""
    with refusals():
        with service_scope("list imports") as session:
            organizations = [row for row in session.execute(_ORGS) if org in {None, row.slug}]
        for organization in organizations:
            with tenant_scope(organization.id) as session:
                _list(session, organization.slug)


def _list(session: Session, slug: str) -> None:
    runs = session.execute(select(ImportRun, Hostel.code).join(ImportRun.hostel).where(ImportRun.deleted_at.is_(None))
                           .order_by(ImportRun.created_at))
    for run, hostel in runs:
        progress = imports.progress(session, run.id)
        click.echo(f"{run.id}  {run.created_at.astimezone(UTC):%Y-%m-%d %H:%M}  {slug}/{hostel}  {run.status}  {run.kind}  {run.filename}: "
                   f"{progress.created} created, {progress.restored} restored, {progress.unchanged} unchanged, "
                   f"{progress.refused} refused")


# -- where and what -----------------------------------------------------------------------------------------------


def _organization(slug: str) -> UUID:
    with service_scope("find an organization by its address for an import") as session:
        found = next((row.id for row in session.execute(_ORGS) if row.slug == slug), None)
    if found is None:
        raise Invalid(f"There is no organization with the address {slug}.")
    return found


def _organization_of(run_id: UUID) -> UUID:
    with service_scope("find the organization of an import") as session:
        found: UUID | None = session.execute(_ORG_OF_RUN, {"run": run_id}).scalar()
    if found is None:
        raise Invalid("There is no such import.")
    return found


def _find_target(slug: str, code: str) -> Target:
    org_id = _organization(slug)
    with tenant_scope(org_id) as session:
        hostel = session.scalar(select(Hostel).where(Hostel.code == code, Hostel.deleted_at.is_(None)))
        country = session.scalars(select(Organization.country).where(Organization.id == org_id)).one()
    if hostel is None:
        raise Invalid(f"{slug} has no hostel with the code {code}.")
    return Target(org_id, hostel.id, hostel.timezone, country)


def _choices(table: Table, guessed: Choices, mapped: tuple[str, ...], dates: str | None) -> Choices:
    columns, known = dict(guessed.columns), KINDS[guessed.kind].synonyms
    for pair in mapped:
        header, _, name = pair.rpartition("=")
        if header not in table.headers or (name and name not in known):
            raise Invalid(f"--map {pair}: there is no such column or field. Columns: {', '.join(table.headers)}.")
        columns = {f: column for f, column in columns.items() if column != header}
        if name:
            columns[name] = header
    return imports.settled(table, replace(guessed, columns=columns), DateOrder(dates) if dates else None)


def _tell_choices(choices: Choices) -> None:
    click.echo("Columns: " + ", ".join(f"{header} → {f}" for f, header in choices.columns.items()))
    click.echo(f"Times are of {choices.zone}.")


# -- doing it -----------------------------------------------------------------------------------------------------


def _dry_run(target: Target, table: Table, choices: Choices, errors: Path | None) -> None:
    with tenant_scope(target.org_id) as session:
        if choices.kind != ImportKind.REQUESTS:
            judged = imports.judge(session, _ring(), target.hostel_id, table, choices.settings, datetime.now(UTC))
            _tell_dry_run(summarise(_written(judged.verdicts, table, errors)), judged.here())
            return
        known = imports.directory(session, target.hostel_id)
        verdicts = imports.fitted(check_rows(table, choices.settings, datetime.now(UTC)), known)
        here = 0

        def watched() -> Iterator[RowVerdict]:
            nonlocal here
            while some := list(islice(verdicts, 1000)):
                ids = [verdict.request.external_id for verdict in some if verdict.request]
                here += imports.already_here(session, target.hostel_id, ids)
                yield from some

        summary = summarise(_written(watched(), table, errors))
    _tell_dry_run(summary, here)


def _tell_dry_run(summary: Summary, here: int) -> None:
    _tell_summary(summary)
    click.echo(f"{here} of them are here already. Nothing was written.")


def _ring() -> KeyRing:
    return KeyRing(dict(settings().field_keys))


def _written(verdicts: Iterator[RowVerdict], table: Table, errors: Path | None) -> Iterator[RowVerdict]:
    """Pass the verdicts on, and write the refused ones down on the way."""
    if errors is None:
        yield from verdicts
        return
    with errors.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(next(error_rows(table.headers, [])))
        for verdict in verdicts:
            writer.writerows(islice(error_rows(table.headers, [verdict]), 1, None))
            yield verdict


def _tell_summary(summary: Summary) -> None:
    click.echo(f"{summary.accepted} rows go in, {summary.refused} are refused.")
    for heading, counts in (("states", summary.by_status), ("categories", summary.by_category), ("reasons", summary.by_reason)):
        if counts:
            click.echo(f"  {heading}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))


def _checked(target: Target, sent: Upload, table: Table, choices: Choices) -> UUID:
    with tenant_scope(target.org_id) as session:
        run = imports.upload(session, objects(), sent, target.hostel_id, choices.encoding or None, choices.kind)
        imports.choose_values(session, run, table, choices)
        lifecycle.move(session, RUN, run.id, "check")
        imports.check(session, _ring(), run, table, choices.settings, datetime.now(UTC))
        lifecycle.move(session, RUN, run.id, "pass")
        run_id = run.id
    click.echo(f"Import {run_id} is checked.")
    return run_id


def _run(target: Target, run_id: UUID) -> None:
    with tenant_scope(target.org_id) as session:
        _move(session, run_id, "start")
        imports.drop_file(session, imports.find(session, run_id))
    _batches(target.org_id, run_id, imports.run_batch, "in")


def _move(session: Session, run_id: UUID, event: str) -> None:
    """Begin a step here, with a worker to go on with it should this command be killed."""
    lifecycle.move(session, RUN, run_id, event)
    enqueue(session, "imports.rescue", {"run_id": str(run_id)}, due=datetime.now(UTC) + _RESCUE)


def _batches(org_id: UUID, run_id: UUID, batch: Callable[[Session, KeyRing, UUID], int], word: str) -> None:
    total = 0
    while True:
        with tenant_scope(org_id) as session:
            handled = batch(session, _ring(), run_id)
        if not handled:
            break
        total += handled
        click.echo(f"\r{total} rows are {word} …", nl=False, err=True)
    click.echo("", err=True)
    with tenant_scope(org_id) as session:
        imports.finish_step(session, run_id)


def _tell_result(org_id: UUID, run_id: UUID, errors: Path | None) -> None:
    with tenant_scope(org_id) as session:
        run, progress = imports.find(session, run_id), imports.progress(session, run_id)
        if errors is not None:
            with errors.open("w", encoding="utf-8-sig", newline="") as out:
                _write(out, error_rows(run.headers, imports.refused_rows(session, _ring(), run)))
    click.echo(f"{progress.created} created, {progress.restored} restored, {progress.unchanged} unchanged, {progress.refused} refused.")
    click.echo(f"Undo: flask imports undo {run_id}")


def _write(out: TextIO, lines: Iterator[list[str]]) -> None:
    csv.writer(out).writerows(lines)
