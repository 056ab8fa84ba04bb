"""Those concerned are told what happens to a request; residents never hear who, nobody hears of their own doing."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.maintenance import Priority
from app.services import maintenance
from app.services.maintenance import Assignee
from jobs.outbox import Drainer
from tests.maintenance import moved, raised, scope


@pytest.fixture
def told(app, superuser, world):
    """A function: what has been told by now, as {person's role: [titles]}, after the work is done."""
    roles = {person.user_id: person.role for person in world.a.people.values()}

    def read():
        Drainer.new().drain()
        found = {}
        with superuser.begin() as connection:
            for user_id, title in connection.execute(text("SELECT user_id, title FROM notifications ORDER BY id")):
                found.setdefault(roles[user_id], []).append(title)
        return found

    return read


def forget(superuser):
    with superuser.begin() as connection:
        connection.execute(text("DELETE FROM notifications"))


def test_a_resident_hears_of_every_step_and_never_who_takes_it(world, told, superuser):
    request = raised(world.resident)
    moved(world.staff, request, "claim", "start", "hold", "resume", "resolve")
    heard = told()
    assert heard == {Role.RESIDENT: [
        "MR-0001: somebody will look after it", "MR-0001: work has started", "MR-0001: work is on hold",
        "MR-0001: work goes on", "MR-0001: it is done"]}
    with superuser.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM notifications WHERE title || body LIKE :name"),
                                  {"name": f"%{world.staff.name}%"}).scalar() == 0


def test_an_urgent_request_is_told_to_those_who_do_repairs_there(world, told):
    raised(world.resident, priority=Priority.HIGH)
    heard = told()
    assert heard[Role.MAINTENANCE_STAFF] == ["MR-0001: new, with high priority"]
    assert Role.OWNER in heard
    assert not {Role.RESIDENT, Role.ACCOUNTANT, Role.VIEWER, Role.GUARD} & heard.keys()


def test_an_urgent_request_elsewhere_is_nothing_to_the_staff_of_this_hostel(world, told):
    raised(world.owner, hostel_id=world.a.places[1].hostel_id, priority=Priority.HIGH)
    assert Role.MAINTENANCE_STAFF not in told()


def test_whom_a_request_is_assigned_to_is_told(world, told):
    request = raised(world.owner)
    with scope(world.owner) as session:
        maintenance.move(session, request, "assign", assignee=Assignee(user_id=world.staff.user_id))
    assert told() == {Role.MAINTENANCE_STAFF: ["MR-0001: assigned to you"]}


def test_whom_a_request_is_handed_to_is_told(world, told, superuser):
    request = raised(world.owner)
    moved(world.owner, request, "claim")
    told()
    forget(superuser)
    with scope(world.owner) as session:
        maintenance.reassign(session, request, Assignee(user_id=world.staff.user_id))
    assert told() == {Role.MAINTENANCE_STAFF: ["MR-0001: handed over to you"]}


def test_a_rejection_reaches_the_resident_with_its_reason_and_whoever_had_it(world, told, superuser):
    request = raised(world.resident)
    moved(world.staff, request, "claim")
    told()
    forget(superuser)
    moved(world.owner, request, "reject", note="It is not ours.")
    assert told() == {Role.RESIDENT: ["MR-0001: your request was turned down"],
                      Role.MAINTENANCE_STAFF: ["MR-0001: turned down, nothing is left to do"]}
    with superuser.begin() as connection:
        assert set(connection.execute(text("SELECT body FROM notifications")).scalars()) == {"It is not ours."}


def test_a_dispute_reaches_whoever_did_the_work_and_those_in_charge(world, told, superuser):
    request = raised(world.resident)
    moved(world.staff, request, "claim", "start", "resolve")
    told()
    forget(superuser)
    moved(world.resident, request, "dispute", note="It drips again.")
    heard = told()
    assert heard[Role.MAINTENANCE_STAFF] == heard[Role.OWNER] == ["MR-0001: the resident says that it is not fixed"]
    assert Role.RESIDENT not in heard


def test_who_gave_a_request_back_is_not_told_of_what_comes_later(world, told, superuser):
    request = raised(world.owner)
    moved(world.staff, request, "claim", "release")
    with superuser.begin() as connection:
        connection.execute(text("UPDATE maintenance_assignments SET assigned_at = assigned_at - interval '1 hour', "
                                "released_at = released_at - interval '1 hour'"))
    moved(world.owner, request, "escalate")
    assert Role.MAINTENANCE_STAFF not in told()


def test_a_removed_request_tells_nobody_and_is_no_dead_letter(world, told, superuser):
    request = raised(world.resident, priority=Priority.HIGH)
    with scope(world.owner) as session:
        maintenance.remove(session, request)
    assert told() == {}
    with superuser.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM outbox WHERE state <> 'done'")).scalar() == 0


def test_a_remark_reaches_the_other_side(world, told):
    request = raised(world.resident)
    moved(world.staff, request, "claim")
    with scope(world.staff) as session:
        maintenance.comment(session, request, "I come at noon.")
    with scope(world.resident) as session:
        maintenance.comment(session, request, "Please knock.")
    heard = told()
    assert heard[Role.RESIDENT][-1] == "MR-0001: a new remark"
    assert heard[Role.MAINTENANCE_STAFF] == ["MR-0001: a new remark"]


def test_links_lead_residents_to_their_own_page_and_staff_to_theirs(world, told, superuser):
    theirs, ours = raised(world.resident), raised(world.owner)
    for request in (theirs, ours):
        moved(world.staff, request, "claim")
    told()
    with superuser.begin() as connection:
        links = dict(connection.execute(text("SELECT user_id, link FROM notifications")).all())
    assert links == {world.resident.user_id: f"/my/requests/{theirs}", world.owner.user_id: f"/maintenance/requests/show/{ours}"}


def test_notifications_open_a_page(world, told, browser, superuser):
    raised(world.resident, priority=Priority.HIGH)
    told()
    with superuser.begin() as connection:
        link = connection.execute(text("SELECT link FROM notifications WHERE user_id = :id"), {"id": world.owner.user_id}).scalar()
    assert browser(world.owner).get(link).status_code == 200
