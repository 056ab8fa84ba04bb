"""Slots made each day, changed hours, holidays and maintenance: who was booked is told and offered another slot (B1, B3)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import uuid4

from sqlalchemy import text

from app.permissions import Role
from app.rules.amenities import Opening, TemplateKind
from app.rules.errors import Conflict, Forbidden, Invalid, NotFound
from app.services.amenities import booking, hours, usage
from app.services.beds import house_day
from app.tenancy import service_scope, tenant_scope
from jobs import amenities as jobs
from tests.amenities import agrees, booked, joined, line, opened, resident, slots
from tests.houses import execute, scalar
from tests.maintenance import at, refusal, scope
from tests.services.test_amenities_booking import scoped, told
from tests.wallet import HOSTEL, residents

K = TemplateKind


def closed(first: date, last: date) -> Opening:
    return Opening(K.CLOSED, first_on=first, last_on=last)


def day_of(superuser, slot) -> date:
    return scalar(superuser, f"SELECT day FROM amenity_slots WHERE id = '{slot}'")


def test_each_day_makes_the_slots_of_the_fourteenth_day_once_by_the_clock_of_the_house(app, world, superuser):
    amenity = opened(world, 2)
    before = scalar(superuser, "SELECT count(*) FROM amenity_slots")
    execute(superuser, "UPDATE outbox SET state = 'done'")
    with service_scope("test") as session:
        assert [hours.ask_slots(session), hours.ask_slots(session)] == [1, 0]
    at(superuser, timedelta(days=1))
    with service_scope("test") as session:
        assert hours.ask_slots(session) == 1
    with tenant_scope(world.a.org_id) as session:
        jobs.slots(session, {"hostel_id": str(HOSTEL)})
        jobs.slots(session, {"hostel_id": str(HOSTEL)})
        today = house_day(session, HOSTEL)
    assert scalar(superuser, "SELECT count(*) FROM amenity_slots") == before + 24
    assert scalar(superuser, f"SELECT max(day) FROM amenity_slots WHERE amenity_id = '{amenity}'") == today + timedelta(days=14)


def test_slots_of_a_house_abroad_last_an_hour_on_the_night_when_clocks_change(app, world, superuser):
    execute(superuser, f"UPDATE hostels SET timezone = 'Europe/Berlin' WHERE id = '{HOSTEL}'")
    at(superuser, datetime.fromisoformat("2027-03-20T12:00:00+00:00") - datetime.now().astimezone())
    amenity = opened(world, 2)
    found = scalar(superuser, f"SELECT array_agg(to_char(starts_at AT TIME ZONE 'Europe/Berlin', 'HH24') ORDER BY starts_at) FROM amenity_slots "
                              f"WHERE amenity_id = '{amenity}' AND day = '2027-03-28' AND ends_at - starts_at = interval '1 hour'")
    assert found == [f"{hour:02}" for hour in range(24) if hour != 2]


def test_a_holiday_takes_slots_away_and_whoever_was_booked_is_offered_the_nearest(app, world, superuser):
    one, two, three = residents(superuser, world, 3)
    amenity = opened(world, 1)
    slot = slots(superuser, amenity)[0]
    kept = booked(world, one, slot)
    joined(world, two, slot)
    with scope(world.a.people[Role.AMENITY_MANAGER]) as session:
        hours.add_template(session, HOSTEL, None, closed(day := day_of(superuser, slot), day), "Holi")
    assert scalar(superuser, f"SELECT (status, reason) FROM amenity_bookings WHERE id = '{kept}'") == "(cancelled,Holi)"
    assert scalar(superuser, f"SELECT array_agg(state) FROM amenity_slots WHERE day = '{day}' AND starts_at > app.now()") == ["withdrawn"]
    assert line(superuser, slot) == [(two, "lapsed")]
    offer = scalar(superuser, f"SELECT id FROM amenity_waits WHERE moved_from = '{kept}' AND status = 'offered'")
    other = scalar(superuser, f"SELECT slot_id FROM amenity_waits WHERE id = '{offer}'")
    assert "Slot full" in refusal(lambda: booked(world, three, other)).message  # the place is kept
    with resident(world, one) as session:
        booking.take(session, offer)
    assert agrees(superuser)
    assert told(superuser, world) == [(one, "amenities.moved")]
    holiday = scalar(superuser, "SELECT id FROM amenity_templates WHERE amenity_id IS NULL")
    with scope(world.a.people[Role.AMENITY_MANAGER]) as session:
        hours.remove_template(session, holiday)
    assert len([one for one in slots(superuser, amenity) if day_of(superuser, one) == day]) >= 1


def test_maintenance_moves_or_cancels_and_nothing_can_be_booked_until_it_is_over(app, world, superuser):
    one, two = residents(superuser, world, 2)
    amenity = opened(world, 1, slot_minutes=24 * 60)
    first, second, *_ = coming = slots(superuser, amenity)
    kept = [booked(world, one, first), booked(world, two, second)]
    manager = world.a.people[Role.AMENITY_MANAGER]
    with superuser.connect() as connection:
        begins = connection.scalar(text("SELECT starts_at FROM amenity_slots WHERE id = :id"), {"id": first})
    assert isinstance(refusal(lambda: scoped(world.a.people[Role.GUARD], lambda session: hours.close(session, amenity, begins, None, "Paint"))), Forbidden)
    assert isinstance(refusal(lambda: scoped(world.outsider, lambda session: hours.close(session, amenity, begins, None, "Paint"))), NotFound)
    assert isinstance(refusal(lambda: scoped(manager, lambda session: hours.close(session, amenity, begins, None, " "))), Invalid)
    assert isinstance(refusal(lambda: scoped(manager, lambda session: hours.close(session, amenity, begins, begins, "Paint"))), Invalid)
    assert scoped(manager, lambda session: hours.close(session, amenity, begins, begins + timedelta(days=2), "Paint")) == 2
    assert "closed" in refusal(lambda: booked(world, one, first)).message
    offers = dict(scalar(superuser, "SELECT array_agg(ARRAY[moved_from, slot_id] ORDER BY seq) FROM amenity_waits WHERE status = 'offered'"))
    assert set(offers) == set(kept)
    assert not set(offers.values()) & {first, second}
    scoped(manager, lambda session: hours.close(session, amenity, begins, None, "No end"))
    assert scalar(superuser, f"SELECT count(*) FROM amenity_slots WHERE state = 'open' AND starts_at >= '{begins}'") == 0
    with tenant_scope(world.a.org_id) as session:  # what is made while it is closed is closed
        hours.make_slots(session, HOSTEL)
    scoped(manager, lambda session: hours.reopen(session, amenity))
    scoped(manager, lambda session: hours.reopen(session, amenity))
    assert slots(superuser, amenity) == coming
    booked(world, one, first)
    assert agrees(superuser)
    assert {kind for _, kind in told(superuser, world)} == {"amenities.moved", "amenities.lapsed"}


def test_more_places_go_to_the_line_and_fewer_take_none_away(app, world, superuser):
    one, two, three = residents(superuser, world, 3)
    amenity = opened(world, 1)
    slot = slots(superuser, amenity)[0]
    booked(world, one, slot)
    joined(world, two, slot)
    usual, = [one.id for one in scoped(world.owner, lambda session: hours.templates(session, HOSTEL, amenity))]

    def change(capacity):
        with scope(world.owner) as session:
            day = day_of(superuser, slot)
            hours.add_template(session, HOSTEL, amenity, Opening(K.SPECIAL, first_on=day, last_on=day, capacity=capacity, per_day=3), template_id=uuid4())

    change(2)
    assert line(superuser, slot) == [(two, "offered")]
    assert isinstance(refusal(lambda: booked(world, three, slot)), Conflict)
    with scope(world.owner) as session:
        hours.remove_template(session, usual)
    assert scalar(superuser, f"SELECT capacity FROM amenity_slots WHERE id = '{slot}'") == 2
    assert {day_of(superuser, one) for one in slots(superuser, amenity)} == {day_of(superuser, slot)}
    assert agrees(superuser)


def test_usage_counts_what_is_past_by_hour_and_weekday(app, world, superuser):
    one, two = residents(superuser, world, 2)
    amenity = opened(world, 4)
    slot = slots(superuser, amenity)[0]
    kept = [booked(world, user, slot) for user in (one, two)]
    at(superuser, timedelta(days=2, hours=3))
    with scope(world.a.people[Role.AMENITY_MANAGER]) as session:
        booking.mark(session, kept[0], came=True)
        booking.mark(session, kept[1], came=False)
        used = usage.usage(session, HOSTEL, day := day_of(superuser, slot), day)[amenity]
    assert (used.total.booked, used.total.attended, used.total.missed) == (2, 1, 1)
    local = scalar(superuser, f"SELECT extract(hour FROM starts_at AT TIME ZONE 'Asia/Kolkata')::integer FROM amenity_slots WHERE id = '{slot}'")
    assert used.times[day.weekday(), local].share == 0.5
    assert used.at(hour=local).booked == 2
