"""Two at once: codes, invitations, guesses and the last two owners, through the real logins (T5, T14)."""

import threading
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.rules.errors import DomainError
from app.services.people import accounts, invitations, members, second_factor, signin
from app.services.people.invitations import Offer
from app.services.people.links import link_secret
from app.tenancy import auth_scope, tenant_scope
from app.views.people.doors import ring

PASSWORD = "correct horse battery"
NOW = datetime.now(UTC)


@pytest.fixture
def at_once(app_object, world):
    """Runs work in threads that begin together; returns what each gave, or the refusal."""

    def run(*works):
        gate, outcomes = threading.Barrier(len(works)), [None] * len(works)

        def begin(number, work):
            with app_object.app_context():
                gate.wait(10)
                try:
                    outcomes[number] = work()
                except (DomainError, DBAPIError) as error:
                    outcomes[number] = error

        threads = [threading.Thread(target=begin, args=pair) for pair in enumerate(works)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return outcomes

    return run


def refusals(outcomes):
    return [found for found in outcomes if isinstance(found, Exception)]


def test_of_two_who_show_one_code_one_is_let_in(app, world, at_once):
    person = world.owner
    with auth_scope() as auth:
        totp = pyotp.TOTP(second_factor.enrol(auth, ring(), person.user_id, person.email).secret)
    with auth_scope() as auth:
        earlier = NOW - timedelta(minutes=5)
        codes = second_factor.confirm(auth, ring(), person.user_id, totp.at(earlier), earlier)

    def show(code):
        def work():
            with auth_scope() as auth:
                second_factor.verify(auth, ring(), person.user_id, code, NOW)
        return work

    for code in (totp.at(NOW), codes[0]):
        assert len(refusals(at_once(*[show(code)] * 4))) == 3


def test_a_code_of_the_wrong_step_is_refused(app, world):
    person = world.owner
    with auth_scope() as auth:
        totp = pyotp.TOTP(second_factor.enrol(auth, ring(), person.user_id, person.email).secret)
    for away in (-90, -60, 60, 90):
        with auth_scope() as auth, pytest.raises(second_factor.WrongCode):
            second_factor.confirm(auth, ring(), person.user_id, totp.at(NOW + timedelta(seconds=away)), NOW)
    with auth_scope() as auth:
        assert len(second_factor.confirm(auth, ring(), person.user_id, totp.at(NOW - timedelta(seconds=30)), NOW)) == 10


def test_many_guesses_at_once_do_not_slip_past_the_lock(app, world, at_once):
    def guess():
        with auth_scope() as auth:
            signin.begin_attempt(auth, world.owner.email, "192.0.2.1", NOW)

    assert len(refusals(at_once(*[guess] * 4) + at_once(*[guess] * 4) + at_once(*[guess] * 4))) == 12 - 5


def test_a_lock_opens_fifteen_minutes_after_the_fifth_failure(app, world):
    for minute in range(5):
        with auth_scope() as auth:
            signin.begin_attempt(auth, world.owner.email, "192.0.2.1", NOW + timedelta(minutes=minute))
    for minutes, opened in ((18, False), (19, True)):
        with auth_scope() as auth:
            if opened:
                signin.begin_attempt(auth, world.owner.email, "192.0.2.1", NOW + timedelta(minutes=minutes, seconds=1))
            else:
                with pytest.raises(DomainError, match="try again in 1 minutes"):
                    signin.begin_attempt(auth, world.owner.email, "192.0.2.1", NOW + timedelta(minutes=minutes))


def test_an_invitation_is_accepted_once(app, world, at_once, superuser):
    from uuid import uuid4
    key, invitation_id = "k" * 32, uuid4()
    with tenant_scope(world.a.org_id, world.owner.user_id) as session:
        invitations.invite(session, key, invitation_id, Offer("new@asha.example", "New One", Role.VIEWER), NOW)
    secret = invitations.secret_of(key, invitation_id, NOW + timedelta(days=7))

    def accept():
        with auth_scope() as auth:
            return invitations.accept_as_new(auth, secret, "New One", PASSWORD)

    outcomes = at_once(*[accept] * 4)
    assert len(refusals(outcomes)) == 3
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ab_user WHERE email = 'new@asha.example'")) == 1


def test_a_double_click_invites_once_and_two_people_who_invite_the_same_are_told(app, world, at_once, superuser):
    from uuid import uuid4
    once, key = uuid4(), "k" * 32

    def invite(invitation_id):
        def work():
            with tenant_scope(world.a.org_id, world.owner.user_id) as session:
                invitations.invite(session, key, invitation_id, Offer("new@asha.example", "New", Role.VIEWER), NOW)
        return work

    assert refusals(at_once(*[invite(once)] * 3)) == []
    assert len(refusals(at_once(invite(uuid4()), invite(uuid4())))) == 2
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM invitations")) == 1


def test_of_the_last_two_owners_who_leave_at_once_one_stays(app, world, at_once, superuser):
    second = world.a.people[Role.ADMINISTRATOR]
    with tenant_scope(world.a.org_id) as session:
        members.grant_role(session, second.user_id, Role.OWNER)

    def leave(user_id):
        def work():
            with tenant_scope(world.a.org_id, user_id) as session:
                members.remove_person(session, user_id)
        return work

    outcomes = at_once(leave(world.owner.user_id), leave(second.user_id))
    assert len(refusals(outcomes)) == 1
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM memberships WHERE org_id = :o AND role = 'owner'"),
                                 {"o": world.a.org_id}) == 1


def test_a_reset_link_works_for_one_of_two(app, world, at_once):
    with auth_scope() as auth:
        reset_id = auth.scalar(text("SELECT uuidv7()"))
        secret = accounts.reset_secret("k" * 32, reset_id)
        accounts.store_reset(auth, world.owner.user_id, reset_id, secret)

    def use():
        with auth_scope() as auth:
            return accounts.reset_password(auth, secret, PASSWORD, NOW)

    assert len(refusals(at_once(*[use] * 3))) == 2


def test_links_of_different_messages_differ():
    assert len({link_secret("k", "a", 1), link_secret("k", "b", 1), link_secret("k", "a", 2), link_secret("l", "a", 1)}) == 4


def test_a_wrong_password_takes_as_long_without_an_account(app, world, monkeypatch):
    """Counted in work rather than in seconds: the same hash is computed once either way."""
    from app.services.people import passwords
    checked = []
    monkeypatch.setattr(passwords, "check_password_hash", lambda stored, password: checked.append(stored.split("$")[0]) or False)
    with auth_scope() as auth:
        accounts.set_password(auth, world.owner.user_id, PASSWORD)
    for email in (world.owner.email, "nobody@asha.example", world.staff.email):
        with auth_scope() as auth:
            assert signin.check_password(auth, email, "some guess") is None
    assert checked == [passwords.METHOD] * 3
