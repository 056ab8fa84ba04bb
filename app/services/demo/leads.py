"""People who ask for a bed: who they are, where they come from, and how far one has come with each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.models.organizations import Hostel
from app.permissions import Role
from app.rules.inquiries import Lead, LostReason, Source, Stage
from app.services import inquiries
from app.services.demo import cast

EACH_HOUSE = 22
_PERIOD = timedelta(days=75)  # over which they have asked
_SOURCES = (("instagram", "monsoon-2026"), (Source.WEBSITE.value, ""), (Source.PHONE_CALL.value, ""), (Source.WALK_IN.value, ""),
            (Source.REFERRAL.value, ""), (Source.BROKER.value, ""), ("google", "pg-near-me"))
_MESSAGES = (
    "Is there a bed by the window? I study at night.", "Two friends want to share a room from June.", "Do you have an AC room on a lower floor?",
    "My daughter joins college next month; can we visit on Sunday?", "Is food included, and is it vegetarian?", "How far is it to the metro?",
    "I work in shifts: may one come home after midnight?", "", "", "Only for two months, during my internship.")
_CALLS = ("Called, will talk to the parents.", "Asked about the deposit, sent the tariff.", "Wants to see the room first.", "Did not answer, tried twice.",
          "Likes the place, finds it far from college.")
_NEXT = ("Call back", "Send pictures of the room", "Ask for the decision", "Send the tariff")
_PATH = (("contact", Stage.CONTACTED), ("schedule_visit", Stage.VISIT_SCHEDULED), ("visit", Stage.VISITED), ("negotiate", Stage.NEGOTIATING),
         ("win", Stage.WON))
_ENDS = (Stage.NEW, Stage.NEW, Stage.CONTACTED, Stage.VISIT_SCHEDULED, Stage.VISITED, Stage.NEGOTIATING, Stage.WON, Stage.LOST, Stage.LOST)
_SPACE = UUID("2f9d6a50-61d2-4f57-8f2c-5a5c6f1f3f10")


@dataclass(frozen=True)
class Story:
    """One of them."""

    lead: Lead
    at: datetime
    steps: list[dict[str, Any]]


def tell(code: str, owner: int, until: datetime) -> Iterator[Story]:
    """The inquiries of one house, the oldest first; those who asked long ago are won or lost by now."""
    random = Random(f"leads {code}")  # noqa: S311 - made-up data
    for number in range(EACH_HOUSE):
        at = until - _PERIOD + _PERIOD * number / EACH_HOUSE + timedelta(minutes=random.randint(0, 600))
        old = until - at > timedelta(days=30)
        end = random.choice((Stage.WON, Stage.LOST, Stage.LOST)) if old else _ENDS[number % len(_ENDS)]
        source, campaign = random.choice(_SOURCES)
        first, last = random.choice(cast.FIRST_NAMES[code]), random.choice(cast.SURNAMES)
        email = f"{first}.{last}{number}@mail.example".lower() if random.random() < 0.7 else None  # noqa: PLR2004 - most have one
        lead = Lead(f"{first} {last}", f"+9198{random.randint(10_000_000, 99_999_999)}", email, random.choice(_MESSAGES),
                    (until + timedelta(days=random.randint(5, 60))).date(), source, campaign)
        yield Story(lead, at, list(_steps(random, end, at, owner, until)))


def _steps(random: Random, end: Stage, at: datetime, owner: int, until: datetime) -> Iterator[dict[str, Any]]:
    names = [stage for _, stage in _PATH]
    far = 0 if end is Stage.NEW else random.randint(1, 4) if end is Stage.LOST else names.index(end) + 1
    path = [(event, stage) for event, stage in _PATH[:far] if stage is end or event != "schedule_visit" or random.random() > 0.3]  # noqa: PLR2004
    path += [("lose", Stage.LOST)] if end is Stage.LOST else []
    pace = min((until - at) / (len(path) + 1), timedelta(days=4))
    for place, (event, stage) in enumerate(path, start=1):
        step = {"at": (at + pace * place * random.uniform(0.7, 1.0)).isoformat(), "event": event, "state": stage.value, "by": owner, "owner": owner,
                "note": random.choice(_CALLS) if event == "contact" else ""}
        if event == "lose":
            step["reason"] = random.choice(list(LostReason)).value
        elif place == len(path) and stage is not Stage.WON:
            step |= {"next_action": "Visit" if stage is Stage.VISIT_SCHEDULED else random.choice(_NEXT),
                     "next_at": (until + timedelta(hours=random.randint(-20, 96))).isoformat()}
        yield step


def ask(session: Session, ring: KeyRing, company: cast.Company, ids: Mapping[str, int], until: datetime) -> None:
    """Write them down, within the organization's scope; of every house one has asked twice."""
    houses = {hostel.code: hostel for hostel in session.scalars(select(Hostel))}
    for house in company.houses:
        stories = list(tell(house.code, _owner(company, house.code, ids), until))
        again = stories[-3]
        stories.append(Story(Lead(again.lead.full_name, again.lead.phone, message="I wrote some days ago; is the bed still free?"),
                             until - timedelta(hours=2), []))
        for number, story in enumerate(stories):
            hostel = houses[house.code]
            inquiries.remember(session, ring, hostel.org_id, hostel.id, uuid5(_SPACE, f"{company.slug} {house.code} {number}"), story.lead,
                               story.at, story.steps)


def _owner(company: cast.Company, code: str, ids: Mapping[str, int]) -> int:
    """Who sells the beds of a house: an agent if the company has one, else the house's manager."""
    wanted = ((Role.SALES_AGENT, None), (Role.HOSTEL_MANAGER, code))
    return next(ids[person.email] for place in wanted for person in company.people if place in person.places)
