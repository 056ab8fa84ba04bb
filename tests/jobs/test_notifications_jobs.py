"""What leaves through the jobs is in the language of its reader, and by the mailbox of the installation."""

from __future__ import annotations

from sqlalchemy import text

from app.rules.notifications import Channel
from app.services.people import preferences as people
from app.tenancy import tenant_scope
from app.wiring import mailer
from jobs.notifications import deliver
from tests.maintenance import scope
from tests.services.test_notifications_sending import told, wants


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
