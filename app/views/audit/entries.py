"""The list of audit entries, the page of one, and the file of what is shown."""

from __future__ import annotations

import io
import tempfile
from typing import Any, ClassVar

from flask import Response, jsonify, request, send_file
from flask_babel import gettext, lazy_gettext
from sqlalchemy import func, select

from app.languages import sentence
from app.models.audit import AuditEntry
from app.permissions import Action, Resource
from app.rules.errors import Invalid
from app.services import audit
from app.views import difference, formats
from app.views.audit.filters import About, Deed, Row, Who
from app.views.base import ConsoleInterface, ConsoleModelView, expose, has_access, problem_page, service_call

EXPORT_MAX = 50_000
"""Entries of one file: some seconds for the database, some 30 MB."""
HISTORY = 20
"""Other entries of the same row, shown beside one."""
_TONES = {"insert": "success", "update": "info", "delete": "danger"}


class AuditView(ConsoleModelView):
    """Who did what, when and why; nobody adds, changes or removes anything here."""

    datamodel = ConsoleInterface(AuditEntry)
    resource = Resource.AUDIT
    route_base = "/audit"
    singular_name, plural_name = "Audit entry", "Audit log"
    list_columns: ClassVar[list[str]] = ["at", "who", "action", "table_name", "touched", "reason"]
    quick_filters = ((lazy_gettext("Today"), {"at.in": "today"}), (lazy_gettext("Removed"), {"action": "delete"}),
                     (lazy_gettext("Sign-ins and accounts"), {"action": "account"}),
                     (lazy_gettext("Taken out as a file"), {"action": "export"}))
    show_columns: ClassVar[list[str]] = ["at"]
    search_columns: ClassVar[list[str]] = ["at"]
    label_columns: ClassVar[dict[str, Any]] = {
        "at": "When", "who": "Who", "action": "What", "table_name": "About", "touched": "Details", "reason": "Reason"}
    eager = ("member",)
    method_actions: ClassVar[dict[str, Action]] = {"people": Action.READ}
    empty_hint = lazy_gettext("Every change is written here as it happens.")

    def _init_forms(self) -> None:
        super()._init_forms()
        self.filter_bar.filters = [
            Who(self.datamodel, lambda: self.url("people")), Deed(self.datamodel), About(self.datamodel),
            *self.filter_bar.filters, Row(self.datamodel),
        ]

    def display(self, item: AuditEntry, column: str, *, short: bool = False) -> Any:
        """Words for codes; of columns that changed, the first few."""
        if column == "action":
            return formats.badge(item.action, _TONES.get(item.action, "neutral"), difference.deed(item.action))
        if column == "table_name":
            return difference.subject(item.table_name)
        if column == "touched":
            return difference.summary(item)
        if column in {"who", "reason"} and getattr(item, column):
            return sentence(getattr(item, column))
        return super().display(item, column, short=short)

    # -- one entry --------------------------------------------------------------------------------------------

    def render_show(self, pk: str) -> str:
        """The entry with its difference, its seal, and what else happened to the same row."""
        item = self.find(pk, columns=self.eager)
        sealed = audit.seal_of(self.session(), item.seq)
        others = audit.entries_of_row(self.session(), item, HISTORY)
        about = f"{difference.subject(item.table_name)} {difference.row_name(self.session(), item)}".strip()
        return self.page(
            "audit/entry.html", title=f"{difference.deed(item.action)}: {about}", item=item,
            changes=difference.changes(self.session(), item), sealed=sealed, others=others, history=HISTORY,
            row_url=self.url("list", table=item.table_name, row=item.row_id) if item.row_id else "")

    # -- people to filter by ------------------------------------------------------------------------------------

    @expose("/people")
    @has_access
    def people(self) -> Any:
        """Up to twenty members for the filter's combobox."""
        found = audit.find_people(self.session(), request.args.get("q", "").strip()[:100].replace("\x00", ""))
        return jsonify(options=[{"value": str(member.user_id), "label": member.name} for member in found])

    # -- a file ---------------------------------------------------------------------------------------------------

    @expose("/export", methods=["POST"])
    @has_access
    def export(self) -> Response:
        """What the list shows, as CSV; that it was taken is an entry itself."""
        conditions, applied = self.filter_bar.read(request.args)
        shown = self.datamodel.rows().where(*conditions)
        if keys := request.form.getlist("rowid"):
            shown = shown.where(self.datamodel.key.in_(list(filter(None, map(self.datamodel.parse_key, keys)))))
        with service_call() as call:
            if call.session.scalar(select(func.count()).select_from(shown.limit(EXPORT_MAX + 1).subquery())) > EXPORT_MAX:
                raise Invalid(gettext("This is more than %(n)s entries: narrow the filters, or have `flask audit export` "
                                      "write them.", n=formats.number(EXPORT_MAX)))
            audit.note_export(call.session, {str(_filter.label): _filter.text for _filter in applied})
        if call.error is not None:
            return problem_page(call.error, self.url("list"))
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the response
        text = io.TextIOWrapper(file, "utf-8-sig", newline="")
        audit.write_csv(text, audit.as_rows(self.session(), shown.order_by(AuditEntry.seq.desc())))
        text.detach()
        file.seek(0)
        return send_file(file, "text/csv", as_attachment=True, download_name="audit-log.csv")
