"""Reads the change stream from a replication slot of its own, and goes on whatever happens to the connection.

The slot keeps what this process has not confirmed, so that a restart tells the whole window again. A slot that was
lost (it fell too far behind, or somebody dropped it) is made anew, and the gap is said.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import psycopg2
import psycopg2.errors
import structlog
from psycopg2.extras import LogicalReplicationConnection

from app.api.realtime.pgoutput import Decoder, Transaction
from app.models.declare import PUBLICATION

FEEDBACK_SECONDS = 2.0
MOST_AT_ONCE = 500  # messages, before sockets are served again
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # seconds between attempts to connect
# The slot cannot give what it promised: it was invalidated, or is older than the publication.
_SLOT_LOST = (psycopg2.errors.ObjectNotInPrerequisiteState, psycopg2.errors.UndefinedObject)
_FORMATS = "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c extra_float_digits=1"
_log = structlog.get_logger("app.api.realtime")


@dataclass(frozen=True, slots=True)
class Begun:
    """A stream that begins: from where, where the server's log ended then, of which cluster; `fresh`: of a new slot."""

    start: int
    end: int
    cluster: str
    fresh: bool


class Sink(Protocol):
    """Who takes the changes."""

    def begin(self, begun: Begun) -> None: ...

    def take(self, transaction: Transaction) -> None: ...

    def keep_from(self, end: int) -> int: ...


def slot_name(database: str, instance: str) -> str:
    """One slot per database and process; names of slots are the whole cluster's."""
    return f"viramah_live_{re.sub('[^a-z0-9_]', '_', database.lower())[:33]}_{instance}"


def _lsn(text: str) -> int:
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


class Source:
    """`run()` reads until it is cancelled."""

    def __init__(self, address: str, instance: str, sink: Sink) -> None:
        self.address, self.instance, self.sink = address, instance, sink
        self.reading = False

    async def run(self) -> None:
        """Connect and read, again and again."""
        failures, renew = 0, False
        while True:
            connection = sentinel = None
            try:
                sentinel = await asyncio.to_thread(psycopg2.connect, self.address, application_name="viramah realtime", connect_timeout=5)
                connection, cursor, begun = await asyncio.to_thread(self._open, renew)
                self.sink.begin(begun)
                self.reading, failures, renew = True, 0, False
                await self._read(cursor, sentinel)
            except _SLOT_LOST as error:
                _log.warning("the slot is lost; a new one is made", error=type(error).__name__)
                renew = True
            except psycopg2.Error as error:
                if failures == 0:
                    _log.warning("the change stream broke off", error=type(error).__name__)
            finally:
                self.reading = False
                for one in filter(None, (connection, sentinel)):
                    one.close()
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
            failures += 1

    def _open(self, renew: bool) -> tuple[Any, Any, Begun]:
        connection = psycopg2.connect(self.address, connection_factory=LogicalReplicationConnection, options=_FORMATS,
                                      application_name="viramah realtime", connect_timeout=5)
        try:
            cursor = connection.cursor()
            cursor.execute("IDENTIFY_SYSTEM")
            cluster, timeline, end, database = cursor.fetchone()
            slot = slot_name(database, self.instance)
            start, fresh = self._slot(cursor, slot, renew)
            cursor.start_replication(slot_name=slot, decode=False, status_interval=10,
                                     options={"proto_version": "1", "publication_names": PUBLICATION})
        except BaseException:
            connection.close()
            raise
        return connection, cursor, Begun(start, max(start, _lsn(end)), f"{cluster}/{timeline}", fresh)

    @staticmethod
    def _slot(cursor: Any, slot: str, renew: bool) -> tuple[int, bool]:
        """Where the slot stands; made, or made anew, if it must be."""
        cursor.execute(f"SELECT confirmed_flush_lsn::text, invalidation_reason FROM pg_replication_slots WHERE slot_name = '{slot}'")  # noqa: S608 - our own name; this connection takes no parameters
        found = cursor.fetchone()
        if found and (renew or found[1]):
            cursor.execute(f"DROP_REPLICATION_SLOT {slot} WAIT")
            found = None
        if found:
            return _lsn(found[0]), False
        cursor.create_replication_slot(slot, output_plugin="pgoutput")
        return _lsn(cursor.fetchone()[1]), True

    async def _read(self, cursor: Any, sentinel: Any) -> None:
        """Read until the connection breaks. A server that shuts down waits for its readers to confirm everything, which
        this one never does: but it ends plain sessions first, and so the sentinel says that it is time to go.
        """
        loop = asyncio.get_running_loop()
        broken: asyncio.Future[None] = loop.create_future()
        pump = partial(self._pump, cursor, Decoder(), broken)
        loop.add_reader(cursor.fileno(), pump)
        loop.add_reader(sentinel.fileno(), self._go, sentinel, broken)
        try:
            pump()
            while True:
                cursor.send_feedback(flush_lsn=self.sink.keep_from(cursor.wal_end), force=True)
                await asyncio.wait([broken], timeout=FEEDBACK_SECONDS)
                if broken.done():
                    broken.result()
        finally:
            loop.remove_reader(cursor.fileno())
            loop.remove_reader(sentinel.fileno())

    def _pump(self, cursor: Any, decoder: Decoder, broken: asyncio.Future[None]) -> None:
        """Take what has come."""
        if broken.done():
            return
        try:
            for _ in range(MOST_AT_ONCE):
                message = cursor.read_message()
                if message is None:
                    return
                transaction = decoder.feed(message.payload)
                if transaction is not None and transaction.changes:
                    self.sink.take(transaction)
            # What is buffered already makes the socket readable no more.
            asyncio.get_running_loop().call_soon(self._pump, cursor, decoder, broken)
        except psycopg2.Error as error:
            broken.set_exception(error)

    @staticmethod
    def _go(sentinel: Any, broken: asyncio.Future[None]) -> None:
        asyncio.get_running_loop().remove_reader(sentinel.fileno())
        if not broken.done():
            broken.set_exception(psycopg2.OperationalError("the server ends its sessions"))
