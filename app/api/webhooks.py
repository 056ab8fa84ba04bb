"""`/webhooks/<gateway>/<path>`: what gateways send is kept as it came, and answered; a job looks at it (docs/payments.md)."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from app.rules.payments import BODY_MAX
from app.services import payments
from app.views import formats
from app.views.edge import db_session
from app.views.inquiries.strangers import as_stranger
from app.wiring import settings

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@blueprint.post("/<gateway>/<path>")
def receive(gateway: str, path: str) -> Response:
    """Kept, committed, answered. An address that names no account is nobody's, and nothing of it is kept."""
    as_stranger()
    session = db_session()
    door = payments.open_door(session, gateway, path)
    if door is None:
        abort(404)
    announced = request.content_length or 0
    body = request.stream.read(BODY_MAX + 1) if announced <= BODY_MAX else b""
    came = payments.Arrived(dict(request.headers), body, max(announced, len(body)), request.mimetype, request.remote_addr or "")
    verdict = payments.keep(session, payments.keeper_of(settings()), door, came, formats.now())
    session.commit()
    answer = Response(status=verdict.status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
