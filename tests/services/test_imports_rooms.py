"""Rooms and beds come in from a file, are hidden again, and come back (Y2)."""

from sqlalchemy import update

from app.models.rooms import Room
from app.permissions import Role
from app.services import imports, residents
from tests.beds import stay
from tests.imports import as_, imported, manager, there, told, undone

ROOMS = b"Room No,Floor,Room Type,Capacity,Hostel\n301,3,Double,2,H1\nG07,Ground,,0,\n302,3rd floor,Suite,1,\n303,3,,1,Elsewhere\n"
BEDS = b"Bed\n301-C\n999-A\n"


def live(superuser, table):
    return there(superuser, f"SELECT * FROM {table} WHERE deleted_at IS NULL ORDER BY id")


def test_rooms_bring_their_floors_and_beds_and_a_second_time_nothing(world, app, superuser):
    boss = manager(world)
    with as_(boss) as session:
        residents.create_room_type(session, {"hostel_id": boss.hostel_id, "name": "Double", "capacity": 2})
    run_id = imported(boss, ROOMS, kind="rooms", zone="Asia/Kolkata")
    run, counts = told(boss, run_id)
    assert (run.status, counts.created, counts.refused) == ("done", 2, 2)
    with as_(boss) as session:
        assert [(row.number, row.column) for row in imports.refused_rows(session, None, run)] == [(4, "Room Type"), (5, "Hostel")]
    assert [tuple(row) for row in there(superuser, """
        SELECT r.number, f.level, r.kind, t.name, (SELECT string_agg(b.label, '' ORDER BY b.label) FROM beds b WHERE b.room_id = r.id)
        FROM rooms r JOIN floors f ON f.id = r.floor_id LEFT JOIN room_types t ON t.id = r.room_type_id
        WHERE r.number IN ('301', 'G07') ORDER BY 1""")] == [("301", 3, "shared", "Double", "AB"), ("G07", 0, "common", None, None)]
    again = imported(boss, ROOMS, kind="rooms", zone="Asia/Kolkata")
    assert (told(boss, again)[1].created, told(boss, again)[1].unchanged) == (0, 2)


def test_undoing_hides_rooms_but_those_that_people_use_and_another_import_brings_them_back(world, app, superuser):
    boss = manager(world)
    run_id = imported(boss, b"Room,Beds\n401,2\n402,1\n403,1\n404,1\n", kind="rooms")
    rooms = dict(map(tuple, there(superuser, "SELECT number, id FROM rooms WHERE number LIKE '40%'")))
    with as_(boss) as session:
        session.execute(update(Room).where(Room.id == rooms["402"]).values(note="Painted"))
    bed = there(superuser, "SELECT id FROM beds WHERE room_id = :room", room=rooms["403"])[0][0]
    stay(world.owner, world.resident.user_id, bed)
    undone(boss, run_id)
    run, counts = told(boss, run_id)
    assert (run.status, counts.hidden, counts.kept) == ("undone", 2, 2)
    with as_(boss) as session:
        reasons = [row.reason for row in imports.kept_rows(session, run, 5)]
    assert "Room 402 has been worked on" in reasons[0]
    assert "403-A is taken" in reasons[1]
    assert {row[0] for row in there(superuser, "SELECT number FROM rooms WHERE number LIKE '40%' AND deleted_at IS NULL")} == {"402", "403"}
    again = told(boss, imported(boss, b"Room,Beds\n401,2\n402,1\n", kind="rooms"))[1]
    assert (again.restored, again.unchanged) == (1, 1)
    assert len(there(superuser, "SELECT 1 FROM beds WHERE room_id = :room AND deleted_at IS NULL", room=rooms["401"])) == 2


def test_beds_go_into_rooms_of_this_hostel_alone(world, app, superuser):
    boss, other = manager(world), world.b.people[Role.OWNER]
    with as_(other) as session:
        room = session.get(Room, world.b.places[0].rooms[0])
        room.number = "777"
    number = there(superuser, "SELECT number FROM rooms WHERE id = :id", id=world.a.places[0].rooms[0])[0][0]
    run_id = imported(boss, f"Bed,Room\nZ,{number}\nA,777\n{number}-Y,\n".encode(), kind="beds")
    run, counts = told(boss, run_id)
    assert (counts.created, counts.refused) == (2, 1)
    with as_(boss) as session:
        assert [row.reason for row in imports.refused_rows(session, None, run)] == ["There is no such room here."]
    undone(boss, run_id)
    assert told(boss, run_id)[1].hidden == 2
    assert told(boss, imported(boss, f"Bed,Room\nZ,{number}\n".encode(), kind="beds"))[1].restored == 1
