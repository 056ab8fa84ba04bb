"""One reviewer at a time; a decision brings all that follows (O6, O7)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.permissions import Role
from app.rules.errors import DomainError
from app.services import approval
from jobs import approval as jobs
from tests.approval import claimed, decided, newcomer, submitted
from tests.beds import states, taken, today
from tests.houses import scalar
from tests.maintenance import at, refusal, scope


@pytest.fixture
def waiting(app, world, superuser):
    return submitted(superuser, newcomer(world), world.a.places[0].beds[0])


def state(superuser, submission):
    return scalar(superuser, "SELECT state FROM onboarding_submissions WHERE id = :id", id=submission)


def test_an_approval_brings_all_of_it(app, world, superuser, waiting):
    person, bed = newcomer(world), world.a.places[0].beds[0]
    claimed(world.owner, waiting)
    stay = decided(world.owner, waiting)
    assert state(superuser, waiting) == "approved"
    assert scalar(superuser, "SELECT submission_id FROM kyc_completions WHERE user_id = :u", u=person.user_id) == waiting
    assert scalar(superuser, "SELECT string_agg(role || ' ' || hostel_id, ',') FROM memberships WHERE user_id = :u",
                  u=person.user_id) == f"resident {person.hostel_id}"
    assert scalar(superuser, "SELECT status || ' ' || mess_plan || ' ' || lunchbox FROM stays WHERE id = :id", id=stay) == "current Veg true"
    assert scalar(superuser, "SELECT reference || ' ' || status FROM residents WHERE user_id = :u", u=person.user_id) == "R-0001 current"
    assert taken(superuser) == {(bed, "stay", f"[{today(world.owner)},)")}
    assert scalar(superuser, "SELECT currency FROM wallet_balance_cache WHERE user_id = :u AND hostel_id = :h", u=person.user_id, h=person.hostel_id) == "INR"
    assert scalar(superuser, "SELECT count(*) FROM outbox WHERE kind IN ('approval.decided', 'approval.mail')") == 2
    assert refusal(lambda: decided(world.owner, waiting)).message == "This submission was decided already."


def test_two_reviewers_at_once_make_one_claim(app_object, app, world, waiting):
    reviewers = [world.owner, world.a.people[Role.ADMINISTRATOR], world.a.people[Role.HOSTEL_MANAGER]]

    def attempt(reviewer):
        with app_object.app_context():
            try:
                claimed(reviewer, waiting)
            except Exception as error:  # noqa: BLE001 - read below
                return str(error)
            return "claimed"

    with ThreadPoolExecutor(3) as pool:
        outcomes = sorted(pool.map(attempt, reviewers), key=lambda outcome: outcome != "claimed")
    assert outcomes[0] == "claimed"
    assert all("Somebody else reviews this submission already." in outcome for outcome in outcomes[1:])


def test_who_takes_over_decides_and_who_lost_it_does_not(app, world, superuser, waiting):
    second = world.a.people[Role.ADMINISTRATOR]
    claimed(world.owner, waiting)
    claimed(world.owner, waiting)
    claimed(second, waiting, over="She is ill.")
    assert refusal(lambda: decided(world.owner, waiting)).message == "You do not review this submission at present: claim it first."
    decided(second, waiting, "release", "The photo is to be looked at by somebody else.")
    assert state(superuser, waiting) == "pending_review"
    assert scalar(superuser, "SELECT handover FROM onboarding_submissions") == "The photo is to be looked at by somebody else."
    assert refusal(lambda: decided(second, waiting)).status == 409


def test_nobody_takes_over_or_puts_back_without_a_word_and_who_lost_it_reads_it(app, world, superuser, waiting):
    from app.tenancy import tenant_scope

    second = world.a.people[Role.ADMINISTRATOR]
    claimed(world.owner, waiting)
    assert refusal(lambda: claimed(second, waiting, over=" ")).field == "note"
    assert refusal(lambda: decided(world.owner, waiting, "release", " ")).field == "note"
    claimed(second, waiting, over="She is ill.")
    with tenant_scope(world.a.org_id) as session:
        for _ in range(2):
            jobs.taken_over(session, {"submission_id": str(waiting), "from": world.owner.user_id})
    told = "SELECT title || '|' || body || '|' || link FROM notifications WHERE user_id = :u"
    assert scalar(superuser, told, u=world.owner.user_id) == (
        f"{second.name} reviews the registration of {newcomer(world).name} instead of you.|She is ill.|/onboarding/submissions/show/{waiting}")


def test_others_find_nothing_or_may_not(app, world, waiting):
    for person in (world.outsider, world.a.people[Role.VIEWER]):
        assert refusal(lambda person=person: claimed(person, waiting)).status == 404
    with pytest.raises(Exception, match="permission denied"):
        claimed(newcomer(world), waiting)


def test_a_hold_that_ran_out_loses_and_says_so(app, world, superuser, waiting):
    claimed(world.owner, waiting)
    at(superuser, timedelta(days=3))
    assert refusal(lambda: decided(world.owner, waiting)).message == (
        "The hold on this bed ran out before it was confirmed: a bed has to be chosen again.")
    assert state(superuser, waiting) == "under_review"
    assert scalar(superuser, "SELECT count(*) FROM stays") == 0


def test_a_rejection_says_why_and_frees_the_bed(app, world, superuser, waiting):
    claimed(world.owner, waiting)
    with pytest.raises(DomainError, match="say why"):
        decided(world.owner, waiting, "reject", " ")
    decided(world.owner, waiting, "reject", "The photo shows somebody else.")
    assert state(superuser, waiting) == "rejected"
    assert (set(states(superuser).values()), taken(superuser)) == ({"released"}, set())
    again = submitted(superuser, newcomer(world), world.a.places[0].beds[0], round_=2)
    claimed(world.owner, again)
    assert decided(world.owner, again)


def test_a_revision_names_fields_and_keeps_the_bed(app, world, superuser, waiting):
    claimed(world.owner, waiting)
    assert refusal(lambda: decided(world.owner, waiting, "request_revision", {})).field == "flags"
    decided(world.owner, waiting, "request_revision", {"phone": "One digit is missing."})
    assert state(superuser, waiting) == "needs_revision"
    assert scalar(superuser, "SELECT field || ': ' || reason FROM submission_flags WHERE submission_id = :id", id=waiting) == "phone: One digit is missing."
    assert set(states(superuser).values()) == {"held"}


def test_a_suspended_person_is_not_approved(app, world, superuser, waiting):
    claimed(world.owner, waiting)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE memberships SET status = 'suspended' WHERE user_id = :u"), {"u": newcomer(world).user_id})
    assert "suspended" in refusal(lambda: decided(world.owner, waiting)).message


def test_the_checks_find_who_has_the_same_phone(app, world, superuser, waiting):
    submitted(superuser, world.resident, world.a.places[0].beds[1], name="Somebody Else")
    claimed(world.owner, waiting)
    with scope(world.owner) as session:
        found = {row.name: (row.outcome, row.others) for row in approval.checks_of(session, waiting)}
    assert found == {"names": ("fine", []), "age": ("fine", []), "phone": ("doubt", [world.resident.user_id]), "email": ("fine", []),
                     "identity": ("fine", []), "documents": ("problem", [])}
    claimed(world.owner, waiting)
    assert scalar(superuser, "SELECT count(*) FROM audit_log WHERE action = 'reveal'") == 1


def test_the_person_is_told_in_the_console_and_by_mail(app, world, superuser, waiting):
    from app.tenancy import tenant_scope
    from app.wiring import mailer

    claimed(world.owner, waiting)
    decided(world.owner, waiting)
    for _ in range(2):
        with tenant_scope(world.a.org_id) as session:
            jobs.decided(session, {"submission_id": str(waiting)})
            jobs.mail(session, {"submission_id": str(waiting)})
    assert scalar(superuser, "SELECT title FROM notifications WHERE user_id = :u", u=newcomer(world).user_id).startswith("Welcome!")
    sent = [mail for mail in mailer().list() if mail.to == newcomer(world).email]
    assert [mail.subject for mail in sent] == ["Welcome to Asha Homes 1"]
