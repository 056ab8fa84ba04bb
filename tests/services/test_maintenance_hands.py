"""Requests change hands, are corrected, removed, remarked on and illustrated, by those who may (M3, M5, T16)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from app.models.maintenance import MaintenanceAttachment, MaintenanceComment
from app.permissions import Resource, Role
from app.rules.errors import Conflict, Forbidden, Invalid, LimitReached, NotFound
from app.rules.maintenance import (
    ATTACHMENTS_PER_REQUEST,
    DESCRIPTION_MAX,
    Priority,
)
from app.rules.maintenance import RequestStatus as S
from app.services import maintenance, timeline
from app.services.maintenance import Assignee, residents
from app.services.timeline import Sight, Story, Subject
from tests.maintenance import first_hostel, found, moved, raised, refusal, scope

# --- hands ------------------------------------------------------------------------------------------------


def test_administrators_assign_to_members_and_to_outside_parties(app, world):
    one, other = raised(world.resident), raised(world.resident)
    moved(world.owner, one, "assign", assignee=Assignee(user_id=world.staff.user_id))
    moved(world.owner, other, "assign", assignee=Assignee(outside_party="Sharma & Sons"))
    assert [found(world.owner, request).holder for request in (one, other)] == [world.staff.name, "Sharma & Sons"]


@pytest.mark.parametrize("assignee", [Assignee(), Assignee(1, "Both"), Assignee(outside_party="x" * 121)])
def test_somebody_or_an_outside_party_must_be_named(app, world, assignee):
    request = raised(world.resident)
    refused = refusal(lambda: moved(world.owner, request, "assign", assignee=assignee))
    assert (type(refused), refused.field) == (Invalid, "assignee")


def test_whoever_does_no_repairs_there_cannot_be_assigned(app, world):
    request = raised(world.owner, hostel_id=world.a.places[1].hostel_id)
    for person in (world.staff, world.resident, world.a.people[Role.VIEWER], world.outsider):
        refused = refusal(lambda person=person: moved(world.owner, request, "assign", assignee=Assignee(person.user_id)))
        assert isinstance(refused, Invalid), person


def test_handing_over_changes_hands_and_no_state(app, world, superuser):
    manager, request = world.a.people[Role.HOSTEL_MANAGER], raised(world.resident)
    moved(world.staff, request, "claim", "start")
    with scope(world.owner) as session:
        maintenance.reassign(session, request, Assignee(manager.user_id))
    item = found(world.owner, request)
    assert (item.state, item.holder) == (S.IN_PROGRESS, manager.name)
    with superuser.connect() as connection:
        held = connection.execute(text("SELECT active, released_at IS NULL FROM maintenance_assignments ORDER BY assigned_at"))
        assert [tuple(row) for row in held] == [(False, False), (True, True)]


def test_only_those_who_decide_hand_over_and_only_what_is_under_way(app, world):
    request = raised(world.resident)

    def hand_over(person):
        with scope(person) as session:
            maintenance.reassign(session, request, Assignee(world.staff.user_id))

    assert isinstance(refusal(lambda: hand_over(world.owner)), Conflict)  # nobody has it: that is `assign`
    moved(world.staff, request, "claim")
    assert refusal(lambda: hand_over(world.staff)).status == 403


# --- corrections, removal -----------------------------------------------------------------------------------


def test_a_corrected_priority_moves_the_clock(app, world):
    request = raised(world.resident)
    before = found(world.owner, request)
    with scope(world.owner) as session:
        maintenance.edit(session, request, {"priority": Priority.HIGH, "place": "Kitchen"})
    after = found(world.owner, request)
    assert before.resolve_by - after.resolve_by == timedelta(hours=20)
    assert after.where == "Kitchen"


def test_staff_without_approval_correct_nothing(app, world):
    request = raised(world.resident)

    def edit():
        with scope(world.staff) as session:
            maintenance.edit(session, request, {"place": "x"})

    assert isinstance(refusal(edit), Forbidden)


@pytest.mark.parametrize("column", ["status", "number", "resolve_by", "held", "user_id", "escalated_at"])
def test_what_the_database_keeps_can_be_written_by_no_portal(app, world, column):
    request = raised(world.resident)

    def write():
        with scope(world.owner) as session:
            session.execute(text(f"UPDATE maintenance_requests SET {column} = {column} WHERE id = :id"), {"id": request})

    assert isinstance(refusal(write), Forbidden)


def test_a_removed_request_is_gone_until_it_is_restored_and_keeps_its_number(app, world):
    request = raised(world.owner)
    with scope(world.owner) as session:
        maintenance.remove(session, request)
    assert isinstance(refusal(lambda: moved(world.owner, request, "claim")), NotFound)
    assert found(world.owner, raised(world.owner)).reference == "MR-0002"
    with scope(world.owner) as session:
        maintenance.restore(session, request)
    moved(world.owner, request, "claim")
    assert found(world.owner, request).reference == "MR-0001"


# --- remarks and files ----------------------------------------------------------------------------------------


def remark(person, request, body, parent=None):
    with scope(person) as session:
        maintenance.comment(session, request, body, parent)


def told(person, request):
    """Remarks and files, oldest first."""
    story = Story("request_id", comments=MaintenanceComment, files=MaintenanceAttachment)
    with scope(person) as session:
        entries, _ = timeline.read(session, Subject(person.org_id, "maintenance_requests", request, Resource.MAINTENANCE, story), Sight.NONE)
    return entries[::-1]


def test_answers_stand_below_what_they_answer(app, world):
    request = raised(world.resident)
    remark(world.resident, request, "When?")
    question = told(world.staff, request)[0]
    remark(world.staff, request, "Today", UUID(question.key))
    remark(world.owner, request, "At noon", UUID(told(world.staff, request)[1].key))
    entries = told(world.staff, request)
    assert [entry.data["body"] for entry in entries] == ["When?", "Today", "At noon"]
    assert [entry.data["by_staff"] for entry in entries] == [False, True, True]
    assert [entry.data["parent"] for entry in entries] == [None, question.key, question.key]
    with scope(world.resident) as session:
        (thread,) = (entry for entry in residents.own_story(session, request) if entry.kind == "remark")
    assert [answer.body for answer in thread.answers] == ["Today", "At noon"]


def test_a_remark_answers_nothing_on_another_request(app, world):
    one, other = raised(world.resident), raised(world.resident)
    remark(world.resident, one, "When?")
    question = told(world.staff, one)[0]
    assert isinstance(refusal(lambda: remark(world.staff, other, "Today", UUID(question.key))), NotFound)


@pytest.mark.parametrize("body", ["", "   ", "x" * (DESCRIPTION_MAX + 1)])
def test_a_remark_says_something_and_not_too_much(app, world, body):
    request = raised(world.resident)
    assert refusal(lambda: remark(world.resident, request, body)).field == "body"


def test_staff_take_back_their_own_remarks_and_those_who_decide_any(app, world):
    request = raised(world.resident)
    remark(world.owner, request, "One")
    remark(world.staff, request, "Two")
    first, second = told(world.staff, request)

    def remove(person, key):
        with scope(person) as session:
            maintenance.remove_comment(session, key)

    assert isinstance(refusal(lambda: remove(world.staff, UUID(first.key))), Forbidden)
    remove(world.staff, UUID(second.key))
    remove(world.owner, UUID(first.key))
    assert told(world.staff, request) == []


def stored(session, person, number):
    return session.execute(text(
        "INSERT INTO files (hostel_id, purpose, name, media_type, size, sha256, storage_key) "
        "VALUES (:hostel, 'maintenance', 'a.jpg', 'image/jpeg', 10, :sha, :key) RETURNING id"),
        {"hostel": first_hostel(person), "sha": "0" * 64, "key": f"k{person.user_id}-{number}"}).scalar_one()


def test_the_sixth_file_is_refused_and_a_removed_one_makes_room(app, world):
    request = raised(world.resident)

    def attach(number):
        with scope(world.staff) as session:
            maintenance.attach(session, request, stored(session, world.staff, number))

    for number in range(ATTACHMENTS_PER_REQUEST):
        attach(number)
    assert isinstance(refusal(lambda: attach(9)), LimitReached)
    with scope(world.staff) as session:
        maintenance.detach(session, UUID(told(world.staff, request)[0].key))
    attach(10)
