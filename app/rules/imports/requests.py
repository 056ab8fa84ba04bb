"""One row of a file becomes one maintenance request, or is refused with a reason, and gets a legal history (Y2)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.rules.errors import Invalid
from app.rules.imports.kinds import KINDS, ImportedThing, ImportKind, context_of, read_thing
from app.rules.imports.mapping import (
    Field,
    guess_category,
    guess_columns,
    guess_issue_type,
    guess_priority,
    guess_status,
)
from app.rules.imports.table import Table, guarded_cell
from app.rules.imports.times import DateOrder, Instant, OrderGuess, guess_order, parse_timestamp, zone
from app.rules.maintenance import (
    CLOSED,
    DESCRIPTION_MAX,
    EXTERNAL_ID_MAX,
    OUTSIDE_PARTY_MAX,
    PLACE_MAX,
    CategoryCode,
    Priority,
    RequestStatus,
)
from app.text import N_

F, S = Field, RequestStatus
_MAX: dict[str, int] = dict.fromkeys(map(str, F), 200) | {
    F.DESCRIPTION: DESCRIPTION_MAX, F.RESOLUTION: DESCRIPTION_MAX, F.PLACE: PLACE_MAX,
    F.EXTERNAL_ID: EXTERNAL_ID_MAX, F.ASSIGNEE: OUTSIDE_PARTY_MAX,
}
_EARLIEST_YEAR = 1970
_FINGERPRINT = "row-"

WORK_UNKNOWN = "imported; the source does not say when work began"
IMPORTED = N_("imported")
OUTSIDE_ASSIGNEE = N_("Imported")  # who held a request whose file names nobody


@dataclass(frozen=True)
class ImportSettings:
    """What the person importing has chosen: see `propose` for what they are offered.

    `categories` maps values of the file to category codes and `statuses` to states; a value that is in
    neither (or mapped to None) is guessed, row by row. Keys of both are the file's values, exactly.
    """

    columns: Mapping[str, str]
    time_zone: str
    date_orders: Mapping[str, DateOrder] = field(default_factory=dict)
    categories: Mapping[str, str | None] = field(default_factory=dict)
    statuses: Mapping[str, RequestStatus] = field(default_factory=dict)
    kind: str = ImportKind.REQUESTS.value
    country: str = "IN"


@dataclass(frozen=True)
class ImportedRequest:
    """The cleaned values of an accepted row; times in UTC, `notes` say what was decided on the way."""

    external_id: str
    created_at: datetime
    closed_at: datetime | None
    category: str
    issue_type: str
    description: str
    place: str
    status: RequestStatus
    resolution: str
    priority: Priority
    assignee: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RowVerdict:
    """What becomes of one row: `request` if it goes in, else `reason`, its `code` and the column to look at; in either
    case its cells as they came.
    """

    number: int
    request: ImportedRequest | ImportedThing | None = None
    code: str = ""
    reason: str = ""
    column: str = ""
    cells: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.request is not None


class _Refused(Exception):
    """Carries a refusal to `check_rows`, which makes a verdict of it."""

    def __init__(self, code: str, reason: str, column: str | None = None) -> None:
        self.code, self.reason, self.column = code, reason, column


@dataclass(frozen=True)
class Proposal:
    """What a file seems to mean, for a person to confirm; `unknown_statuses` wait for their answer.

    A category that is None differs from row to row: the issue decides, unless the person does.
    """

    columns: dict[str, str]
    orders: dict[str, OrderGuess]
    categories: dict[str, CategoryCode | None]
    statuses: dict[str, RequestStatus]
    unknown_statuses: tuple[str, ...]


def propose(table: Table, columns: Mapping[str, str] | None = None, kind: str = ImportKind.REQUESTS) -> Proposal:
    """The mapping a table suggests, its columns guessed from their headers unless given."""
    chosen = dict(columns) if columns is not None else guess_columns(table.headers, KINDS[kind].synonyms)
    if kind != ImportKind.REQUESTS:
        return Proposal(chosen, _orders(table, chosen, kind), {}, {}, ())
    values = table.column(chosen[F.STATUS]) if F.STATUS in chosen else []
    guessed = {value: guess_status(value) for value in dict.fromkeys(values)}
    return Proposal(
        columns=chosen,
        orders=_orders(table, chosen, kind),
        categories=_categories(table, chosen),
        statuses={value: status for value, status in guessed.items() if status is not None},
        unknown_statuses=tuple(value for value, status in guessed.items() if status is None),
    )


def _categories(table: Table, columns: Mapping[str, str]) -> dict[str, CategoryCode | None]:
    if F.CATEGORY not in columns:
        return {}
    value_at = table.headers.index(columns[F.CATEGORY])
    issue_at = table.headers.index(columns[F.ISSUE_TYPE]) if F.ISSUE_TYPE in columns else value_at
    pairs = dict.fromkeys((cells[value_at], cells[issue_at]) for _, cells in table.numbered() if cells[value_at])
    seen: dict[str, set[CategoryCode]] = {}
    for value, issue in pairs:
        seen.setdefault(value, set()).add(guess_category(value, issue))
    return {value: codes.pop() if len(codes) == 1 else None for value, codes in seen.items()}


def _orders(table: Table, columns: Mapping[str, str], kind: str) -> dict[str, OrderGuess]:
    """The order of day and month in each time column; one that leaves it open follows one that settles it."""
    guesses = {f: guess_order(table.column(columns[f])) for f in KINDS[kind].dates if f in columns}
    settled = {guess.order for guess in guesses.values() if guess.order}
    if len(settled) == 1:
        order = settled.pop()
        guesses = {f: OrderGuess(order) if guess.ask else guess for f, guess in guesses.items()}
    return guesses


def check_settings(table: Table, settings: ImportSettings) -> None:
    """Refuse settings that could not bring in any row: a missing column, one used twice, an unknown zone."""
    zone(settings.time_zone)
    kind = KINDS[settings.kind]
    for wanted in sorted(kind.required - settings.columns.keys()):
        named = _label(wanted) if kind.code is ImportKind.REQUESTS else f"“{kind.label_of(wanted)}”"
        raise Invalid(f"Please choose the column for {named}.", field=wanted)
    for wanted, header in settings.columns.items():
        if header not in table.headers:
            raise Invalid(f"The file has no column “{header[:60]}”.", field=wanted)
    if not settings.columns:
        raise Invalid("Please choose at least one column.", field="columns")
    header, times = Counter(settings.columns.values()).most_common(1)[0]
    if times > 1:
        raise Invalid(f"The column “{header}” is used {times} times.", field="columns")


def check_rows(table: Table, settings: ImportSettings, now: datetime) -> Iterator[RowVerdict]:
    """A verdict for every row of the table that is not blank, in order."""
    check_settings(table, settings)
    judge = _judge(settings, now)
    first_rows: dict[str, int] = {}
    positions = {f: table.headers.index(header) for f, header in settings.columns.items()}
    for number, cells in table.numbered():
        try:
            _check_width(cells, len(table.headers))
            request = judge({f: cells[position] for f, position in positions.items()})
            _check_first(request, number, first_rows)
        except _Refused as refused:
            column = settings.columns.get(refused.column, "") if refused.column else ""
            yield RowVerdict(number, None, refused.code, refused.reason, column, cells)
        else:
            yield RowVerdict(number, request, cells=cells)


def _judge(settings: ImportSettings, now: datetime) -> Callable[[Mapping[str, str]], ImportedRequest | ImportedThing]:
    """How a row of the kind is read. Errors of it: _Refused."""
    if settings.kind == ImportKind.REQUESTS:
        return lambda record: _check(record, settings, now)
    kind, context = KINDS[settings.kind], context_of(settings.time_zone, now, settings.country, settings.date_orders)

    def judge(record: Mapping[str, str]) -> ImportedThing:
        try:
            return read_thing(kind, record, context)
        except Invalid as error:
            raise _Refused("does_not_fit", error.message, error.field) from None

    return judge


def _check_width(cells: Sequence[str], width: int) -> None:
    if any(cells[width:]):
        raise _Refused("too_many_cells", f"The row has more cells than there are headers, {width}.")


def _check_first(request: ImportedRequest | ImportedThing, number: int, first_rows: dict[str, int]) -> None:
    first = first_rows.setdefault(request.external_id, number)
    if first != number:
        if isinstance(request, ImportedThing):
            raise _Refused("duplicate", f"The same is in row {first} already.")
        nameless = request.external_id.startswith(_FINGERPRINT)
        known = "The same request" if nameless else f"The request {request.external_id}"
        raise _Refused("duplicate", f"{known} is in row {first} already.", F.EXTERNAL_ID)


def _check(record: Mapping[str, str], settings: ImportSettings, now: datetime) -> ImportedRequest:
    for f, text in record.items():
        if len(text) > _MAX[f]:
            raise _Refused("too_long", f"{_label(f).capitalize()} has {len(text):,} characters; {_MAX[f]:,} are allowed.", f)
    said: dict[str, str] = {f: record.get(f, "") for f in F}
    if not (said[F.DESCRIPTION] or said[F.ISSUE_TYPE] or said[F.CATEGORY]):
        raise _Refused("says_nothing", "The row does not say what is wrong.", F.DESCRIPTION)
    created = _time(F.CREATED_AT, said, settings)
    if created is None:
        raise _Refused("no_created_at", "The row does not say when the request was created.", F.CREATED_AT)
    created_at = created.at
    if created_at > now:
        raise _Refused("in_future", f"The request was created in the future: {said[F.CREATED_AT]}.", F.CREATED_AT)
    if created_at.year < _EARLIEST_YEAR:
        raise _Refused("too_early", f"The request is older than {_EARLIEST_YEAR}: {said[F.CREATED_AT]}.", F.CREATED_AT)
    closed_at = _closing(_time(F.CLOSED_AT, said, settings), created_at, said, now)
    status = _status(said[F.STATUS], settings, closed_at)
    notes = ["the source's local time was ambiguous, as clocks went back"] if created.later else []
    if status not in CLOSED and closed_at:
        notes.append(f"the source gives a closing time, {said[F.CLOSED_AT]}, for a request that is {said[F.STATUS]}")
        closed_at = None
    category = settings.categories.get(said[F.CATEGORY]) or guess_category(said[F.CATEGORY], said[F.ISSUE_TYPE])
    return ImportedRequest(
        external_id=said[F.EXTERNAL_ID] or _fingerprint(record),
        created_at=created_at,
        closed_at=closed_at,
        category=category,
        issue_type=_issue_type(category, said),
        description=said[F.DESCRIPTION] or ": ".join(filter(None, (said[F.CATEGORY], said[F.ISSUE_TYPE]))),
        place=said[F.PLACE],
        status=status,
        resolution=said[F.RESOLUTION],
        priority=guess_priority(said[F.PRIORITY]),
        assignee=said[F.ASSIGNEE],
        notes=tuple(notes),
    )


def _time(f: str, said: Mapping[str, str], settings: ImportSettings) -> Instant | None:
    if not said[f]:
        return None
    try:
        return parse_timestamp(said[f], settings.time_zone, settings.date_orders.get(f))
    except Invalid as error:
        raise _Refused("unreadable_time", error.message, f) from None


def _closing(closed: Instant | None, created_at: datetime, said: Mapping[str, str], now: datetime) -> datetime | None:
    """The closing time; where clocks went back, the later reading if only that one follows the creation."""
    if closed is None:
        return None
    at = closed.later if closed.later and closed.at < created_at else closed.at
    if at < created_at:
        raise _Refused(
            "closed_before_created",
            f"The request was closed ({said[F.CLOSED_AT]}) before it was created ({said[F.CREATED_AT]}).", F.CLOSED_AT,
        )
    if at > now:
        raise _Refused("in_future", f"The request was closed in the future: {said[F.CLOSED_AT]}.", F.CLOSED_AT)
    return at


def _status(text: str, settings: ImportSettings, closed_at: datetime | None) -> RequestStatus:
    status = settings.statuses.get(text) or guess_status(text, closed=closed_at is not None)
    if status is None:
        raise _Refused("unknown_status", f"The state “{text}” is not mapped to one of ours.", F.STATUS)
    if status in CLOSED and closed_at is None:
        raise _Refused("no_closed_at", f"The request is {text or status}, but the row does not say since when.", F.CLOSED_AT)
    return status


def _issue_type(category: str, said: Mapping[str, str]) -> str:
    """An issue type of a built-in category; categories an operator added have "other" only, as far as we know."""
    known = set(CategoryCode)
    code = CategoryCode(category) if category in known else CategoryCode.OTHER
    return guess_issue_type(code, said[F.ISSUE_TYPE] or said[F.DESCRIPTION], said[F.CATEGORY])


def _fingerprint(record: Mapping[str, str]) -> str:
    """A stand-in for a missing external id that stays the same when the same row comes again."""
    lasting = "\x1f".join(record.get(f, "") for f in (F.CREATED_AT, F.CATEGORY, F.ISSUE_TYPE, F.DESCRIPTION, F.PLACE))
    return f"{_FINGERPRINT}{hashlib.sha256(lasting.encode()).hexdigest()[:20]}"


def _label(f: str) -> str:
    known: dict[str, str] = {F.CREATED_AT: "the time of creation", F.CLOSED_AT: "the time of closing",
                             F.EXTERNAL_ID: "the external id"}
    return known.get(f, f"the {f.replace('_', ' ')}")


# --- history --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImportStep:
    """One row of a history to write: the event, the state it leads to, when it happened."""

    event: str
    to: RequestStatus
    event_at: datetime
    note: str


_WAY: dict[RequestStatus, tuple[tuple[str, RequestStatus], ...]] = {
    S.SUBMITTED: (),
    S.UNASSIGNED: (("mark_unassigned", S.UNASSIGNED),),
    S.ASSIGNED: (("assign", S.ASSIGNED),),
    S.IN_PROGRESS: (("assign", S.ASSIGNED), ("start", S.IN_PROGRESS)),
    S.ON_HOLD: (("assign", S.ASSIGNED), ("hold", S.ON_HOLD)),
    S.ESCALATED: (("escalate", S.ESCALATED),),
    S.RESOLVED: (("assign", S.ASSIGNED), ("start", S.IN_PROGRESS), ("resolve", S.RESOLVED)),
    S.REJECTED: (("reject", S.REJECTED),),
}


def import_path(request: ImportedRequest, imported_at: datetime) -> list[ImportStep]:
    """The history of an imported request, each step an edge of the lifecycle.

    A closed request went its way at its closing time, and says that the source does not know when work
    began. An open one is in its state as far as we know since the import: that is also when its SLA clock
    starts (see `sla_started_at`).
    """
    at = request.closed_at or imported_at
    steps = [ImportStep("submit", S.SUBMITTED, request.created_at, "; ".join((IMPORTED, *request.notes)))]
    steps += [ImportStep(event, to, at, WORK_UNKNOWN) for event, to in _WAY[request.status]]
    if request.status in CLOSED:
        last = steps[-1]
        steps[-1] = ImportStep(last.event, last.to, last.event_at, request.resolution or IMPORTED)
    return steps


def sla_started_at(request: ImportedRequest, imported_at: datetime) -> datetime:
    """When the clock of an imported request starts: nobody here could work on an open one before it came."""
    return request.created_at if request.status in CLOSED else imported_at


# --- what a person is shown -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """Counts of a dry run: accepted rows by state and category, refused ones by reason code."""

    accepted: int
    refused: int
    by_status: dict[str, int]
    by_category: dict[str, int]
    by_reason: dict[str, int]


def summarise(verdicts: Iterable[RowVerdict]) -> Summary:
    """The counts over all verdicts, the most frequent first."""
    statuses: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    accepted = 0
    for verdict in verdicts:
        accepted += verdict.ok
        if isinstance(verdict.request, ImportedRequest):
            statuses[verdict.request.status] += 1
            categories[verdict.request.category] += 1
        elif verdict.request is None:
            reasons[verdict.code] += 1
    return Summary(accepted, reasons.total(), *(dict(c.most_common()) for c in (statuses, categories, reasons)))


def error_rows(headers: Sequence[str], refused: Iterable[RowVerdict]) -> Iterator[list[str]]:
    """The lines of the error file: headers, then each refused row as it came with its number and reason.

    Cells are guarded against spreadsheets that would run them; once corrected, the file can be imported.
    """
    yield [*map(guarded_cell, headers), "Row", "Reason"]
    for verdict in refused:
        if not verdict.ok:
            cells = [*verdict.cells, *[""] * len(headers)][:len(headers)]
            yield [*map(guarded_cell, cells), str(verdict.number), guarded_cell(verdict.reason)]
