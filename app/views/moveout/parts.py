"""What both sides of moving out share."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g
from sqlalchemy.orm import Session

from app.views import formats
from app.views.edge import paper
from reports import settlement
from reports.render import to_html, to_pdf


def statement_pdf(session: Session, move_out_id: UUID) -> Response:
    """The statement as a document. Errors: NotFound, Conflict before it is settled."""
    found = settlement.query(session, move_out_id, organization=g.identity.org_name, made_by=g.identity.name, now=formats.now())
    return paper(to_pdf(document(found)), settlement.filename(found))


def document(found: settlement.Statement) -> str:
    """The statement's HTML, ready to become a PDF."""
    return to_html("reports/settlement.html", statement=found, made_at=formats.made_at(found.made_at),
                   settled_on=formats.plain_day(found.settled_at.astimezone(formats.zone())))
