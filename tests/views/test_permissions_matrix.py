"""The matrix on screen: read and changed by click, counting from the next request (T7, T8)."""

import re

import pytest

from app.permissions import Role


def said(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def buttons(answer):
    return set(re.findall(r'name="cell" value="([^"]+)"', answer.get_data(as_text=True)))


def test_a_click_counts_from_the_next_request_of_another_browser(app, world, browser):
    owner, viewer = browser(world.owner), browser(world.a.people[Role.VIEWER])
    assert viewer.get("/team/list/").status_code == 403
    assert "viewer.team.read:yes" in buttons(owner.get("/permissions/?role=viewer"))
    answer = owner.post("/permissions/change", {"cell": "viewer.team.read:yes"})
    assert answer.headers["Location"].startswith("/permissions/?role=viewer")
    assert viewer.get("/team/list/").status_code == 200
    assert "viewer.team.read:no" in buttons(owner.get("/permissions/?role=viewer"))
    owner.post("/permissions/change", {"cell": "viewer.team.read:no"})
    assert viewer.get("/team/list/").status_code == 403


def test_an_exception_for_one_person_counts_from_their_next_request(app, world, browser):
    accountant = world.a.people[Role.ACCOUNTANT]
    owner, person = browser(world.owner), browser(accountant)
    assert person.get("/team/list/").status_code == 200
    owner.post(f"/permissions/people/{accountant.user_id}/change", {"cell": "team.read:no"})
    assert person.get("/team/list/").status_code == 403
    assert "taken away here" in owner.get(f"/permissions/people/{accountant.user_id}").get_data(as_text=True)


def test_one_resource_is_shown_over_all_roles(app, world, browser):
    found = buttons(browser(world.owner).get("/permissions/?resource=maintenance"))
    assert {"viewer.maintenance.create:yes", "maintenance_staff.maintenance.update:no"} <= found
    assert not any(name.startswith(("owner.", "super_admin.")) for name in found)


def test_an_administrator_gets_no_buttons_for_their_own_role_or_above(app, world, browser):
    administrator = browser(world.a.people[Role.ADMINISTRATOR])
    assert not buttons(administrator.get("/permissions/?role=administrator"))
    assert not buttons(administrator.get("/permissions/?role=owner"))
    assert buttons(administrator.get("/permissions/?role=viewer"))
    assert not buttons(administrator.get(f"/permissions/people/{world.owner.user_id}"))
    assert administrator.post("/permissions/change", {"cell": "administrator.team.read:no"}).status_code == 403


def test_what_the_portal_cannot_reach_is_greyed_and_refused(app, world, browser):
    owner = browser(world.owner)
    page = owner.get("/permissions/?role=resident")
    assert "cap-beyond" in page.get_data(as_text=True)
    assert "resident.audit.read:yes" not in buttons(page)
    assert owner.post("/permissions/change", {"cell": "resident.audit.read:yes"}).status_code == 403


@pytest.mark.parametrize("path", ["/permissions/", "/permissions/compare", "/permissions/explain", "/permissions/people/101"])
def test_only_who_may_read_permissions_sees_them(app, world, browser, path):
    assert browser(world.a.people[Role.ADMINISTRATOR]).get(path).status_code == 200
    assert browser(world.a.people[Role.HOSTEL_MANAGER]).get(path).status_code == 403
    assert browser(None).get(path).headers["Location"].startswith("/login")


@pytest.mark.parametrize(("path", "status"), [
    ("/permissions/?role=king", 400), ("/permissions/?resource=<script>", 400), ("/permissions/?hostel=x", 404),
    ("/permissions/people/x", 404), ("/permissions/people/99999999999", 404), ("/permissions/people/200", 404),
    ("/permissions/explain?person=200", 404), ("/permissions/explain?person=101&action=fly", 400),
    ("/permissions/compare?first=nobody", 400)])
def test_what_no_page_offers_gets_a_sentence(app, world, browser, path, status):
    answer = browser(world.owner).get(path)
    assert answer.status_code == status
    assert "<script>" not in answer.get_data(as_text=True).replace("<script src", "")


@pytest.mark.parametrize("cell", ["", "x", "viewer.team.read", "viewer.team.read:maybe", "viewer.moon.read:yes", "king.team.read:yes",
                                  "super_admin.team.read:yes", "viewer.team.read:yes:yes"])
def test_a_cell_that_is_none_is_refused(app, world, browser, cell):
    assert 400 <= browser(world.owner).post("/permissions/change", {"cell": cell}).status_code < 500


def test_a_foreign_hostel_and_a_foreign_person_look_unknown(app, world, browser):
    owner = browser(world.owner)
    foreign = {"cell": "viewer.team.read:yes", "hostel": world.b.places[0].hostel_id}
    assert owner.post("/permissions/change", foreign).status_code == 404
    assert owner.post(f"/permissions/people/{world.outsider.user_id}/change", {"cell": "team.read:yes"}).status_code == 404


def test_the_screen_explains_a_person(app, world, browser):
    page = said(browser(world.owner).get(
        f"/permissions/explain?person={world.staff.user_id}&resource=maintenance&action=update"
        f"&hostel={world.a.places[0].hostel_id}"))
    assert "yes, maintenance · update" in page
    assert "The role “maintenance staff” for one hostel has it by the matrix, through portal management." in page


def test_two_roles_are_compared_as_the_organization_has_them(app, world, browser):
    owner = browser(world.owner)
    assert "only Viewer (0)" in said(owner.get("/permissions/compare?first=member&second=viewer"))
    owner.post("/permissions/change", {"cell": "viewer.audit.read:yes"})
    assert "only Viewer (1)" in said(owner.get("/permissions/compare?first=member&second=viewer"))


@pytest.mark.parametrize("cell", ["..:yes", ".rooms.read:yes", "owner.:yes", "owner.rooms:yes", "viewer..read:no"])
def test_a_button_that_names_no_cell_changes_nothing(app, world, browser, cell):
    answer = browser(world.owner).post("/permissions/change", {"cell": cell})
    assert answer.status_code == 400
    assert "named nothing to change" in said(answer)


@pytest.mark.parametrize("cell", [".:yes", "rooms.:no", ".read:yes"])
def test_nor_does_one_on_the_page_of_a_person(app, world, browser, cell):
    answer = browser(world.owner).post(f"/permissions/people/{world.staff.user_id}/change", {"cell": cell})
    assert answer.status_code == 400
    assert "named nothing to change" in said(answer)
