"""Booking: 200 at once for 20 places, the line and its offers, limits, no-shows, and whose it is (B2–B4)."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.models.amenities import AmenitySlot
from app.permissions import Portal, Role
from app.problems import translate_database_error
from app.rules.errors import Conflict, Forbidden, Invalid, NotFound
from app.services.amenities import booking, calendar, hours
from app.tenancy import service_scope, tenant_scope
from app.wiring import redis
from jobs import amenities as jobs
from tests.amenities import agrees, booked, cancelled, joined, line, opened, resident, slots
from tests.houses import scalar
from tests.maintenance import at, refusal, scope
from tests.wallet import HOSTEL, residents

CROWD, PLACES, THREADS = 200, 20, 50


def turn(world):
    with tenant_scope(world.a.org_id) as session:
        return booking.turn(session)


def told(superuser, world):
    """What the jobs tell, by person."""
    with superuser.connect() as connection:
        asked = connection.execute(text("SELECT kind, payload FROM outbox WHERE kind IN ('amenities.booking', 'amenities.wait', 'amenities.moved') ORDER BY id")).all()
    with tenant_scope(world.a.org_id) as session:
        for kind, payload in asked:
            {"amenities.booking": jobs.booked, "amenities.wait": jobs.waited, "amenities.moved": jobs.moved}[kind](session, payload)
    with superuser.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(text("SELECT user_id, kind FROM notifications WHERE kind LIKE 'amenities.%'")))


def test_two_hundred_book_twenty_places_at_once_and_the_others_hear_that_it_is_full(app, world, superuser, settings):
    amenity = opened(world, PLACES)
    slot, crowd = slots(superuser, amenity)[0], residents(superuser, world, CROWD)
    engine = create_engine(settings.database_service_url, pool_size=THREADS, max_overflow=0)
    start = Barrier(THREADS)

    def act(user, work):
        with Session(engine) as session:
            session.execute(text("SELECT app.bind_as(:user, :org, :portals, NULL, '')"), {"user": user, "org": world.a.org_id, "portals": [Portal.RESIDENT]})
            try:
                work(session)
                session.commit()
            except DBAPIError as error:
                return translate_database_error(error).message
            return "booked"

    def together(share):
        start.wait(timeout=60)
        return [act(user, lambda session: booking.book(session, slot, uuid4())) for user in share]

    with ThreadPoolExecutor(THREADS) as threads:
        outcomes = Counter(found for share in threads.map(together, [crowd[place::THREADS] for place in range(THREADS)]) for found in share)
        assert outcomes == {"booked": PLACES, "Slot full: you can wait in line for it.": CROWD - PLACES}
        assert agrees(superuser)
        assert scalar(superuser, f"SELECT (booked_count, version) FROM amenity_slots WHERE id = '{slot}'") == f"({PLACES},{PLACES + 1})"
        lucky = set(scalar(superuser, f"SELECT array_agg(user_id) FROM amenity_bookings WHERE slot_id = '{slot}'"))
        late = [user for user in crowd if user not in lucky]
        assert set(threads.map(lambda user: act(user, lambda session: booking.join(session, slot, uuid4())), late)) == {"booked"}
        # Three who have a place call it off at once: the first three in line are offered it, whoever they are.
        for_all = scalar(superuser, f"SELECT array_agg(id ORDER BY id) FROM amenity_bookings WHERE slot_id = '{slot}'")[:3]
        owners = [scalar(superuser, f"SELECT user_id FROM amenity_bookings WHERE id = '{one}'") for one in for_all]
        list(threads.map(lambda pair: act(pair[0], lambda session: booking.cancel(session, pair[1])), zip(owners, for_all, strict=True)))
    engine.dispose()
    assert [state for _, state in line(superuser, slot)] == ["offered"] * 3 + ["waiting"] * (CROWD - PLACES - 3)
    assert agrees(superuser)


def test_a_freed_place_is_offered_in_order_for_a_short_time(app, world, superuser):
    one, two, three, four = residents(superuser, world, 4)
    slot = slots(superuser, opened(world, 1))[0]
    first = booked(world, one, slot)
    assert booked(world, one, slot) == first  # a double click
    waits = [joined(world, user, slot) for user in (two, three)]
    assert joined(world, two, slot) == waits[0]
    cancelled(world, one, first)
    cancelled(world, one, first)
    assert line(superuser, slot) == [(two, "offered"), (three, "waiting")]
    assert "Slot full" in refusal(lambda: booked(world, four, slot)).message  # nobody jumps the line
    at(superuser, timedelta(minutes=31))
    with service_scope("test") as session:
        jobs.sweep(session, {"slot": "now"})
    assert turn(world) == 1
    assert turn(world) == 0
    assert line(superuser, slot) == [(two, "lapsed"), (three, "offered")]
    assert isinstance(refusal(lambda: taken(world, two, waits[0])), Conflict)
    assert taken(world, three, waits[1]) == taken(world, three, waits[1]) == waits[1]
    assert agrees(superuser)
    assert told(superuser, world) == [(two, "amenities.lapsed"), (two, "amenities.offered"), (three, "amenities.offered")]


def taken(world, user, wait):
    with resident(world, user) as session:
        return booking.take(session, wait)


def test_who_comes_by_when_an_offer_is_over_gets_the_place_and_a_no_passes_it_on(app, world, superuser):
    one, two, three = residents(superuser, world, 3)
    slot = slots(superuser, opened(world, 1))[0]
    first = booked(world, one, slot)
    wait, other = joined(world, two, slot), joined(world, three, slot)
    cancelled(world, one, first)
    with resident(world, two) as session:
        booking.leave(session, wait)
    assert line(superuser, slot) == [(two, "left"), (three, "offered")]
    at(superuser, timedelta(minutes=31))
    booked(world, one, slot)
    assert line(superuser, slot)[1] == (three, "lapsed")
    assert isinstance(refusal(lambda: taken(world, three, other)), Conflict)
    assert agrees(superuser)


def test_one_person_is_in_one_place_and_books_so_often_a_day(app, world, superuser):
    (user,) = residents(superuser, world, 1)
    gym, laundry, study = opened(world, 5, per_day=1), opened(world, 5, name="Laundry", parallel=True), opened(world, 5, name="Study")
    slot = slots(superuser, gym)[0]
    kept = booked(world, user, slot)
    assert "another booking" in refusal(lambda: booked(world, user, slots(superuser, study)[0])).message
    booked(world, user, slots(superuser, laundry)[0])  # the machine washes by itself
    same_day = scalar(superuser, f"SELECT min(b.id::text) FROM amenity_slots a JOIN amenity_slots b ON b.amenity_id = a.amenity_id AND b.day = a.day AND b.id <> a.id"
                                 f" AND b.starts_at > app.now() WHERE a.id = '{slot}'")
    assert "1 times a day" in refusal(lambda: booked(world, user, same_day)).message
    cancelled(world, user, kept)
    booked(world, user, same_day)
    with pytest.raises(DBAPIError, match="amenity_bookings_one_place"), superuser.begin() as connection:  # whoever writes, the database says no
        connection.execute(text("INSERT INTO amenity_bookings (org_id, hostel_id, amenity_id, slot_id, user_id, day, starts_at, ends_at) "
                                "SELECT s.org_id, s.hostel_id, s.amenity_id, s.id, :user, s.day, s.starts_at, s.ends_at FROM amenity_slots s "
                                "JOIN amenity_slots b ON b.id = :same AND b.starts_at = s.starts_at WHERE s.amenity_id = :study"),
                           {"user": user, "same": same_day, "study": study})


def test_who_does_not_come_twice_is_blocked_for_some_days(app, world, superuser):
    user, other = residents(superuser, world, 2)
    amenity = opened(world, 5, missed=2, within_days=5, blocked_days=3)
    kept = [booked(world, user, slot) for slot in slots(superuser, amenity)[:2]]
    staff = world.a.people[Role.AMENITY_MANAGER]

    def mark(booking_id, *, came, person=staff):
        with scope(person) as session:
            booking.mark(session, booking_id, came=came)

    assert isinstance(refusal(lambda: mark(kept[0], came=False)), Conflict)  # not begun yet
    at(superuser, timedelta(days=2, hours=3))
    assert isinstance(refusal(lambda: mark(kept[0], came=False, person=world.a.people[Role.GUARD])), Forbidden)
    for one in kept:
        mark(one, came=False)
    later = slots(superuser, amenity)[0]
    assert "without coming" in refusal(lambda: booked(world, user, later)).message
    booked(world, other, later)
    with resident(world, user) as session:  # the page says the same as the refusal
        assert booking.blocked_until(session, amenity, hours.find(session, amenity).rule, user) > session.scalar(text("SELECT app.now()"))
    mark(kept[1], came=True)
    booked(world, user, later)
    mark(kept[1], came=False)
    at(superuser, timedelta(days=6))
    booked(world, user, slots(superuser, amenity)[5])
    assert [kind for person, kind in told(superuser, world) if person == user] == ["amenities.no_show", "amenities.no_show"]


def test_a_booking_is_ones_own_and_staff_say_why(app, world, superuser):
    one, two = residents(superuser, world, 2)
    slot = slots(superuser, opened(world, 3))[0]
    kept = booked(world, one, slot)
    assert isinstance(refusal(lambda: cancelled(world, two, kept)), NotFound)
    outsider = world.b.people[Role.RESIDENT]
    with scope(outsider) as session:
        assert session.query(AmenitySlot).count() == 0
    assert isinstance(refusal(lambda: scoped(outsider, lambda session: booking.book(session, slot, uuid4()))), NotFound)
    staff = world.a.people[Role.AMENITY_MANAGER]
    assert isinstance(refusal(lambda: scoped(staff, lambda session: booking.cancel(session, kept))), Invalid)
    scoped(staff, lambda session: booking.cancel(session, kept, "The floor is wet."))
    assert isinstance(refusal(lambda: scoped(staff, lambda session: booking.book(session, slot, uuid4(), staff.user_id))), Invalid)
    made = scoped(staff, lambda session: booking.book(session, slot, uuid4(), two))
    assert scoped(staff, lambda session: booking.people(session, [kept, made])).keys() == {kept, made}
    assert {user for user, _ in scoped(staff, lambda session: booking.guests(session, HOSTEL))} >= {one, two}
    assert told(superuser, world) == [(one, "amenities.cancelled"), (two, "amenities.booked")]
    at(superuser, timedelta(days=3))
    assert isinstance(refusal(lambda: cancelled(world, two, made)), Conflict)


def scoped(person, work):
    with scope(person) as session:
        return work(session)


def test_what_is_free_is_remembered_until_something_changes(app, world, superuser):
    (user,) = residents(superuser, world, 1)
    amenity = opened(world, 3)
    slot = slots(superuser, amenity)[0]
    day = scalar(superuser, f"SELECT day FROM amenity_slots WHERE id = '{slot}'")

    def free():
        with resident(world, user) as session:
            return next(one.free for one in calendar.week(session, redis(), world.a.org_id, amenity, day, 1)[day] if one.id == slot)

    assert free() == 3
    kept = booked(world, user, slot)
    assert free() == 3  # thirty seconds at most
    calendar.forget(redis(), world.a.org_id)
    assert free() == 2
    with resident(world, user) as session:
        assert calendar.mine(session, user, [slot])[slot].booking_id == kept
