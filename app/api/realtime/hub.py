"""Who listens to what, and telling them: each change goes to those whose policies cover the row, encoded once for all
who are told the same.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from app.api.realtime import readable, wire
from app.api.realtime.pgoutput import Change, Kind, Transaction
from app.api.realtime.source import Begun
from app.api.realtime.window import Told, Window
from app.rules.realtime import Reader, Row, deleted, told_as
from app.rules.realtime_filters import Filter
from app.services.realtime import Claims, Listener

if TYPE_CHECKING:
    from app.api.realtime.sockets import Socket

MOST_REPLAYED = 5_000  # changes at once; who missed more fetches anew faster
_KEPT_IDS = 10_000


class NoAnswer(Exception):
    """The database cannot be asked just now."""


Ask = Callable[[Sequence[Claims]], Awaitable[list[Listener | None]]]


@dataclass(frozen=True, slots=True)
class Binding:
    """One line of `postgres_changes` of a join; `table` None is all of them."""

    id: int
    event: str
    table: str | None
    filter: Filter

    def wants(self, table: str, kind: str, row: Row) -> bool:
        """Of a deleted row only the key may be known: what a filter cannot judge by it is told."""
        if self.table not in (None, table) or self.event not in ("*", kind):
            return False
        return self.filter.matches(row) or (kind == Kind.DELETE and not all(name in row for name, _ in self.filter.conditions))


@dataclass(eq=False, slots=True)
class Channel:
    """A topic that one socket has joined, as one person in one organization."""

    socket: Socket
    topic: str
    join_ref: str | None
    claims: Claims
    listener: Listener
    bindings: tuple[Binding, ...] = ()
    after: str = ""
    hears_itself: bool = False
    wants_answers: bool = False
    presence: str | None = None
    checked: float = field(default_factory=time.monotonic)

    @property
    def org_id(self) -> str:
        return self.listener.reader.org_id

    @property
    def tables(self) -> set[str]:
        """Those that it is told of."""
        return {table for b in self.bindings for table in ([b.table] if b.table else readable.readable())}

    def send(self, event: str, payload: Any) -> None:
        """A message of this channel's own."""
        self.socket.write(wire.encoded(self.socket.version, self.topic, event, wire.text(payload)))


class Hub:
    """All channels of this process. Everything here runs in the one thread of the event loop."""

    def __init__(self, ask: Ask, seconds: float, start: Callable[[Awaitable[None]], Any]) -> None:
        self.ask, self.seconds, self._start = ask, seconds, start
        self.window: Window | None = None
        self.begun = asyncio.Event()
        self.channels: set[Channel] = set()
        self.access_changes = 0  # moves whenever what was asked before may have become wrong
        self._cluster = ""
        self._listening: dict[tuple[str, str], dict[Channel, None]] = {}
        self._topics: dict[tuple[str, str], dict[Channel, None]] = {}
        self._presences: dict[tuple[str, str], dict[str, dict[Channel, dict[str, Any]]]] = {}
        self._waiting: deque[Transaction] = deque()
        self._renewing = False
        self._ids: dict[tuple[str, ...], int] = {}
        self._next_id = count(1)
        self._next_ref = count(1)

    # -- the stream -------------------------------------------------------------------------------------------

    def begin(self, begun: Begun) -> None:
        """The stream begins, or goes on where it broke off."""
        if self.window is None or begun.fresh or begun.cluster != self._cluster:
            missed = self.window is not None
            self.window = Window(begun.start, begun.end, self.seconds)
            self._cluster = begun.cluster
            self.begun.set()
            if missed:
                self._tell_anew(self.channels)

    def keep_from(self, end: int) -> int:
        """What the slot may forget: everything before."""
        if self.window is None:
            return 0
        self.window.forget(time.monotonic(), end)
        return self.window.keep_from

    def take(self, transaction: Transaction) -> None:
        """A transaction was committed; it is told at once, or after those that wait."""
        self._waiting.append(transaction)
        if not self._renewing:
            self._work()

    def _work(self) -> None:
        while self._waiting:
            transaction = self._waiting.popleft()
            affected, changed = self._whose_access(transaction)
            self.access_changes += changed
            if affected:  # what follows, and this transaction, is judged by what they may see after it
                self._renewing = True
                self._start(self._renew_first(affected, transaction))
                return
            self._tell(transaction)

    async def _renew_first(self, affected: list[Channel], transaction: Transaction) -> None:
        try:
            await self.renew(affected)
        finally:
            self._tell(transaction)
            self._renewing = False
            self._work()

    def _whose_access(self, transaction: Transaction) -> tuple[list[Channel], bool]:
        """Channels whose person may see something else from here on, and whether anybody may."""
        subjects, sessions = set(), set()
        for change in transaction.changes:
            row = change.new or change.old or {}
            if change.table.name == "access_versions":
                subjects.add(row["subject"])
            elif change.table.name == "user_sessions" and (change.kind is Kind.DELETE or row.get("ended_at")):
                sessions.add(row["id"])
        if not subjects and not sessions:
            return [], False
        return [channel for channel in self.channels
                if f"org:{channel.org_id}" in subjects or f"user:{channel.claims.user_id}" in subjects
                or str(channel.claims.session_id) in sessions], True

    async def renew(self, channels: Sequence[Channel]) -> None:
        """Ask again what these may see; who may listen no longer is sent away, as is everybody when nobody can tell."""
        try:
            found = await self.ask([channel.claims for channel in channels])
        except NoAnswer:
            found = [None] * len(channels)
        for channel, listener in zip(channels, found, strict=True):
            if channel not in self.channels:
                continue  # it left meanwhile
            if listener is None:
                self.end(channel, "Your access to this has ended.")
            else:
                channel.listener, channel.checked = listener, time.monotonic()

    # -- telling ----------------------------------------------------------------------------------------------

    def _tell(self, transaction: Transaction) -> None:
        if self.window is None:
            return
        for told in self.window.add(transaction, time.monotonic()):
            change = told.change
            row = change.new or change.old or {}
            org = row.get("org_id")
            if change.kind is Kind.TRUNCATE:
                self._tell_anew([c for c in self.channels if change.table.name in c.tables])
            elif org is not None:
                self._deliver(told, self._listening.get((org, change.table.name), ()))

    def _deliver(self, told: Told, channels: Iterable[Channel]) -> None:
        change, table = told.change, told.change.table.name
        by_portal = readable.readable().get(table, {})
        kinds: dict[Reader, str | None] = {}
        frames: dict[tuple[Any, ...], bytes] = {}
        bodies: dict[tuple[str, str], str] = {}
        for channel in channels:
            if told.seq <= channel.after:
                continue
            reader = channel.listener.reader
            part = by_portal.get(reader.portal)
            if part is None:
                continue
            if reader not in kinds:
                kinds[reader] = _kind(change, part, reader)
            kind = kinds[reader]
            if kind is None:
                continue
            row = (change.old if kind == Kind.DELETE else change.new) or {}
            ids = tuple(b.id for b in channel.bindings if b.wants(table, kind, row))
            if not ids:
                continue
            key = channel.socket.version, channel.topic, ids, reader.portal, kind
            if key not in frames:
                body = bodies.get((reader.portal, kind))
                if body is None:
                    body = bodies[reader.portal, kind] = _body(told, kind, part)
                frames[key] = wire.encoded(*key[:2], "postgres_changes", f'{{"ids":{wire.text(ids)},"data":{body}}}')
            channel.socket.write(frames[key])

    def _tell_anew(self, channels: Iterable[Channel]) -> None:
        """What these missed is not known: they fetch what they show."""
        for channel in list(channels):
            if channel.bindings:
                channel.after = self.position
                channel.send("system", system(channel.topic, "Changes were missed: fetch anew.", snapshot=True, seq=self.position))

    @property
    def position(self) -> str:
        """The number that a page which has everything would have."""
        return self.window.horizon if self.window else ""

    def replay(self, channel: Channel, since: str) -> list[Told] | None:
        """What a channel missed; None if it must fetch anew, and is then told what comes."""
        missed = self.window.since(since) if self.window else None
        if missed is not None and len(missed) > MOST_REPLAYED:
            missed = None
        channel.after = self.position if missed is None else since
        return missed

    def retell(self, channel: Channel, missed: Iterable[Told]) -> None:
        """Tell one channel what it missed, as far as it may see it."""
        tables = channel.tables
        for told in missed:
            row = told.change.new or told.change.old or {}
            if told.change.table.name in tables and row.get("org_id") == channel.org_id:
                self._deliver(told, [channel])

    # -- channels ---------------------------------------------------------------------------------------------

    def binding_id(self, *words: str) -> int:
        """The same for the same binding of anybody, so that the same octets fit all who asked alike."""
        if len(self._ids) > _KEPT_IDS:
            self._ids.clear()
        if words not in self._ids:
            self._ids[words] = next(self._next_id)
        return self._ids[words]

    def add(self, channel: Channel) -> None:
        """From here on the channel is told."""
        self.channels.add(channel)
        self._topics.setdefault((channel.org_id, channel.topic), {})[channel] = None
        for table in channel.tables:
            self._listening.setdefault((channel.org_id, table), {})[channel] = None

    def remove(self, channel: Channel) -> None:
        """It left, or its socket is gone."""
        if channel not in self.channels:
            return
        self.untrack(channel)
        self.channels.discard(channel)
        places = [(self._topics, channel.topic), *((self._listening, table) for table in channel.tables)]
        for index, name in places:
            listeners = index.get((channel.org_id, name), {})
            listeners.pop(channel, None)
            if not listeners:
                index.pop((channel.org_id, name), None)

    def end(self, channel: Channel, why: str) -> None:
        """Send a channel away: the socket, and its other channels, stay."""
        channel.send("system", system(channel.topic, why, status="error", extension="system"))
        channel.socket.close_channel(channel)

    # -- broadcast and presence -------------------------------------------------------------------------------

    def broadcast(self, org_id: str, topic: str, event: str, payload: str, *, raw: bytes | None = None,
                  sender: Channel | None = None) -> None:
        """Tell all of one organization who joined the topic; topics of two organizations never meet."""
        frames: dict[wire.Version, bytes | None] = {}
        for channel in self._topics.get((org_id, topic), ()):
            if channel is sender and not channel.hears_itself:
                continue
            version = channel.socket.version
            if version not in frames:
                frames[version] = wire.encoded_broadcast(version, topic, event, payload, raw)
            if frame := frames[version]:
                channel.socket.write(frame)

    def track(self, channel: Channel, meta: dict[str, Any]) -> None:
        """Somebody is here, or says something new about it."""
        if channel.presence is None:
            return
        present = self._presences.setdefault((channel.org_id, channel.topic), {}).setdefault(channel.presence, {})
        before = present.get(channel)
        present[channel] = {**meta, "phx_ref": str(next(self._next_ref))}
        leaves = {channel.presence: {"metas": [before]}} if before else {}
        self._tell_presence(channel, {channel.presence: {"metas": [present[channel]]}}, leaves)

    def untrack(self, channel: Channel) -> None:
        """They are gone."""
        if channel.presence is None:
            return
        keys = self._presences.get((channel.org_id, channel.topic), {})
        before = keys.get(channel.presence, {}).pop(channel, None)
        if before is None:
            return
        if not keys[channel.presence]:
            del keys[channel.presence]
        if not keys:
            del self._presences[channel.org_id, channel.topic]
        self._tell_presence(channel, {}, {channel.presence: {"metas": [before]}})

    def present(self, channel: Channel) -> dict[str, Any]:
        """Who is here."""
        keys = self._presences.get((channel.org_id, channel.topic), {})
        return {key: {"metas": list(metas.values())} for key, metas in keys.items()}

    def _tell_presence(self, channel: Channel, joins: dict[str, Any], leaves: dict[str, Any]) -> None:
        for other in self._topics.get((channel.org_id, channel.topic), ()):
            if other.presence is not None:
                other.send("presence_diff", {"joins": joins, "leaves": leaves})

    # -- time -------------------------------------------------------------------------------------------------

    async def check(self, now: datetime, again_after: float) -> None:
        """Tokens that ended close their channels; roles that begin or end by themselves, and old answers, are asked anew."""
        for channel in [c for c in self.channels if c.claims.expires_at <= now]:
            self.end(channel, "The token has expired.")
        due = [channel for channel in self.channels
               if time.monotonic() - channel.checked > again_after
               or (channel.listener.good_until is not None and channel.listener.good_until <= now)]
        if due:
            await self.renew(due)


def system(topic: str, message: str, *, status: str = "ok", extension: str = "postgres_changes", **more: Any) -> dict[str, Any]:
    """The payload of a `system` message; the official clients want the first four."""
    return {"channel": topic.removeprefix("realtime:"), "extension": extension, "message": message, "status": status, **more}


def _kind(change: Change, part: readable.Readable, reader: Reader) -> str | None:
    saw = change.old is not None and part.covers(change.old, reader) and not deleted(change.old)
    sees = change.new is not None and part.covers(change.new, reader) and not deleted(change.new)
    return told_as(saw=saw, sees=sees, made=change.kind is Kind.INSERT)


def _body(told: Told, kind: str, part: readable.Readable) -> str:
    """The `data` of a change as one portal is told it."""
    table = told.change.table
    types = {name: kind for name, kind in table.types.items() if name in part.columns}
    data: dict[str, Any] = {
        "schema": "public", "table": table.name, "type": kind, "commit_timestamp": told.at.isoformat(), "seq": told.seq,
        "columns": [{"name": name, "type": kind} for name, kind in types.items()], "errors": None,
    }
    if kind != Kind.DELETE:
        data["record"] = readable.as_json(told.change.new or {}, part.columns, table.types)
    if kind != Kind.INSERT:
        data["old_record"] = readable.as_json(told.change.old or {}, part.columns, table.types)
    return wire.text(data)



