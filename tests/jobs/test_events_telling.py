"""People hear of events: a day and an hour before, once, and again when it is moved; of changes and cancellation, if they answered (N3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.rules.events import Answer
from app.services.events import telling
from app.tenancy import service_scope
from jobs import registry
from jobs.outbox import Drainer
from tests.events import change, event, move, now, reply
from tests.maintenance import at
from tests.wallet import residents

registry.load()


@pytest.fixture
def people(app, world, superuser):
    return residents(superuser, world, 3)


def told(superuser):
    """Who was told what since the last time."""
    Drainer.new().drain()
    with superuser.begin() as connection:
        return sorted((kind, user) for kind, user in connection.execute(text(
            "UPDATE notifications SET read_at = now() WHERE read_at IS NULL AND kind LIKE 'events.%' RETURNING kind, user_id")))


def sweep():
    with service_scope("a test") as session:
        telling.ask_reminders(session)


def test_reminders_come_once_for_each_time_at_which_an_event_begins(people, world, superuser):
    start = now(superuser) + timedelta(days=3)
    film, (comes, may, not_) = event(world, superuser, starts_at=start), people
    for user, answer in ((comes, Answer.YES), (may, Answer.MAYBE), (not_, Answer.NO)):
        reply(world, film, user, answer)
    reminded = [("events.reminder", comes), ("events.reminder", may)]

    def after(**shift):
        at(superuser, timedelta(**shift))
        sweep()
        sweep()
        return told(superuser)

    assert after(days=1, hours=23) == []
    assert after(days=2, minutes=5) == reminded
    assert after(days=2, hours=1) == []
    change(world, film, starts_at=start + timedelta(days=1), ends_at=start + timedelta(days=1, hours=2))
    assert after(days=2, hours=2) == [("events.changed", comes), ("events.changed", may)]
    assert after(days=3, hours=3) == reminded
    assert after(days=3, hours=23, minutes=5) == reminded
    assert after(days=3, hours=23, minutes=30) == []
    with superuser.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM notifications WHERE title LIKE 'Film night begins in less than an hour: %'")).scalar_one() == 2


def test_a_reminder_that_waited_while_its_event_was_moved_or_cancelled_says_nothing(people, world, superuser):
    film = event(world, superuser, starts_at=now(superuser) + timedelta(hours=20))
    play = event(world, superuser, starts_at=now(superuser) + timedelta(hours=20))
    for key in (film, play):
        reply(world, key, people[0])
    sweep()
    later = now(superuser) + timedelta(hours=40)
    change(world, film, starts_at=later, ends_at=later + timedelta(hours=1))
    move(world, play, "cancel", "Rain")
    assert told(superuser) == [("events.cancelled", people[0]), ("events.changed", people[0])]
    with superuser.connect() as connection:
        assert connection.execute(text("SELECT body FROM notifications WHERE kind = 'events.cancelled'")).scalar_one() == "Rain"


def test_what_matters_to_nobody_is_told_to_nobody(people, world, superuser):
    film, draft = event(world, superuser), event(world, superuser, published=False)
    reply(world, film, people[0])
    reply(world, film, people[1], Answer.NO)
    change(world, film, description="Bring a blanket", guests_most=1)
    change(world, draft, title="Play")
    assert told(superuser) == []
    change(world, film, place="Hall")
    change(world, film, place="Garden")
    assert told(superuser) == [("events.changed", people[0])]  # of two changes at once, of the last
