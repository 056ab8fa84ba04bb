"""What happened to one row, newest first: moves, remarks, files, changes of hands and edits, merged by one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    String,
    Text,
    and_,
    cast,
    column,
    func,
    literal,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.models.audit import AuditEntry
from app.models.files import File
from app.models.people import Member
from app.permissions import Resource

PAGE = 20
EDIT, MOVE, REMARK, FILE, HANDS = "edit", "move", "remark", "file", "hands"
QUOTED = 80  # characters of a remark that an answer quotes


class Sight(StrEnum):
    """How much of the audit log a reader sees: what changed, only that somebody changed something, or nothing."""

    FULL = "full"
    PLAIN = "plain"
    NONE = "none"


@dataclass(frozen=True)
class Story:
    """Tables that tell of the rows of a model; `owner` is their column that names the row, `state` the model's own."""

    owner: str
    state: str = "status"
    history: type[Any] | None = None
    comments: type[Any] | None = None
    files: type[Any] | None = None
    hands: type[Any] | None = None


@dataclass(frozen=True)
class Subject:
    """The row that the timeline is about."""

    org_id: UUID
    table: str
    key: Any
    resource: Resource
    story: Story | None = None


@dataclass(frozen=True)
class Entry:
    """One thing that happened; what `data` holds depends on `kind`."""

    at: datetime
    kind: str
    key: str
    actor_id: int | None
    actor: str
    data: Mapping[str, Any]
    name: str | None

    @property
    def mark(self) -> tuple[datetime, str, str]:
        """Its place in the order; the next page begins after it."""
        return self.at, self.kind, self.key


def read(session: Session, subject: Subject, sight: Sight, before: tuple[datetime, str, str] | None = None,
         size: int = PAGE) -> tuple[list[Entry], bool]:
    """Up to `size` entries, newest first, after the mark `before`; and whether there are earlier ones."""
    parts = [part for part in (*_story(subject), _edits(subject, sight)) if part is not None]
    if not parts:
        return [], False
    limited = []
    for rows in (part.subquery() for part in parts):
        newest = select(rows).order_by(rows.c.at.desc(), rows.c.key.desc()).limit(size + 1)
        if before is not None:
            newest = newest.where(tuple_(rows.c.at, rows.c.kind, rows.c.key) < tuple_(*map(literal, before)))
        limited.append(select(newest.subquery()))
    found = union_all(*limited).subquery()
    statement = select(found, Member.name).outerjoin(
        Member, and_(Member.org_id == subject.org_id, Member.user_id == found.c.actor_id))
    order = (found.c.at.desc(), found.c.kind.desc(), found.c.key.desc())
    entries = [Entry(*row) for row in session.execute(statement.order_by(*order).limit(size + 1))]
    return entries[:size], len(entries) > size


def last_edit(session: Session, subject: Subject) -> Entry | None:
    """The newest change of the row itself that the log knows."""
    plain = Subject(subject.org_id, subject.table, subject.key, subject.resource)
    entries, _ = read(session, plain, Sight.PLAIN, size=1)
    return entries[0] if entries else None


def names(session: Session, org_id: UUID, people: Sequence[int]) -> dict[int, str]:
    """What the people are called in this organization."""
    found = select(Member.user_id, Member.name).where(Member.org_id == org_id, Member.user_id.in_(people))
    return {user_id: name for user_id, name in session.execute(found)}  # noqa: C416 - rows are no pairs to mypy


def files(session: Session, ids: Sequence[str]) -> dict[str, File]:
    """The files that entries name."""
    return {str(file.id): file for file in session.scalars(select(File).where(File.id.in_(map(UUID, ids))))}


def _part(kind: str, at: Any, key: Any, who: Any, data: Mapping[str, Any], *where: ColumnElement[bool]) -> Select[Any]:
    pairs = [part for name, value in data.items() for part in (literal(name, Text), value)]
    return select(at.label("at"), literal(kind, Text).label("kind"), cast(key, Text).label("key"),
                  cast(who, Integer).label("actor_id"), literal("user", Text).label("actor"),
                  func.jsonb_build_object(*pairs, type_=JSONB).label("data")).where(*where)


def _story(subject: Subject) -> list[Select[Any]]:
    story = subject.story
    if story is None:
        return []

    def mine(model: type[Any]) -> tuple[ColumnElement[bool], ...]:
        live = (model.deleted_at.is_(None),) if hasattr(model, "deleted_at") else ()
        return (model.org_id == subject.org_id, getattr(model, story.owner) == subject.key, *live)

    parts = []
    if (h := story.history) is not None:
        parts.append(_part(MOVE, h.event_at, _padded(h.seq), h.changed_by, {
            "from": h.from_status, "to": h.to_status, "note": h.note, "by": h.triggered_by, "told": h.recorded_at}, *mine(h)))
    if (c := story.comments) is not None:
        parent = c.__table__.alias()
        said = select(func.left(parent.c.body, QUOTED)).where(
            parent.c.org_id == c.org_id, parent.c.id == c.parent_id, parent.c.deleted_at.is_(None)).scalar_subquery()
        parts.append(_part(REMARK, c.created_at, c.id, c.user_id, {
            "body": c.body, "by_staff": c.by_staff, "parent": c.parent_id, "quoted": said}, *mine(c)))
    if (f := story.files) is not None:
        parts.append(_part(FILE, f.created_at, f.id, f.user_id, {"file": f.file_id}, *mine(f)))
    if (a := story.hands) is not None:
        whom = select(Member.name).where(Member.org_id == a.org_id, Member.user_id == a.user_id).scalar_subquery()
        # Whoever takes it is named by the step itself.
        parts.append(_part(HANDS, a.assigned_at, a.id, a.created_by, {"whom": func.coalesce(whom, a.outside_party)},
                           *mine(a), a.user_id.is_distinct_from(a.created_by)))
    return parts


def _edits(subject: Subject, sight: Sight) -> Select[Any] | None:
    """Changes of the row itself; those that the history tells better are left out."""
    if sight is Sight.NONE:
        return None
    story = subject.story
    state = story.state if story and story.history else None
    if sight is Sight.PLAIN:
        columns: list[ColumnClause[Any]] = [column("at", DateTime(timezone=True)), column("seq"), column("actor_id", Integer),
                                            column("actor", Text), column("action", Text)]
        told = func.app.edits_of(subject.table, str(subject.key), subject.resource.value,
                                 cast(literal(state), Text)).table_valued(*columns)
        return select(told.c.at, literal(EDIT, Text).label("kind"), _padded(told.c.seq).label("key"), told.c.actor_id,
                      told.c.actor, func.jsonb_build_object(literal("action", Text), told.c.action, type_=JSONB).label("data"))
    log = AuditEntry
    data = {"action": log.action, "before": log.before, "after": log.after, "reason": log.reason}
    where = [log.org_id == subject.org_id, log.table_name == subject.table, log.row_id == str(subject.key)]
    if state is not None:
        where += [log.action != "insert", ~((log.action == "update") & log.after.has_key(state))]
    part = _part(EDIT, log.at, _padded(log.seq), log.actor_id, data, *where)
    return part.with_only_columns(*(log.actor.label("actor") if one.name == "actor" else one for one in part.selected_columns))


def _padded(number: Any) -> ColumnElement[str]:
    """Numbers as text that sorts like them."""
    return func.lpad(cast(number, String), 19, "0")
