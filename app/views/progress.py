"""Long work: what runs, what became of it, in everybody's own list and in the top bar of every page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from flask import Response, current_app, g, jsonify, request, url_for
from flask_appbuilder import AppBuilder
from flask_babel import gettext, ngettext
from sqlalchemy import select

from app.languages import sentence
from app.models.files import File
from app.models.progress import Task
from app.permissions import Action, Portal, Resource
from app.rules.errors import NotFound
from app.rules.progress import ACTIVE, CANCELLABLE, PAGE, TaskKind, TaskStatus, percent
from app.services import progress
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, local_path, service_call
from app.views.edge import kept
from app.views.files import file_link
from app.views.paging import BadListRequest

S = TaskStatus
_STAFF = frozenset(Portal) - {Portal.PUBLIC, Portal.PLATFORM, Portal.RESIDENT}
_FILE_READERS = (Portal.ADMIN, Portal.MANAGEMENT)
formats.register_tones({S.QUEUED: "info", S.RUNNING: "progress", S.CANCELLING: "warning", S.DONE: "success", S.FAILED: "danger",
                        S.CANCELLED: "neutral"})


# What the figures of a result are called; `count` is written as the organization writes numbers.
_FIGURES: dict[str, Callable[[int], str]] = {
    "accepted": lambda n: ngettext("%(count)s row can go in", "%(count)s rows can go in", n, count=formats.number(n)),
    "created": lambda n: ngettext("%(count)s created", "%(count)s created", n, count=formats.number(n)),
    "restored": lambda n: ngettext("%(count)s brought back", "%(count)s brought back", n, count=formats.number(n)),
    "unchanged": lambda n: ngettext("%(count)s here already", "%(count)s here already", n, count=formats.number(n)),
    "hidden": lambda n: ngettext("%(count)s hidden again", "%(count)s hidden again", n, count=formats.number(n)),
    "kept": lambda n: ngettext("%(count)s kept", "%(count)s kept", n, count=formats.number(n)),
    "refused": lambda n: ngettext("%(count)s refused", "%(count)s refused", n, count=formats.number(n)),
    "rows": lambda n: ngettext("%(count)s request", "%(count)s requests", n, count=formats.number(n)),
    "done": lambda n: ngettext("%(count)s row changed", "%(count)s rows changed", n, count=formats.number(n)),
    "issued": lambda n: ngettext("%(count)s invoice issued", "%(count)s invoices issued", n, count=formats.number(n)),
    "left": lambda n: ngettext("%(count)s row left as it was", "%(count)s rows left as they were", n, count=formats.number(n)),
}


class Shown:
    """A task as pages show it."""

    def __init__(self, task: Task, file: File | None = None) -> None:
        self.task, self.file = task, file
        self.id, self.status = task.id, TaskStatus(task.status)
        self.active, self.cancellable = self.status in ACTIVE, self.status in CANCELLABLE
        self.mine = task.user_id == g.identity.user_id
        self.percent = percent(task.done, task.total)
        self.message = sentence(task.message) if task.message else ""

    @property
    def title(self) -> str:
        """What is done, in words."""
        given = {**dict.fromkeys(("file", "hostel", "first", "last", "ending"), ""), **self.task.title}
        match TaskKind(self.task.kind):
            case TaskKind.IMPORT_CHECK:
                return gettext("Check of %(file)s", file=given["file"])
            case TaskKind.IMPORT_RUN:
                return gettext("Import of %(file)s", file=given["file"])
            case TaskKind.IMPORT_UNDO:
                return gettext("Undoing the import of %(file)s", file=given["file"])
            case TaskKind.REPORT:
                period = " – ".join(formats.day(date.fromisoformat(given[end])).striptags() for end in ("first", "last") if given[end])
                return gettext("Maintenance SLA of %(hostel)s, %(period)s (%(kind)s)", hostel=given["hostel"], period=period,
                               kind=given["ending"].upper())
            case TaskKind.BILLING:
                return gettext("Invoices of %(hostel)s, %(month)s", hostel=given["hostel"], month=given.get("month", ""))
            case TaskKind.BULK:
                view = self.screen
                action = view.actions.get(given.get("action")) if view else None
                return gettext("%(screen)s: %(action)s", screen=gettext(str(view.plural_name)) if view else "",
                               action=str(action.text) if action else "")

    @property
    def screen(self) -> Any:
        """The screen whose rows a bulk action changes; None for other kinds."""
        wanted = self.task.title.get("screen")
        return next((view for view in current_app.extensions["appbuilder"].baseviews if view.endpoint == wanted), None) if wanted else None

    @property
    def so_far(self) -> str:
        """How much of it is done."""
        if self.status == S.QUEUED:
            return gettext("Waiting to begin")
        if self.status == S.CANCELLING:
            return gettext("Ending what has begun")
        if self.task.total:
            return gettext("%(done)s of %(total)s", done=formats.number(self.task.done), total=formats.number(self.task.total))
        if self.task.done:
            return ngettext("%(count)s row", "%(count)s rows", self.task.done, count=formats.number(self.task.done))
        return gettext("Has begun")

    @property
    def summary(self) -> str:
        """The figures of its end: `990 created, 10 refused`; what there is none of is left out."""
        found = dict(self.task.result)
        if isinstance(found.get("refused"), list):  # of a bulk action
            found["left"] = sum(entry["count"] for entry in found.pop("refused"))
        return ", ".join(_FIGURES[name](value) for name in _FIGURES if (value := found.get(name)))

    @property
    def subject_url(self) -> str:
        """The page of what it is about, if it is about one thing: of an import."""
        return url_for("ImportView.show", pk=self.task.subject_id) if self.task.subject_id else ""

    @property
    def url(self) -> str:
        """Where its result is."""
        return self.subject_url or url_for("TasksView.show", pk=self.id)

    @property
    def download(self) -> str:
        """The file that it made, for those who may open it."""
        return file_link(self.file, save=True) if self.file else ""

    def told(self) -> dict[str, Any]:
        """For scripts."""
        return {"id": str(self.id), "title": self.title, "status": self.status.value, "active": self.active, "done": self.task.done,
                "total": self.task.total, "text": self.so_far if self.active else self.message or self.summary, "url": self.url,
                "badge": formats.badge(self.status)}


class TasksView(ConsoleView):
    """One's own long work; administrators look at everybody's."""

    resource = Resource.TASKS
    portals = _STAFF
    route_base = "/tasks"
    default_view = "list"
    method_actions: ClassVar[dict[str, Action]] = {
        "list": Action.READ, "rows": Action.READ, "show": Action.READ, "state": Action.READ, "summary": Action.READ,
        "cancel": Action.UPDATE, "retry": Action.UPDATE}

    @expose("/")
    @has_access
    def list(self) -> Any:
        """The newest first."""
        found, older = self._listed()
        return self.page("progress/list.html", title=gettext("Long work"), tasks=found, older=older, everyone=_everyone(),
                         sees_all=_sees_all(), first="before" not in request.args)

    @expose("/rows")
    @has_access
    def rows(self) -> Any:
        """The list alone, for a page that keeps itself up to date."""
        found, _ = self._listed()
        return _unless_known([one.task for one in found], lambda: Response(
            self.page("progress/rows.html", tasks=found, everyone=_everyone())))

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """One task with what became of it."""
        return self._show(_key(pk))

    @expose("/state/<pk>")
    @has_access
    def state(self, pk: str) -> Any:
        """How far one is."""
        task = progress.find(self.session(), _key(pk))
        return _unless_known([task], lambda: jsonify(Shown(task).told()))

    @expose("/summary")
    @has_access
    def summary(self) -> Any:
        """What the top bar tells: one's own that run, and those that have just ended."""
        found = progress.lately(self.session(), g.identity.org_id, g.identity.user_id, formats.now())
        running = sum(task.status in ACTIVE for task in found)
        return _unless_known(found, lambda: jsonify({
            "running": running, "label": ngettext("%(num)s running", "%(num)s running", running),
            "tasks": [{**Shown(task).told(), "end": formats.human(task.status)} for task in found]}))

    @expose("/cancel/<pk>", methods=["POST"])
    @has_access
    def cancel(self, pk: str) -> Any:
        """Ask for its end."""
        return self._move(pk, progress.cancel)

    @expose("/retry/<pk>", methods=["POST"])
    @has_access
    def retry(self, pk: str) -> Any:
        """Begin again where it failed."""
        return self._move(pk, progress.retry)

    def _move(self, pk: str, move: Any) -> Any:
        key = _key(pk)
        progress.find(self.session(), key)
        with service_call() as call:
            move(call.session, key)
        return call.respond(local_path(request.form.get("next"), self.url("show", pk=pk)), failed=lambda: self._show(key))

    def _show(self, key: UUID) -> str:
        task = progress.find(self.session(), key)
        (shown,) = _with_files(self.session(), [task])
        return self.page("progress/show.html", title=shown.title, shown=shown, refused=_refused(shown))

    def _listed(self) -> tuple[Sequence[Shown], str]:
        who = None if _everyone() else g.identity.user_id
        found = progress.listed(self.session(), g.identity.org_id, who, before=_before())
        some = found[:PAGE]
        older = f"{some[-1].created_at.isoformat()},{some[-1].id}" if len(found) > len(some) else ""
        return _with_files(self.session(), some), older


def _sees_all() -> bool:
    return bool(g.identity.can(Resource.WORK, Action.READ))


def _everyone() -> bool:
    return request.args.get("all") == "1" and _sees_all()


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(gettext("There is no such task.")) from error


def _before() -> tuple[datetime, UUID] | None:
    given = request.args.get("before")
    try:
        moment, _, key = (given or "").partition(",")
        return (datetime.fromisoformat(moment), UUID(key)) if given else None
    except ValueError as error:
        raise BadListRequest(gettext("This link to a page of the list is broken. Start from the first page.")) from error


def _with_files(session: Any, tasks: Sequence[Task]) -> list[Shown]:
    wanted = [task.file_id for task in tasks if task.file_id]
    files = {}
    if wanted and g.identity.portal in _FILE_READERS:
        files = {file.id: file for file in session.scalars(select(File).where(File.id.in_(wanted), File.deleted_at.is_(None)))}
    return [Shown(task, files.get(task.file_id)) for task in tasks]


def _refused(shown: Shown) -> list[tuple[str, int, list[tuple[str, str]]]]:
    """What a bulk action was refused: reason, how often, and the rows that the reader may see, by name and address."""
    entries, view = shown.task.result.get("refused"), shown.screen
    if not isinstance(entries, list) or view is None:
        return []
    items = view.datamodel.find_many([key for entry in entries for key in entry["keys"]])
    return [(sentence(entry["reason"]), entry["count"],
             [(str(items[key]), view.url("show", pk=key)) for key in entry["keys"] if key in items]) for entry in entries]


def _unless_known(tasks: Sequence[Task], draw: Any) -> Response:
    """304 for who has seen this very state; drawn anew every ten minutes, as times and links grow old."""
    facts = [(str(task.id), task.updated_at.isoformat()) for task in tasks]
    age = int(formats.now().timestamp() // 600)
    etag = hashlib.sha256(repr((facts, age, g.identity.language, g.identity.user_id)).encode()).hexdigest()[:20]
    response: Response = Response(status=304) if request.if_none_match.contains(etag) else draw()
    return kept(response, etag)


def register(builder: AppBuilder) -> None:
    """Reached through the top bar and the menu of administration."""
    builder.add_view(TasksView, "Long work", icon="fa-tasks", category="Operations")
