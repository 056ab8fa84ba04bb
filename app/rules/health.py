"""When a part of the installation is well, needs attention or is broken, and the sentence that says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.permissions import Portal
from app.text import N_

ROLES = ("viramah_owner", "viramah_definer", "viramah_web", "viramah_auth", "viramah_service", "viramah_realtime",
         *map(str, Portal))

WORK_LATE = timedelta(minutes=1)  # workers look every few seconds
WORK_STUCK = timedelta(minutes=15)
SCHEDULE_LATE = timedelta(minutes=11)  # the audit log is sealed every five minutes: two of these runs are missing
LIVE_KEEPS = 1024  # MB: half of what a slot may hold back before it is lost
SEALS_LATE = timedelta(minutes=20)
SEALS_STUCK = timedelta(hours=2)
CHECK_LATE = timedelta(hours=30)  # the ledgers are checked every night


class State(StrEnum):
    """How a part is."""

    WELL = "well"
    ATTENTION = "attention"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """What was found about one part; the sentence holds no secret, no tenant and no person."""

    name: str
    title: str
    state: State
    sentence: str

    @property
    def well(self) -> bool:
        return self.state is State.WELL


def duration(span: timedelta) -> str:
    """`40 seconds`, `12 minutes`, `3 hours`, `2 days`: whole units, as much as one needs to decide."""
    seconds = max(int(span.total_seconds()), 0)
    day = 86400
    if seconds < 2 * 60:
        return N_("1 second") if seconds == 1 else N_(f"{seconds} seconds")
    if seconds < 2 * 3600:  # "90 minutes" says more than "1 hour"
        return N_(f"{seconds // 60} minutes")
    if seconds < day:
        return N_(f"{seconds // 3600} hours")
    return N_("1 day") if seconds < 2 * day else N_(f"{seconds // day} days")


def judge_migration(found: str | None, wanted: str) -> Check:
    """The database must be at the head that this code was written for."""
    good = found == wanted
    sentence = f"The schema is at {wanted}." if good else (
        f"The schema is at {found or 'nothing'}, and this code needs {wanted}: run `flask database upgrade`.")
    return Check("migrations", N_("Migrations"), State.WELL if good else State.BROKEN, sentence)


def judge_roles(lacking: list[str]) -> Check:
    """All database roles must exist."""
    sentence = (f"These database roles are missing: {', '.join(sorted(lacking))}. Run `flask database bootstrap`."
                if lacking else f"All {len(ROLES)} database roles are there.")
    return Check("roles", "Database roles", State.BROKEN if lacking else State.WELL, sentence)


def judge_queue(due: int, oldest: timedelta) -> Check:
    """Work must be taken up soon after it is due."""
    if due == 0:
        return Check("queue", "Work queue", State.WELL, "Nothing waits.")
    pieces = f"{due:,} pieces of work are" if due > 1 else "One piece of work is"
    sentence = f"{pieces} due, the oldest for {duration(oldest)}."
    if oldest > WORK_STUCK:
        return Check("queue", "Work queue", State.BROKEN, f"{sentence} Are the workers running?")
    return Check("queue", "Work queue", State.ATTENTION if oldest > WORK_LATE else State.WELL, sentence)


def judge_dead_letters(dead: int) -> Check:
    """Work that was given up waits for a person."""
    if dead == 0:
        return Check("dead_letters", "Dead letters", State.WELL, "No work was given up.")
    pieces = f"{dead:,} pieces of work were" if dead > 1 else "One piece of work was"
    return Check("dead_letters", "Dead letters", State.ATTENTION, f"{pieces} given up: look into them, and resend them.")


def judge_workers(last_done: datetime | None, oldest: timedelta, now: datetime) -> Check:
    """Workers show that they live by finishing work; with nothing to do they are not missed."""
    if last_done is None:
        return Check("workers", N_("Workers"), State.ATTENTION, "No work was ever finished here.")
    ago = f"finished work {duration(now - last_done)} ago"
    if oldest > WORK_STUCK and now - last_done > WORK_STUCK:
        return Check("workers", N_("Workers"), State.BROKEN, f"No worker seems to run: the last one {ago}, and work waits.")
    if oldest > WORK_LATE:
        return Check("workers", N_("Workers"), State.ATTENTION, f"The workers are behind; one {ago}.")
    return Check("workers", N_("Workers"), State.WELL, f"The workers keep up; one {ago}.")


def judge_scheduler(last_scheduled: datetime | None, now: datetime) -> Check:
    """The schedule has something to start every five minutes."""
    if last_scheduled is None:
        return Check("scheduler", N_("Scheduler"), State.ATTENTION, "Nothing was ever started by the schedule.")
    ago = duration(now - last_scheduled)
    if now - last_scheduled > SCHEDULE_LATE:
        return Check("scheduler", N_("Scheduler"), State.BROKEN,
                     f"The schedule last started something {ago} ago: is the scheduler running?")
    return Check("scheduler", N_("Scheduler"), State.WELL, f"The schedule last started something {ago} ago.")


@dataclass(frozen=True, slots=True)
class LiveStream:
    """One replication slot of the realtime processes: whether it is being read, and what the server keeps for it."""

    name: str
    reading: bool
    lost: bool
    kept_bytes: int | None


def judge_live(streams: list[LiveStream], wanted: bool) -> Check:
    """Without live updates the console works on: pages ask every ten seconds."""
    def check(state: State, sentence: str) -> Check:
        return Check("live", N_("Live updates"), state, sentence)

    if not wanted:
        return check(State.WELL, "Live updates are not set up: pages ask every ten seconds.")
    if not any(stream.reading for stream in streams):
        return check(State.ATTENTION, "No realtime process reads the change stream: pages ask every ten seconds.")
    idle = [stream.name for stream in streams if stream.lost or not stream.reading]
    if idle:
        return check(State.ATTENTION, f"Nobody reads {', '.join(sorted(idle))}: start its process again, or drop the slot.")
    kept = max(stream.kept_bytes or 0 for stream in streams) >> 20
    return check(State.ATTENTION if kept > LIVE_KEEPS else State.WELL, f"Changes are told live; the server keeps {kept:,} MB for that.")


@dataclass(frozen=True, slots=True)
class AuditState:
    """Numbers of app.audit_state, and what the anchors say (None: they cannot be trusted; see `problem`)."""

    batches: int
    last_sealed_at: datetime | None
    unsealed: int
    oldest_unsealed_at: datetime | None
    anchored: int | None
    problem: str = ""


def judge_audit(found: AuditState, now: datetime) -> Check:
    """Rows must be sealed soon, and the anchors must fit what is sealed."""
    def check(state: State, sentence: str) -> Check:
        return Check("audit", "Audit log", state, sentence)

    if found.anchored is None:
        return check(State.BROKEN, f"{found.problem} Run `flask audit verify`.")
    if found.anchored > found.batches:
        return check(State.BROKEN, f"The anchors know {found.anchored:,} batches and the database {found.batches:,}: the "
                                   "log was cut off. Run `flask audit verify`.")
    if found.batches - found.anchored > 1:
        return check(State.BROKEN, f"{found.batches - found.anchored:,} batches are not anchored. Run `flask audit verify`.")
    waiting = now - found.oldest_unsealed_at if found.oldest_unsealed_at else timedelta(0)
    sealed = (f"Sealed and anchored up to batch {found.batches:,}, {duration(now - found.last_sealed_at)} ago"
              if found.last_sealed_at else "Nothing is sealed yet")
    if waiting > SEALS_LATE:
        state = State.BROKEN if waiting > SEALS_STUCK else State.ATTENTION
        return check(state, f"{sealed}; {found.unsealed:,} rows wait for their seal, the oldest for {duration(waiting)}.")
    return check(State.WELL, f"{sealed}; {found.unsealed:,} rows wait for the next one.")


@dataclass(frozen=True, slots=True)
class LedgerState:
    """Numbers of app.ledger_state."""

    unsealed: int
    oldest_unsealed_at: datetime | None
    checked_at: datetime | None
    wrong: int


def judge_ledger(found: LedgerState, now: datetime) -> Check:
    """Ledgers must be whole, sealed soon, and checked every night."""
    def check(state: State, sentence: str) -> Check:
        return Check("ledger", N_("Ledger"), state, sentence)

    if found.wrong:
        return check(State.BROKEN, f"In {found.wrong:,} organizations the ledger was changed or does not add up. Run `flask ledger verify`.")
    waiting = now - found.oldest_unsealed_at if found.oldest_unsealed_at else timedelta(0)
    if waiting > SEALS_LATE:
        return check(State.BROKEN if waiting > SEALS_STUCK else State.ATTENTION,
                     f"{found.unsealed:,} transactions wait for their seal, the oldest for {duration(waiting)}.")
    if found.checked_at is None:
        return check(State.WELL, "It is checked for the first time in the night.")
    ago = now - found.checked_at
    return check(State.ATTENTION if ago > CHECK_LATE else State.WELL, f"Checked and found whole {duration(ago)} ago.")
