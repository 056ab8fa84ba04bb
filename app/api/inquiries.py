"""`/v1/inquiries`: what the public page does, for websites and programs of the organization (docs/inquiries.md)."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Response, jsonify, request

from app.rules.errors import Invalid
from app.rules.inquiries import Lead
from app.services import inquiries
from app.text import CONTROL
from app.views.edge import db_session, problem_json
from app.views.inquiries import strangers
from app.views.inquiries.strangers import Sent

blueprint = Blueprint("inquiries_api", __name__, url_prefix="/v1/inquiries")
LONGEST = 20_000  # bytes of a body
_TEXTS = ("full_name", "phone", "email", "message", "source", "campaign", "referrer", "language")


@blueprint.get("/challenge")
def challenge() -> Response:
    """Work to be done before an inquiry is taken, in the format of ALTCHA."""
    where = strangers.arrival(request.args.get("organization", ""))
    return _fresh(jsonify(strangers.challenge(where)))


@blueprint.post("/device")
def device() -> Response:
    """Whether this browser has sent an inquiry before."""
    given = _body()
    where = strangers.arrival(_text(given, "organization"))
    known = strangers.device(_text(given, "local_token"), _text(given, "fingerprint"))
    return _fresh(jsonify(known=inquiries.is_known(db_session(), where.org_id, known)))


@blueprint.post("")
def submit() -> Response:
    """An inquiry. A known phone or e-mail is answered like a new one, but to the browser that sent the first."""
    given = _body()
    where = strangers.arrival(_text(given, "organization"), _text(given, "hostel"))
    lead = Lead(**{name: _text(given, name) for name in _TEXTS}, move_in_on=_day(_text(given, "move_in_on")))
    sent = Sent(_id(_text(given, "id")), lead, _text(given, "altcha"), _text(given, "website"), _text(given, "local_token"),
                _text(given, "fingerprint"))
    received = strangers.receive(where, sent)
    answer = problem_json(received.error) if received.error else jsonify(status="received", duplicate=received.duplicate)
    return strangers.keep(answer, received)


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _body() -> dict[str, Any]:
    """The JSON object that was sent."""
    if (request.content_length or 0) > LONGEST:
        raise Invalid("This is too much for an inquiry.")
    try:
        given = request.get_json(silent=True)
    except RecursionError:
        given = None
    if not isinstance(given, dict):
        raise Invalid("Please send a JSON object.")
    return given


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid("Please give a text.", field=name)
    if CONTROL.search(value):
        raise Invalid("This text contains characters that cannot be stored.", field=name)
    return value


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid("Please give a day, like 2026-03-05.", field="move_in_on") from error


def _id(text: str) -> UUID:
    """Under the caller's own id the same inquiry can be sent again after a broken connection."""
    try:
        return UUID(text) if text else uuid4()
    except ValueError as error:
        raise Invalid("Please give a UUID.", field="id") from error
