"""Finds rows of many tables by what people call them, in one statement, along indexes, within what the caller may see.

Row-level security stands before every condition that could leak what it hides, and LIKE could: such a condition is
looked at for each row that the caller may see. So tables that grow are found by comparisons which PostgreSQL knows to
be safe (numbers; keys under the collation "C") or among their latest rows only; LIKE is for what stays small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, inspect, literal, union_all
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session, aliased

from app.rules.search import Wanted, fit

EACH = 6  # rows of one kind that are found
LATEST = 1000  # rows of a large table whose texts are looked through
_LAST = "\U0010ffff"  # sorts after every character: the end of what begins with a text


@dataclass(frozen=True)
class Sought:
    """How rows of a screen are found and named; columns are named as in lists (`room.number`).

    `title` and `detail` are shown; a title is searched word by word unless something narrower is declared: `keys`
    (columns as app/models/people.Member.name_key), `number` with the letters of its `series`, or `texts` of the
    latest rows by the time column `recent`. `model` is for screens that have no model of their own.
    """

    title: tuple[str, ...]
    detail: tuple[str, ...] = ()
    joint: str = " "
    keys: tuple[str, ...] = ()
    number: str = ""
    series: str = ""
    recent: str = ""
    texts: tuple[str, ...] = ()
    model: Any = None


@dataclass(frozen=True)
class Source:
    """A kind of row: `rows` selects the entity, narrowed to the organization and what was not removed."""

    name: str
    rows: Select[Any]
    sought: Sought


@dataclass(frozen=True)
class Hit:
    """A row that was found; `detail` has a text, perhaps empty, for each declared column."""

    source: str
    key: str
    title: str
    detail: tuple[str | None, ...]


class _Columns:
    """The columns of a source, by path; each table that the row refers to is joined once."""

    def __init__(self, source: Source, entity: Any) -> None:
        self.sought, self.entities = source.sought, {"": entity}
        self.rows = source.rows.with_only_columns(literal(source.name)).select_from(entity)
        mapper = inspect(entity)
        self.key = getattr(entity, mapper.get_property_by_column(mapper.primary_key[0]).key)

    def __getitem__(self, path: str) -> Any:
        *relations, column = path.split(".")
        here, at = self.entities[""], ""
        for relation in relations:
            before, at = here, f"{at}.{relation}"
            if at not in self.entities:
                attribute = getattr(before, relation)
                self.entities[at] = aliased(attribute.property.mapper.class_)
                self.rows = self.rows.outerjoin(attribute.of_type(self.entities[at]))
            here = self.entities[at]
        return getattr(here, column)

    @property
    def title(self) -> ColumnElement[str]:
        """What a row is called."""
        return func.concat_ws(self.sought.joint, *(self[path] for path in self.sought.title))

    def part(self, condition: ColumnElement[bool], *order: Any) -> Select[Any]:
        """The first rows that meet a condition: source, key, title, details."""
        details = [cast(self[path], Text) for path in self.sought.detail] or [cast(literal(""), Text)]
        shown = (cast(self.key, Text), self.title, array(details))
        return self.rows.add_columns(*shown).where(condition).order_by(*order).limit(EACH)


def find(session: Session, sources: Iterable[Source], wanted: Wanted) -> list[Hit]:
    """Up to EACH rows of each source, the best first; one statement, or none."""
    parts = [part for source in sources for part in _parts(source, wanted)]
    if not parts:
        return []
    seen: dict[tuple[str, str], Hit] = {}
    for source, key, title, detail in session.execute(union_all(*parts)):
        seen.setdefault((source, key), Hit(source, key, title, tuple(detail)))
    counted: Counter[str] = Counter()
    best = []
    for hit in sorted(seen.values(), key=lambda hit: fit(wanted, hit.title)):  # ties stay in the order of the sources
        counted[hit.source] += 1
        if counted[hit.source] <= EACH:
            best.append(hit)
    return best


def _parts(source: Source, wanted: Wanted) -> Iterable[Select[Any]]:
    """One statement for each way in which the source is searched, each along one index."""
    sought, rows = source.sought, source.rows
    entity = rows.column_descriptions[0]["entity"]
    if sought.number and wanted.names(sought.series):
        at = _Columns(source, entity)
        yield at.part(at[sought.number] == wanted.number)
    for path in sought.keys:
        at = _Columns(source, entity)
        yield at.part(_begins(at[path], wanted.text), at[path])
    if sought.recent:
        at = _Columns(source, entity)
        latest = rows.with_only_columns(at.key).order_by(at[sought.recent].desc()).limit(LATEST)
        yield at.part(and_(at.key.in_(latest), _has_words([at[path] for path in sought.texts], wanted)), at[sought.recent].desc())
    elif not sought.number and not sought.keys:
        at = _Columns(source, entity)
        first = func.lower(at.title).startswith(wanted.text.lower(), autoescape=True)
        yield at.part(_has_words([at.title], wanted), first.desc(), at.title)


def _begins(key: Any, text: str) -> ColumnElement[bool]:
    return and_(key >= func.lower(text), key < func.lower(text).concat(_LAST))


def _has_words(texts: Sequence[Any], wanted: Wanted) -> ColumnElement[bool]:
    text = func.lower(func.concat_ws(" ", literal(""), *texts))
    return and_(*(text.contains(f" {word.lower()}", autoescape=True) for word in wanted.words))
