"""What leaves through the jobs is in the language of its reader, and by the mailbox of the installation."""

from __future__ import annotations

from sqlalchemy import text

from app.rules.notifications import Channel
from app.services.notifications import preferences
from app.services.notifications.channels import SmsChannel
from app.services.people import preferences as people
from app.tenancy import tenant_scope
from app.wiring import mailer, ring, settings
from jobs.notifications import deliver
from tests.houses import execute
from tests.maintenance import scope
from tests.services.test_notifications_sending import rows, told, wants, worked


def test_a_mail_is_written_in_its_readers_language(app, world, superuser):
    with scope(world.resident) as session:
        people.choose_language(session, "hi")
    wants(world.resident, Channel.EMAIL)
    told(world.resident, body="Call me")
    with superuser.connect() as connection:
        [payload] = connection.scalars(text("SELECT payload FROM outbox WHERE kind = 'notifications.send'")).all()
    with tenant_scope(world.a.org_id) as session:
        deliver(session, payload)
    [mail] = [mail for mail in mailer().list() if mail.to == world.resident.email]
    assert "it is done" not in mail.subject
    assert f"नमस्ते {world.resident.name}" in mail.text
    assert "Call me" in mail.text  # what a person wrote stays as it is


class Phone:
    """A provider that keeps what it is given."""

    def __init__(self):
        self.texts = []

    def send(self, one):
        self.texts.append(one)
        return "1"


def test_a_number_is_written_to_once_its_code_was_given(app, world, superuser, browser):
    phone, resident = Phone(), browser(world.resident)
    resident.post("/notifications/settings/phone", {"phone": "98765 43210"})
    with tenant_scope(world.a.org_id) as session:
        preferences.send_code(session, world.resident.user_id, phone, ring(), settings().secret_key, str)
    wants(world.resident, Channel.SMS)
    told(world.resident, key="before")
    resident.post("/notifications/settings/phone/confirm", {"code": phone.texts[0].text.split()[0]})
    told(world.resident, key="after", kind="maintenance.step")
    waiting = rows(superuser)
    execute(superuser, "UPDATE notification_deliveries SET due_at = now()")
    worked(world.resident, waiting, SmsChannel(phone, ring()), Channel.SMS)
    assert [text.to for text in phone.texts] == ["+919876543210"] * 2
    assert "2 messages from Asha Homes" in phone.texts[1].text
