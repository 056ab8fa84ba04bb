"""Amenities on the screen: a resident books on the phone, the desk marks who came, hours change, maintenance, the report (B1–B4)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import event, text

from app.permissions import Role
from app.services.amenities import booking
from app.wiring import db
from tests.amenities import booked, opened, resident, slots
from tests.houses import scalar
from tests.maintenance import at, scope
from tests.wallet import HOSTEL, residents


def page(who, path, status=200):
    found = who.get(path)
    assert found.status_code == status, found.get_data(as_text=True)[-2000:]
    return found.get_data(as_text=True)


def status_of(superuser, slot):
    return scalar(superuser, f"SELECT array_agg(status ORDER BY booked_at) FROM amenity_bookings WHERE slot_id = '{slot}'")


def test_a_resident_books_waits_takes_and_cancels_on_the_phone(app, browser, world, superuser):
    (other,) = residents(superuser, world, 1)
    person = world.a.people[Role.RESIDENT]
    me, slot = browser(person), slots(superuser, opened(world, 1, place="Roof"))[0]
    day = scalar(superuser, f"SELECT day FROM amenity_slots WHERE id = '{slot}'")
    week = f"/my/amenities/?day={day}"
    assert f"/my/amenities/book/{slot}" in page(me, week)
    for _ in range(2):
        assert me.post(f"/my/amenities/book/{slot}?day={day}").status_code == 303
    assert "Yours" in page(me, week)
    mine = page(me, "/my/amenities/mine")
    assert "Gym" in mine
    assert "Roof" in mine
    kept = scalar(superuser, f"SELECT id FROM amenity_bookings WHERE slot_id = '{slot}'")
    assert me.post(f"/my/amenities/cancel/{kept}").status_code == 303
    assert status_of(superuser, slot) == ["cancelled"]
    theirs = booked(world, other, slot)
    refused = me.post(f"/my/amenities/book/{slot}?day={day}")
    assert refused.status_code == 409
    assert "Slot full: you can wait in line for it." in refused.get_data(as_text=True)
    assert me.post(f"/my/amenities/join/{slot}?day={day}").status_code == 303
    with resident(world, other) as session:
        booking.cancel(session, theirs)
    assert "A place is kept for you until" in page(me, "/my/amenities/mine?part=list")
    wait = scalar(superuser, f"SELECT id FROM amenity_waits WHERE slot_id = '{slot}'")
    assert me.post(f"/my/amenities/take/{wait}").status_code == 303
    assert status_of(superuser, slot)[-1] == "booked"
    assert me.get(f"{week}&part=week").headers["ETag"] == me.get(f"{week}&part=week").headers["ETag"]
    page(browser(world.a.people[Role.PENDING_RESIDENT]), "/my/amenities/", 403)
    page(me, "/my/amenities/?amenity=nonsense", 404)
    assert browser(world.b.people[Role.RESIDENT]).post(f"/my/amenities/book/{slot}").status_code == 404


def test_the_desk_books_for_somebody_cancels_with_a_reason_and_says_who_came(app, browser, world, superuser):
    one, two = residents(superuser, world, 2)
    amenity = opened(world, 2)
    slot, later = slots(superuser, amenity)[:2]
    desk, guard = browser(world.a.people[Role.AMENITY_MANAGER]), browser(world.a.people[Role.GUARD])
    day = scalar(superuser, f"SELECT day FROM amenity_slots WHERE id = '{slot}'")
    assert f"/amenities/calendar/slot/{slot}" in page(desk, f"/amenities/calendar/?amenity={amenity}&day={day}")
    for user, where in ((one, slot), (two, slot), (one, later)):
        assert desk.post(f"/amenities/calendar/slot/{where}/book", {"person": user}).status_code == 303
    shown = page(guard, f"/amenities/calendar/slot/{slot}")
    assert f"Resident {one}" in shown
    assert "calendar/mark/" not in shown
    kept = {user: scalar(superuser, f"SELECT id FROM amenity_bookings WHERE user_id = {user} AND slot_id = '{slot}'") for user in (one, two)}
    assert desk.post(f"/amenities/calendar/cancel/{kept[two]}", {"slot": str(slot)}).status_code == 422
    assert desk.post(f"/amenities/calendar/cancel/{kept[two]}", {"slot": str(slot), "note": "Wet floor"}).status_code == 303
    at(superuser, timedelta(days=2, hours=3))
    assert desk.post(f"/amenities/calendar/mark/{kept[one]}", {"slot": str(slot), "came": "1"}).status_code == 303
    assert guard.post(f"/amenities/calendar/mark/{kept[one]}", {"slot": str(slot), "came": "0"}).status_code == 403
    assert status_of(superuser, slot) == ["attended", "cancelled"]
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *about: statements.append(about[2]))
    assert f"Resident {one}" in page(desk, "/amenities/bookings/list/?status=attended")
    assert len([said for said in statements if "amenity_" in said]) <= 3, statements
    period = f"first={scalar(superuser, 'SELECT CURRENT_DATE - 3')}&last={scalar(superuser, 'SELECT CURRENT_DATE + 3')}"
    assert "Gym" in page(desk, f"/amenities/usage/?{period}")
    csv = desk.get(f"/amenities/usage/csv?{period}")
    assert csv.mimetype == "text/csv"
    assert ",2,1,1,0,1,50" in csv.get_data(as_text=True)
    assert guard.get(f"/amenities/usage/csv?{period}").status_code == 403
    assert desk.get("/amenities/usage/?last=nonsense").status_code == 422


def test_hours_holidays_and_maintenance_by_those_in_charge(app, browser, world, superuser):
    desk = browser(world.a.people[Role.AMENITY_MANAGER])
    made = desk.post("/amenities/add", {"hostel": HOSTEL, "name": "Study", "kind": "study", "offer_minutes": 20, "missed": 3, "within_days": 30, "blocked_days": 7})
    assert made.status_code in {302, 303}, made.get_data(as_text=True)[-3000:]
    amenity = scalar(superuser, "SELECT id FROM amenities")
    hours = f"/amenities/hours/{amenity}"
    week = {"kind": "weekly", "days": [str(day) for day in range(7)], "opens": "06:00", "closes": "10:00", "slot_minutes": "60", "capacity": "3", "per_day": "2"}
    refused = desk.post(hours, {**week, "closes": "06:30", "note": "Kept words"})
    assert refused.status_code == 422
    assert all(words in refused.get_data(as_text=True) for words in ("Not one slot fits", "Kept words", 'value="06:30"'))
    assert desk.post(hours, week).status_code == 303
    assert scalar(superuser, "SELECT count(*) FROM amenity_slots WHERE state = 'open'") in range(14 * 4, 15 * 4 + 1)
    day = scalar(superuser, "SELECT max(day) FROM amenity_slots")
    assert desk.post(hours, {"kind": "closed", "first_on": str(day), "whole": "1", "note": "Holi"}).status_code == 303
    assert scalar(superuser, f"SELECT count(*) FROM amenity_slots WHERE day = '{day}'") == 0
    assert "Holi" in page(desk, hours)
    holiday = scalar(superuser, "SELECT id FROM amenity_templates WHERE amenity_id IS NULL")
    assert desk.post(f"{hours}/forget/{holiday}").status_code == 303
    assert scalar(superuser, f"SELECT count(*) FROM amenity_slots WHERE day = '{day}'") == 4
    assert desk.post(f"/amenities/close/{amenity}", {"note": ""}).status_code == 422
    assert desk.post(f"/amenities/close/{amenity}", {"note": "Paint"}).status_code == 303
    assert scalar(superuser, "SELECT count(*) FROM amenity_slots WHERE state = 'open' AND starts_at > app.now()") == 0
    assert "Closed for maintenance" in page(browser(world.a.people[Role.RESIDENT]), "/my/amenities/")
    assert desk.post(f"/amenities/reopen/{amenity}").status_code == 303
    assert scalar(superuser, "SELECT count(*) FROM amenity_slots WHERE state = 'maintenance'") == 0
    assert browser(world.outsider).post(f"/amenities/close/{amenity}", {"note": "Paint"}).status_code == 404
    page(desk, f"/amenities/show/{amenity}")
    page(desk, "/")
    assert desk.post(f"/amenities/delete/{amenity}").status_code in {302, 303}
    assert scalar(superuser, "SELECT count(*) FROM amenity_slots WHERE state <> 'withdrawn' AND starts_at > app.now()") == 0
    with scope(world.owner) as session:
        assert session.scalar(text("SELECT count(*) FROM amenities WHERE deleted_at IS NULL")) == 0
