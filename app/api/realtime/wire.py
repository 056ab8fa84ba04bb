"""The Phoenix channel protocol as the official clients speak it: version 1.0.0 as objects, 2.0.0 as arrays and octets.

What goes to many sockets is encoded once, down to the WebSocket frame: frames of a server carry no mask, so the same
bytes fit every socket that listens in the same way.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from websockets.frames import Frame, Opcode

PUSHED, SENT = 3, 4  # kinds of binary messages: a client's broadcast, ours
RAW, JSON = 0, 1  # encodings of a broadcast's payload


class Version(IntEnum):
    """Of the serializer, as `vsn` names it in the address."""

    V1 = 1
    V2 = 2


class Malformed(Exception):
    """Not a message of this protocol; nobody can be answered."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a client. Of a raw broadcast, `raw` is the payload."""

    topic: str
    event: str
    payload: dict[str, Any]
    ref: str | None = None
    join_ref: str | None = None
    raw: bytes | None = None


def read(version: Version, data: str | bytes) -> Message:
    """A frame's content as a message; Malformed if it is none."""
    if isinstance(data, bytes):
        return _read_broadcast(data)
    try:
        found = parsed(data)
        if version is Version.V1:
            parts = [found.get("join_ref"), found.get("ref"), found["topic"], found["event"], found.get("payload") or {}]
        else:
            parts = [*found]
        join_ref, ref, topic, event, payload = parts
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Malformed from error
    if not (isinstance(topic, str) and isinstance(event, str) and isinstance(payload, dict)):
        raise Malformed
    return Message(topic, event, payload, None if ref is None else str(ref), None if join_ref is None else str(join_ref))


def _read_broadcast(data: bytes) -> Message:
    lengths, parts = list(data[1:6]), []
    if len(data) < 7 or data[0] != PUSHED or len(data) < 7 + sum(lengths):  # noqa: PLR2004 - kind, five lengths, encoding
        raise Malformed
    place = 7
    for length in lengths:
        parts.append(data[place:place + length])
        place += length
    try:
        join_ref, ref, topic, event, _ = (part.decode() for part in parts)
        payload = parsed(data[place:]) if data[6] == JSON else None
    except ValueError as error:
        raise Malformed from error
    return Message(topic, "broadcast", {"type": "broadcast", "event": event, "payload": payload}, ref or None, join_ref or None,
                   data[place:] if data[6] == RAW else None)


def parsed(data: str | bytes) -> Any:
    """The JSON of a client; ValueError for what is none, or could not be told to anybody: nested too deep, or half a surrogate pair."""
    try:
        found = json.loads(data)
        text(found).encode()
    except RecursionError as error:
        raise ValueError from error
    return found


def text(data: Any) -> str:
    """Compact JSON."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def encoded(version: Version, topic: str, event: str, payload: str, ref: str | None = None, join_ref: str | None = None) -> bytes:
    """A message whose payload is JSON already, as the frame that goes out."""
    if version is Version.V1:  # the Python client drops what has no ref
        message = f'{{"topic":{text(topic)},"event":{text(event)},"payload":{payload},"ref":{text(ref)},"join_ref":{text(join_ref)}}}'
    else:
        message = f"[{text(join_ref)},{text(ref)},{text(topic)},{text(event)},{payload}]"
    return framed(Opcode.TEXT, message.encode())


def encoded_broadcast(version: Version, topic: str, event: str, payload: str, raw: bytes | None) -> bytes | None:
    """A broadcast for those who listen; None for a raw one to a client whose version has no octets."""
    names = [topic.encode(), event.encode()]
    if version is Version.V1 or max(map(len, names)) > 255:  # noqa: PLR2004 - a length is one octet
        if raw is not None:
            return None
        return encoded(version, topic, "broadcast", f'{{"type":"broadcast","event":{text(event)},"payload":{payload}}}')
    head = bytes([SENT, len(names[0]), len(names[1]), 0, JSON if raw is None else RAW])
    return framed(Opcode.BINARY, b"".join([head, *names, payload.encode() if raw is None else raw]))


def framed(opcode: Opcode, data: bytes) -> bytes:
    """One whole WebSocket frame."""
    return Frame(opcode, data).serialize(mask=False)
