"""Members, invitations, sign-up, the team and the switcher, as people use them (T3, T4, T5, T13, T16)."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from app.permissions import Role
from app.services.people import accounts
from app.tenancy import auth_scope
from app.wiring import db
from tests.views.test_people_account import link_in, mailbox  # noqa: F401
from tests.views.test_people_signing_in import PASSWORD

WRONG_NAMES = ["x" * 300, "a\x00b"]
ODD_NAMES = ["🦊 Fox", "محمد علي", "<script>alert(1)</script>", "O'Neil; DROP TABLE members"]


def membership(superuser, person, role=None):
    with superuser.begin() as connection:
        return connection.scalar(text("SELECT id FROM memberships WHERE org_id = :org AND user_id = :user AND role = :role"),
                                 {"org": person.org_id, "user": person.user_id, "role": role or person.role})


def roles_of(superuser, person):
    with superuser.begin() as connection:
        return {tuple(row) for row in connection.execute(
            text("SELECT role, status FROM memberships WHERE org_id = :org AND user_id = :user"),
            {"org": person.org_id, "user": person.user_id})}


def said(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


# -- members ----------------------------------------------------------------------------------------------------


def test_the_list_names_people_with_their_roles_in_six_statements(app, world, browser):
    owner, statements = browser(world.owner), []
    owner.get("/members/list/")

    def count(_connection, _cursor, statement, *_):
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        page = owner.get("/members/list/?size=50")
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    for person in world.a.people.values():
        assert person.name in page.get_data(as_text=True)
        assert world.b.people[person.role].name not in page.get_data(as_text=True)
    assert len(statements) <= 6


def test_a_person_gets_a_further_role_for_a_time(app, world, browser, superuser):
    viewer, hostel = world.a.people[Role.VIEWER], world.a.places[1].hostel_id
    answer = browser(world.owner).post("/members/add", {
        "member": viewer.user_id, "role": "guard", "hostel": hostel, "valid_until": "2040-01-01T00:00"})
    assert answer.status_code == 303
    assert roles_of(superuser, viewer) == {("viewer", "active"), ("guard", "active")}


@pytest.mark.parametrize(("granter", "role", "status"), [
    (Role.OWNER, "owner", 303), (Role.ADMINISTRATOR, "administrator", 403), (Role.ADMINISTRATOR, "owner", 403),
    (Role.ADMINISTRATOR, "hostel_manager", 303), (Role.HOSTEL_MANAGER, "accountant", 403), (Role.VIEWER, "guard", 403),
    (Role.OWNER, "super_admin", 422), (Role.OWNER, "emperor", 422)])
def test_nobody_gives_a_role_at_or_above_their_own_but_an_owner(app, world, browser, superuser, granter, role, status):
    member = world.a.people[Role.MEMBER]
    answer = browser(world.a.people[granter]).post("/members/add", {"member": member.user_id, "role": role})
    assert answer.status_code == status
    assert (role in {r for r, _ in roles_of(superuser, member)}) == (status == 303)


def test_a_form_offers_only_roles_that_may_be_given(app, world, browser):
    page = browser(world.a.people[Role.HOSTEL_MANAGER]).get("/invitations/add").get_data(as_text=True)
    offered = set(re.findall(r'<option value="(\w+)">', page))
    assert "accountant" in offered
    assert not {"hostel_manager", "administrator", "owner", "super_admin"} & offered


def test_a_manager_of_one_hostel_gives_roles_there_only(app, world, browser):
    manager, member = world.a.people[Role.HOSTEL_MANAGER], world.a.people[Role.MEMBER]
    here, there = (place.hostel_id for place in world.a.places)
    statuses = [browser(manager).post("/members/add", {"member": member.user_id, "role": "guard", "hostel": hostel or ""})
                .status_code for hostel in (here, there, None)]
    assert statuses[0] == 303
    assert all(400 <= status < 500 for status in statuses[1:])


def test_people_of_another_organization_look_unknown(app, world, browser, superuser):
    owner, theirs = browser(world.owner), world.outsider
    assert owner.post("/members/add", {"member": theirs.user_id, "role": "viewer"}).status_code == 422
    foreign = membership(superuser, theirs)
    for pk in (foreign, uuid4(), "malformed"):
        assert owner.get(f"/members/show/{pk}").status_code == 404
        assert owner.post(f"/members/delete/{pk}").status_code == 404
        assert owner.post(f"/members/remove-person/{pk}").status_code == 404
        assert owner.post(f"/members/action/suspend/{pk}").status_code == 404
    assert ("owner", "active") in roles_of(superuser, theirs)


def test_a_suspended_role_stops_counting_with_the_next_request(app, world, browser, superuser):
    viewer, owner = browser(world.a.people[Role.ACCOUNTANT]), browser(world.owner)
    pk = membership(superuser, world.a.people[Role.ACCOUNTANT])
    assert viewer.get("/team/list/").status_code == 200
    assert owner.post(f"/members/action/suspend/{pk}").status_code == 303
    assert viewer.get("/team/list/").status_code == 303
    assert owner.post(f"/members/action/reactivate/{pk}").status_code == 303
    assert viewer.get("/team/list/").status_code == 200


def test_a_role_counts_until_its_last_moment(app, world, browser, superuser):
    pk = membership(superuser, world.a.people[Role.ACCOUNTANT])
    answer = browser(world.owner).edit(f"/members/edit/{pk}", {"valid_from": "", "valid_until": "2020-01-01T00:00"})
    assert answer.status_code == 303
    assert browser(world.a.people[Role.ACCOUNTANT]).get("/team/list/").status_code == 303


def test_a_removed_person_is_gone_and_what_they_did_keeps_their_name(app, world, browser, superuser):
    person = world.a.people[Role.ACCOUNTANT]
    answer = browser(world.owner).post(f"/members/remove-person/{membership(superuser, person)}")
    assert answer.headers["Location"] == "/members/list/"
    assert roles_of(superuser, person) == set()
    with superuser.begin() as connection:
        assert connection.execute(text("SELECT name, removed_at IS NOT NULL FROM members WHERE user_id = :u"),
                                  {"u": person.user_id}).one() == (person.name, True)


def test_the_last_owner_stays_and_the_sentence_says_so(app, world, browser, superuser):
    owner, pk = browser(world.owner), membership(superuser, world.owner)
    for path in (f"/members/delete/{pk}", f"/members/action/suspend/{pk}", f"/members/remove-person/{pk}"):
        answer = owner.post(path)
        assert answer.status_code == 409
        assert "The last owner cannot leave" in said(answer)
    assert roles_of(superuser, world.owner) == {("owner", "active")}


def test_ownership_is_handed_over_and_the_former_owner_administrates(app, world, browser, superuser):
    heir = world.a.people[Role.ACCOUNTANT]
    assert browser(world.owner).post(f"/members/action/make_owner/{membership(superuser, heir)}").status_code == 303
    assert roles_of(superuser, heir) == {("owner", "active"), ("accountant", "active")}
    assert roles_of(superuser, world.owner) == {("administrator", "active")}


@pytest.mark.parametrize(("giver", "heir", "status"), [
    (Role.ADMINISTRATOR, Role.ADMINISTRATOR, 403), (Role.OWNER, Role.RESIDENT, 422), (Role.OWNER, Role.OWNER, 422)])
def test_ownership_goes_only_from_an_owner_to_somebody_else_who_works_here(app, world, browser, superuser, giver, heir, status):
    pk = membership(superuser, world.a.people[heir])
    assert browser(world.a.people[giver]).post(f"/members/action/make_owner/{pk}").status_code == status


def test_an_administrator_signs_a_colleague_out_but_not_the_owner(app, world, browser, superuser):
    staff, owner = browser(world.staff), browser(world.owner)
    administrator = browser(world.a.people[Role.ADMINISTRATOR])
    assert administrator.post(f"/members/action/sign_out/{membership(superuser, world.staff)}").status_code == 303
    assert administrator.post(f"/members/action/sign_out/{membership(superuser, world.owner)}").status_code == 403
    assert (staff.get("/account/").status_code, owner.get("/account/").status_code) == (303, 200)


def test_requiring_a_second_factor_begins_with_oneself(app, world, browser, superuser):
    owner = browser(world.owner)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE user_sessions SET second_factor = false"))
    answer = owner.post("/members/security", {"require_totp": "y"})
    assert answer.status_code == 403
    assert "Set up a second factor for yourself first" in said(answer)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE user_sessions SET second_factor = true"))
    assert owner.post("/members/security", {"require_totp": "y"}).status_code == 303
    assert browser(world.a.people[Role.HOSTEL_MANAGER]).post("/members/security", {}).status_code == 403


# -- invitations ------------------------------------------------------------------------------------------------


def invite(browser, person, **values):
    return browser(person).post("/invitations/add", {"email": "new@asha.example", "name": "New Person", "role": "guard", **values})


def invitations(superuser):
    with superuser.begin() as connection:
        return connection.execute(text("SELECT id, email, status FROM invitations ORDER BY created_at")).all()


def test_an_invited_person_chooses_a_password_and_is_in(app, world, browser, superuser, mailbox):  # noqa: F811
    assert invite(browser, world.owner, hostel=world.a.places[0].hostel_id).status_code == 303
    (mail,) = mailbox()
    assert (mail.to, "Asha Homes" in mail.text, "guard" in mail.text) == ("new@asha.example", True, True)
    somebody, link = browser(None), link_in(mail)
    page = somebody.get(link).get_data(as_text=True)
    assert "Join Asha Homes" in page
    assert 'value="New Person"' in page
    weak = somebody.post(link, {"name": "New Person", "password": "password"})
    assert (weak.status_code, 'value="New Person"' in weak.get_data(as_text=True)) == (422, True)
    assert somebody.post(link, {"name": "New Person", "password": PASSWORD}).headers["Location"] == "/"
    assert "Welcome to Asha Homes." in somebody.get("/account/").get_data(as_text=True)
    assert "New Person" in browser(world.owner).get("/members/list/?size=50").get_data(as_text=True)
    assert browser(None).get(link).status_code == 410
    assert [row.status for row in invitations(superuser)] == ["accepted"]


def test_a_double_click_sends_one_invitation(app, world, browser, superuser, mailbox):  # noqa: F811
    once = str(uuid4())
    assert [invite(browser, world.owner, _once=once).status_code for _ in range(2)] == [303, 303]
    assert len(invitations(superuser)) == len(mailbox()) == 1


def test_the_same_role_offered_again_is_refused_beside_the_field(app, world, browser, superuser):
    invite(browser, world.owner)
    again = invite(browser, world.owner, email="NEW@asha.example ")
    assert again.status_code == 409
    assert "is waiting for them already" in said(again)
    assert "NEW@asha.example" in again.get_data(as_text=True)
    assert len(invitations(superuser)) == 1


@pytest.mark.parametrize("values", [
    {"email": "no address"}, {"email": "x" * 300 + "@example.com"}, {"role": "owner"}, {"role": "king"}, {"role": ""},
    {"hostel": "malformed"}, {"hostel": "00000000-0000-0000-0000-000000000001"}, {"name": ""},
    *({"name": name} for name in WRONG_NAMES)])
def test_a_wrong_invitation_gets_a_sentence_and_keeps_what_was_typed(app, world, browser, superuser, values):
    answer = invite(browser, world.a.people[Role.ADMINISTRATOR], **values)
    assert 400 <= answer.status_code < 500
    assert values.get("email", "new@asha.example")[:40] in answer.get_data(as_text=True)
    assert invitations(superuser) == []


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_is_a_name(app, world, browser, mailbox, name):  # noqa: F811
    assert invite(browser, world.owner, name=name).status_code == 303
    link = link_in(mailbox()[0])
    page = browser(None).get(link).get_data(as_text=True)
    assert "<script>alert" not in page
    assert browser(None).post(link, {"name": name, "password": PASSWORD}).status_code == 303


def test_a_foreign_hostel_cannot_be_offered(app, world, browser):
    assert invite(browser, world.owner, hostel=world.b.places[0].hostel_id).status_code == 422


def test_a_link_sent_again_replaces_the_old_one_and_a_withdrawn_one_is_over(app, world, browser, superuser, mailbox):  # noqa: F811
    invite(browser, world.owner)
    old = link_in(mailbox()[0])
    pk = invitations(superuser)[0].id
    owner = browser(world.owner)
    assert owner.post(f"/invitations/action/resend/{pk}").status_code == 303
    new = next(link for link in map(link_in, mailbox()) if link != old)
    assert [browser(None).get(link).status_code for link in (old, new)] == [410, 200]
    assert owner.post(f"/invitations/action/withdraw/{pk}").status_code == 303
    assert browser(None).get(new).status_code == 410
    assert owner.post(f"/invitations/action/resend/{pk}").status_code == 404


def test_an_expired_link_is_over(app, world, browser, superuser, mailbox):  # noqa: F811
    invite(browser, world.owner)
    link = link_in(mailbox()[0])
    with superuser.begin() as connection:
        connection.execute(text("UPDATE invitations SET expires_at = now() - interval '1 second'"))
    assert browser(None).get(link).status_code == 410
    assert browser(None).post(link, {"name": "N", "password": PASSWORD}).status_code == 410
    assert "Expired" in browser(world.owner).get("/invitations/list/").get_data(as_text=True)


def test_what_its_author_may_no_longer_give_an_invitation_gives_no_longer(app, world, browser, superuser, mailbox):  # noqa: F811
    administrator = world.a.people[Role.ADMINISTRATOR]
    invite(browser, administrator, role="hostel_manager")
    link = link_in(mailbox()[0])
    browser(world.owner).post(f"/members/delete/{membership(superuser, administrator)}")
    answer = browser(None).post(link, {"name": "N", "password": PASSWORD})
    assert answer.status_code == 404
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ab_user WHERE email = 'new@asha.example'")) == 0


def test_an_account_that_exists_joins_only_signed_in_as_itself(app, world, browser, superuser, mailbox):  # noqa: F811
    guest = world.b.people[Role.VIEWER]
    with auth_scope() as auth:
        accounts.set_password(auth, guest.user_id, PASSWORD)
    invite(browser, world.owner, email=guest.email)
    link = link_in(mailbox()[0])
    nobody = browser(None)
    assert "You have an account already" in said(nobody.get(link))
    assert nobody.post(link, {"name": "N", "password": PASSWORD}).status_code == 403
    other = browser(world.staff)
    assert "You are signed in as" in said(other.get(link))
    assert other.post(link).status_code == 403
    (back,) = re.findall(r'href="(/login\?next=[^"]+)"', nobody.get(link).get_data(as_text=True))
    assert nobody.post(back, {"email": guest.email, "password": PASSWORD}).headers["Location"] == link
    assert nobody.post(link).status_code == 303
    assert "Asha Homes" in nobody.get("/account/").get_data(as_text=True)


# -- sign-up ----------------------------------------------------------------------------------------------------


def sign_up(browser, **values):
    return browser.post("/signup", {"organization": "Café Höstel", "name": "Asha Rao", "email": "asha@cafe.example",
                                    "password": PASSWORD, **values})


def test_signing_up_makes_an_organization_with_its_owner(app, world, browser, superuser):
    somebody = browser(None)
    assert sign_up(somebody).headers["Location"] == "/"
    assert somebody.get("/members/list/").status_code == 200
    with superuser.begin() as connection:
        made = connection.execute(text(
            "SELECT o.slug, o.plan, m.role FROM organizations o JOIN memberships m ON m.org_id = o.id WHERE o.name = 'Café Höstel'"))
        assert made.one() == ("cafe-hostel", "free", "owner")


def test_two_organizations_of_one_name_get_names_of_their_own(app, world, browser, superuser):
    for n in range(2):
        assert sign_up(browser(None), email=f"{n}@cafe.example", organization="محمد").status_code == 303
    with superuser.begin() as connection:
        slugs = list(connection.scalars(text("SELECT slug FROM organizations WHERE name = 'محمد' ORDER BY created_at")))
    assert slugs[0] == "hostels"
    assert re.fullmatch(r"hostels-[0-9a-f]{4}", slugs[1])


@pytest.mark.parametrize(("values", "sentence"), [
    ({"password": "short"}, "at least 12 characters"), ({"email": "x"}, "name@example.com"), ({"name": ""}, "fill this in"),
    ({"organization": "x" * 300}, "120"), ({"email": "owner@asha.example"}, "an account with this e-mail address already")])
def test_a_wrong_sign_up_is_explained_and_leaves_nothing(app, world, browser, superuser, values, sentence):
    answer = sign_up(browser(None), **values)
    assert 400 <= answer.status_code < 500
    assert sentence in said(answer)
    assert PASSWORD not in answer.get_data(as_text=True)
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM organizations")) == 2
        assert connection.scalar(text("SELECT count(*) FROM ab_user WHERE email LIKE '%cafe.example'")) == 0


def test_one_address_signs_up_ten_times_an_hour(app, world, browser):
    statuses = [sign_up(browser(None), email=f"{n}@cafe.example").status_code for n in range(11)]
    assert statuses == [303] * 10 + [429]


# -- switcher ---------------------------------------------------------------------------------------------------


def test_choosing_a_hostel_narrows_lists_and_choosing_all_widens_them(app, world, browser):
    owner, second = browser(world.owner), world.a.places[1]
    answer = owner.post("/switch", {"hostel": second.hostel_id, "next": "/members/list/"})
    assert answer.headers["Location"] == "/members/list/"
    with owner.http.session_transaction() as cookie:
        assert cookie["hostel"] == str(second.hostel_id)
    owner.post("/switch", {"hostel": "", "next": "//evil.example"})
    with owner.http.session_transaction() as cookie:
        assert "hostel" not in cookie


@pytest.mark.parametrize("name", ["organization", "hostel", "portal"])
def test_what_is_not_ones_own_cannot_be_chosen(app, world, browser, name):
    foreign = {"organization": world.b.org_id, "hostel": world.b.places[0].hostel_id, "portal": "portal_platform"}[name]
    owner = browser(world.owner)
    for value in (foreign, uuid4(), "malformed"):
        assert owner.post("/switch", {name: value}).status_code == 404
    assert owner.get("/switch").status_code == 405
    assert browser(None).post("/switch", {name: foreign}).status_code == 303


def test_a_person_of_two_organizations_and_portals_switches_between_them(app, world, browser, superuser):
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO members (org_id, user_id, name, email) VALUES (:o, :u, 'X', 'x@x.example')"),
                           {"o": world.b.org_id, "u": world.staff.user_id})
        for role in ("viewer", "maintenance_staff"):
            connection.execute(text("INSERT INTO memberships (org_id, user_id, role) VALUES (:o, :u, :r)"),
                               {"o": world.b.org_id, "u": world.staff.user_id, "r": role})
    staff = browser(world.staff)
    assert staff.post("/switch", {"organization": world.b.org_id}).status_code == 303
    page = staff.get("/account/").get_data(as_text=True)
    assert "Banyan Stays" in page
    assert 'value="portal_management"' in page
    assert staff.post("/switch", {"portal": "portal_management"}).status_code == 303
    assert re.search(r'btn-primary" name="portal" value="portal_management"', staff.get("/account/").get_data(as_text=True))


# -- team -------------------------------------------------------------------------------------------------------


def test_a_team_member_is_added_changed_removed_and_brought_back(app, world, browser, superuser):
    owner, once = browser(world.owner), uuid4()
    values = {"name": "🦊 محمد", "member_type": "sales", "commission_type": "percentage", "commission_rate": "2.5",
              "external_id": "E-7", "_once": once}
    assert owner.post("/team/add", values).headers["Location"] == f"/team/show/{once}"
    assert owner.edit("/team/edit/" + str(once), {**values, "_once": uuid4(), "name": "Fox"}).status_code == 303
    assert owner.post(f"/team/delete/{once}").status_code == 303
    assert "Fox" not in owner.get("/team/list/").get_data(as_text=True)
    assert "Fox" in owner.get("/team/list/?deleted=1").get_data(as_text=True)
    assert owner.post("/team/add", {**values, "_once": uuid4(), "name": "Other"}).status_code == 303
    conflict = owner.post(f"/team/restore/{once}")
    assert conflict.status_code == 409
    assert "Another team member has this external number already." in said(conflict)


@pytest.mark.parametrize("values", [
    {"name": "x" * 300}, {"name": " "}, {"commission_type": "percentage"}, {"commission_rate": "5"},
    {"commission_type": "percentage", "commission_rate": "101"}, {"commission_type": "flat", "commission_rate": "-1"},
    {"commission_type": "flat", "commission_rate": "9" * 30}, {"email": "no address"}, {"member_type": "wizard"}])
def test_a_wrong_team_member_is_explained(app, world, browser, superuser, values):
    answer = browser(world.owner).post("/team/add", {"name": "Somebody", "member_type": "sales", "commission_type": "none", **values})
    assert answer.status_code == 422
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM team_members WHERE org_id = :o"), {"o": world.a.org_id}) == 1


def test_another_organizations_team_member_looks_like_none(app, world, browser, superuser):
    with superuser.begin() as connection:
        theirs = connection.scalar(text("SELECT id FROM team_members WHERE org_id = :o"), {"o": world.b.org_id})
    owner = browser(world.owner)
    assert [owner.get(f"/team/{door}/{theirs}").status_code for door in ("show", "edit")] == [404, 404]
    assert owner.post(f"/team/delete/{theirs}").status_code == 404
