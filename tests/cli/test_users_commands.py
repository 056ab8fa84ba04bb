"""flask users, organizations and permissions, as an operator types them."""

import re

import pytest
from sqlalchemy import text

from app.permissions import Role
from tests.views.test_people_signing_in import PASSWORD, sign_in

ROW = ("SELECT m.role, h.code FROM memberships m LEFT JOIN hostels h ON h.org_id = m.org_id AND h.id = m.hostel_id "
       "JOIN ab_user u ON u.id = m.user_id WHERE u.email = :email")


@pytest.fixture
def flask(app):
    """Runs a command; returns its exit code and what it said."""

    def run(*words, stdin=None):
        found = app.test_cli_runner().invoke(args=[str(word) for word in words], input=stdin)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.exit_code, found.output

    return run


def test_an_account_is_made_with_a_role_and_a_password(app, world, flask, browser, superuser):
    code, _ = flask("users", "create", "Cook@asha.example", "--name", "A Cook", "--org", "asha", "--role", "canteen_staff",
                    "--hostel", "H2", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert code == 0
    with superuser.begin() as connection:
        assert tuple(connection.execute(text(ROW), {"email": "cook@asha.example"}).one()) == ("canteen_staff", "H2")
    answer = browser(None).post("/login", {"email": "cook@asha.example", "password": PASSWORD})
    assert answer.status_code == 303


def test_without_a_password_a_link_to_choose_one_is_printed(app, world, flask, browser):
    _, output = flask("users", "create", "new@asha.example", "--name", "New One")
    link = re.search(r"http://localhost(\S+)", output)[1]
    assert browser(None).post(link, {"password": PASSWORD}).status_code == 303


@pytest.mark.parametrize(("words", "sentence"), [
    (("users", "create", "owner@asha.example", "--name", "X"), "There is an account with this e-mail address already."),
    (("users", "create", "no address", "--name", "X"), "name@example.com"),
    (("users", "create", "a@b.example", "--name", "X", "--org", "asha"), "belong together"),
    (("users", "create", "a@b.example", "--name", "X", "--org", "none", "--role", "guard"), "There is no organization 'none'"),
    (("users", "suspend", "nobody@asha.example"), "There is no account for nobody@asha.example."),
    (("users", "invite", "a@b.example", "--name", "X", "--org", "asha", "--role", "guard", "--hostel", "H9"), "no hostel 'H9'"),
    (("organizations", "limits", "asha", "cats=5"), "is not METRIC=NUMBER"),
    (("permissions", "explain", "owner@asha.example", "team", "read"), "name one with --org")])
def test_what_cannot_be_done_is_said_in_a_sentence(app, world, flask, words, sentence):
    code, output = flask(*words)
    assert code != 0
    assert sentence in output
    assert "Traceback" not in output


def test_a_suspended_account_is_out_at_once_and_may_come_back(app, world, flask, browser):
    owner = browser(world.owner)
    flask("users", "suspend", world.owner.email)
    assert owner.get("/account/").status_code == 303
    flask("users", "suspend", world.owner.email, "--restore")
    assert browser(world.owner).get("/account/").status_code == 200


def test_a_locked_account_is_opened(app, world, flask, browser):
    flask("users", "create", "new@asha.example", "--name", "N", "--org", "asha", "--role", "viewer", "--password-stdin",
          stdin=PASSWORD)

    class Person:
        email = "new@asha.example"

    statuses = [sign_in(browser(None), Person, "a wrong password").status_code for _ in range(6)]
    assert statuses[-1] == 429
    flask("users", "unlock", Person.email)
    assert sign_in(browser(None), Person).status_code == 303


def test_sessions_are_shown_and_ended(app, world, flask, browser):
    owner = browser(world.owner)
    assert "127.0.0.1" in flask("users", "sessions", world.owner.email)[1]
    assert "1 ended." in flask("users", "sessions", world.owner.email, "--end")[1]
    assert owner.get("/account/").status_code == 303


def test_the_platform_role_is_given_and_revoked_with_an_audit_row(app, world, flask, superuser):
    held = text("SELECT count(*) FROM platform_roles WHERE user_id = :u")
    for words, count in ((("users", "platform-admin", world.owner.email), 1),
                         (("users", "platform-admin", world.owner.email, "--revoke"), 0)):
        assert flask(*words)[0] == 0
        with superuser.begin() as connection:
            assert connection.scalar(held, {"u": world.owner.user_id}) == count
    with superuser.begin() as connection:
        reasons = set(connection.scalars(text("SELECT reason FROM audit_log WHERE action = 'service'")))
    assert {"command line: platform role given", "command line: platform role revoked"} <= reasons


def test_an_invitation_waits_to_be_mailed(app, world, flask, superuser):
    assert flask("users", "invite", "new@asha.example", "--name", "N", "--org", "asha", "--role", "owner")[0] == 0
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT role FROM invitations WHERE email = 'new@asha.example'")) == "owner"
        assert connection.scalar(text("SELECT count(*) FROM outbox WHERE kind = 'people.invited'")) == 1


def test_an_organization_is_made_with_a_new_owner(app, world, flask, superuser):
    code, output = flask("organizations", "create", "Neem House", "--owner", "neem@neem.example", "--owner-name", "Neem Rao")
    assert code == 0
    assert "Organization neem-house made." in output
    assert "/password/new?t=" in output
    with superuser.begin() as connection:
        assert connection.execute(text(ROW), {"email": "neem@neem.example"}).one().role == "owner"
    assert "neem-house" in flask("organizations", "list")[1]


def test_plan_and_limits_are_changed_apart(app, world, flask):
    flask("organizations", "plan", "asha", "starter", "--status", "active")
    _, output = flask("organizations", "limits", "asha", "users=77", "storage=none")
    assert re.search(r"users +\d+ of 77", output)
    assert re.search(r"storage +\d+ of no limit", output)
    assert re.search(r"hostels +2 of 3", output)
    flask("organizations", "plan", "asha", "professional")
    assert re.search(r"users +\d+ of 77", flask("organizations", "limits", "asha")[1])


def test_permissions_are_explained_with_an_exit_code(app, world, flask):
    code, output = flask("permissions", "explain", world.staff.email, "maintenance", "update", "--org", "asha", "--hostel", "H1")
    assert (code, output.splitlines()[0]) == (0, "yes")
    assert "has it by the matrix" in output
    code, output = flask("permissions", "explain", world.staff.email, "maintenance", "update", "--org", "asha", "--hostel", "H2")
    assert (code, output.splitlines()[0]) == (1, "no")
    assert flask("permissions", "explain", world.outsider.email, "team", "read", "--org", "asha")[0] != 0


def test_two_roles_are_compared(app, world, flask):
    output = flask("permissions", "diff", Role.OWNER, Role.ADMINISTRATOR)[1]
    assert "organization.delete" in output
    assert "only administrator (portal_admin):\nboth:" in output


def test_sync_repairs_what_somebody_changed(app, world, flask, superuser):
    with superuser.begin() as connection:
        connection.execute(text("DELETE FROM role_permissions WHERE role = 'owner'"))
    assert flask("permissions", "sync")[0] == 0
    with superuser.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM role_permissions WHERE role = 'owner'")) > 10
