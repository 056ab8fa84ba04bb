"""What the public page and the public API share: who may try, what is checked, what is remembered of a browser."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, current_app, g, request
from flask_babel import gettext

from app.crypto import KeyRing
from app.gateways import proof
from app.logs import current_request_id
from app.rules.errors import Conflict, DomainError, Invalid
from app.rules.inquiries import DEVICE_KEPT, Lead, TooManyAttempts, clean_lead
from app.security import new_token
from app.services import inquiries
from app.services.inquiries import Arrival, Device
from app.tenancy import RequestBinding, bind_request
from app.views import formats
from app.views.edge import db_session, service_call
from app.wiring import settings

COOKIE = "inquiry_device"
_TOKEN_MAX = 200
_BEAT = 0.05  # seconds; an inquiry takes a tenth of it


@dataclass(frozen=True)
class Sent:
    """What somebody sent; `trap` is the field that people do not see, and programs fill in."""

    id: UUID
    lead: Lead
    proof: str
    trap: str
    local_token: str
    fingerprint: str


@dataclass
class Received:
    """What became of it; `cookie` is to be kept by the browser."""

    error: DomainError | None = None
    duplicate: bool = False
    cookie: str = ""


def ring() -> KeyRing:
    """The keys of encrypted fields."""
    return KeyRing(dict(settings().field_keys))


def as_stranger() -> None:
    """Go on as nobody, whoever is signed in: staff of one organization may ask another one for a bed."""
    db_session().rollback()
    g.identity = None
    bind_request(RequestBinding(None, None, (), None, current_request_id() or ""))


def arrival(slug: str, code: str = "") -> Arrival:
    """The page at an address, as a stranger sees it. Error: NotFound."""
    as_stranger()
    return inquiries.place(db_session(), slug, code)


def device(local_token: str = "", fingerprint: str = "") -> Device:
    """The browser that asks."""
    return Device(request.cookies.get(COOKIE, "")[:_TOKEN_MAX], local_token[:_TOKEN_MAX], _looks(fingerprint))


def _looks(fingerprint: str) -> str:
    """What a browser says of itself, with what its request shows: neither is kept, only a hash of both."""
    if not fingerprint:
        return ""
    seen = (fingerprint[:2000], request.user_agent.string, request.headers.get("Accept-Language", ""))
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def challenge(where: Arrival) -> dict[str, str | int]:
    """Work for the browser, good for this organization's form."""
    return proof.challenge(settings().secret_key, str(where.org_id), formats.now())


def receive(where: Arrival, sent: Sent) -> Received:
    """Check and write; a mistyped form is no attempt, nor is one that has arrived already; everything else is."""
    begun, now = time.monotonic(), formats.now()
    found, known = Received(), device(sent.local_token, sent.fingerprint)
    try:
        lead = clean_lead(sent.lead, where.country, now.astimezone(ZoneInfo(where.timezone)).date())
        if not (sent.proof or sent.trap):
            raise Invalid(gettext("Your browser has to show that it is no program, and needs scripts for that. Please turn them on."),
                          field="altcha")
    except DomainError as error:
        return Received(error)
    if inquiries.is_sent(db_session(), where.org_id, sent.id):
        return Received(cookie=known.cookie)
    with service_call() as call:
        inquiries.admit(call.session, settings().secret_key, request.remote_addr or "")
    if call.error is None:
        found.cookie = known.cookie or new_token()
        if not sent.trap:
            with service_call() as call:
                name, ends = proof.check(sent.proof, settings().secret_key, str(where.org_id), now)
                inquiries.use_proof(call.session, name, ends)
                found.duplicate = inquiries.submit(call.session, ring(), where, sent.id, lead, known, found.cookie)
        _wait_for_the_beat(begun)
    if isinstance(call.error, Conflict) and inquiries.is_sent(db_session(), where.org_id, sent.id):
        return Received(cookie=known.cookie)  # a second click was faster than the answer to the first
    found.error = call.error
    return found


def _wait_for_the_beat(begun: float) -> None:
    """The same statements do not take the same time to the last tenth of a millisecond: answers leave on a beat."""
    time.sleep(_BEAT - (time.monotonic() - begun) % _BEAT)


def keep(response: Response, received: Received) -> Response:
    """Let the browser remember that it has sent something, and a caller that is too fast when to come back."""
    if isinstance(received.error, TooManyAttempts):
        response.headers["Retry-After"] = str(received.error.retry_after)
    if received.error is None and received.cookie:
        response.set_cookie(COOKIE, received.cookie, max_age=DEVICE_KEPT, httponly=True, samesite="Strict",
                            secure=current_app.config["SESSION_COOKIE_SECURE"])
    response.headers["Cache-Control"] = "no-store"
    return response
