"""What both sides of moving out share."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g
from sqlalchemy.orm import Session

from app.rules.files import content_disposition
from app.views import formats
from reports import settlement
from reports.render import to_html, to_pdf


def statement_pdf(session: Session, move_out_id: UUID) -> Response:
    """The statement as a document. Errors: NotFound, Conflict before it is settled."""
    found = settlement.query(session, move_out_id, organization=g.identity.org_name, made_by=g.identity.name, now=formats.now())
    response = Response(to_pdf(document(found)), mimetype="application/pdf")
    response.headers["Content-Disposition"] = content_disposition(settlement.filename(found))
    response.cache_control.no_store = True
    return response


def document(found: settlement.Statement) -> str:
    """The statement's HTML, ready to become a PDF."""
    made, settled = (moment.astimezone(formats.zone()) for moment in (found.made_at, found.settled_at))
    return to_html("reports/settlement.html", statement=found, made_at=f"{formats.plain_day(made)}, {made:%H:%M}",
                   settled_on=formats.plain_day(settled))
