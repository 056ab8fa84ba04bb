"""The mailbox of the demo: a folder of messages, newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.gateways.mail import FolderMailer, Mail, MailMissing, MailRefused

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that moves a minute each time it is read."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def mailer(tmp_path: Path) -> FolderMailer:
    return FolderMailer(tmp_path / "mailbox", clock=Clock())


def test_messages_are_listed_newest_first(mailer: FolderMailer) -> None:
    for subject in ("first", "second", "third"):
        mailer.send(Mail("asha@example.org", subject, "text", key=subject))
    assert [mail.subject for mail in mailer.list()] == ["third", "second", "first"]


def test_a_message_is_read_as_it_was_sent(mailer: FolderMailer) -> None:
    mailer.send(Mail("asha@example.org", "स्वागत 🏠", "Your room\nis ready", "k", "<b>Your room</b>"))
    (listed,) = mailer.list()
    read = mailer.read(listed.id)
    assert (read.to, read.subject) == ("asha@example.org", "स्वागत 🏠")
    assert read.text.splitlines() == ["Your room", "is ready"]
    assert read.html is not None
    assert read.html.strip() == "<b>Your room</b>"
    assert read.sent_at == NOON + timedelta(minutes=1)


def test_a_message_without_html_has_none(mailer: FolderMailer) -> None:
    mailer.send(Mail("asha@example.org", "s", "text", "k"))
    assert mailer.list()[0].html is None


def test_a_repeat_is_recognised_and_not_kept_twice(mailer: FolderMailer) -> None:
    mail = Mail("asha@example.org", "s", "text", "invitation:1")
    assert mailer.send(mail) == mailer.send(mail)
    assert [mail.sent_at for mail in mailer.list()] == [NOON + timedelta(minutes=1)]


def test_messages_are_private_and_nothing_half_written_stays(mailer: FolderMailer, tmp_path: Path) -> None:
    mailer.send(Mail("asha@example.org", "s", "text", "k"))
    (path,) = (tmp_path / "mailbox").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["0" * 32, "../../etc/passwd", "", "x"])
def test_a_message_that_is_not_there_is_missing(mailer: FolderMailer, name: str) -> None:
    with pytest.raises(MailMissing):
        mailer.read(name)


def test_an_added_header_is_refused(mailer: FolderMailer) -> None:
    with pytest.raises(MailRefused):
        mailer.send(Mail("asha@example.org", "s\nBcc: all@example.org", "text", "k"))
    assert list(mailer.list()) == []
