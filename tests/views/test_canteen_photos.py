"""Photos of dishes: the kitchen gives one, its namesakes have it too, residents see it small, and nobody else does."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from PIL import Image

from app.permissions import Role
from app.services import canteen
from tests.canteen import dish, guest, tomorrow
from tests.maintenance import scope
from tests.views.test_base_statements import statements
from tests.wallet import HOSTEL, one


def picture(kind="PNG"):
    out = io.BytesIO()
    Image.new("RGB", (900, 700), "#c08040").save(out, kind)
    return io.BytesIO(out.getvalue()), f"poha.{kind.lower()}"


@pytest.fixture
def cook(app, browser, world):
    return browser(world.a.people[Role.CANTEEN_STAFF])


def give(who, dish_id, photo):
    return who.post(f"/canteen/menu/photo/{dish_id}", {"photo": photo}, content_type="multipart/form-data")


def test_a_photo_goes_to_all_of_the_name_and_is_shown_small_and_late(browser, cook, world, superuser):
    person, poha, day = guest(superuser, world), dish(world), tomorrow(world)
    with statements() as plain:
        browser(person).get(f"/my/canteen/?day={day}")
    assert give(cook, poha, picture()).status_code == 303
    with scope(world.a.people[Role.CANTEEN_STAFF]) as session:
        canteen.menu.copy(session, HOSTEL, day, day, day + timedelta(days=1))
    dish(world, "POHA", meal="dinner")
    assert one(superuser, "SELECT count(DISTINCT photo_id) || ' of ' || count(photo_id) FROM canteen_menu") == "1 of 3"
    me = browser(person)
    me.get(f"/my/canteen/?day={day}")  # the menu is kept again
    with statements() as seen:
        shown = me.get(f"/my/canteen/?day={day}").get_data(as_text=True)
    assert len(seen) <= len(plain)
    [image, *_] = re.findall(r"<img[^>]*dish-photo[^>]*>", shown)
    assert all(words in image for words in ('alt="Poha"', 'loading="lazy"', 'width="72"', 'height="72"'))
    link = re.search(r'src="([^"]+)"', image)[1]
    assert link in me.get(f"/my/canteen/?day={day}").get_data(as_text=True)  # the same for a while, so that browsers keep it
    small = me.get(link)
    assert (small.status_code, small.mimetype) == (200, "image/jpeg")
    assert max(Image.open(io.BytesIO(small.get_data())).size) == 480
    small.close()
    assert 'alt="Poha"' in cook.get(f"/canteen/menu/show/{poha}").get_data(as_text=True)


def test_what_is_no_photo_or_not_theirs_is_refused_and_the_last_removes_the_file(browser, cook, world, superuser):
    poha = dish(world)
    assert give(cook, poha, (io.BytesIO(b"%PDF-1.7 nothing"), "poha.png")).status_code == 415
    assert cook.post(f"/canteen/menu/photo/{poha}").status_code == 422
    assert give(browser(world.b.people[Role.CANTEEN_STAFF]), poha, picture()).status_code == 404
    assert give(cook, poha, picture()).status_code == 303
    assert give(cook, poha, picture("JPEG")).status_code == 303
    gone = "SELECT count(*) || ' ' || count(deleted_at) FROM files WHERE purpose = 'dish'"
    assert one(superuser, gone) == "2 1"
    assert cook.post(f"/canteen/menu/photo/{poha}", {"remove": "1"}).status_code == 303
    assert one(superuser, gone) == "2 2"
    with scope(world.a.people[Role.CANTEEN_STAFF]) as session:  # other files are no business of the kitchen
        assert session.connection().exec_driver_sql("SELECT count(*) FROM files WHERE purpose <> 'dish'").scalar_one() == 0
