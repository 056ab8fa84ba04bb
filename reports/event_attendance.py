"""Who comes to an event, for the door: as a PDF to tick, and as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.models.events import HostelEvent
from app.rules.events import ReplyState
from app.services.events.replying import Guest

CSV_HEADS = ("name", "room", "answer", "guests", "answered_at")


@dataclass(frozen=True)
class Attendance:
    """An event with all who answered it."""

    organization: str
    made_by: str
    made_at: datetime
    event: HostelEvent
    people: Sequence[Guest]

    @property
    def zone(self) -> ZoneInfo:
        """The clock of the event."""
        return ZoneInfo(self.event.timezone)

    def of(self, state: ReplyState) -> Sequence[Guest]:
        """Those with one answer, in their order."""
        return [guest for guest in self.people if guest.state is state]

    @property
    def states(self) -> Sequence[ReplyState]:
        """Those that the door needs: who comes, and who might."""
        return [ReplyState.COMING, ReplyState.WAITING, ReplyState.MAYBE]

    @property
    def places(self) -> int:
        """How many come, guests included."""
        return sum(guest.places for guest in self.of(ReplyState.COMING))


def csv_rows(paper: Attendance) -> Iterator[tuple[object, ...]]:
    """One answer a line."""
    for guest in paper.people:
        yield guest.name, guest.room, guest.state.value, guest.guests, f"{guest.answered_at.astimezone(paper.zone):%Y-%m-%d %H:%M}"


def filename(paper: Attendance, ending: str) -> str:
    """What the download is called."""
    return f"{paper.event.title} {paper.event.starts_at.astimezone(paper.zone):%Y-%m-%d}.{ending}"
