"""Cards of the home page: numbers that lead to the lists which show just these rows, and the first rows of such lists.

A card names a list and a filter, as its link does. Who may open the list sees the card, and the number is what the list
would count: there is nothing else to declare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import current_app, url_for
from sqlalchemy import ColumnElement, Select, func, literal_column, select
from werkzeug.datastructures import MultiDict

from app.identity import Identity
from app.permissions import Action, Portal
from app.services import overview
from app.views import formats
from app.views.base import ConsoleModelView
from app.views.interface import Session
from app.views.paging import COUNT_CAP

Filter = Mapping[str, str | Sequence[str] | Callable[[], str]]


@dataclass(frozen=True)
class Narrowed:
    """A list under a filter, for those who may open it, work through one of `portals`, and may do what it `needs`."""

    text: Any
    view: str
    where: Filter = field(default_factory=dict, hash=False)
    needs: Action = Action.READ
    portals: frozenset[Portal] = frozenset(Portal)

    def is_for(self, identity: Identity) -> bool:
        """Whether this person is shown it."""
        screen = screen_of(self.view)
        return identity.portal in self.portals and screen.allowed("list") and identity.can(screen.resource, self.needs)

    @property
    def args(self) -> dict[str, str | Sequence[str]]:
        """What its link says; several values mean any of them."""
        return {name: value() if callable(value) else value for name, value in self.where.items()}

    @property
    def url(self) -> str:
        """The list under this filter."""
        return url_for(f"{self.view}.list", **self.args)

    @property
    def rows(self) -> Select[Any]:
        """What the list shows, as a statement."""
        screen = screen_of(self.view)
        conditions, _ = screen.filter_bar.read(MultiDict(self.args))
        found: Select[Any] = screen.narrow(screen.datamodel.rows()).where(*conditions)
        return found


@dataclass(frozen=True)
class Card(Narrowed):
    """A number; `urgent` ones stand under what needs somebody now, and only while there are any."""

    icon: str = "list"
    tone: str = ""
    urgent: bool = False

    @property
    def counted(self) -> Select[Any]:
        """How many rows, counted no further than lists count."""
        ones = self.rows.with_only_columns(literal_column("1"), maintain_column_froms=True).order_by(None)
        return select(func.count()).select_from(ones.limit(COUNT_CAP + 1).subquery())


@dataclass(frozen=True)
class Row:
    """One row of a panel in words."""

    url: str
    lead: str
    title: str
    notes: Sequence[Any] = ()
    badge: Any = ""


@dataclass(frozen=True)
class Panel(Narrowed):
    """The first rows of a list; `empty` is what stands there if there are none (nothing: then no panel either)."""

    order: Callable[[], Sequence[ColumnElement[Any]]] = tuple
    row: Callable[[Any], Row] = lambda item: Row("", "", str(item))
    empty: Any = ""
    more: Any = ""


@dataclass(frozen=True)
class Shown:
    """A panel with its rows."""

    panel: Panel
    rows: Sequence[Row]


@dataclass(frozen=True)
class Number:
    """A card with what it counted."""

    card: Card
    count: int

    @property
    def text(self) -> str:
        """As people read it, and as the list says it."""
        return f"{formats.number(COUNT_CAP)}+" if self.count > COUNT_CAP else formats.number(self.count)


def screen_of(name: str) -> ConsoleModelView:
    """A registered screen by its name."""
    found: ConsoleModelView = next(one for one in current_app.extensions["appbuilder"].baseviews if type(one).__name__ == name)
    return found


def parts(cards: Iterable[Card]) -> dict[str, Select[Any]]:
    """The counts of cards, to be read in one statement."""
    return {f"card_{number}": card.counted for number, card in enumerate(cards)}


def numbers(cards: Iterable[Card], found: Mapping[str, Any]) -> list[Number]:
    """Cards with what was read for them."""
    return [Number(card, found[f"card_{number}"]) for number, card in enumerate(cards)]


def show(session: Session, panels: Sequence[Panel]) -> list[Shown]:
    """Panels with their rows: one statement for each list they are about."""
    rows: dict[Panel, Sequence[Any]] = {}
    for name in dict.fromkeys(panel.view for panel in panels):
        screen, some = screen_of(name), [panel for panel in panels if panel.view == name]
        wanted = [overview.Wanted(panel.rows, panel.order()) for panel in some]
        options = screen.datamodel.eager([*screen.list_columns, *screen.eager])
        rows |= dict(zip(some, overview.first_rows(session, screen.datamodel.obj, wanted, options), strict=True))
    return [Shown(panel, [panel.row(item) for item in rows[panel]]) for panel in panels if rows[panel] or panel.empty]


def today() -> str:
    """The day that it is where the reader works, as links write it."""
    return formats.today().isoformat()
