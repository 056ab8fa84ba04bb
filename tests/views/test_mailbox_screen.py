"""The demo's mailbox: there only in the demo, and for each organization only its own people's mail."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.gateways.mail import FolderMailer, Mail, mail_id
from app.permissions import Role
from tests.world import Person

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
LINK = "http://127.0.0.1:8080/invitation/abc-123_x"


@pytest.fixture
def send(settings: Any) -> Iterator[Any]:
    """Puts a letter into the mailbox, an hour after the one before; returns its id."""
    shutil.rmtree(settings.mailbox_dir, ignore_errors=True)
    hours = iter(range(100))

    def send(to: str, subject: str, text: str = "Hello.") -> str:
        mailer = FolderMailer(settings.mailbox_dir, clock=lambda: NOON + timedelta(hours=next(hours)))
        mailer.send(Mail(to, subject, text, key=subject))
        return mail_id(subject)

    yield send
    shutil.rmtree(settings.mailbox_dir, ignore_errors=True)


@pytest.fixture
def demo(app: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SETTINGS", dataclasses.replace(settings, demo=True))


def test_letters_to_members_are_listed_the_newest_first(demo: None, world: Any, browser: Any, send: Any) -> None:
    send(world.staff.email, "The older")
    send(world.resident.email.upper(), "The newer")
    page = browser(world.owner).get("/mailbox/").text
    assert page.index("The newer") < page.index("The older")


def test_a_letter_to_somebody_invited_is_read_and_its_link_followed(demo: None, world: Any, browser: Any, send: Any) -> None:
    owner = browser(world.owner)
    invited = owner.post("/invitations/add", {"email": "new@example.org", "name": "New", "role": Role.VIEWER.value})
    assert invited.status_code == 303, invited.text
    letter = send("new@example.org", "Come in", f"Open {LINK} please.\n<b>Bye</b>")
    page = owner.get(f"/mailbox/show/{letter}").text
    assert re.search(f'<a href="{LINK}"[^>]*>', page)
    assert "&lt;b&gt;Bye&lt;/b&gt;" in page


def test_another_organizations_letters_are_missing(demo: None, world: Any, browser: Any, send: Any) -> None:
    letter = send(world.outsider.email, "For the others")
    owner = browser(world.owner)
    assert "For the others" not in owner.get("/mailbox/").text
    assert owner.get(f"/mailbox/show/{letter}").status_code == 404


def test_the_platform_sees_everybodys(demo: None, world: Any, browser: Any, send: Any) -> None:
    letter = send("stranger@example.org", "Sign-up")
    platform = browser(Person(world.super_admin, world.a.org_id, "Platform Admin", "platform@example.org", Role.SUPER_ADMIN, None))
    assert "Sign-up" in platform.get("/mailbox/").text
    assert platform.get(f"/mailbox/show/{letter}").status_code == 200


@pytest.mark.parametrize("letter", ["0" * 32, "..%2Fsecrets", "x"])
def test_an_unknown_letter_is_missing(demo: None, world: Any, browser: Any, send: Any, letter: str) -> None:
    assert browser(world.owner).get(f"/mailbox/show/{letter}").status_code == 404


@pytest.mark.parametrize("role", [Role.HOSTEL_MANAGER, Role.VIEWER, Role.MAINTENANCE_STAFF, Role.RESIDENT])
def test_who_does_not_run_the_organization_reads_no_letters(demo: None, world: Any, browser: Any, role: Role) -> None:
    somebody = browser(world.a.people[role])
    assert somebody.get("/mailbox/").status_code == 403
    assert 'href="/mailbox/"' not in somebody.get("/", follow_redirects=True).text


def test_the_menu_leads_there_in_the_demo(demo: None, world: Any, browser: Any) -> None:
    assert 'href="/mailbox/"' in browser(world.owner).get("/").text


@pytest.mark.parametrize("elsewhere", [{"demo": False}, {"demo": True, "smtp_url": "smtp://mail.example.org:587"}])
def test_outside_the_demo_or_with_a_mail_server_there_is_no_mailbox(
    app: Any, settings: Any, world: Any, browser: Any, send: Any, monkeypatch: pytest.MonkeyPatch, elsewhere: dict[str, Any]
) -> None:
    letter = send(world.staff.email, "Private")
    monkeypatch.setitem(app.config, "SETTINGS", dataclasses.replace(settings, **elsewhere))
    owner = browser(world.owner)
    assert owner.get("/mailbox/").status_code == 404
    assert owner.get(f"/mailbox/show/{letter}").status_code == 404
    assert "/mailbox/" not in owner.get("/").text
