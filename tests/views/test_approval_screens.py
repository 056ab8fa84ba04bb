"""The queue and the page of one submission: claimed, looked at masked, decided (O6, O8)."""

from __future__ import annotations

from sqlalchemy import text

from app.permissions import Role
from tests.approval import newcomer, submitted
from tests.houses import scalar


def test_a_reviewer_claims_looks_and_approves(app, world, superuser, browser):
    waiting = submitted(superuser, newcomer(world), world.a.places[0].beds[0])
    with superuser.begin() as connection:
        connection.execute(text("""UPDATE onboarding_submissions SET answers = '{"full_name": "Pending Resident A", "food": "jain", "agreed": "yes"}'"""))
    page, home = f"/onboarding/submissions/show/{waiting}", browser(world.owner)
    assert newcomer(world).name in home.get("/onboarding/submissions/list/").text
    assert home.post(f"/onboarding/submissions/claim/{waiting}").status_code == 303
    page_text = home.get(page).text
    assert "The name is the same on the form and on the account." in page_text
    assert "Jain" in page_text
    assert "43210" not in page_text
    assert "3210" in page_text
    assert home.post(f"/onboarding/submissions/revise/{waiting}", {"flag.nonsense": "x"}).status_code == 422
    second = browser(world.a.people[Role.ADMINISTRATOR])
    assert "Take over" in second.get(page).text
    assert second.post(f"/onboarding/submissions/claim/{waiting}").status_code == 409
    assert home.post(f"/onboarding/submissions/approve/{waiting}").status_code == 303
    assert scalar(superuser, "SELECT state FROM onboarding_submissions") == "approved"


def test_named_fields_open_again(app, world, superuser, browser):
    waiting, home = submitted(superuser, newcomer(world), world.a.places[0].beds[0]), browser(world.owner)
    home.post(f"/onboarding/submissions/claim/{waiting}")
    answer = home.post(f"/onboarding/submissions/revise/{waiting}", {"flag.phone": "One digit is missing.", "flag.address": " "})
    assert answer.status_code == 303
    assert scalar(superuser, "SELECT string_agg(field, ',') FROM submission_flags") == "phone"


def test_others_find_no_queue(app, world, superuser, browser):
    waiting = submitted(superuser, newcomer(world), world.a.places[0].beds[0])
    assert browser(world.outsider).get(f"/onboarding/submissions/show/{waiting}").status_code == 404
    for role in (Role.VIEWER, Role.MAINTENANCE_STAFF, Role.PENDING_RESIDENT):
        assert browser(world.a.people[role]).get("/onboarding/submissions/list/").status_code == 403
