"""Imports in the console: a file is uploaded, its columns and values are understood, every row is checked, and then it
runs in the background, where it can be left, stopped and undone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import available_timezones

from flask import Response, g, make_response, redirect, request, stream_with_context
from flask_appbuilder import AppBuilder
from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField, FileRequired
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from app.models.imports import ImportRun
from app.models.maintenance import MaintenanceCategory
from app.permissions import Action, Resource
from app.rules.errors import DomainError, Invalid
from app.rules.files import content_disposition
from app.rules.imports import ENCODINGS, KINDS, DateOrder, ImportKind, Kind, Table, error_rows
from app.rules.imports.runs import CHOOSING, WORKING, RunStatus
from app.rules.maintenance import RequestStatus
from app.services import imports, progress
from app.services.files import Upload
from app.services.imports import Choices
from app.services.search import Sought
from app.views import formats
from app.views.base import ConsoleInterface, ConsoleModelView, expose, has_access, service_call
from app.views.inquiries.strangers import ring
from app.views.interface import Session
from app.views.progress import Shown
from app.wiring import objects

S = RunStatus
SENSITIVE = frozenset({"phone", "parent_phone", "identity_number", "date_of_birth", "address"})
_SHOWN_ROWS = 20  # refused rows and examples on a page; the error file holds all
_EXAMPLES = 3
_TONES = {S.UPLOADED: "neutral", S.CHECKING: "progress", S.CHECKED: "info", S.RUNNING: "progress", S.STOPPED: "warning",
          S.DONE: "success", S.UNDOING: "progress", S.UNDONE: "neutral", S.DISCARDED: "neutral"}


def _hostels() -> list[SelectChoice]:
    """The hostels that the caller may import into."""
    return [SelectChoice(str(hostel.id), hostel.name) for hostel in g.identity.hostels
            if g.identity.can(Resource.IMPORTS, Action.CREATE, hostel.id)]


def _kinds() -> list[SelectChoice]:
    return [SelectChoice(kind.code.value, gettext(kind.label)) for kind in KINDS.values()]


class ImportView(ConsoleModelView):
    """The list of imports, the steps of one, and what became of it."""

    datamodel = ConsoleInterface(ImportRun)
    resource = Resource.IMPORTS
    route_base = "/imports"
    singular_name, plural_name = "Import", "Imports"
    counter = "imports"
    palette = Sought(("filename",), ("status", "hostel.name"))
    add_title = lazy_gettext("Import")
    method_actions: ClassVar[dict[str, Action]] = {
        "columns": Action.CREATE, "values": Action.CREATE, "start": Action.CREATE, "stop": Action.CREATE,
        "discard": Action.CREATE, "undo": Action.DELETE, "refused": Action.READ,
    }
    enums: ClassVar[dict[str, Any]] = {"status": RunStatus, "kind": ImportKind}
    base_order = ("created_at", "desc")
    list_columns: ClassVar[list[str]] = ["filename", "kind", "hostel.name", "status", "created_at"]
    optional_columns: ClassVar[list[str]] = ["started_at", "finished_at", "undone_at"]
    quick_filters = (
        (lazy_gettext("To be finished"), {"status": ["uploaded", "checking", "checked", "running", "stopped"]}),
        (lazy_gettext("Done"), {"status": "done"}), (lazy_gettext("Undone"), {"status": "undone"}))
    label_columns: ClassVar[dict[str, Any]] = {"filename": "File", "kind": "What", "hostel.name": "Hostel", "created_at": "Uploaded",
                                               "hostel_id": "Hostel"}
    search_columns: ClassVar[list[str]] = ["filename", "kind", "status", "created_at"]
    show_columns: ClassVar[list[str]] = ["filename"]
    eager = ("hostel",)
    empty_hint = lazy_gettext("Bring rooms, residents, requests and more from another program: from a CSV file or an Excel workbook.")
    add_columns: ClassVar[list[str]] = ["kind", "hostel_id", "file", "encoding"]
    submit_text = lazy_gettext("Upload")
    add_form_extra_fields: ClassVar[dict[str, Any]] = {
        "kind": SelectField(lazy_gettext("What are its rows?"), choices=_kinds, default=ImportKind.REQUESTS.value,
                            description=lazy_gettext("To begin with a house: rooms first, then beds, residents, and who sleeps where.")),
        "hostel_id": SelectField(lazy_gettext("Hostel"), choices=_hostels, coerce=UUID,
                                 default=lambda: g.identity.hostel_id, validate_choice=True),
        "file": FileField(lazy_gettext("File"), validators=[FileRequired(lazy_gettext("Please choose a file."))], description=lazy_gettext(
            "CSV or Excel (.xlsx), up to 50 MB and 100,000 rows; the first row names the columns.")),
        "encoding": SelectField(lazy_gettext("Encoding"), choices=[
            SelectChoice("", lazy_gettext("As the file says (UTF-8)")), *(SelectChoice(code, lazy_gettext(name)) for code, name in ENCODINGS.items())],
                                description=lazy_gettext("Only for CSV. Choose another if letters such as é or ₹ come out wrong.")),
    }

    # -- upload ---------------------------------------------------------------------------------------------------

    def create(self, session: Session, data: dict[str, Any]) -> ImportRun:
        """A run with what its file seems to mean."""
        sent: FileStorage = data["file"]
        upload = Upload(sent.filename or "", sent.mimetype, sent.stream)  # type: ignore[arg-type]
        return imports.upload(session, objects(), upload, data["hostel_id"], data["encoding"] or None, ImportKind(data["kind"]))

    # -- columns and values ---------------------------------------------------------------------------------------

    @expose("/columns/<pk>", methods=["GET", "POST"])
    @has_access
    def columns(self, pk: str) -> Any:
        """Which column of the file is what, and where and how it was written."""
        return self._choose(pk, _columns_typed, imports.choose_columns, self._columns_page)

    @expose("/values/<pk>", methods=["GET", "POST"])
    @has_access
    def values(self, pk: str) -> Any:
        """What the file's categories, states and dates mean here; sent, every row is checked."""
        return self._choose(pk, _values_typed, imports.choose_values, self._values_page)

    def _choose(self, pk: str, read: Callable[[Choices], Choices], keep: Callable[..., None],
                draw: Callable[[ImportRun, Table, Choices, DomainError | None], str]) -> Any:
        run = self.find(pk)
        if run.status not in CHOOSING:
            return redirect(self.url("show", pk=pk))
        choices, error, status = Choices.load(run.mapping), None, 200
        if request.method == "POST":
            choices = read(choices)
            with service_call() as call, imports.table_of(call.session, objects(), run, choices.encoding) as (table, found):
                keep(call.session, run, table, replace(choices, encoding=found))
                if keep is imports.choose_values:
                    imports.ask_for_check(call.session, run.id)
            if call.error is None:
                return redirect(self.url("values" if keep is imports.choose_columns else "show", pk=pk), code=303)
            run, error, status = self.find(pk), call.error, call.error.status
        with imports.table_of(self.session(), objects(), run) as (table, _):
            return make_response(draw(run, table, choices, error), status)

    def _columns_page(self, run: ImportRun, table: Table, choices: Choices, error: DomainError | None) -> str:
        examples = [cells for _, cells in table.head(_EXAMPLES).numbered()]
        return self.page("imports/columns.html", title=gettext("Columns"), run=run, choices=choices, error=error, kind=KINDS[run.kind],
                         headers=table.headers, examples=examples, encodings=ENCODINGS if choices.encoding else {},
                         zones=sorted(available_timezones()), step=2)

    def _values_page(self, run: ImportRun, table: Table, choices: Choices, error: DomainError | None) -> str:
        return self.page("imports/values.html", title=gettext("Values"), run=run, choices=choices, error=error, step=3,
                         offer=imports.offer(table, choices), requests=run.kind == ImportKind.REQUESTS, orders=DateOrder,
                         categories=_category_names(self.session()).items(),
                         states=[(state.value, formats.human(state)) for state in RequestStatus])

    # -- one import -----------------------------------------------------------------------------------------------

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """What the check found, how far the run is, or what became of it."""
        run = self.find(pk)
        if run.status == S.UPLOADED and self.allowed("columns"):
            return redirect(self.url("columns", pk=pk))
        return self.render_show(pk)

    def render_show(self, pk: str) -> str:
        """The page of an import, also drawn again with a refusal."""
        run = self.find(pk, columns=["hostel"])
        session = self.session()
        counts, requests = imports.progress(session, run.id), run.kind == ImportKind.REQUESTS
        return self.page("imports/show.html", title=run.filename, run=run, progress=counts, states=S, working=run.status in WORKING,
                         task=self._task(run),
                         step=4 if run.status in {S.CHECKING, S.CHECKED} else 5, limit=_SHOWN_ROWS, statuses=RequestStatus,
                         refused=list(imports.refused_rows(session, ring(), run, _SHOWN_ROWS)) if counts.refused else [],
                         kept=imports.kept_rows(session, run, _SHOWN_ROWS) if counts.kept else [],
                         examples=imports.preview(session, run) if run.status == S.CHECKED and requests else [], kind=KINDS[run.kind],
                         things=_shown(session, run) if run.status == S.CHECKED and not requests else [],
                         names=_category_names(session) if run.status == S.CHECKED else {}, moment=datetime.fromisoformat)

    def _task(self, run: ImportRun) -> Shown | None:
        """What a worker does about it just now, if the reader may see that."""
        found = progress.about(self.session(), run.id) if run.status in WORKING else None
        return Shown(found) if found else None

    @expose("/start/<pk>", methods=["POST"])
    @has_access
    def start(self, pk: str) -> Response:
        """Let the workers take in what passed the check."""
        return self._step(pk, imports.start)

    @expose("/stop/<pk>", methods=["POST"])
    @has_access
    def stop(self, pk: str) -> Response:
        """Take in no more."""
        return self._step(pk, imports.stop)

    @expose("/discard/<pk>", methods=["POST"])
    @has_access
    def discard(self, pk: str) -> Response:
        """Give the import up before it has run."""
        return self._step(pk, imports.discard, gettext("The import was discarded; nothing went in."), self.url("list"))

    @expose("/undo/<pk>", methods=["POST"])
    @has_access
    def undo(self, pk: str) -> Response:
        """Hide what it brought."""
        return self._step(pk, imports.undo)

    def _step(self, pk: str, step: Callable[[Session, UUID], None], done: str = "", back: str = "") -> Response:
        run = self.find(pk)
        with service_call(done) as call:
            step(call.session, run.id)
        return call.respond(back or self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/refused/<pk>")
    @has_access
    def refused(self, pk: str) -> Response:
        """The refused rows as a CSV file that can be corrected and imported."""
        run = self.find(pk)
        lines = error_rows(run.headers, imports.refused_rows(self.session(), ring(), run))
        name = f"{run.filename.rpartition('.')[0] or run.filename}-refused.csv"
        return Response(stream_with_context(_csv(lines)), mimetype="text/csv",
                        headers={"Content-Disposition": content_disposition(name), "Cache-Control": "private, no-store"})


def _csv(lines: Iterator[list[str]]) -> Iterator[str]:
    """Lines of a CSV that Excel reads as UTF-8."""
    yield "\ufeff"
    for line in lines:
        out = io.StringIO()
        csv.writer(out).writerow(line)
        yield out.getvalue()


def _columns_typed(choices: Choices) -> Choices:
    typed = request.form
    return replace(choices, columns={f: typed[f"column-{f}"] for f in KINDS[choices.kind].synonyms if typed.get(f"column-{f}")},
                   zone=typed.get("time_zone", "").strip(), encoding=typed.get("encoding", choices.encoding))


def _values_typed(choices: Choices) -> Choices:
    """Each value comes beside what was chosen for it, so that no change of the file can shift them against each other."""
    typed = request.form
    try:
        return replace(
            choices,
            orders={f: DateOrder(typed[f"order-{f}"]) for f in KINDS[choices.kind].dates if typed.get(f"order-{f}")} or choices.orders,
            categories={value: code or None for value, code in _pairs("category")},
            statuses={value: RequestStatus(status) for value, status in _pairs("status") if status},
        )
    except ValueError as error:
        raise Invalid(gettext("Please choose from the lists.")) from error


def _pairs(name: str) -> Iterator[tuple[str, str]]:
    return zip(request.form.getlist(f"{name}-value"), request.form.getlist(name), strict=False)


def _shown(session: Session, run: ImportRun) -> list[tuple[int, list[str]]]:
    """The first rows as they would go in; what is sensitive of people is masked."""
    return [(number, [_cell(KINDS[run.kind], column.name, values.get(column.name)) for column in KINDS[run.kind].columns if column.name in run.mapping["columns"]])
            for number, values in imports.previewed_things(session, ring(), run)]


def _cell(kind: Kind, name: str, value: Any) -> str:
    if value is None:
        return "—"
    if kind.personal and name in SENSITIVE:
        return "••••"
    if name in kind.dates:
        return formats.plain_day(date.fromisoformat(value[:10]))
    if name == "rent":
        return str(formats.money(value))
    return str(value)


def _category_names(session: Session) -> dict[str, str]:
    """The organization's categories by code, in its own order."""
    found = session.execute(select(MaintenanceCategory.code, MaintenanceCategory.name).where(
        MaintenanceCategory.deleted_at.is_(None)).order_by(MaintenanceCategory.position, MaintenanceCategory.name))
    return dict(list(found))


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    formats.register_tones(_TONES)
    builder.add_view(ImportView, "Imports", icon="fa-upload", category="Operations")
