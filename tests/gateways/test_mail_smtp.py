"""Mail through SMTP, against a real server in this process."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.gateways.mail import Mail, MailRefused, MailUnavailable, SmtpMailer

SENDER = "Viramah Console <console@viramah.example>"
NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
MAIL = Mail(
    "asha@example.org", "Your invitation – स्वागत है", "Welcome 🏠", "invitation:1", "<p>Welcome 🏠</p>"
)
USER, PASSWORD = "console@viramah.example", "p@ss:w/rd"


class Inbox:
    """What the server took, and what it should say at which moment instead of taking it."""

    def __init__(self) -> None:
        self.taken: list[tuple[Envelope, EmailMessage]] = []
        self.answer_recipient = ""
        self.answer_data = "250 OK"
        self.logins: list[tuple[bytes, bytes]] = []
        self.encrypted = False

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer_recipient:
            return self.answer_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.encrypted = session.ssl is not None
        if self.answer_data.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.taken.append((envelope, message_from_bytes(envelope.content, policy=policy.default)))
        return self.answer_data

    def authenticate(
        self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data == LoginPassword(USER.encode(), PASSWORD.encode()), handled=False)


class AnyPort(Controller):
    """A server on whatever port is free, which aiosmtpd cannot do by itself."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def serve(inbox: Inbox) -> Iterator[Callable[..., int]]:
    """Start a server with these settings of aiosmtpd's; returns its port."""
    with ExitStack() as stack:

        def start(**settings: Any) -> int:
            controller = AnyPort(inbox, hostname="127.0.0.1", port=0, **settings)
            controller.start()
            stack.callback(controller.stop)
            return controller.port

        yield start


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own authority for 127.0.0.1, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="module")
def client_tls(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def plain(port: int) -> SmtpMailer:
    return SmtpMailer(f"smtp://127.0.0.1:{port}?starttls=never", SENDER, clock=lambda: NOON)


def test_a_message_arrives_with_both_bodies_and_its_signs(serve: Callable[..., int], inbox: Inbox) -> None:
    plain(serve()).send(MAIL)
    ((envelope, message),) = inbox.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("console@viramah.example", ["asha@example.org"])
    assert (message["Subject"], message["To"], message["From"]) == (MAIL.subject, MAIL.to, SENDER)
    bodies = {part.get_content_type(): part.get_content().strip() for part in message.iter_parts()}
    assert bodies == {"text/plain": MAIL.text, "text/html": MAIL.html}
    assert message["Date"].datetime == NOON


def test_the_same_occasion_has_the_same_message_id(serve: Callable[..., int], inbox: Inbox) -> None:
    mailer = plain(serve())
    first, again = mailer.send(MAIL), mailer.send(MAIL)
    other = mailer.send(Mail(MAIL.to, MAIL.subject, MAIL.text, "invitation:2"))
    assert first == again != other
    assert [str(message["Message-ID"]) for _, message in inbox.taken] == [first, again, other]


def test_starttls_and_login(
    serve: Callable[..., int], inbox: Inbox, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    port = serve(
        tls_context=server_tls, require_starttls=True, authenticator=inbox.authenticate, auth_required=True
    )
    url = f"smtp://{quote(USER)}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}"
    SmtpMailer(url, SENDER, tls=client_tls).send(MAIL)
    assert inbox.logins == [(USER.encode(), PASSWORD.encode())]
    assert inbox.encrypted
    assert len(inbox.taken) == 1


def test_tls_from_the_first_byte(
    serve: Callable[..., int], inbox: Inbox, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    port = serve(ssl_context=server_tls)
    SmtpMailer(f"smtps://127.0.0.1:{port}", SENDER, tls=client_tls).send(MAIL)
    assert len(inbox.taken) == 1


def test_an_unknown_certificate_is_not_spoken_to(
    serve: Callable[..., int], inbox: Inbox, server_tls: ssl.SSLContext
) -> None:
    port = serve(tls_context=server_tls)
    with pytest.raises(MailUnavailable):
        SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER).send(MAIL)
    assert inbox.taken == []


def test_nothing_is_sent_in_the_clear_unless_the_settings_say_so(
    serve: Callable[..., int], inbox: Inbox
) -> None:
    with pytest.raises(MailUnavailable):
        SmtpMailer(f"smtp://user:secret@127.0.0.1:{serve()}", SENDER).send(MAIL)
    assert (inbox.taken, inbox.logins) == ([], [])


def test_a_wrong_password_is_the_settings_fault_and_temporary(
    serve: Callable[..., int], inbox: Inbox, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    port = serve(tls_context=server_tls, authenticator=inbox.authenticate, auth_required=True)
    with pytest.raises(MailUnavailable, match="login"):
        SmtpMailer(f"smtp://user:wrong@127.0.0.1:{port}", SENDER, tls=client_tls).send(MAIL)


@pytest.mark.parametrize(
    ("answer", "error"),
    [("550 no such mailbox", MailRefused), ("450 mailbox busy", MailUnavailable)],
)
def test_a_refused_recipient_is_permanent_and_a_busy_one_is_not(
    serve: Callable[..., int], inbox: Inbox, answer: str, error: type[Exception]
) -> None:
    inbox.answer_recipient = answer
    with pytest.raises(error):
        plain(serve()).send(MAIL)


@pytest.mark.parametrize(
    ("answer", "error"),
    [("554 this is spam", MailRefused), ("451 try later", MailUnavailable)],
)
def test_a_refused_message_is_permanent_and_a_deferred_one_is_not(
    serve: Callable[..., int], inbox: Inbox, answer: str, error: type[Exception]
) -> None:
    inbox.answer_data = answer
    with pytest.raises(error):
        plain(serve()).send(MAIL)


def test_a_server_that_is_away_is_temporary(closed_port: int) -> None:
    with pytest.raises(MailUnavailable):
        plain(closed_port).send(MAIL)


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("asha@example.org\nBcc: all@example.org", "Hello"),
        ("asha@example.org", "Hello\r\nBcc: all@example.org"),
        ("asha@example.org", "Hello\rX: y"),
        ("asha@example.org, all@example.org", "Hello"),
        ("Asha <asha@example.org>", "Hello"),
        ("asha", "Hello"),
        ("", "Hello"),
    ],
)
def test_what_would_add_a_header_or_a_recipient_is_refused(
    serve: Callable[..., int], inbox: Inbox, to: str, subject: str
) -> None:
    with pytest.raises(MailRefused):
        plain(serve()).send(Mail(to, subject, "text", "key"))
    assert inbox.taken == []


@pytest.mark.parametrize(
    "url", ["http://mail", "smtp://", "mail.example.org", "smtp://mail?starttls=perhaps"]
)
def test_a_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP URL"):
        SmtpMailer(url, SENDER)
