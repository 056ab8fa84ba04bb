"""The page of one row: its header with the next steps, its facts in sections, what belongs to it, what happened to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from flask import request
from flask_appbuilder import expose
from flask_babel import gettext
from sqlalchemy import func, literal, literal_column, select, union_all

from app.languages import sentence
from app.lifecycle import Transition
from app.permissions import Resource
from app.services.timeline import Story
from app.views import bulk, formats, timeline
from app.views.edge import submission_id
from app.views.interface import ConsoleInterface
from app.views.paging import COUNT_CAP
from app.views.screens import has_access

LONG = 40  # characters of a fact that stand beside others
KEY_FACTS = 3  # of the facts that a screen declares, where it does not say which


@dataclass(frozen=True)
class Ask:
    """Something that a step wants to know: a `text` of several lines, one `line`, one of some choices (`choice`), a `moment`."""

    name: str
    label: Any
    kind: str = "text"
    required: bool = True
    choices: Sequence[tuple[Any, str]] = ()
    most: int = 4000
    help: Any = ""
    value: Any = ""


@dataclass(frozen=True)
class Step:
    """One thing to do with a row: a link, or a form that posts, after a question where it has one.

    Texts are in the reader's language by now: a template that translated them again would take names in them for HTML.
    """

    name: str
    text: Any
    url: str
    glyph: str = ""
    kind: str = "default"
    link: bool = False
    question: Any = ""
    asks: Sequence[Ask] = ()
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_dialog(self) -> bool:
        """Whether it opens a dialog first."""
        return bool(self.question or self.asks)


class ShowPages:
    """Mixed into ConsoleModelView, which says what is declared."""

    datamodel: ConsoleInterface
    resource: ClassVar[Resource]
    show_columns: list[str]
    show_fieldsets: Any
    show_template: str
    state_column: str
    eager: Sequence[str]
    _related_views: list[Any]

    key_facts: ClassVar[Sequence[str]] = ()
    """Columns that stand under the title; where none are named, the first of `show_columns`."""
    filled_facts: ClassVar[Sequence[str]] = ()
    """Columns that are left out while they are empty."""
    story: ClassVar[Story | None] = None
    """Tables that tell what happened to a row, beside the audit log."""
    begun: ClassVar[Any] = ""
    """How the timeline says that a row came about where nobody of ours made it."""
    remark_hint: ClassVar[Any] = ""
    """Who reads what is remarked."""
    attach_hint: ClassVar[Any] = ""
    """How many files, and how big."""

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """One row, a softly removed one only for those who may bring it back; with `part=timeline` what happened alone."""
        if request.args.get("part") == "timeline":
            item = self._shown(pk)
            return self.page("base/timeline.html", item=item, happened=timeline.of(self, item), **self._typed())
        return self.render_show(pk)

    def render_show(self, pk: str) -> str:
        """The row's page, also drawn again with a refusal."""
        item = self._shown(pk)
        happened = timeline.of(self, item)
        return self.page(
            self.show_template, title=self.heading(item), item=item, facts=self._key_facts(), sections=self._sections(item),
            steps=self.steps(item), happened=happened, provenance=timeline.provenance(self, item, happened),
            related=self._related(item), **self._typed(), **self.show_context(item))

    def _shown(self, pk: str) -> Any:
        columns = [*self.show_columns, *self.key_facts, *self.eager]
        item = self.datamodel.find(pk, columns=columns)
        return item if item is not None else self.find(pk, deleted=self.allowed("restore"), columns=columns)

    def _typed(self) -> dict[str, Any]:
        """What a refused step, remark or file was sent with."""
        return {"typed": request.form if request.method == "POST" else {}, "once": submission_id()}

    def heading(self, item: Any) -> str:
        """What the page is called."""
        return sentence(item)

    def show_context(self, item: Any) -> dict[str, Any]:
        """More for this screen's own show template (which extends base/show.html and is named in `show_template`)."""
        return {}

    # -- facts ------------------------------------------------------------------------------------------------

    def _key_facts(self) -> Sequence[str]:
        own = [column for column in self.show_columns if column != self.state_column]
        return self.key_facts or (own[:KEY_FACTS] if len(own) > KEY_FACTS + 1 else ())

    def _sections(self, item: Any) -> list[tuple[Any, list[str]]]:
        """(heading, columns): without what the header says, and without what may be empty and is."""
        above = {*self._key_facts(), self.state_column}
        declared = self.show_fieldsets or [(None, {"fields": self.show_columns})]
        found = [(heading, [column for column in section["fields"] if column not in above and (
            column not in self.filled_facts or getattr(item, column))]) for heading, section in declared]
        return [(heading, columns) for heading, columns in found if columns]

    def is_long(self, item: Any, column: str) -> bool:
        """Whether a fact is a text that takes the whole width."""
        value = getattr(item, column, None)
        return isinstance(value, str) and (len(value) > LONG or "\n" in value)

    # -- steps ------------------------------------------------------------------------------------------------

    def steps(self, item: Any) -> list[Step]:
        """What the caller may do with the row now, the most usual first."""
        pk, removed = self.key_of(item), self.is_deleted(item)
        if removed:
            return [Step("restore", gettext("Restore"), self.url("restore", pk=pk), "undo")] if self.allowed("restore") else []
        acts = [Step(action.name, gettext(action.text), self.url("action", name=action.name, pk=pk),
                     kind="danger" if action.func.danger else "default",
                     question=gettext(action.confirmation) if action.confirmation else "",
                     asks=[Ask("note", gettext(action.func.ask))] if action.func.ask else [])
                for action in bulk.offered(self, multiple=False)]
        if self.allowed("edit"):
            acts.append(Step("edit", gettext("Edit"), self.url("edit", pk=pk), "edit", link=True))
        if self.allowed("delete"):
            acts.append(Step("delete", gettext("Remove"), self.url("delete", pk=pk), "trash", kind="danger",
                             question=gettext("Remove “%(thing)s”?", thing=str(item))))
        return sorted(acts, key=lambda step: step.kind == "danger")

    def lifecycle_step(self, item: Any, move: Transition[Any], question: Any = "", asks: Sequence[Ask] = (),
                       *, danger: bool = False) -> Step:
        """A transition as a step that posts to `move`; `question` asks for its note, needed where the lifecycle says so."""
        wanted = [*asks, *([Ask("note", gettext(question), required=move.needs_note)] if question else [])]
        return Step(move.name, gettext(move.label), self.url("move", pk=self.key_of(item)), asks=wanted,
                    kind="danger" if danger else "default", fields={"event": move.name})

    # -- what belongs to it -----------------------------------------------------------------------------------

    def related_lists(self, item: Any) -> Iterable[tuple[Any, str, Any]]:
        """(view, name of its relation to this row, condition) for each related view the caller may open."""
        for view in self._related_views:
            relation = view.datamodel.get_related_fk(self.datamodel.obj)
            if relation in view.search_columns and view.allowed("list"):
                ours, theirs = view.datamodel.target(relation)
                yield view, relation, ours == getattr(item, theirs.key)

    def _related(self, item: Any) -> list[dict[str, Any]]:
        """Tabs with how many rows each holds: counted in one statement, up to the cap."""
        lists = list(self.related_lists(item))
        if not lists:
            return []
        counts = union_all(*(
            select(literal(number).label("number"), func.count()).select_from(
                view.narrow(view.datamodel.rows(hostel=False)).where(mine).with_only_columns(
                    literal_column("1"), maintain_column_froms=True).order_by(None).limit(COUNT_CAP + 1).subquery())
            for number, (view, _, mine) in enumerate(lists)))
        found = dict(self.session().execute(counts).all())
        return [{"view": view, "name": relation, "url": view.url("list", **{relation: self.key_of(item)}),
                 "load": view.url("list", **{relation: self.key_of(item), "embed": 1}),
                 "count": formats.number(COUNT_CAP) + "+" if found[number] > COUNT_CAP else formats.number(found[number])}
                for number, (view, relation, _) in enumerate(lists)]
