"""The ASGI application: the handshake, the HTTP doors, and what runs beside them."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import structlog
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

import config
from app.api.realtime import readable, wire
from app.api.realtime.hub import Hub, NoAnswer
from app.api.realtime.sockets import Door, Socket, forever
from app.api.realtime.source import Source
from app.services.realtime import BadToken, Claims, Listener, find_listeners, read_token, signing_key

CHECK_SECONDS = 1.0
ASK_AGAIN_SECONDS = 300.0
LARGEST_POST = 256 * 1024
MOST_MESSAGES = 100  # of one HTTP broadcast
_VERSIONS = {"1.0.0": wire.Version.V1, "2.0.0": wire.Version.V2}
_BEARER = "base64url.bearer.phx."  # how the phoenix client sends a token outside of the address
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_log = structlog.get_logger("app.api.realtime")


class Live:
    """Everything that one process has."""

    def __init__(self, settings: config.Settings) -> None:
        if settings.database_realtime_url is None:
            raise config.ConfigError(["DATABASE_REALTIME_URL is not set: live updates are read from the database's change stream."])
        self._tasks: set[asyncio.Task[Any]] = set()
        self._engine = create_engine(settings.database_realtime_url, pool_size=2, max_overflow=2, pool_pre_ping=True)
        self._key = signing_key(settings.secret_key)
        self._origins = {_origin(settings.public_url)} | {
            (urlsplit(settings.public_url).scheme, host, urlsplit(settings.public_url).port) for host in settings.portal_hosts}
        self.hub = Hub(self._ask, settings.realtime_window_seconds, lambda work: forever(asyncio.ensure_future(work), self._tasks))
        self.source = Source(settings.database_realtime_url.replace("+psycopg2", "", 1), settings.realtime_instance, self.hub)
        self.door = Door(self.hub, self.read)
        readable.readable()  # a policy that cannot be read stops the start

    def app(self) -> Starlette:
        """What uvicorn runs."""
        return Starlette(lifespan=self._lifespan, routes=[
            WebSocketRoute("/realtime/v1/websocket", self._socket),
            Route("/realtime/v1/api/broadcast", self._broadcast, methods=["POST"]),
            Route("/realtime/v1/api/broadcast/{topic}/events/{event}", self._broadcast_one, methods=["POST"]),
            Route("/healthz", self._health),
        ])

    def read(self, token: str) -> Claims:
        """The claims of a genuine, living token; else BadToken."""
        return read_token(self._key, token, datetime.now(UTC))

    # -- what runs beside -------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        reader = asyncio.create_task(self.source.run())
        clock = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            for task in (reader, clock):
                task.cancel()
            await asyncio.gather(reader, clock, return_exceptions=True)
            self._engine.dispose()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            await self.hub.check(datetime.now(UTC), ASK_AGAIN_SECONDS)

    async def _ask(self, asked: Sequence[Claims]) -> list[Listener | None]:
        return await asyncio.to_thread(self._ask_now, asked)

    def _ask_now(self, asked: Sequence[Claims]) -> list[Listener | None]:
        try:
            with Session(self._engine) as session:
                found = find_listeners(session, asked)
                session.commit()  # what was worked out is kept for the next who asks
        except SQLAlchemyError as error:  # without its text: it may name addresses
            _log.warning("the database cannot be asked", error=type(error).__name__)
            raise NoAnswer from error
        return found

    # -- doors ------------------------------------------------------------------------------------------------

    async def _socket(self, websocket: WebSocket) -> None:
        version = _VERSIONS.get(websocket.query_params.get("vsn", "1.0.0"))
        token, subprotocol = _token(websocket)
        refusal = None
        if not self._may_come_from(websocket.headers):
            refusal = JSONResponse({"error": "This page may not connect here."}, 403)
        elif version is None:
            refusal = JSONResponse({"error": "vsn is 1.0.0 or 2.0.0."}, 400)
        else:
            try:
                self.read(token)
            except BadToken as error:
                refusal = JSONResponse({"error": error.message}, 401)
        if refusal is not None or version is None:
            await websocket.send_denial_response(refusal or Response(status_code=400))
            return
        await websocket.accept(subprotocol)
        socket = Socket(websocket.scope["state"]["protocol"], version, token, self.door)
        try:
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                await socket.take(message["text"] if message.get("text") is not None else message["bytes"])
        except WebSocketDisconnect:
            pass
        finally:
            socket.closed()

    def _may_come_from(self, headers: Mapping[str, str]) -> bool:
        """Browsers say which page connects; programs say nothing, and have the token to show."""
        origin = headers.get("origin")
        return origin is None or _origin(origin) in self._origins

    async def _broadcast(self, request: Request) -> Response:
        """Many messages at once, as JSON."""
        def read(body: bytes) -> list[tuple[str, str, str, bytes | None]]:
            messages = wire.parsed(body)["messages"]
            return [(m["topic"], str(m["event"]), wire.text(m.get("payload")), None) for m in messages[:MOST_MESSAGES]]

        return await self._say(request, read)

    async def _broadcast_one(self, request: Request) -> Response:
        """One message: the body is its payload, JSON or octets."""
        place, raw = request.path_params, request.headers.get("content-type") == "application/octet-stream"

        def read(body: bytes) -> list[tuple[str, str, str, bytes | None]]:
            return [(place["topic"], place["event"], "" if raw else wire.text(wire.parsed(body)), body if raw else None)]

        return await self._say(request, read)

    async def _say(self, request: Request, read: Callable[[bytes], list[tuple[str, str, str, bytes | None]]]) -> Response:
        if int(request.headers.get("content-length") or LARGEST_POST + 1) > LARGEST_POST:
            return JSONResponse({"error": "This is too large."}, 413)
        try:
            claims = self.read(_token(request)[0])
            ended = await self._ask([claims]) == [None]
            if ended or not claims.may_speak:
                refusal = "The session of this token has ended." if ended else "Residents listen; they do not broadcast."
                return JSONResponse({"error": refusal}, 401 if ended else 403)
            said = read(await request.body())
        except BadToken as error:
            return JSONResponse({"error": error.message}, 401)
        except NoAnswer:
            return JSONResponse({"error": "The database cannot be asked just now."}, 503)
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "The body must be JSON: messages with topic, event and payload, or one payload."}, 422)
        for topic, event, payload, raw in said:
            self.hub.broadcast(str(claims.org_id), f"realtime:{topic}", event, payload, raw=raw)
        return Response(status_code=202)

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"reading": self.source.reading, "channels": len(self.hub.channels)},
                            200 if self.source.reading else 503)


def _origin(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; this machine has one name here, however it is written."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", "", None
    return parts.scheme, "localhost" if host in _LOOPBACK else host, port


def _token(connection: HTTPConnection) -> tuple[str, str | None]:
    """The token of a request wherever clients put it, and the subprotocol to agree on."""
    offered = connection.scope.get("subprotocols") or []
    for word in offered:
        if word.startswith(_BEARER):
            try:
                return _unpadded(word.removeprefix(_BEARER)), "phoenix" if "phoenix" in offered else None
            except ValueError:
                return "", None
    bearer = connection.headers.get("authorization", "").partition("Bearer ")[2]
    return bearer or connection.query_params.get("apikey", "") or connection.headers.get("apikey", ""), None


def _unpadded(text: str) -> str:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()

