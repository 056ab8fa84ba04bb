"""Reports as tasks: read and made as the person who asked, kept as a file of the organization."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask_babel import force_locale
from sqlalchemy import select

from app.models.organizations import Organization
from app.models.people import Member
from app.rules.files import MediaType, Purpose
from app.rules.progress import TaskKind
from app.services import files
from app.services.files import Upload
from app.views.reports import sla_document
from app.wiring import objects
from jobs.progress import RUNNERS, Result, Runner, Step
from reports import maintenance_sla as sla
from reports.render import to_csv, to_pdf

_TYPES = {"pdf": MediaType.PDF, "csv": MediaType.CSV}


class ReportRunner(Runner):
    """The maintenance SLA, in one step: what is cut off is made again."""

    def step(self, step: Step) -> Result | None:
        """Read, make, keep."""
        asked, now = step.orders.asked, datetime.now(UTC)
        parameters = sla.read_parameters(asked, now.date() + timedelta(days=1))
        with step.as_person() as session:
            who = session.scalar(select(Member.name).where(Member.user_id == step.orders.user_id)) or ""
            where = session.scalar(select(Organization.name).where(Organization.id == step.orders.org_id)) or ""
            report = sla.query(session, parameters, organization=where, made_by=who, now=now, seen=step.show)
        step.show(len(report.rows))
        with force_locale(asked["locale"]):
            content = "".join(to_csv(sla.CSV_HEADS, sla.csv_rows(report))).encode() if asked["ending"] == "csv" else to_pdf(sla_document(report))
        upload = Upload(sla.filename(report, asked["ending"]), _TYPES[asked["ending"]], content)
        file = files.store(step.session, objects(), upload, Purpose.REPORT, UUID(asked["hostel"]))
        step.advance(step.session, len(report.rows), {})
        return Result({"rows": len(report.rows)}, file.id)


RUNNERS[TaskKind.REPORT] = ReportRunner()
