"""The queue and the page of one submission: claimed, looked at masked, decided (O6, O8)."""

from __future__ import annotations

from sqlalchemy import text

from app.permissions import Role
from app.rules.onboarding import Step
from app.rules.personal import DocumentKind
from app.services.onboarding import tell_of_submission
from app.tenancy import tenant_scope
from tests.approval import claimed, decided, newcomer, submitted
from tests.houses import scalar
from tests.onboarding import fill, send, standing, type_in
from tests.services.test_documents_keeping import give

SHOW = "/onboarding/submissions/show"


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


def test_the_page_says_how_long_the_bed_is_held_and_leads_on_when_it_is_no_more(app, world, superuser, browser):
    waiting, home = submitted(superuser, newcomer(world), world.a.places[0].beds[0]), browser(world.owner)
    with superuser.begin() as connection:
        connection.execute(text("""UPDATE onboarding_submissions SET answers = '{"identity_kind": "pan"}'"""))
    home.post(f"/onboarding/submissions/claim/{waiting}")
    page = home.get(f"{SHOW}/{waiting}").text
    assert "data-countdown" in page
    assert "PAN<" in page
    assert "has run out" not in page
    with superuser.begin() as connection:
        connection.execute(text("UPDATE bed_holds SET held_until = now() - interval '1 minute'"))
    page = home.get(f"{SHOW}/{waiting}").text
    assert "The hold on their bed has run out" in page
    assert "data-countdown" not in page
    assert 'value="The hold on your bed ran out: please choose a bed again."' in page
    assert home.post(f"/onboarding/submissions/revise/{waiting}", {"flag.bed": "Please choose a bed again."}).status_code == 303
    assert "has run out" not in home.get(f"{SHOW}/{waiting}").text


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


def test_hidden_values_are_shown_in_place_for_a_reason_which_is_kept(app, world, superuser, browser):
    waiting, home = submitted(superuser, newcomer(world), world.a.places[0].beds[0]), browser(world.owner)
    door, asked = f"/onboarding/submissions/reveal/{waiting}", {"headers": {"Accept": "application/json"}}
    refused = home.post(door, {"name": "phone", "note": "so"}, **asked)
    assert (refused.status_code, refused.json["field"]) == (422, "reason")
    shown = home.post(door, {"name": "phone", "note": "to call them"}, **asked)
    assert shown.json == {"values": {"phone": "+919876543210"}}
    assert shown.headers["Cache-Control"] == "no-store"
    assert home.post(door, {"name": "bank_account", "note": "to call them"}, **asked).status_code == 404
    page = home.post(door, {"name": "", "note": "to compare all of it"})  # without scripts: the page again
    assert "+919876543210" in page.text
    assert "6 May 2004" in page.text
    assert scalar(superuser, "SELECT string_agg(reason, '|' ORDER BY seq) FROM audit_log WHERE action = 'reveal'") == "to call them|to compare all of it"
    assert "9876543210" not in scalar(superuser, "SELECT string_agg(to_jsonb(l)::text, '') FROM audit_log l")
    assert "43210" not in home.post(door, {"name": "phone", "note": " "}).text


def test_a_document_opens_beside_the_page_for_whoever_may_reveal_and_is_noted(app, world, superuser, browser):
    person, home = newcomer(world), browser(world.owner)
    waiting = submitted(superuser, person, world.a.places[0].beds[0])
    own, strange = give(person, person), give(world.resident, world.resident, DocumentKind.PHOTO)
    door = f"/onboarding/submissions/document/{waiting}"
    opened = home.get(f"{door}/{own}")
    assert (opened.status_code, opened.mimetype, opened.headers["Cache-Control"]) == (200, "image/jpeg", "no-store")
    assert opened.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert opened.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert scalar(superuser, "SELECT actor_id || ' ' || reason FROM audit_log WHERE action = 'open'") == f"{world.owner.user_id} Review of a submission"
    assert home.get(f"{door}/{strange}").status_code == 404
    assert home.get(f"{door}/nonsense").status_code == 404
    assert browser(world.outsider).get(f"{door}/{own}").status_code == 404
    assert browser(person).get(f"{door}/{own}").status_code == 403
    assert scalar(superuser, "SELECT count(*) FROM audit_log WHERE action = 'open'") == 1


def test_a_reviewer_of_another_hostel_finds_nothing(app, world, superuser, browser):
    waiting, manager = submitted(superuser, newcomer(world), world.a.places[0].beds[0]), browser(world.a.people[Role.HOSTEL_MANAGER])
    assert manager.get(f"{SHOW}/{waiting}").status_code == 200
    with superuser.begin() as connection:
        connection.execute(text("UPDATE onboarding_submissions SET hostel_id = :other"), {"other": world.a.places[1].hostel_id})
    assert manager.get(f"{SHOW}/{waiting}").status_code == 404
    for deed in ("claim", "release", "approve", "reject", "revise", "reveal"):
        assert manager.post(f"/onboarding/submissions/{deed}/{waiting}", {"note": "because of this"}).status_code == 404
    assert newcomer(world).name not in manager.get("/onboarding/submissions/list/").text


def test_handing_over_needs_a_word_that_the_next_one_reads_and_a_second_approval_finds_it_done(app, world, superuser, browser):
    waiting, home, second = submitted(superuser, newcomer(world), world.a.places[0].beds[0]), browser(world.owner), browser(world.a.people[Role.ADMINISTRATOR])
    home.post(f"/onboarding/submissions/claim/{waiting}")
    assert second.post(f"/onboarding/submissions/claim/{waiting}", {"over": "1", "note": " "}).status_code == 422
    assert second.post(f"/onboarding/submissions/claim/{waiting}", {"over": "1", "note": "She is ill today."}).status_code == 303
    assert home.post(f"/onboarding/submissions/release/{waiting}", {"note": "x"}).status_code == 409  # a page that is stale by now
    assert second.post(f"/onboarding/submissions/release/{waiting}", {"note": "Her cousin, I had better not."}).status_code == 303
    assert "Her cousin, I had better not." in home.get(f"{SHOW}/{waiting}").text
    home.post(f"/onboarding/submissions/claim/{waiting}")
    for _ in range(2):
        assert home.post(f"/onboarding/submissions/approve/{waiting}").status_code == 303
    assert second.post(f"/onboarding/submissions/approve/{waiting}").status_code == 409
    assert scalar(superuser, "SELECT count(*) FROM stays") == 1


def test_a_second_round_shows_from_what_to_what_and_hides_what_is_personal(app, world, superuser, browser):
    me, home = newcomer(world), browser(world.owner)
    fill(me, world.a.places[0].beds[0])
    first = send(me)
    claimed(world.owner, first)
    decided(world.owner, first, "request_revision", {"phone": "Nobody answers.", "full_name": "As on your papers, please."})
    type_in(me, Step.RESIDENTIAL, {"phone": "98765 11111", "full_name": "Meera S Joshi"})
    type_in(me, Step.REVIEW, {"agreed": "y"})
    shown = home.get(f"{SHOW}/{send(me)}").text
    for there in ("Meera Joshi</del>", ">Meera S Joshi<", "3210</del>", "1111<", "Nobody answers.", "Changed"):
        assert there in shown, there
    for hidden in ("43210", "11111"):
        assert hidden not in shown, hidden
    assert standing(me).submission.changed == ["full_name", "phone"]
    earlier = home.get(f"{SHOW}/{first}").text  # says what was asked for, and shows nothing of what came later
    for there, is_there in (("Has to be corrected:", True), ("•••• 3210", True), ("•••• 1111", False), ('form="reveal"', False)):
        assert (there in earlier) is is_there, there


def test_the_queue_tells_its_times_and_what_waits(app, world, superuser, browser):
    me, home = newcomer(world), browser(world.owner)
    waiting = submitted(superuser, me, world.a.places[0].beds[0])
    with superuser.begin() as connection:
        connection.execute(text("UPDATE onboarding_submissions SET submitted_at = app.now() - interval '3 hours'"))
    assert "Registrations to review" in home.get("/").text
    assert home.get("/live/counters").json["counters"]["submissions"] == 1
    assert "3 h" in home.get("/onboarding/submissions/list/?open=yes&sort=submitted_at").text
    with tenant_scope(world.a.org_id) as session:
        tell_of_submission(session, waiting)
    assert scalar(superuser, "SELECT DISTINCT link FROM notifications WHERE user_id = :u", u=world.owner.user_id) == f"{SHOW}/{waiting}"
    home.post(f"/onboarding/submissions/claim/{waiting}")
    assert "Registrations in your review" in home.get("/").text
    assert me.name in home.get("/onboarding/submissions/list/?mine=yes").text
    home.post(f"/onboarding/submissions/reject/{waiting}", {"note": "The photo is of somebody else."})
    shown = home.get("/onboarding/submissions/list/?open=yes").text
    assert me.name not in shown
    assert "Nineteen of twenty within" in shown
    assert "3 h" in shown
