"""Sensitive values: encrypted under a key per person, masked for most, read in clear with a reason that is kept."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.crypto import KeyRing, Undecryptable
from app.permissions import Role
from app.rules.errors import Invalid
from app.services import personal
from app.tenancy import tenant_scope

RING = KeyRing({"k1": b"k" * 32})
NUMBER, PHONE = "234567890124", "+919876543210"


def as_(person):
    return tenant_scope(person.org_id, person.user_id)


@pytest.fixture
def filled(app, world):
    """The resident, who gave a number and a phone."""
    with as_(world.resident) as session:
        personal.put(session, RING, world.resident.user_id, {"identity_number": "2345 6789 0124", "phone": "98765 43210"})
    return world.resident


def audit(superuser, action):
    with superuser.connect() as c:
        return c.execute(text("SELECT * FROM audit_log WHERE action = :a ORDER BY seq"), {"a": action}).mappings().all()


def test_the_manager_sees_a_mask_and_reads_in_clear_with_a_reason_that_the_audit_log_keeps(filled, world, superuser):
    with as_(world.a.people[Role.HOSTEL_MANAGER]) as session:
        shown = {value.name: value.masked for value in personal.masked(session, filled.user_id)}
        assert shown == {"phone": "•••• 3210", "identity_number": "•••• 0124"}
        with pytest.raises(Invalid):
            personal.reveal(session, RING, filled.user_id, "phone", "  ")
        assert personal.reveal(session, RING, filled.user_id, "phone", "Parcel at the gate") == PHONE
    (row,) = audit(superuser, "reveal")
    assert (row["row_id"], row["reason"], row["after"]) == (str(filled.user_id), "Parcel at the gate", {"names": ["phone"]})
    assert row["actor_id"] == world.a.people[Role.HOSTEL_MANAGER].user_id


def test_who_may_not_read_values_in_clear_gets_none_and_oneself_does(filled, world):
    for role in (Role.ACCOUNTANT, Role.VIEWER):
        with as_(world.a.people[role]) as session:
            assert personal.masked(session, filled.user_id) == []
            with pytest.raises(DBAPIError) as error:
                personal.reveal(session, RING, filled.user_id, "phone", "just curious")
            assert error.value.orig.pgcode == "VR403"
            session.rollback()
    with as_(filled) as session:
        assert personal.reveal(session, RING, filled.user_id, "phone", personal.values.OWN_REASON) == PHONE


def test_people_of_others_look_like_nobody(filled, world):
    stranger = world.a.people[Role.PENDING_RESIDENT]
    for person in (world.outsider, stranger):
        with as_(person) as session:
            for call in (lambda s: personal.put(s, RING, filled.user_id, {"phone": "98765 43211"}),
                         lambda s: personal.reveal(s, RING, filled.user_id, "phone", "a good reason")):
                with pytest.raises(DBAPIError) as error:
                    call(session)
                assert error.value.orig.pgcode == "VR404"
                session.rollback()


def test_equal_numbers_are_found_however_they_are_written_and_in_one_organization_only(filled, world):
    with as_(world.owner) as session:
        assert personal.find(session, RING, "phone", "+91 (98765) 43210") == [filled.user_id]
        assert personal.find(session, RING, "parent_phone", "09876543210") == [filled.user_id]
        assert personal.find(session, RING, "parent_phone", "09876543210", family=False) == []
        assert personal.find(session, RING, "identity_number", "2345-6789-0124") == [filled.user_id]
        assert personal.find(session, RING, "address", "anything") == []
    with as_(world.outsider) as session:
        assert personal.find(session, RING, "phone", PHONE) == []


def test_a_portal_reads_no_token_and_a_copied_one_opens_nowhere_else(filled, world, superuser):
    with as_(world.owner) as session, pytest.raises(DBAPIError, match="permission denied"):
        session.execute(text("SELECT token FROM personal_values"))
    with superuser.begin() as c:
        c.execute(text("UPDATE personal_values SET token = (SELECT token FROM personal_values WHERE name = 'phone') "
                       "WHERE name = 'identity_number'"))
    with as_(world.owner) as session, pytest.raises(Undecryptable):
        personal.reveal(session, RING, filled.user_id, "identity_number", "a good reason")


def test_a_missing_or_wrong_ring_is_one_clear_refusal(filled, world):
    for ring in (KeyRing({"k2": b"n" * 32}), KeyRing({"k1": b"w" * 32})):
        with as_(filled) as session:
            with pytest.raises(Undecryptable, match="the key that it was encrypted with is missing"):
                personal.reveal(session, ring, filled.user_id, "phone", "a good reason")
            with pytest.raises(Undecryptable):
                personal.put(session, ring, filled.user_id, {"phone": "98765 43211"})
            session.rollback()


def test_drafts_come_back_as_typed_to_their_author_alone(filled, world):
    with as_(filled) as session:
        personal.put(session, RING, filled.user_id, {"draft.phone": "98765 4", "draft.identity_number": "abc "})
        assert personal.own_drafts(session, RING, filled.user_id) == {"phone": "98765 4", "identity_number": "abc "}
        personal.remove(session, RING, filled.user_id, ["draft.phone"])
        assert personal.own_drafts(session, RING, filled.user_id) == {"identity_number": "abc "}
    with as_(world.owner) as session:
        assert personal.own_drafts(session, RING, world.owner.user_id) == {}


def test_what_is_typed_wrongly_is_refused_with_its_field_and_without_the_value(app, world):
    with as_(world.resident) as session, pytest.raises(Invalid) as error:
        personal.put(session, RING, world.resident.user_id, {"parent_phone": "12345 secret"})
    assert error.value.field == "parent_phone"
    assert "secret" not in error.value.message


def test_two_first_values_at_once_share_one_key(app, world, superuser):
    start, problems = threading.Barrier(2), []

    def give(name, value):
        try:
            with app.app_context(), as_(world.resident) as session:
                start.wait()
                personal.put(session, RING, world.resident.user_id, {name: value})
        except Exception as error:  # noqa: BLE001 - told by the main thread
            problems.append(error)

    threads = [threading.Thread(target=give, args=pair) for pair in (("phone", "98765 43210"), ("address", "12 Lake Road"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with as_(world.resident) as session:
        assert personal.reveal_all(session, RING, world.resident.user_id, ["phone", "address"], "their own data") == {
            "phone": PHONE, "address": "12 Lake Road"}
    with superuser.connect() as c:
        assert c.scalar(text("SELECT count(*) FROM person_keys")) == 1


def test_the_audit_log_holds_the_value_encrypted_and_nothing_that_outlives_the_key(filled, superuser):
    with superuser.connect() as c:
        rows = c.execute(text("SELECT table_name, after FROM audit_log WHERE table_name IN ('personal_values', 'person_keys')")).all()
        tokens = set(c.scalars(text("SELECT token FROM personal_values")))
    values = [after for table, after in rows if table == "personal_values"]
    assert {after["token"] for after in values} == tokens
    assert {after["masked"] for after in values} == {after["blind_index"] for after in values} == {"•••"}
    assert [after["token"] for table, after in rows if table == "person_keys"] == ["•••"]
