"""Outgoing e-mail: through an SMTP server, or into the folder that is the demo's mailbox."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import smtplib
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from app.rules.errors import DomainError, Invalid, NotFound

TIMEOUT_SECONDS = 15.0
_PERMANENT = 500
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@[^\s@<>()\[\],;:\"\\]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_MAIL_ID = re.compile(r"[0-9a-f]{32}")


class MailRefused(Invalid):
    """Permanent: this message will not be taken, however often it is sent."""

    code = "mail_refused"


class MailUnavailable(DomainError):
    """Temporary: the server is away, busy or does not know us; the same message may be taken later."""

    code = "mail_unavailable"
    status = 503


class MailMissing(NotFound):
    """There is no such message in the mailbox."""

    code = "mail_missing"


@dataclass(frozen=True, slots=True)
class Mail:
    """One message to one person. `key` names the occasion: sent twice, both carry the same Message-ID."""

    to: str
    subject: str
    text: str
    key: str
    html: str | None = None
    name: str = ""
    unsubscribe: str = ""  # an address that ends such mail when it is posted to (RFC 8058)


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A message of the demo's mailbox, as the console shows it."""

    id: str
    to: str
    subject: str
    sent_at: datetime
    text: str
    html: str | None


class Mailer(Protocol):
    """What services may ask of e-mail."""

    def send(self, mail: Mail) -> str:
        """Hand the message over and return its Message-ID; `MailRefused` or `MailUnavailable` if that fails."""


def _now() -> datetime:
    return datetime.now(UTC)


def mail_id(key: str) -> str:
    """The left part of a Message-ID: the same for the same occasion."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def compose(mail: Mail, sender: str, now: datetime) -> EmailMessage:
    """The message as it goes over the wire; anything that would add a header or a recipient is refused."""
    if any(_CONTROL.search(value) for value in (mail.to, mail.name, mail.subject, mail.unsubscribe, sender)):
        raise MailRefused("An address or a subject must not contain a line break.")
    if not _ADDRESS.fullmatch(mail.to):
        raise MailRefused("This is not one e-mail address.", field="email")
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender
    message["To"] = Address(display_name=mail.name, addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Date"] = now
    message["Message-ID"] = f"<{mail_id(mail.key)}@{address_of(sender).rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: an absence notice does not answer us
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
    return message


def address_of(sender: str) -> str:
    """The bare address of `Name <address>`; ValueError if there is none."""
    address = parseaddr(sender)[1]
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"{sender!r} is not an address mail can come from.")
    return address


@dataclass(frozen=True, slots=True)
class _Server:
    """An SMTP URL taken apart: `smtp[s]://user:password@host:port?starttls=never`; `smtp+starttls:` is `smtp:`."""

    host: str
    port: int
    tls_at_once: bool
    starttls: bool
    user: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> _Server:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps", "smtp+starttls"} or not parts.hostname:
            raise ValueError("An SMTP URL reads smtp://user:password@host:port or smtps://…")
        at_once = parts.scheme == "smtps"
        wish = parse_qs(parts.query).get("starttls", ["always"])[0]
        if wish not in {"always", "never"}:
            raise ValueError("starttls of an SMTP URL is always or never.")
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if at_once else 587),
            tls_at_once=at_once,
            starttls=not at_once and wish == "always",
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )


class SmtpMailer:
    """Sends through one SMTP server, encrypted unless the URL says `starttls=never` (a relay on this machine).

    Certificates are verified; a private authority is named by SSL_CERT_FILE, or given as `tls`. A wrong password
    counts as temporary: the settings are at fault, not the message, which waits until they are repaired.
    """

    def __init__(
        self,
        smtp_url: str,
        sender: str,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._server = _Server.parse(smtp_url)
        self._sender = sender
        self._envelope_sender = address_of(sender)
        self._tls = tls or ssl.create_default_context()
        self._clock = clock

    def send(self, mail: Mail) -> str:
        message = compose(mail, self._sender, self._clock())
        with _smtp_errors():
            connection = self._connect()
            try:
                self._greet(connection)
                connection.send_message(message, self._envelope_sender, [mail.to])
            finally:
                # The message is handed over, or not, by now: a server that hangs up rudely changes nothing.
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    connection.quit()
                connection.close()
        return str(message["Message-ID"])

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.tls_at_once:
            return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=self._tls)
        return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)

    def _greet(self, connection: smtplib.SMTP) -> None:
        if self._server.starttls:
            connection.starttls(context=self._tls)
        if self._server.user is not None:
            connection.login(self._server.user, self._server.password or "")


@contextlib.contextmanager
def _smtp_errors() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        ((code, _),) = error.recipients.values()
        raise _by_code(code) from error
    except smtplib.SMTPAuthenticationError as error:
        raise MailUnavailable("The mail server does not accept the console's login.") from error
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        raise _by_code(error.smtp_code) from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailUnavailable("The mail server does not answer as it should; the message waits.") from error


def _by_code(code: int) -> DomainError:
    """RFC 5321, 4.2.1: 5yz is permanent, 4yz may be tried again."""
    if code >= _PERMANENT:
        return MailRefused("The mail server refuses this message or its address.", field="email")
    return MailUnavailable("The mail server is busy; the message waits.")


class FolderMailer:
    """A mailbox that is a folder of .eml files (0600), one for each occasion, for the demo and for tests."""

    def __init__(
        self,
        folder: Path,
        sender: str = "Viramah Console <console@localhost>",
        *,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._folder = folder
        self._sender = sender
        self._clock = clock
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def send(self, mail: Mail) -> str:
        message = compose(mail, self._sender, self._clock())
        target = self._folder / f"{mail_id(mail.key)}.eml"
        if not target.exists():  # a repeat of what was sent: the first stays, with its time
            try:
                self._write(target, message.as_bytes())
            except OSError as error:
                raise MailUnavailable("The mailbox folder cannot be written.") from error
        return str(message["Message-ID"])

    def list(self) -> Sequence[ReceivedMail]:
        """All messages, the newest first."""
        messages = [_received(path) for path in self._folder.glob("*.eml")]
        return sorted(messages, key=lambda mail: (mail.sent_at, mail.id), reverse=True)

    def read(self, id: str) -> ReceivedMail:  # noqa: A002 - the word of the page that shows it
        """One message, or `MailMissing`."""
        path = self._folder / f"{id}.eml"
        if not _MAIL_ID.fullmatch(id) or not path.exists():
            raise MailMissing("There is no such message in the mailbox.")
        return _received(path)

    def _write(self, target: Path, content: bytes) -> None:
        descriptor, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)


def _received(path: Path) -> ReceivedMail:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    html = message.get_body(("html",))
    text = message.get_body(("plain",))
    return ReceivedMail(
        id=path.stem,
        to=message["To"].addresses[0].addr_spec,
        subject=str(message["Subject"]),
        sent_at=message["Date"].datetime,
        text="" if text is None else text.get_content(),
        html=None if html is None else html.get_content(),
    )
