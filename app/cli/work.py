"""flask work …: look at the outbox, send dead letters again, do what is due, start what the schedule wants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app import wakeup
from app.models.work import Work
from app.rules.work import WorkState
from app.services import work
from app.tenancy import queue_scope

group = AppGroup("work", help="Background work: list, resend, drain, sweep.")


def _found(state: WorkState, kind: str | None, most: int) -> Sequence[Work]:
    wanted = select(Work).where(Work.state == state).order_by(Work.created_at.desc(), Work.id.desc()).limit(most)
    with queue_scope() as session:  # the service login reads the outbox, and nothing of what the ids stand for
        return session.scalars(wanted.where(Work.kind == kind) if kind else wanted).all()


@group.command("list")
@click.option("--state", type=click.Choice([state.value for state in WorkState]), default=WorkState.DEAD.value, show_default=True)
@click.option("--kind", help="Only this kind, such as maintenance.moved.")
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many rows, the newest first.")
def list_command(state: str, kind: str | None, most: int) -> None:
    """Show pieces of work, one per line, and how much waits."""
    for row in _found(WorkState(state), kind, most):
        click.echo(f"{row.id}  {row.created_at:%Y-%m-%d %H:%M}  {row.kind}  attempts={row.attempts}  {row.last_error or ''}")
    with queue_scope() as session:
        waiting = work.backlog(session)
    click.echo(f"{waiting.due} due (the oldest for {waiting.oldest_seconds:.0f} s), {waiting.dead} dead.")


@group.command("resend")
@click.argument("ids", nargs=-1, type=click.UUID)
@click.option("--kind", help="All dead letters of this kind.")
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
def resend_command(ids: tuple[UUID, ...], kind: str | None, everything: bool) -> None:
    """Send dead letters again: the given ones, those of a kind, or all."""
    if sum((bool(ids), bool(kind), everything)) != 1:
        raise click.UsageError("Name dead letters by id, or give --kind or --all.")
    wanted = ids or [row.id for row in _found(WorkState.DEAD, kind, 100_000)]
    with queue_scope() as session:
        for work_id in wanted:
            work.resend(session, work_id)
    click.echo(f"Sent again: {len(wanted)}.")


@group.command("drain")
def drain_command() -> None:
    """Do here, in this process, what is due until nothing is."""
    from jobs import registry
    from jobs.outbox import Drainer

    registry.load()
    click.echo(f"Handled: {Drainer.new().drain()}.")


@group.command("sweep")
def sweep_command() -> None:
    """Start the scheduled runs that are due, as a scheduler would, and wake a worker for everything else that is."""
    from jobs.scheduler import Scheduler

    started = Scheduler().tick(datetime.now(UTC))
    wakeup.wake()
    click.echo(f"Scheduled runs started: {started}.")
