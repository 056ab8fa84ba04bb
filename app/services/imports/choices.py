"""What a person has chosen for an import, as it is kept in `import_runs.mapping`, and what is offered to choose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.rules.errors import Invalid
from app.rules.imports import (
    DateOrder,
    Field,
    ImportKind,
    ImportSettings,
    Proposal,
    Table,
    check_settings,
    propose,
)
from app.rules.maintenance import RequestStatus

SAMPLE_ROWS = 5_000  # what is looked at to propose; values further down are guessed, or refused by the check
VALUES_MAX = 200  # different values of a column that a person can be asked about; the others are guessed


@dataclass(frozen=True)
class Choices:
    """Columns by field, the zone and the encoding of the file, orders of ambiguous dates, meanings of values.

    A category that is None is guessed row by row.
    """

    columns: Mapping[str, str]
    zone: str
    encoding: str = ""
    orders: Mapping[str, DateOrder] = field(default_factory=dict)
    categories: Mapping[str, str | None] = field(default_factory=dict)
    statuses: Mapping[str, RequestStatus] = field(default_factory=dict)
    kind: str = ImportKind.REQUESTS.value
    country: str = "IN"

    def dump(self) -> dict[str, Any]:
        """As JSON; lists of pairs keep the order in which values are shown."""
        return {
            "columns": {str(f): header for f, header in self.columns.items()}, "zone": self.zone, "encoding": self.encoding,
            "orders": {str(f): str(order) for f, order in self.orders.items()},
            "categories": [[value, code] for value, code in self.categories.items()],
            "statuses": [[value, str(status)] for value, status in self.statuses.items()],
            "kind": str(self.kind), "country": self.country,
        }

    @classmethod
    def load(cls, mapping: Mapping[str, Any]) -> Choices:
        """Back from JSON."""
        return cls(
            columns=mapping["columns"], zone=mapping["zone"], encoding=mapping["encoding"],
            orders={f: DateOrder(order) for f, order in mapping["orders"].items()}, categories=dict(mapping["categories"]),
            statuses={value: RequestStatus(status) for value, status in mapping["statuses"]},
            kind=mapping["kind"], country=mapping["country"],
        )

    @property
    def settings(self) -> ImportSettings:
        """As the rules want it."""
        return ImportSettings(self.columns, self.zone, self.orders, self.categories, self.statuses, self.kind, self.country)


@dataclass(frozen=True)
class Offer:
    """What the page of values shows: each value with how often it occurs, and the proposal for it.

    `open_orders` are time columns whose values leave open whether the day or the month comes first.
    """

    proposal: Proposal
    categories: tuple[tuple[str, int], ...]
    statuses: tuple[tuple[str, int], ...]
    open_orders: tuple[str, ...]


def first_choices(table: Table, zone: str, encoding: str, kind: str = ImportKind.REQUESTS, country: str = "IN") -> Choices:
    """Columns guessed from the headers, and what follows from them."""
    return with_columns(table, Choices(propose(table.head(SAMPLE_ROWS), kind=kind).columns, zone, encoding, kind=kind, country=country))


def with_columns(table: Table, choices: Choices) -> Choices:
    """The choices with everything guessed that a person has not said yet; what they said stays where it still fits.

    Errors: Invalid if the columns cannot bring in any row.
    """
    offered = offer(table, choices)
    proposal = offered.proposal
    guessed = {f: guess.order for f, guess in proposal.orders.items() if guess.order}
    said = {f: order for f, order in choices.orders.items() if f in offered.open_orders}
    return replace(
        choices, orders=guessed | said,
        categories={value: choices.categories.get(value, proposal.categories[value]) for value, _ in offered.categories},
        statuses={value: status for value, _ in offered.statuses
                  if (status := choices.statuses.get(value) or proposal.statuses.get(value)) is not None},
    )


def offer(table: Table, choices: Choices) -> Offer:
    """What must be asked once the columns are known."""
    sample = table.head(SAMPLE_ROWS)
    proposal = propose(sample, choices.columns, choices.kind)
    asked = choices.columns if choices.kind == ImportKind.REQUESTS else {}
    return Offer(proposal, _counted(sample, asked.get(Field.CATEGORY)), _counted(sample, asked.get(Field.STATUS)),
                 tuple(f for f, guess in proposal.orders.items() if guess.order is None and (guess.ask or guess.mixed)))


def settled(table: Table, choices: Choices, order: DateOrder | None) -> Choices:
    """The choices where nobody can be asked: `order` is for the dates that leave it open, all else is guessed.

    Errors: Invalid if the columns cannot bring in any row, or a question stays open.
    """
    check_settings(table, choices.settings)
    answered = {f: order for f in offer(table, choices).open_orders if order is not None}
    found = with_columns(table, replace(choices, orders=answered))
    check_choices(table, found)
    return found


def check_choices(table: Table, choices: Choices) -> None:
    """Refuse choices that cannot bring in any row, or that leave a question open."""
    check_settings(table, choices.settings)
    for f in offer(table, choices).open_orders:
        if f not in choices.orders:
            raise Invalid(f"Please choose whether the day or the month comes first in “{choices.columns[f]}”.", field=f"order-{f}")


def _counted(table: Table, header: str | None) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(table.column(header)).most_common(VALUES_MAX)) if header else ()
