"""Moving out on the screens: the resident's phone, the inspection with photos, the settlement and its paper (O9)."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import text

from app.services import moveout
from tests.beds import DAY, held, people, stay, today
from tests.houses import execute, scalar, statements
from tests.maintenance import scope

BUDGET = 3


def page(who, path):
    answer = who.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


@pytest.fixture
def lodged(app, world):
    return stay(world.owner, world.resident.user_id, world.a.places[0].beds[0], rent_paise=9000_00)


def photo():
    found = BytesIO()
    Image.new("RGB", (60, 40), "red").save(found, "JPEG")
    found.seek(0)
    return found


def test_from_notice_on_the_phone_to_the_statement(app, world, superuser, browser, lodged):
    resident, owner = browser(world.resident), browser(world.owner)
    leaves, once = today(world.owner) + 30 * DAY, str(uuid4())
    assert "30 days before" in page(resident, "/my/move-out/")
    refused = resident.post(f"/my/move-out/give/{lodged}", data={"leaves_on": "2020-01-01", "note": "Going <home>", "_once": once})
    assert refused.status_code == 422
    assert "Going &lt;home&gt;" in refused.get_data(as_text=True)
    assert 'aria-invalid="true"' in refused.get_data(as_text=True)
    for _ in range(2):
        assert resident.post(f"/my/move-out/give/{lodged}", data={"leaves_on": str(leaves), "_once": once}).status_code == 303
    assert scalar(superuser, "SELECT count(*) FROM move_outs") == 1
    path = f"/move-outs/show/{once}"
    assert "Mattress" in page(owner, path)
    with scope(world.owner) as session:
        keys, *others = [str(one.id) for one in moveout.items_of(session, once)]
    found = {f"condition-{keys}": "missing", f"deduction-{keys}": "1,250.50", f"note-{keys}": "=lost", **{f"condition-{one}": "unseen" for one in others}, "rest": "ok"}
    wrong = owner.post(f"/move-outs/inspect/{once}", data={**found, f"deduction-{keys}": "much"})
    assert wrong.status_code == 422
    assert 'value="much"' in wrong.get_data(as_text=True)
    assert owner.post(f"/move-outs/inspect/{once}", data={**found, f"files-{keys}": (photo(), "k.jpg")},
                      content_type="multipart/form-data").status_code == 303
    assert 'alt="Photo 1 of Keys"' in page(owner, path)
    assert "Photo 1 of Keys" not in page(resident, "/my/move-out/")
    assert owner.get(f"/move-outs/statement/{once}").status_code == 409
    assert owner.post(f"/move-outs/more/{once}", data={"name": "Lamp\0"}).status_code == 422  # no keyboard types this
    assert owner.post(f"/move-outs/finish/{once}").status_code == 303
    assert "Rent is paid until a day of the stay" in page(owner, f"{path}?paid_until=2001-01-01")
    html = page(owner, f"{path}?paid_until={leaves}")
    balance = re.search(r'name="balance" value="(-?\d+)"', html)[1]
    assert int(balance) == -1250_50
    assert owner.post(f"/move-outs/settle/{once}", data={"paid_until": str(leaves), "balance": "0"}).status_code == 409
    assert owner.post(f"/move-outs/settle/{once}", data={"paid_until": str(leaves), "balance": balance}).status_code == 303
    for who, address in ((owner, f"/move-outs/statement/{once}"), (resident, f"/my/move-out/statement/{once}")):
        answer = who.get(address)
        assert (answer.mimetype, answer.data[:5]) == ("application/pdf", b"%PDF-")
    assert browser(world.b.people["owner"]).get(path).status_code == 404
    [link] = re.findall(r'<a href="([^"]+)"><img src="[^"]+" alt="Photo 1 of Keys"', page(resident, "/my/move-out/"))
    with resident.get(link) as answer:
        assert answer.mimetype == "image/jpeg"
    assert resident.get(f"/my/move-out/statement/{uuid4()}").status_code == resident.get("/my/move-out/statement/none").status_code == 404
    assert "There is no such move-out." in resident.get("/my/move-out/statement/none").get_data(as_text=True)
    neighbour = people(superuser, world, 1)[0]
    seen = "SELECT EXISTS (SELECT FROM files WHERE purpose = 'inspection')"
    execute(superuser, "UPDATE memberships SET role = 'resident' WHERE user_id = :user", user=neighbour)
    for who, sees in ((world.resident.user_id, True), (neighbour, False)):
        with scope(replace(world.resident, user_id=who)) as session:
            assert session.scalar(text(seen)) is sees


def test_staff_give_notice_on_the_page_of_a_resident_and_the_list_is_cheap(app, world, superuser, browser, lodged):
    owner = browser(world.owner)
    resident = scalar(superuser, "SELECT id FROM residents")
    assert f"/move-outs/give/{lodged}" in page(owner, f"/residents/show/{resident}")
    answer = owner.post(f"/move-outs/give/{lodged}", data={"on": str(today(world.owner) + 40 * DAY), "_once": str(uuid4())})
    assert answer.status_code == 303
    page(owner, "/move-outs/list/")
    with statements(app) as sent:
        assert world.resident.name in page(owner, "/move-outs/list/")
    assert len(sent) <= BUDGET, sent
    assert browser(world.staff).get("/move-outs/list/").status_code == 403


def test_residents_choose_another_day_until_the_inspection_is_done(app, world, superuser, browser, lodged):
    resident, day, once = browser(world.resident), today(world.owner), str(uuid4())
    assert resident.post(f"/my/move-out/give/{lodged}", data={"leaves_on": str(day + 20 * DAY), "_once": once}).status_code == 303
    assert "10 days too short" in page(resident, "/my/move-out/")
    for leaves, status in ((day, 422), (day + 9 * DAY, 303), (day + 40 * DAY, 303)):
        assert resident.post(f"/my/move-out/change/{once}", data={"leaves_on": str(leaves)}).status_code == status
    assert scalar(superuser, "SELECT upper(period) FROM bed_allocations WHERE state = 'active'") == day + 40 * DAY
    execute(superuser, "UPDATE move_out_items SET condition = 'ok'")
    assert browser(world.owner).post(f"/move-outs/finish/{once}").status_code == 303
    assert resident.post(f"/my/move-out/change/{once}", data={"leaves_on": str(day + 50 * DAY)}).status_code == 409
    assert browser(world.owner).post(f"/move-outs/change/{once}", data={"leaves_on": str(day + 50 * DAY)}).status_code == 303
    assert scalar(superuser, "SELECT leaves_on FROM move_outs") == day + 50 * DAY


def test_a_house_has_its_own_times_and_its_own_list(app, world, superuser, browser, lodged):
    owner, house = browser(world.owner), world.a.places[0]
    values = {"name": "House", "code": "H1", "city": "", "address": "", "timezone": "Asia/Kolkata", "currency": "INR",
              "hold_hours": "0", "offer_minutes": "15", "notice_days": "45", "inspection_items": "Keys\n\n Tap, hot\nKeys"}
    refused = owner.edit(f"/hostels/edit/{house.hostel_id}", values)
    assert (refused.status_code, "from 1 to 720" in refused.get_data(as_text=True), "Tap, hot" in refused.get_data(as_text=True)) == (422, True, True)
    assert owner.edit(f"/hostels/edit/{house.hostel_id}", values | {"inspection_items": " \n", "hold_hours": "1"}).status_code == 422
    assert owner.edit(f"/hostels/edit/{house.hostel_id}", values | {"hold_hours": "1"}).status_code == 303
    assert "Tap, hot" in page(owner, f"/hostels/show/{house.hostel_id}")
    assert "45 days before" in page(browser(world.resident), "/my/move-out/")
    once = str(uuid4())
    assert owner.post(f"/move-outs/give/{lodged}", data={"on": str(today(world.owner) + 40 * DAY), "_once": once}).status_code == 303
    with scope(world.owner) as session:
        assert [one.name for one in moveout.items_of(session, once)] == ["Keys", "Tap, hot"]
    hold, _ = held(world.owner, house.beds[1], people(superuser, world, 1)[0])
    assert scalar(superuser, "SELECT round(extract(epoch FROM held_until - queued_at) / 3600) FROM bed_holds WHERE id = :id", id=hold) == 1
