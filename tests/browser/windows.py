"""The console from outside: people, each with a window of their own, in which nothing goes wrong unseen.

Noted are errors in the console (refusals of the Content Security Policy are some), failed scripts, and requests to
another host.
"""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import text

from tests.conftest import APPS
from tests.world import Person, World

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--font-render-hinting=none"]
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
LEAST_ERROR = 400
PASSWORD = "correct horse battery"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class House:
    """A console with its world: `address` is where browsers find it, `app` works on its database from here."""

    def __init__(self, settings: Any, world: World, engine: Any) -> None:
        from app import create_app

        self.settings, self.world, self.engine, self.address = settings, world, engine, settings.public_url
        self.app = create_app("web", settings)
        APPS.append(self.app)

    def cookie(self, person: Person) -> str:
        """The session cookie of somebody who has signed in."""
        from app.security import new_token, token_digest

        token = new_token()
        with self.engine.begin() as connection:
            connection.execute(text(
                "INSERT INTO user_sessions (user_id, digest, device, address, second_factor, expires_at) "
                "VALUES (:user, :digest, 'test', '127.0.0.1', true, :until)"),
                {"user": person.user_id, "digest": token_digest(token), "until": datetime.now(UTC) + timedelta(days=1)})
        signer = SecureCookieSessionInterface().get_signing_serializer(self.app)
        return signer.dumps({"token": token, "_user_id": str(person.user_id), "_fresh": True, **({"org": str(person.org_id)} if person.org_id else {})})

    def end_sessions(self, person: Person) -> None:
        """As if their time had run out."""
        with self.engine.begin() as connection:
            connection.execute(text("DELETE FROM user_sessions WHERE user_id = :user"), {"user": person.user_id})


class Windows:
    """Opens windows for people, and notes what goes wrong in them."""

    def __init__(self, chromium: Any, house: House) -> None:
        self.chromium, self.house = chromium, house
        self.troubles: list[str] = []
        # Chromium says so of a page that is left while its socket opens.
        self.expected = ["WebSocket is closed before the connection is established"]
        self.contexts: list[Any] = []

    def expect(self, pattern: str) -> None:
        """A trouble that belongs to the test."""
        self.expected.append(pattern)

    def context(self, person: Person | None = None, **options: Any) -> Any:
        """A browser of somebody's own, signed in if it is somebody's."""
        context = self.chromium.new_context(base_url=self.house.address, **{"viewport": WIDE, "reduced_motion": "reduce", **options})
        context.set_default_timeout(8000)
        self.contexts.append(context)
        if person is not None:
            context.add_cookies([{"name": "viramah", "value": self.house.cookie(person), "url": self.house.address,
                                  "httpOnly": True, "sameSite": "Lax"}])
        context.on("page", self._watch)
        return context

    def open(self, person: Person | None, path: str = "/", **options: Any) -> Any:
        """A window of theirs on a page."""
        page = self.context(person, **options).new_page()
        page.goto(path)
        return page

    def _watch(self, page: Any) -> None:
        note = self.troubles.append
        hosts = {urlsplit(self.house.address).netloc, urlsplit(self.house.settings.realtime_url).netloc}
        page.on("console", lambda one: note(f"{page.url}: {one.type}: {one.text}")
                if one.type in {"error", "warning"} and not one.text.startswith("Failed to load resource") else None)
        page.on("response", lambda one: note(f"{page.url}: {one.status} {one.url}") if one.status >= LEAST_ERROR else None)
        page.on("pageerror", lambda error: note(f"{page.url}: {error}"))
        page.on("request", lambda one: note(f"{page.url} asked {one.url}") if _elsewhere(one.url, hosts) else None)
        page.on("websocket", lambda one: note(f"{page.url} asked {one.url}") if _elsewhere(one.url, hosts) else None)

    def unexpected(self) -> list[str]:
        return [one for one in self.troubles if not any(re.search(pattern, one) for pattern in self.expected)]


def _elsewhere(url: str, hosts: set[str]) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc not in hosts
