"""Staff work on inquiries: list and board, stages, owners, duplicates, looks at numbers, invitations."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from app.permissions import Role
from tests.houses import statements
from tests.world import Person, World

PHONE, EMAIL = "+919876543210", "meera@example.org"


@pytest.fixture
def agent(world: World) -> Person:
    return world.a.people[Role.SALES_AGENT]


def _rows(superuser: Engine, statement: str) -> list[Any]:
    with superuser.connect() as connection:
        return list(connection.execute(text(statement)))


def write_down(who: Any, **fields: str) -> UUID:
    """Through the form; returns the id of whose page is shown then."""
    answer = who.post("/inquiries/add", {"_once": str(uuid4()), "full_name": "Meera Joshi", "phone": PHONE, "source": "phone_call", **fields})
    assert answer.status_code == 303, answer.get_data(as_text=True)[-3000:]
    return UUID(answer.headers["Location"].rpartition("/")[2])


def test_an_agent_writes_one_down_and_sees_it_masked(app: Any, browser: Any, agent: Person) -> None:
    who = browser(agent)
    key = write_down(who, email=EMAIL, message="Wants a window")
    for page in (f"/inquiries/show/{key}", "/inquiries/list/", "/inquiries/board/"):
        html = who.get(page).get_data(as_text=True)
        assert "Meera Joshi" in html, page
        assert "98765" not in html
        assert EMAIL not in html


def test_the_same_person_again_is_kept_with_the_first(app: Any, browser: Any, agent: Person, superuser: Engine) -> None:
    who = browser(agent)
    first = write_down(who)
    assert write_down(who, full_name="M. Joshi", phone="098765 43210") == first
    assert "M. Joshi" in who.get(f"/inquiries/show/{first}").get_data(as_text=True)
    assert "M. Joshi" not in who.get("/inquiries/list/").get_data(as_text=True)


def test_those_we_know_are_shown_while_one_types(app: Any, browser: Any, agent: Person, world: World) -> None:
    who = browser(agent)
    write_down(who)

    def known(asking: Any, **fields: str) -> str:
        return str(asking.post("/inquiries/known", fields).get_json()["html"])

    assert "I-0001" in known(who, phone="98765 43210")
    assert "I-0001" in known(who, full_name="meera joshi")
    assert known(who, phone="98765 4321") == known(who, phone="98111 22233") == ""
    assert known(browser(world.outsider), phone=PHONE, full_name="Meera Joshi") == ""


def test_a_number_is_shown_to_who_says_what_for_and_that_is_written_down(app: Any, browser: Any, agent: Person, superuser: Engine) -> None:
    who = browser(agent)
    key = write_down(who, email=EMAIL)
    assert who.post(f"/inquiries/reveal/{key}", {"reason": ""}).status_code == 422
    html = who.post(f"/inquiries/reveal/{key}", {"reason": "To call"}).get_data(as_text=True)
    assert "+91 98765 43210" in html
    assert "data-refused" not in html
    assert EMAIL in html
    (entry,) = _rows(superuser, "SELECT * FROM audit_log WHERE action = 'reveal'")
    assert (entry.actor_id, entry.row_id, entry.reason) == (agent.user_id, str(key), "To call")
    everything = str(_rows(superuser, "SELECT * FROM audit_log"))
    assert "9876543210" not in everything
    assert EMAIL not in everything


def test_stages_are_gone_through_and_a_loss_has_its_reason(app: Any, browser: Any, agent: Person, superuser: Engine) -> None:
    who = browser(agent)
    key = write_down(who)

    def step(**fields: str) -> int:
        return int(who.post(f"/inquiries/move/{key}", fields).status_code)

    assert step(event="schedule_visit", at="2099-05-01T10:00", note="With her father") == 303
    (row,) = _rows(superuser, "SELECT * FROM inquiries")
    assert (row.status, row.owner_id, row.next_action) == ("visit_scheduled", agent.user_id, "Visit")
    assert row.next_action_at.isoformat().startswith("2099-05-01T04:30")
    assert step(event="lose") == 422
    assert step(event="lose", reason="price") == 303
    assert step(event="win") == 409
    (row,) = _rows(superuser, "SELECT * FROM inquiries")
    assert (row.status, row.lost_reason, row.next_action_at) == ("lost", "price", None)
    assert step(event="reopen") == 303
    history = _rows(superuser, "SELECT to_status, changed_by FROM inquiry_stage_history ORDER BY seq")
    assert [tuple(one) for one in history] == [(stage, agent.user_id) for stage in ("new", "visit_scheduled", "lost", "contacted")]


def test_the_board_moves_cards_in_few_statements(app: Any, browser: Any, agent: Person) -> None:
    who = browser(agent)
    key = write_down(who)
    assert who.post(f"/inquiries/board/move/{key}", {"event": "lose:location"}).get_json() == {"state": "lost"}
    found = who.get(f"/inquiries/board/cards?ids={key}").get_json()
    assert found["cards"][str(key)]["state"] == "lost"
    assert (found["counts"]["new"], found["counts"]["lost"]) == ("0", "1")
    assert who.post(f"/inquiries/board/move/{key}", {"event": "contact"}).status_code == 409


@pytest.mark.parametrize("page", ["/inquiries/board/", "/inquiries/list/?sort=-last_asked_at"])
def test_a_page_takes_three_statements_however_much_is_on_it(app: Any, browser: Any, agent: Person, page: str) -> None:
    who, taken = browser(agent), []
    for number in range(3):
        write_down(who, phone=f"+91981112223{number}")
        with statements(app) as sent:
            assert who.get(page).status_code == 200
        taken.append(len(sent))
    assert len(set(taken)) == 1
    assert taken[0] <= 4, sent  # the binding and the counters of the sidebar are two of them


def test_an_owner_must_work_on_inquiries_and_hears_of_it(app: Any, browser: Any, agent: Person, world: World, superuser: Engine) -> None:
    owner = browser(world.owner)
    key = write_down(owner)
    given = {"full_name": "Meera Joshi", "owner_id": str(agent.user_id), "next_action": "Call back", "next_action_at": "2099-05-01T10:00"}
    assert owner.edit(f"/inquiries/edit/{key}", given).status_code == 303
    assert [row.kind for row in _rows(superuser, "SELECT kind FROM outbox WHERE kind = 'inquiries.given'")] == ["inquiries.given"]
    assert owner.edit(f"/inquiries/edit/{key}", {**given, "owner_id": str(world.resident.user_id)}).status_code == 422


def test_what_is_next_is_said_in_one_step_and_is_then_somebodys(app: Any, browser: Any, agent: Person, world: World, superuser: Engine) -> None:
    key = write_down(browser(world.owner))
    superuser_sees = "SELECT next_action, next_action_at, owner_id FROM inquiries"
    with superuser.begin() as connection:
        connection.execute(text("UPDATE inquiries SET owner_id = NULL"))

    def plan(**fields: str) -> int:
        return int(browser(agent).post(f"/inquiries/plan/{key}", fields).status_code)

    assert [plan(next_action=" "), plan(next_action="Call", at="2020-01-01T10:00"), plan(next_action="x" * 121)] == [422, 422, 422]
    assert plan(next_action="Call her father", at="2099-05-01T10:00") == 303
    (row,) = _rows(superuser, superuser_sees)
    assert (row.next_action, row.next_action_at.isoformat()[:16], row.owner_id) == ("Call her father", "2099-05-01T04:30", agent.user_id)
    assert browser(world.outsider).post(f"/inquiries/plan/{key}", {"next_action": "Mine"}).status_code == 404


def test_two_inquiries_become_one(app: Any, browser: Any, agent: Person, superuser: Engine) -> None:
    who = browser(agent)
    first, second = write_down(who, source="referral"), write_down(who, phone="+919811122233", source="broker")
    assert who.post(f"/inquiries/plan/{second}", {"next_action": "Call back", "at": "2099-05-01T10:00"}).status_code == 303
    assert who.post(f"/inquiries/merge/{second}", {"into": "I-0099"}).status_code == 404
    assert who.post(f"/inquiries/merge/{second}", {"into": "I-0001"}).status_code == 303
    assert write_down(who, phone="+919811122233") == first
    (row,) = _rows(superuser, "SELECT * FROM inquiries WHERE duplicate_of IS NULL")
    assert (row.id, row.source, row.times_asked, row.next_action) == (first, "referral", 3, "Call back")
    assert [one.next_action_at for one in _rows(superuser, "SELECT next_action_at FROM inquiries WHERE duplicate_of IS NOT NULL")] == [None, None]


def test_who_is_won_is_invited_with_what_is_known(app: Any, browser: Any, agent: Person, world: World, superuser: Engine) -> None:
    key = write_down(browser(agent), email=EMAIL)
    owner, hostel = browser(world.owner), str(world.a.places[0].hostel_id)
    assert browser(agent).post(f"/inquiries/convert/{key}", {"hostel": hostel}).status_code in {403, 404}
    once = str(uuid4())
    for _ in range(2):
        assert owner.post(f"/inquiries/convert/{key}", {"hostel": hostel, "_once": once}).status_code == 303
    (invited,) = _rows(superuser, "SELECT * FROM invitations")
    assert (invited.email, invited.name, invited.role) == (EMAIL, "Meera Joshi", "pending_resident")
    (row,) = _rows(superuser, "SELECT * FROM inquiries")
    assert (row.status, row.invitation_id) == ("won", invited.id)
    assert owner.post(f"/inquiries/convert/{key}", {"hostel": hostel, "_once": str(uuid4()), "email": "x@example.org"}).status_code == 409


def test_notes_are_written_once_and_read_by_colleagues(app: Any, browser: Any, agent: Person, world: World) -> None:
    who = browser(agent)
    key, once = write_down(who), str(uuid4())
    for _ in range(2):
        assert who.post(f"/inquiries/comment/{key}", {"_once": once, "body": "Father decides"}).status_code == 303
    assert browser(world.owner).get(f"/inquiries/show/{key}").get_data(as_text=True).count("Father decides") == 1


def test_others_see_nothing_of_it(app: Any, browser: Any, agent: Person, world: World) -> None:
    key = write_down(browser(agent))
    for person, seen in ((world.outsider, 404), (world.a.people[Role.VIEWER], 403), (world.staff, 403), (world.resident, 403)):
        assert browser(person).get(f"/inquiries/show/{key}").status_code == seen, person.role
    assert browser(world.outsider).post(f"/inquiries/move/{key}", {"event": "contact"}).status_code == 404


def test_a_manager_of_one_house_sees_its_inquiries_alone(app: Any, browser: Any, agent: Person, world: World) -> None:
    who, manager = browser(agent), browser(world.a.people[Role.HOSTEL_MANAGER])
    here, there = (str(place.hostel_id) for place in world.a.places)
    own = write_down(who, hostel=here)
    assert f'<option value="{here}" selected>' in browser(world.owner).get(f"/inquiries/show/{own}").get_data(as_text=True)
    others = write_down(who, hostel=there, phone="+919811122233")
    anywhere = write_down(who, phone="+919811122244")
    assert [manager.get(f"/inquiries/show/{key}").status_code for key in (own, others, anywhere)] == [200, 404, 404]


def test_the_funnel_counts_how_far_they_came(app: Any, browser: Any, agent: Person) -> None:
    who = browser(agent)
    key = write_down(who, source="referral")
    who.post(f"/inquiries/move/{key}", {"event": "visit"})
    lost = write_down(who, phone="+919811122233", source="referral")
    who.post(f"/inquiries/move/{lost}", {"event": "lose", "reason": "price"})
    assert "Referral" in who.get("/inquiries/funnel/").get_data(as_text=True)
    period = "first=2020-01-01&last=2020-12-31"
    assert "Nobody asked" in who.get(f"/inquiries/funnel/?{period}").get_data(as_text=True)
    assert who.get("/inquiries/funnel/?first=2020-01-01&last=2019-01-01").status_code == 422
    csv = who.get("/inquiries/funnel/csv?first=2026-01-01&last=2026-12-31").get_data(as_text=True)
    assert "Meera" not in csv
    assert [line.split(",")[5:8] for line in csv.splitlines()[1:]] in ([], [["visited", "visited", ""], ["lost", "new", "price"]])
    assert who.get(f"/inquiries/funnel/pdf?{period}").data.startswith(b"%PDF")
