"""Announcements, deliveries, templates and one's own choices, as people use them."""

from __future__ import annotations

import re

from sqlalchemy import text

from app.permissions import Role
from app.services.notifications import Message, tell
from app.services.notifications.sending import send
from app.tenancy import tenant_scope
from jobs.notifications import announce
from tests.houses import execute
from tests.services.test_notifications_sending import Post, office, rows, wants

LIST = "/announcements/list/"


def one(superuser, statement, **values):
    with superuser.connect() as connection:
        return connection.execute(text(statement), values).scalar()


def written(who, **more):
    page = who.post("/announcements/add", {"title": "Water is off", "body": "From <10> to 12.", "channels": "in_app", **more})
    return re.search(r"/announcements/show/([0-9a-f-]{36})", page.headers.get("Location", ""))[1]


def test_an_announcement_is_written_sent_once_read_and_counted(app, world, browser, superuser):
    owner, resident = browser(world.owner), browser(world.resident)
    key = written(owner, hostel=str(world.resident.hostel_id), roles="resident")
    assert "It goes to 1 person." in owner.get(f"/announcements/show/{key}").text
    assert owner.post(f"/announcements/send/{key}").status_code == 303
    payload = one(superuser, "SELECT payload FROM outbox WHERE kind = 'announcements.send'")
    with tenant_scope(world.a.org_id) as session:
        announce(session, payload)
        announce(session, payload)
    assert owner.post(f"/announcements/send/{key}").status_code == 409
    told = resident.get("/notifications/").text
    assert "Water is off" in told
    opened = resident.post(re.search(r'action="(/notifications/open/[^"]+)"', told)[1])
    assert "From &lt;10&gt; to 12." in resident.get(opened.headers["Location"]).text
    figures = owner.get(f"/announcements/figures/{key}").text
    assert re.findall(r"<td>(\d)</td>", figures) == ["0", "1", "1", "1", "0", "0"]
    for stranger in (browser(world.outsider), browser(world.staff)):
        assert stranger.get(f"/announcements/show/{key}").status_code in {403, 404}
        assert stranger.get(f"/notifications/announced/{key}").status_code == 404


def test_one_hostels_manager_announces_there_alone(app, world, browser, superuser):
    manager = browser(world.a.people[Role.HOSTEL_MANAGER])
    execute(superuser, "SET LOCAL session_replication_role = replica; INSERT INTO permission_overrides (org_id, role, resource, action, allowed) "
                       "VALUES (:org, 'hostel_manager', 'announcements', 'approve', false)", org=world.a.org_id)
    key = written(manager, hostel=str(world.resident.hostel_id), emergency="y")
    assert manager.post(f"/announcements/send/{key}").status_code == 403
    assert manager.post("/announcements/add", {"title": "For all", "channels": "in_app"}).status_code in {403, 422}
    assert one(superuser, "SELECT count(*) FROM announcements WHERE hostel_id IS NULL") == 0


def test_what_was_given_up_is_sent_again_in_bulk(app, world, browser, superuser):
    from app.rules.errors import Invalid
    from app.rules.notifications import Channel
    wants(world.resident, Channel.IN_APP, Channel.EMAIL)
    post = Post()
    post.fails = Invalid("No such mailbox.")
    with tenant_scope(world.a.org_id) as session:
        tell(session, [world.resident.user_id], Message("maintenance.step", "k", "MR-0001: it is done", None))
    [row] = rows(superuser)
    with tenant_scope(world.a.org_id) as session:
        send(session, row["id"], office(post))
    owner = browser(world.owner)
    assert "No such mailbox." in owner.get("/deliveries/list/?state=failed").text
    owner.post("/deliveries/action_post", {"action": "resend", "rowid": [str(row["id"])]})
    assert rows(superuser)[0]["state"] == "queued"


def test_choices_are_kept_and_a_number_counts_once_confirmed(app, world, browser, superuser, monkeypatch):
    resident = browser(world.resident)
    page = resident.get("/notifications/settings/").text
    assert "A new invoice" in page
    assert "A new inquiry" not in page
    saved = resident.post("/notifications/settings/save", {"billing.issued": ["email"], "quiet": "1", "quiet_from": "22:00", "quiet_to": "07:00",
                                                           "timezone": "Europe/Berlin"})
    assert saved.status_code == 303
    page = resident.get("/notifications/settings/").text
    assert re.search(r'name="billing.issued" value="email" checked', page)
    assert not re.search(r'name="billing.issued" value="in_app" checked', page)
    assert 'value="Europe/Berlin" selected' in page
    assert resident.post("/notifications/settings/save", {"quiet": "1", "quiet_from": "late"}).status_code == 422
    assert resident.post("/notifications/settings/phone", {"phone": "98765 43210"}).status_code == 303
    assert resident.post("/notifications/settings/phone/confirm", {"code": "nonsense"}).status_code == 422
    assert one(superuser, "SELECT phone_confirmed_at IS NULL AND phone_token NOT LIKE '%98765%' FROM notification_settings")


def test_what_is_put_aside_is_read_and_lies_in_the_archive(app, world, browser):
    with tenant_scope(world.a.org_id) as session:
        tell(session, [world.staff.user_id], Message("maintenance.step", "k", "MR-0001: Escalated", None))
    staff = browser(world.staff)
    page = staff.get("/notifications/?about=maintenance").text
    assert "MR-0001: Escalated" in page
    assert "MR-0001: Escalated" not in staff.get("/notifications/?about=announcements").text
    staff.post(re.search(r'action="(/notifications/aside/[^"]+)"', page)[1], {"archived": "1"})
    assert "MR-0001: Escalated" not in staff.get("/notifications/").text
    assert "MR-0001: Escalated" in staff.get("/notifications/?archived=1").text


def test_a_template_is_looked_at_and_a_bad_one_keeps_what_was_typed(app, world, browser):
    owner = browser(world.owner)
    bad = owner.post("/templates/add", {"channel": "email", "language": "en", "kind": "", "subject": "", "body": "Dear {nobody}"})
    assert bad.status_code == 422
    assert "there is no variable “nobody”" in bad.text
    assert "Dear {nobody}" in bad.text
    made = owner.post("/templates/add", {"channel": "email", "language": "en", "kind": "", "subject": "", "body": "Dear {name}: {title}"})
    page = owner.get(made.headers["Location"]).text
    assert f"Dear {world.owner.name}: Your request was received" in page
