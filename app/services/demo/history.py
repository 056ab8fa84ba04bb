"""Three months of repairs in one house, made up the same way every time: who reported what, and what became of it.

Pure: it knows people by their ids and reads no clock. Every story walks the lifecycle and its clock as the product
would, so that what is overdue or escalated is so for a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.rules.maintenance import (
    CLOSED,
    REQUEST,
    CategoryCode,
    Priority,
    RequestStatus,
    SlaClock,
    escalate_at,
)
from app.services.demo import texts

S, N, H = RequestStatus, Priority.NORMAL, Priority.HIGH
ZONE = ZoneInfo("Asia/Kolkata")
DAYS = 91
SWEEP = timedelta(minutes=3)  # how long after its time a request is escalated
_SWEPT = {S.SUBMITTED, S.UNASSIGNED, S.ASSIGNED, S.IN_PROGRESS}

# What is going on at the moment of loading: (hours since it was raised, priority, (event, hours after that) …). The
# clock adds the escalations: 36 hours for normal requests, 6 for urgent ones.
Recipe = tuple[float, Priority, tuple[tuple[str, float], ...]]
_NOW: tuple[Recipe, ...] = (
    (0.4, N, ()), (2.2, H, ()), (6, N, ()), (20, N, ()),
    (7, N, (("mark_unassigned", 2),)), (22, N, (("mark_unassigned", 2),)),
    (4, N, (("claim", 1),)), (26, N, (("assign", 3),)), (4.4, H, (("assign", 1),)),
    (2.5, N, (("claim", 0.5), ("start", 1.5))), (11, N, (("claim", 1), ("start", 9))),
    (28, N, (("claim", 2), ("start", 20))),
    (74, N, (("claim", 2), ("start", 9), ("hold", 10))), (100, N, (("assign", 5), ("start", 22), ("hold", 27))),
    (44, N, (("claim", 4),)), (9, H, ()),
    (6, N, (("claim", 1), ("start", 2), ("resolve", 3.5))), (3.5, H, (("claim", 0.3), ("start", 0.6), ("resolve", 2))),
    (27, N, (("claim", 3), ("start", 18), ("resolve", 24.5))), (8, N, (("reject", 3),)),
)
# Which of these the first resident raised: theirs is the login that the start prints, and they should find something.
_OF_THE_FIRST_RESIDENT = {9, 16}
# How often things happen, of one: made up, but for being the usual course of such a house.
_CHANCE = {"urgent": 0.15, "common room": 0.13, "by a resident": 0.65, "photo": 0.03, "rejected": 0.05, "nobody free": 0.1,
           "claimed": 0.75, "put on hold": 0.14, "disputed": 0.07, "outside party": 0.2, "talked about": 0.4}
_WORKING_HOURS = range(8, 20)
_BUSY_HOURS = (1, 1, 0, 0, 0, 1, 3, 7, 9, 6, 4, 4, 4, 4, 3, 3, 4, 6, 8, 9, 9, 8, 5, 3)  # by hour of the day


@dataclass(frozen=True)
class House:
    """Who and what stories are about: ids of people, and rooms by number; `residents` are (id, number of their room)."""

    manager: int
    staff: Sequence[int]
    residents: Sequence[tuple[int, str]]
    bedrooms: Sequence[str]
    common_rooms: Sequence[str]


@dataclass
class Story:
    """One request, as app.import_request wants it; `pictures` is how many photos were sent with it."""

    raised_at: datetime
    priority: Priority
    category: CategoryCode
    issue: str
    room: str
    place: str
    description: str
    pictures: int = 0
    resolution: str = ""
    outside: str = ""
    state: RequestStatus = S.SUBMITTED
    steps: list[dict[str, Any]] = field(default_factory=list)
    clock: SlaClock = field(init=False)
    escalated: bool = False

    def __post_init__(self) -> None:
        self.clock = SlaClock(self.raised_at, self.priority)

    @property
    def raised_by(self) -> int:
        """Who told us."""
        found: int = self.steps[0]["by"]
        return found

    @property
    def last_at(self) -> datetime:
        """When something last happened."""
        return datetime.fromisoformat(self.steps[-1]["at"])

    def begin(self, by: int) -> None:
        """The report itself."""
        self.steps.append({"event": "submit", "state": self.state.value, "at": self.raised_at.isoformat(), "by": by})

    def move(self, event: str, at: datetime, by: int | None, note: str = "", assignee: int | None = None) -> None:
        """One step of the lifecycle, after the escalation that came before it, if one did."""
        if event != "escalate":
            self.wait(at)
        self.state = REQUEST.find(event, self.state).to
        self.clock = self.clock.moved(self.state, at)
        self.steps.append({"event": event, "state": self.state.value, "at": at.isoformat(), "by": by, "note": note,
                           "assignee": assignee})

    def wait(self, until: datetime) -> None:
        """Let time pass: the clock escalates what is due, once."""
        due = escalate_at(self.raised_at, self.priority, self.clock.held) + SWEEP
        if self.state in _SWEPT and not self.escalated and due <= until:
            self.escalated = True
            self.move("escalate", due, None, texts.ESCALATED)

    def remark(self, at: datetime, by: int, words: str) -> None:
        """A comment, in its place among the steps."""
        self.steps.append({"at": at.isoformat(), "by": by, "comment": words})
        self.steps.sort(key=lambda step: datetime.fromisoformat(step["at"]))


class Narrator:
    """Makes up the stories of one house until a moment; the same seed tells the same stories."""

    def __init__(self, house: House, until: datetime, seed: str) -> None:
        self.house, self.until, self.random = house, until, Random(seed)  # noqa: S311 - made-up data, nothing secret

    def tell(self, count: int) -> list[Story]:
        """`count` stories in the order in which they were raised: what goes on now, and what is past."""
        first = self.house.residents[0]
        stories = [self._present(recipe, first if place in _OF_THE_FIRST_RESIDENT else None) for place, recipe in enumerate(_NOW)]
        stories += [self._past() for _ in range(count - len(stories))]
        for story in stories:
            story.wait(self.until)
            self._talk(story)
        return sorted(stories, key=lambda story: story.raised_at)

    def _happens(self, what: str) -> bool:
        return self.random.random() < _CHANCE[what]

    def _is_resident(self, person: int) -> bool:
        return person not in (self.house.manager, *self.house.staff)

    # -- one story ------------------------------------------------------------------------------------------

    def _report(self, raised_at: datetime, priority: Priority, reporter: tuple[int, str] | None = None) -> Story:
        codes = list(texts.REPORTS)
        code = self.random.choices(codes, [texts.REPORTS[found][0] for found in codes])[0]
        issue, words = self.random.choice(texts.REPORTS[code][1])
        place, by = "", self.random.choice([self.house.manager, *self.house.staff])
        if reporter is not None:
            by, room = reporter
        elif self._happens("common room"):
            room, place = self.random.choice(self.house.common_rooms), self.random.choice(texts.PLACES)
        elif self._happens("by a resident"):
            by, room = self.random.choice(self.house.residents)
        else:
            room = self.random.choice(self.house.bedrooms)
        story = Story(raised_at, priority, code, issue, room, place, words)
        story.begin(by)
        return story

    def _present(self, recipe: Recipe, reporter: tuple[int, str] | None) -> Story:
        hours, priority, path = recipe
        raised_at = self.until - timedelta(hours=hours, minutes=self.random.randint(0, 9))
        story = self._report(raised_at, priority, reporter)
        story.pictures = self.random.choice((0, 0, 1, 1, 2))
        worker = self.random.choice(self.house.staff)
        for event, later in path:
            self._do(story, event, raised_at + timedelta(hours=later), worker)
        return story

    def _past(self) -> Story:
        day = (self.until - timedelta(days=self.random.randint(4, DAYS - 1))).astimezone(ZONE)
        raised_at = day.replace(hour=self.random.choices(range(24), _BUSY_HOURS)[0], minute=self.random.randint(0, 59),
                                second=0, microsecond=0)
        story = self._report(raised_at, H if self._happens("urgent") else N)
        story.pictures = int(self._happens("photo"))
        self._mend(story)
        return story

    def _mend(self, story: Story) -> None:
        """The usual course: somebody takes it, does it, says so; sometimes it waits, or comes back."""
        if self._happens("rejected"):
            self._do(story, "reject", self._later(story, 5), 0)
            return
        if self._happens("nobody free"):
            self._do(story, "mark_unassigned", story.raised_at + timedelta(hours=2), 0)
        worker = self.random.choice(self.house.staff)
        self._do(story, "claim" if self._happens("claimed") else "assign", self._later(story, 2), worker)
        self._do(story, "start", self._later(story, 3), worker)
        if self._happens("put on hold"):
            self._do(story, "hold", self._later(story, 1), worker)
            self._do(story, "resume", self._later(story, 26), worker)
        self._do(story, "resolve", self._later(story, 4), worker)
        if self._happens("disputed") and self._is_resident(story.raised_by):
            self._do(story, "dispute", self._later(story, 20), worker)
            self._do(story, "resolve", self._later(story, 6), worker)

    def _do(self, story: Story, event: str, at: datetime, worker: int) -> None:
        """A step with the words that go with it, unless it would be in the future."""
        if at > self.until or event not in {step.name for step in REQUEST.available(story.state)}:
            return
        say = self.random.choice
        manager = self.house.manager
        match event:
            case "claim":
                story.move(event, at, worker, assignee=worker)
            case "assign" if self._happens("outside party"):
                story.outside = texts.OUTSIDE_PARTIES[story.category]
                story.move(event, at, manager)
            case "assign":
                story.move(event, at, manager, assignee=worker)
            case "mark_unassigned":
                story.move(event, at, None)
            case "reject":
                story.move(event, at, manager, say(texts.REJECTIONS))
            case "dispute":
                story.move(event, at, story.raised_by, say(texts.DISPUTES))
            case _:
                note = say(texts.HOLDS) if event == "hold" else ""
                if event == "resolve":
                    note = story.resolution = say(texts.RESOLUTIONS[story.category])
                story.move(event, at, manager if story.outside else worker, note)

    def _later(self, story: Story, hours: float) -> datetime:
        """Some time after the last step, most often sooner than `hours`; by day, unless it is urgent."""
        at = story.last_at + timedelta(hours=min(self.random.expovariate(1 / hours), 3 * hours), minutes=2)
        if story.priority is H:
            return at
        local = at.astimezone(ZONE)
        if local.hour in _WORKING_HOURS:
            return at
        morning = local + timedelta(days=local.hour >= _WORKING_HOURS.stop)
        return morning.replace(hour=_WORKING_HOURS.start, minute=self.random.randint(5, 55))

    def _talk(self, story: Story) -> None:
        """Remarks of those concerned, between the first step and now."""
        if not self._happens("talked about"):
            return
        end = story.last_at + timedelta(hours=3) if story.state in CLOSED else self.until
        workers = [step["assignee"] for step in story.steps if step.get("assignee")]
        speakers: list[tuple[int, tuple[str, ...]]] = [(self.house.manager, texts.MANAGER_REMARKS)]
        speakers += [(workers[-1], texts.STAFF_REMARKS)] * 3 if workers else []
        if self._is_resident(story.raised_by):
            speakers += [(story.raised_by, texts.RESIDENT_REMARKS)] * 3
        for _ in range(self.random.randint(1, 3)):
            by, words = self.random.choice(speakers)
            at = story.raised_at + (min(end, self.until) - story.raised_at) * self.random.uniform(0.1, 0.95)
            story.remark(at, by, self.random.choice(words))
