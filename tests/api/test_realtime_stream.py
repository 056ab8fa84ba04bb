"""The stream as PostgreSQL writes it: NULLs, every character, long values that did not change, transactions as a whole."""

from __future__ import annotations

import asyncio
import queue
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.api.realtime.pgoutput import Kind
from app.api.realtime.source import Source
from app.api.realtime.wire import Malformed, Version, read
from app.rules.realtime_filters import BadFilter, read_filter
from tests.api.conftest import PATIENCE, drop_slots

LONG = 20_000  # characters that do not compress away: stored out of line


class Sink:
    """Keeps what the source takes."""

    def __init__(self):
        self.begun, self.taken = threading.Event(), queue.Queue()

    def begin(self, begun):
        self.begun.set()

    def take(self, transaction):
        self.taken.put(transaction)

    def keep_from(self, end):
        return end

    def next(self):
        return self.taken.get(timeout=PATIENCE).changes


@pytest.fixture
def stream(world, superuser, live_settings):
    """What comes of a table made for this, in a publication of its own name."""
    with superuser.begin() as c:
        c.execute(text("CREATE TABLE odd (id integer PRIMARY KEY, org_id text, word text, number numeric)"))
        c.execute(text("ALTER TABLE odd ALTER word SET STORAGE EXTERNAL"))
        c.execute(text("ALTER PUBLICATION viramah_live ADD TABLE odd"))
    sink = Sink()
    source = Source(live_settings.database_realtime_url.replace("+psycopg2", ""), "stream", sink)
    loop = asyncio.new_event_loop()
    task = loop.create_task(source.run())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.gather(task, return_exceptions=True)))
    thread.start()
    assert sink.begun.wait(PATIENCE)
    yield sink
    loop.call_soon_threadsafe(task.cancel)
    thread.join()
    loop.close()
    drop_slots(superuser)


words = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(words, st.none() | st.integers(-10**20, 10**20)), min_size=1, max_size=5))
def test_whatever_is_written_is_read(stream, superuser, rows):
    with superuser.begin() as c:
        c.execute(text("DELETE FROM odd"))
        for number, (word, value) in enumerate(rows):
            c.execute(text("INSERT INTO odd (id, word, number) VALUES (:id, :word, :value)"),
                      {"id": number, "word": word, "value": value})
    found = [change.new for change in stream.next() if change.kind is Kind.INSERT]
    assert [(row["word"], row["number"] and int(row["number"])) for row in found] == rows


def test_a_transaction_comes_whole_and_one_that_was_rolled_back_never(stream, superuser):
    with superuser.connect() as c:
        c.execute(text("INSERT INTO odd (id) VALUES (1)"))
        c.rollback()
        c.execute(text("INSERT INTO odd (id, word) SELECT 2, string_agg(md5(n::text), '') FROM generate_series(1, :n / 32) n"), {"n": LONG})
        savepoint = c.begin_nested()
        c.execute(text("INSERT INTO odd (id) VALUES (3)"))
        savepoint.rollback()
        c.execute(text("UPDATE odd SET number = 1"))
        c.execute(text("UPDATE odd SET id = 4"))
        c.execute(text("DELETE FROM odd"))
        c.commit()
        c.execute(text("TRUNCATE odd"))
        c.commit()
    inserted, touched, moved, gone = stream.next()
    assert (inserted.kind, inserted.new["id"], len(inserted.new["word"]), inserted.old) == (Kind.INSERT, "2", LONG, None)
    assert touched.new == {"id": "2", "org_id": None, "number": "1"}  # the long word did not change, and was not sent
    assert touched.old == {"id": "2"}
    assert (moved.new["id"], moved.old) == ("4", {"id": "2"})
    assert (gone.kind, gone.new, gone.old) == (Kind.DELETE, None, {"id": "4"})
    assert [change.kind for change in stream.next()] == [Kind.TRUNCATE]


def test_with_a_whole_identity_the_old_row_tells_what_did_not_change(stream, superuser):
    with superuser.connect() as c:
        c.execute(text("ALTER TABLE odd REPLICA IDENTITY FULL"))
        c.execute(text("INSERT INTO odd (id, word) SELECT 1, string_agg(md5(n::text), '') FROM generate_series(1, :n / 32) n"), {"n": LONG})
        c.commit()
        stream.next()
        c.execute(text("UPDATE odd SET number = 1"))
        c.commit()
    change, = stream.next()
    assert (change.old["number"], change.new["number"]) == (None, "1")
    assert len(change.new["word"]) == len(change.old["word"]) == LONG


@pytest.mark.parametrize(("version", "data"), [
    (Version.V1, "[]"), (Version.V1, "{"), (Version.V1, '{"topic": 1, "event": "x"}'), (Version.V2, "{}"), (Version.V2, "[1,2]"),
    (Version.V2, '[null,null,"t","e","payload"]'), (Version.V2, b""), (Version.V2, b"\x03\x01"), (Version.V2, b"\x05" * 30),
    (Version.V2, b"\x03\x00\x00\x01\x01\x00\x01te{"), (Version.V2, b"\x03\x00\x00\x01\x00\x00\x00\xff"),
])
def test_what_is_no_message_is_said_to_be_none(version, data):
    with pytest.raises(Malformed):
        read(version, data)


TYPES = {"n": "int4", "t": "text", "at": "timestamptz", "ok": "bool"}


@pytest.mark.parametrize(("filter_", "row", "verdict"), [
    ("n=gt.9", {"n": "10"}, True), ("n=lte.9", {"n": "10"}, False), ("n=in.(1, 10)", {"n": "10"}, True), ("n=eq.1", {"n": None}, False),
    ("t=eq.a,n=neq.1", {"t": "a", "n": "2"}, True), ("t=in.(a,b),n=eq.1", {"t": "b", "n": "1"}, True), ("t=not.eq.a", {"t": "b"}, True),
    ("t=not.eq.a", {"t": None}, False), ("t=is.null", {"t": None}, True), ("t=not.is.null", {"t": None}, False),
    ("at=gte.2026-01-01T00:00:00Z", {"at": "2026-01-01 00:00:00+00"}, True), ("at=lt.2026-01-01", {"at": "2025-12-31 23:59:59.5+00"}, True),
    ("ok=eq.true", {"ok": "t"}, True), ("ok=is.false", {"ok": "f"}, True), ("t=eq.a", {}, False),
])
def test_filters_compare_by_the_type_of_the_column(filter_, row, verdict):
    assert read_filter(filter_, TYPES).matches(row) is verdict


@pytest.mark.parametrize("filter_", ["n", "n=eq", "n=like.1", "secret=eq.1", "n=eq.one", "n=in.1", "at=gt.soon", "ok=is.maybe", "t=eq." + "x" * 1001])
def test_a_filter_that_cannot_be_used_is_refused_with_a_sentence(filter_):
    with pytest.raises(BadFilter):
        read_filter(filter_, TYPES)
