"""One WebSocket: its messages read, its channels joined and left, and what is sent to it."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.api.realtime import readable, wire
from app.api.realtime.hub import Binding, Channel, Hub, NoAnswer, system
from app.rules.errors import DomainError
from app.rules.realtime_filters import Filter, read_filter
from app.services.realtime import BadToken, Claims, Listener

MOST_CHANNELS = 50
MOST_BINDINGS = 50
MOST_PER_SECOND = 100  # messages of one socket
QUEUE_BYTES = 1 << 20  # that may wait for a slow reader
TOO_SLOW, TOO_MUCH, NOT_UNDERSTOOD = 4008, 4029, 4400  # why a socket is closed, beside the standard codes
CLOSING_SECONDS = 5.0
BEGIN_SECONDS = 5.0
_EVENTS = {"*", "INSERT", "UPDATE", "DELETE"}
_SEQUENCE = re.compile(r"[0-9A-F]{24}")


class Refused(DomainError):
    """A join that cannot be granted."""

    code = "refused"


class DirectProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's own, whose socket can be written to without a task for each message."""

    async def run_asgi(self) -> None:
        """Let the application find this connection."""
        self.scope["state"]["protocol"] = self
        await super().run_asgi()

    def put(self, frame: bytes) -> None:
        """Send a whole frame now, or have it wait in the transport."""
        self.transport.write(frame)

    def end(self, code: int, reason: str) -> None:
        """Close from our side; a reader that does not even take that is cut off."""
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.close_timer = self.loop.call_later(CLOSING_SECONDS, self.transport.abort)


@dataclass(frozen=True)
class Door:
    """What a socket asks of the process around it: `read` makes claims of a token, or BadToken."""

    hub: Hub
    read: Callable[[str], Claims]


class Socket:
    """A connection that showed a genuine token."""

    def __init__(self, protocol: DirectProtocol, version: wire.Version, token: str, door: Door) -> None:
        self.protocol, self.version, self.token, self.door, self.hub = protocol, version, token, door, door.hub
        self.channels: dict[str, Channel] = {}
        self._room = QUEUE_BYTES
        self._second, self._count = 0, 0
        self._handlers = {"phx_leave": self._leave, "broadcast": self._broadcast, "presence": self._presence}

    # -- sending ----------------------------------------------------------------------------------------------

    def write(self, frame: bytes) -> None:
        """Send; a reader that has let too much pile up is sent away, and comes back with its number."""
        protocol = self.protocol
        if protocol.close_sent or protocol.transport.is_closing():
            return
        if protocol.transport.get_write_buffer_size() > self._room:
            protocol.end(TOO_SLOW, "Too slow: come back with your last number.")
            return
        protocol.put(frame)

    def reply(self, message: wire.Message, status: str, response: dict[str, Any]) -> None:
        """The answer to one message."""
        self.write(wire.encoded(self.version, message.topic, "phx_reply", wire.text({"status": status, "response": response}),
                                message.ref, message.join_ref))

    def close_channel(self, channel: Channel) -> None:
        """Tell that a channel is closed, and forget it."""
        self._forget(channel)
        ref = channel.join_ref if self.version is wire.Version.V2 else None
        self.write(wire.encoded(self.version, channel.topic, "phx_close", "{}", ref, ref))

    def _forget(self, channel: Channel) -> None:
        self.hub.remove(channel)
        if self.channels.get(channel.topic) is channel:
            del self.channels[channel.topic]

    def closed(self) -> None:
        """The connection is gone."""
        for channel in list(self.channels.values()):
            self._forget(channel)

    # -- reading ----------------------------------------------------------------------------------------------

    async def take(self, data: str | bytes) -> None:
        """One frame of the client."""
        if self._too_many():
            self.protocol.end(TOO_MUCH, "Too many messages.")
            return
        try:
            message = wire.read(self.version, data)
        except wire.Malformed:
            self.protocol.end(NOT_UNDERSTOOD, "This is no message of the protocol.")
            return
        channel = self.channels.get(message.topic)
        if message.event == "heartbeat":
            self.reply(message, "ok", {"seq": self.hub.position})
        elif message.event == "phx_join":
            await self._join(message)
        elif message.event == "access_token":
            if channel is not None:
                await self._renew(channel, str(message.payload.get("access_token") or ""))
        elif channel is None or message.event not in self._handlers:
            self.reply(message, "error", {"reason": "unmatched topic" if channel is None else "unknown event"})
        else:
            self._handlers[message.event](channel, message)

    def _too_many(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        return self._count > MOST_PER_SECOND

    # -- joining ----------------------------------------------------------------------------------------------

    async def _join(self, message: wire.Message) -> None:
        try:
            claims = self.door.read(str(message.payload.get("access_token") or self.token))
            await self._stream_begun()
            listener = await self._listener(claims)
            channel = Channel(self, message.topic, message.join_ref or message.ref, claims, listener)
            echo = self._configure(channel, message.payload.get("config", {}))
        except DomainError as error:
            self.reply(message, "error", {"reason": error.message})
            return
        self._enter(channel, message, echo)

    async def _stream_begun(self) -> None:
        """A slot that is made waits for every transaction under way: what is committed until then, nobody would be told."""
        try:
            await asyncio.wait_for(self.hub.begun.wait(), BEGIN_SECONDS)
        except TimeoutError as error:
            raise Refused("Changes are not read yet: try again.") from error

    async def _listener(self, claims: Claims) -> Listener:
        """What the person may see, as of a moment after which nothing that was read of the stream has changed it."""
        while True:
            before = self.hub.access_changes
            try:
                found, = await self.hub.ask([claims])
            except NoAnswer as error:
                raise Refused("The database cannot be asked just now.") from error
            if found is None:
                raise BadToken("The session of this token has ended.")
            if before == self.hub.access_changes:
                return found

    def _configure(self, channel: Channel, config: Any) -> list[dict[str, Any]]:
        """Read what the join asks for; returns its bindings as the client wants them back."""
        if not isinstance(config, dict) or not channel.topic.startswith("realtime:"):
            raise Refused("Topics begin with realtime: and a join has a config.")
        if channel.topic not in self.channels and len(self.channels) >= MOST_CHANNELS:
            raise Refused(f"One connection has at most {MOST_CHANNELS} channels.")
        broadcast, presence = config.get("broadcast") or {}, config.get("presence") or {}
        if not (isinstance(broadcast, dict) and isinstance(presence, dict)):
            raise Refused("broadcast and presence of a config are objects.")
        channel.hears_itself, channel.wants_answers = bool(broadcast.get("self")), bool(broadcast.get("ack"))
        if presence.get("enabled"):
            channel.presence = str(presence.get("key") or uuid.uuid4())
        asked = config.get("postgres_changes") or []
        if not isinstance(asked, list) or len(asked) > MOST_BINDINGS:
            raise Refused(f"A channel follows at most {MOST_BINDINGS} kinds of changes.")
        channel.bindings = tuple(self._binding(channel, line) for line in asked)
        since = config.get("since")
        if since is not None and not (isinstance(since, str) and _SEQUENCE.fullmatch(since)):
            raise Refused("since is the seq of a change: 24 hexadecimal digits.")
        channel.after = since or ""
        return [{**line, "id": binding.id} for line, binding in zip(asked, channel.bindings, strict=True)]

    def _binding(self, channel: Channel, line: Any) -> Binding:
        if not isinstance(line, dict):
            raise Refused("A line of postgres_changes is an object with event, schema and table.")
        event, schema, table, filter_ = (line.get(name) for name in ("event", "schema", "table", "filter"))
        table = None if table in (None, "*") else str(table)
        if str(event) not in _EVENTS or schema not in (None, "*", "public") or (table and table not in readable.readable()):
            raise Refused(f"There is nothing to follow in {schema}.{table} for {event}.")
        return Binding(self.hub.binding_id(str(event), str(schema), str(table), str(filter_)), str(event), table,
                       self._filter(channel, table, filter_))

    @staticmethod
    def _filter(channel: Channel, table: str | None, text: Any) -> Filter:
        if not text:
            return Filter()
        if table is None or not isinstance(text, str):
            raise Refused("A filter needs a table.")
        part = readable.readable()[table].get(channel.listener.reader.portal)
        types = readable.column_types(table)
        return read_filter(text, {name: types[name] for name in (part.columns if part else ())})

    def _enter(self, channel: Channel, message: wire.Message, echo: list[dict[str, Any]]) -> None:
        """From the look into the window to being told, nothing else runs: nothing is lost between, or told twice."""
        if earlier := self.channels.get(channel.topic):
            self._forget(earlier)
        since = channel.after
        missed = self.hub.replay(channel, since) if since else []
        if not since:
            channel.after = self.hub.position
        self.channels[channel.topic] = channel
        self.hub.add(channel)
        self.reply(message, "ok", {"postgres_changes": echo, "seq": self.hub.position, "snapshot": missed is None})
        if channel.bindings:
            channel.send("system", system(channel.topic, "Subscribed to PostgreSQL"))
        if channel.presence is not None:
            channel.send("presence_state", self.hub.present(channel))
        if missed:
            before = self.protocol.transport.get_write_buffer_size()
            self._room = 1 << 30  # what was asked for may wait
            self.hub.retell(channel, missed)
            self._room = QUEUE_BYTES + max(0, self.protocol.transport.get_write_buffer_size() - before)

    # -- within a channel -------------------------------------------------------------------------------------

    async def _renew(self, channel: Channel, token: str) -> None:
        try:
            claims = self.door.read(token)
            if (claims.user_id, claims.org_id) != (channel.claims.user_id, channel.claims.org_id):
                raise BadToken("This token is somebody else's: join again with it.")
            listener = await self._listener(claims)
        except DomainError as error:
            self.hub.end(channel, error.message)
        else:
            channel.claims, channel.listener = claims, listener
            self.token = token

    def _leave(self, channel: Channel, message: wire.Message) -> None:
        self.reply(message, "ok", {})
        self.close_channel(channel)

    def _broadcast(self, channel: Channel, message: wire.Message) -> None:
        event = message.payload.get("event")
        if not isinstance(event, str):
            self.reply(message, "error", {"reason": "a broadcast has an event"})
            return
        if not channel.claims.may_speak:
            self.reply(message, "error", {"reason": "residents listen; they do not broadcast"})
            return
        self.hub.broadcast(channel.org_id, channel.topic, event, wire.text(message.payload.get("payload")), raw=message.raw,
                           sender=channel)
        if channel.wants_answers:
            self.reply(message, "ok", {})

    def _presence(self, channel: Channel, message: wire.Message) -> None:
        event, meta = message.payload.get("event"), message.payload.get("payload")
        if event == "track":
            self.hub.track(channel, meta if isinstance(meta, dict) else {})
        elif event == "untrack":
            self.hub.untrack(channel)
        self.reply(message, "ok", {})


def forever(task: asyncio.Task[Any], kept: set[asyncio.Task[Any]]) -> None:
    """Keep a reference for as long as the task runs: the loop keeps none."""
    kept.add(task)
    task.add_done_callback(kept.discard)
