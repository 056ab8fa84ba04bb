"""Messages beside the console: who gets them, when, in which words, and what becomes of them (N1, N2, N4)."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from uuid import UUID

import pytest
from sqlalchemy import text

from app.gateways.mail import MailUnavailable, SmtpMailer
from app.languages import noted, sentence
from app.rules.errors import Invalid
from app.rules.notifications import KINDS, Channel, DeliveryState, NoWay, SkipReason
from app.services import announcements
from app.services.notifications import Message, preferences, tell
from app.services.notifications.channels import EmailChannel
from app.services.notifications.sending import Office, Voice, off_secret, send
from app.tenancy import tenant_scope
from tests.gateways.test_mail_smtp import AnyPort
from tests.houses import execute
from tests.maintenance import scope

SECRET = "a secret of this test that is long enough"
MAIL = "maintenance.step"


class Post:
    """A channel that keeps what it is given, or fails as it is told to."""

    def __init__(self):
        self.letters, self.fails = [], None

    def deliver(self, _session, to, letter):
        if self.fails:
            raise self.fails
        self.letters.append((to, letter))
        return DeliveryState.SENT


@contextmanager
def plain(_language):
    yield Voice(str, sentence, noted)


def office(post, channel=Channel.EMAIL):
    return Office({channel: post}, plain, "https://console.example", SECRET, lambda: 0.5)


def wants(person, *channels, kind=MAIL, quiet=None):
    with scope(person) as session:
        preferences.choose(session, [KINDS[kind]], {kind: set(channels)}, quiet, "Asia/Kolkata" if quiet else None)


def told(person, key="1", kind=MAIL, title="MR-0001: it is done", body="", **more):
    with tenant_scope(person.org_id) as session:
        return tell(session, [person.user_id], Message(kind, key, title, person.hostel_id, "/my/requests/", body, **more))


def moved_to(superuser, moment):
    execute(superuser, "UPDATE clock SET shift = CAST(:to AS timestamptz) - clock_timestamp()", to=moment)


def rows(superuser):
    with superuser.connect() as connection:
        return [dict(row) for row in connection.execute(text(
            "SELECT id, user_id, channel, state, reason, attempts, due_at FROM notification_deliveries WHERE channel <> 'in_app' ORDER BY created_at, id")).mappings()]


def worked(person, found, post, channel=Channel.EMAIL):
    with tenant_scope(person.org_id) as session:
        for one in found:
            send(session, one["id"], office(post, channel))


@pytest.fixture
def post():
    return Post()


def test_a_muted_kind_is_told_nowhere_and_a_wanted_channel_once(app, world, superuser, post):
    wants(world.resident)
    assert told(world.resident) == 0
    wants(world.resident, Channel.EMAIL)  # not in the console: it lies in the archive
    assert (told(world.resident), told(world.resident)) == (1, 0)
    worked(world.resident, rows(superuser) * 2, post)
    assert [letter.subject for _, letter in post.letters] == ["MR-0001: it is done"]
    assert [(row["state"], row["attempts"]) for row in rows(superuser)] == [("sent", 1)]
    with superuser.connect() as connection:
        assert connection.execute(text("SELECT read_at IS NOT NULL AND archived_at IS NOT NULL FROM notifications")).scalars().all() == [True]


def test_quiet_hours_hold_emergencies_break_them_and_what_gathers_meanwhile_is_one_message(app, world, superuser, post):
    wants(world.resident, Channel.IN_APP, Channel.EMAIL, quiet=(time(22), time(7)))
    moved_to(superuser, "2026-03-02T23:30:00+05:30")
    for key in "ab":
        told(world.resident, key)
    worked(world.resident, rows(superuser), post)
    assert ({row["due_at"] for row in rows(superuser)}, post.letters) == ({datetime(2026, 3, 3, 1, 30, tzinfo=UTC)}, [])
    told(world.resident, "fire", "announcement.emergency", "Leave the house", channels=(Channel.IN_APP, Channel.EMAIL))
    worked(world.resident, rows(superuser), post)
    assert [letter.subject for _, letter in post.letters] == ["Leave the house"]
    moved_to(superuser, "2026-03-03T07:00:05+05:30")
    worked(world.resident, rows(superuser), post)
    assert [letter.subject for _, letter in post.letters[1:]] == ["2 messages from Asha Homes"]
    assert post.letters[1][1].text.count("• MR-0001: it is done") == 2
    told(world.resident, "c")  # so soon after the last: gathered
    assert rows(superuser)[-1]["due_at"] - datetime(2026, 3, 3, 1, 30, tzinfo=UTC) >= timedelta(minutes=10)


def test_a_failure_is_tried_again_then_given_up_and_sent_by_hand(app, world, superuser, post):
    wants(world.resident, Channel.IN_APP, Channel.EMAIL)
    told(world.resident)
    post.fails = MailUnavailable("The server is away.")
    worked(world.resident, rows(superuser), post)
    assert [(row["state"], row["reason"], row["attempts"]) for row in rows(superuser)] == [("queued", "The server is away.", 1)]
    post.fails = Invalid("No such mailbox.")
    execute(superuser, "UPDATE notification_deliveries SET due_at = app.now()")
    worked(world.resident, rows(superuser), post)
    [row] = rows(superuser)
    assert (row["state"], row["reason"]) == ("failed", "No such mailbox.")
    with scope(world.owner) as session:
        session.execute(text("SELECT app.resend_delivery(:id)"), {"id": row["id"]})
    post.fails = None
    worked(world.resident, rows(superuser), post)
    assert (rows(superuser)[0]["state"], len(post.letters)) == ("sent", 1)


def test_who_has_no_address_there_is_skipped_and_opening_it_is_reading_it(app, world, superuser, post):
    wants(world.resident, Channel.IN_APP, Channel.EMAIL, Channel.SMS)
    told(world.resident)
    post.fails = NoWay(SkipReason.NO_ADDRESS)
    mail, sms = sorted(rows(superuser), key=lambda row: row["channel"])
    worked(world.resident, [sms], post, Channel.SMS)
    post.fails = None
    worked(world.resident, [mail], post)
    with scope(world.resident) as session:
        session.execute(text("UPDATE notifications SET read_at = app.now()"))
    assert {(row["channel"], row["state"], row["reason"]) for row in rows(superuser)} == {("email", "read", ""), ("sms", "skipped", "no_address")}


class Inbox:
    """What a real SMTP server took."""

    def __init__(self):
        self.taken = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


def test_a_mail_arrives_with_both_parts_names_of_any_script_and_a_way_out(app, world, superuser, browser):
    execute(superuser, "UPDATE members SET name = 'आशा पाटिल' WHERE user_id = :id", id=world.resident.user_id)
    wants(world.resident, Channel.IN_APP, Channel.EMAIL)
    told(world.resident, title="शिकायत <MR-0001>: it is done", body="Mended & <b>dry</b>")
    inbox = Inbox()
    server = AnyPort(inbox, hostname="127.0.0.1", port=0)
    server.start()
    try:
        mailer = SmtpMailer(f"smtp://127.0.0.1:{server.port}?starttls=never", "Viramah Console <console@viramah.example>")
        worked(world.resident, rows(superuser), EmailChannel(mailer))
    finally:
        server.stop()
    [mail] = inbox.taken
    token = off_secret(SECRET, rows(superuser)[0]["id"])
    assert (mail["To"].addresses[0].display_name, mail["Subject"]) == ("आशा पाटिल", "शिकायत <MR-0001>: it is done")
    assert (mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"]) == (
        f"<https://console.example/notifications/off?t={token}>", "List-Unsubscribe=One-Click")
    plain_part, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Mended & <b>dry</b>" in plain_part
    assert "Mended &amp; &lt;b&gt;dry&lt;/b&gt;" in html
    assert re.search(r"https://console\.example/notifications/go/[0-9a-f-]{36}", plain_part)
    stranger = browser(None)
    assert "What happens to a maintenance request" in stranger.get(f"/notifications/off?t={token}").text
    assert stranger.http.post(f"/notifications/off?t={token}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert stranger.get("/notifications/off?t=guessed").status_code == 404
    told(world.resident, "2")
    assert len(rows(superuser)) == 1


def test_an_organizations_own_words_are_filled_in_and_bad_ones_refused_with_the_place(app, world, superuser, post):
    with scope(world.owner) as session:
        announcements.save_template(session, None, {"channel": "email", "language": "en", "kind": "", "subject": "{organization}: {title}",
                                                    "body": "Dear {name},\n{{{title}}}\n{link}"}, UUID(int=1), ("en", "hi"))
        with pytest.raises(Invalid, match="Line 2, place 4: there is no variable “password”"):
            announcements.save_template(session, None, {"channel": "sms", "language": "en", "kind": "", "body": "a\nb: {password}"}, UUID(int=2), ("en",))
    wants(world.resident, Channel.IN_APP, Channel.EMAIL)
    told(world.resident, title="{name} <b>")
    worked(world.resident, rows(superuser), post)
    [(to, letter)] = post.letters
    assert letter.subject == "Asha Homes: {name} <b>"
    assert f"Dear {to.name},\n{{{{name}} <b>}}\n" in letter.text
    assert "{{name} &lt;b&gt;}" in letter.html


def test_an_announcement_reaches_its_audience_once(app, world, superuser):
    with scope(world.owner) as session:
        announcements.add(session, {"title": "Water is off", "body": "From 10 to 12.", "hostel_id": world.resident.hostel_id,
                                           "roles": ["resident"], "channels": ["in_app", "email"], "emergency": False}, UUID(int=3))
        reach = announcements.reach(session, UUID(int=3))
        announcements.release(session, UUID(int=3), None)
    with tenant_scope(world.a.org_id) as session:
        assert (announcements.tell_all(session, UUID(int=3)), announcements.tell_all(session, UUID(int=3))) == (reach, 0)
    with scope(world.owner) as session:
        assert announcements.figures(session, UUID(int=3)) == {
            Channel.IN_APP: {DeliveryState.DELIVERED: 1}, Channel.EMAIL: {DeliveryState.QUEUED: 1}}
