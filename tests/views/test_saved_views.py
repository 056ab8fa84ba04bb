"""Saved views: a list's link under a name, for oneself or for all who may open the screen."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.permissions import Role
from tests.maintenance import raised

ROOT = "/maintenance/requests"


def save(somebody, name, query="status=submitted&cols=status", **more):
    return somebody.post(f"{ROOT}/views/?{query}", {"do": "save", "name": name, "_once": str(uuid4()), **more})


def kept(superuser):
    with superuser.connect() as c:
        return {name: view for name, *view in c.execute(text("SELECT name, id, query, shared, is_default FROM saved_views"))}


def change(somebody, view_id, do, query="", **more):
    return somebody.post(f"{ROOT}/views/?{query}", {"do": do, "view": str(view_id), **more})


def heads(page):
    return [re.sub(r"<[^>]+>", "", head) for head in re.findall(r'<th scope="col".*?</th>', page.text)]


def test_a_view_keeps_filters_columns_and_order_but_not_the_page(app, world, browser, superuser):
    for _ in range(2):
        raised(world.owner)
    owner = browser(world.owner)
    answer = save(owner, "New  ones", "status=submitted&status=unassigned&cols=status&cols=where&sort=-number&after=x&q=")
    page = owner.get(answer.location)
    assert heads(page) == ["Request", "Status", "Place"]
    assert "New ones" in page.text
    assert kept(superuser)["New ones"][1] == "status=submitted&status=unassigned&sort=-number&cols=status&cols=where"


def test_a_double_click_keeps_one_view(app, world, browser, superuser):
    once = str(uuid4())
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: save(browser(world.owner), "Twice", _once=once), range(2)))
    assert {answer.status_code for answer in answers} == {303}
    assert list(kept(superuser)) == ["Twice"]


def test_a_name_is_used_once_and_what_was_typed_stays(app, world, browser):
    owner = browser(world.owner)
    save(owner, "Mine")
    answer = save(owner, "mine")
    assert answer.status_code == 409
    assert "You have a view of this name here already" in answer.text
    assert 'value="mine"' in answer.text
    assert save(owner, "  ").status_code == 422
    assert save(owner, "\u202ereversed").status_code == 422
    assert save(owner, "रिक्\u200dशा 👨\u200d👩\u200d👧").status_code == 303
    assert save(browser(world.a.people[Role.ADMINISTRATOR]), "Mine").status_code == 303


def test_a_view_is_ones_own_until_it_is_shared(app, world, browser, superuser):
    owner, staff, outsider = map(browser, (world.owner, world.staff, world.outsider))
    save(owner, "Everybody's", shared="1")
    save(owner, "Mine alone")
    shared, alone = (kept(superuser)[name][0] for name in ("Everybody's", "Mine alone"))
    seen = staff.get(f"{ROOT}/list/").text
    assert "Everybody&#39;s" in seen
    assert "Mine alone" not in seen
    assert "Everybody&#39;s" not in outsider.get(f"{ROOT}/list/").text
    for somebody, view in ((staff, shared), (staff, alone), (outsider, shared)):
        assert change(somebody, view, "rename", name="Taken").status_code == 404
        change(somebody, view, "delete")
    assert set(kept(superuser)) == {"Everybody's", "Mine alone"}


def test_sharing_takes_a_capability(app, world, browser, superuser):
    staff = browser(world.staff)
    assert "For everybody who may open this list" not in staff.get(f"{ROOT}/list/").text
    assert save(staff, "Ours", shared="1").status_code == 403
    assert kept(superuser) == {}
    save(staff, "Ours")
    assert change(staff, kept(superuser)["Ours"][0], "share").status_code == 403
    assert save(browser(world.a.people[Role.HOSTEL_MANAGER]), "Ours", shared="1").status_code == 303


def test_who_may_not_open_the_screen_is_shown_no_view_of_it(app, world, browser, superuser):
    save(browser(world.owner), "Everybody's", shared="1")
    from app.services import saved_views
    from tests.maintenance import scope

    names = {}
    for role in (Role.VIEWER, Role.GUARD):
        with scope(world.a.people[role]) as session:
            names[role] = [view.name for view in saved_views.of_screen(session, "RequestView")]
    assert names == {Role.VIEWER: ["Everybody's"], Role.GUARD: []}


def test_a_list_opens_with_the_default_view_until_somebody_asks_for_all(app, world, browser, superuser):
    owner = browser(world.owner)
    for name in ("First", "Second"):
        save(owner, name)
    views = kept(superuser)
    for name in ("First", "Second"):
        assert change(owner, views[name][0], "default").status_code == 303
    assert [name for name, view in kept(superuser).items() if view[3]] == ["Second"]
    opened = owner.get(f"{ROOT}/list/")
    assert opened.location == f"{ROOT}/list/?status=submitted&cols=status&view={views['Second'][0]}"
    everything = re.search(r'class="view-tab" href="([^"]+)"', owner.get(opened.location).text)[1].replace("&amp;", "&")
    assert owner.get(everything).status_code == 200
    assert browser(world.staff).get(f"{ROOT}/list/").status_code == 200
    change(owner, views["Second"][0], "undefault")
    assert owner.get(f"{ROOT}/list/").status_code == 200


def test_defaults_chosen_at_the_same_time_leave_one(app, world, browser, superuser):
    owner = browser(world.owner)
    names = [f"View {n}" for n in range(4)]
    for name in names:
        save(owner, name)
    views = kept(superuser)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda name: change(browser(world.owner), views[name][0], "default"), names))
    assert {answer.status_code for answer in answers} == {303}
    assert sum(view[3] for view in kept(superuser).values()) == 1


def test_a_changed_list_can_be_kept_in_the_same_view(app, world, browser, superuser):
    owner = browser(world.owner)
    save(owner, "New")
    view = kept(superuser)["New"][0]
    assert "Save changes" not in owner.get(f"{ROOT}/list/?status=submitted&cols=status&view={view}").text
    assert "Save changes" in owner.get(f"{ROOT}/list/?status=resolved&view={view}").text
    change(owner, view, "update", "status=resolved")
    assert kept(superuser)["New"][1] == "status=resolved"


def test_what_a_view_asks_for_and_is_gone_is_left_out_with_a_note(app, world, browser, superuser):
    raised(world.owner)
    owner = browser(world.owner)
    save(owner, "Old")
    with superuser.begin() as c:
        c.execute(text("UPDATE saved_views SET query = 'status=melted&cols=gone&cols=status&sort=gone'"))
    view = kept(superuser)["Old"][0]
    gone = "status=melted&cols=gone&cols=status&sort=gone"
    page = owner.get(f"{ROOT}/list/?{gone}&view={view}")
    assert page.status_code == 200
    assert heads(page) == ["Request", "Status"]
    for note in ("“melted” is not a value of", "A column of this link is not there any more", "cannot be sorted by “gone”"):
        assert note in page.text
    assert owner.get(f"{ROOT}/list/?{gone}").status_code == 400


@pytest.mark.parametrize("query", ["status=submitted&" * 200])
def test_a_view_that_is_too_long_is_refused(app, world, browser, query):
    assert save(browser(world.owner), "Long", query + "q=" + "x" * 200 + "&cols=" + "status," * 300).status_code == 422


def test_fifty_views_of_a_screen_are_enough(app, world, browser, superuser, monkeypatch):
    monkeypatch.setattr("app.services.saved_views.VIEWS_PER_SCREEN", 1)
    owner = browser(world.owner)
    save(owner, "One")
    answer = save(owner, "Two")
    assert answer.status_code == 429
    assert list(kept(superuser)) == ["One"]
