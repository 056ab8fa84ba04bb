"""Outgoing text messages: through Twilio's API, or into the folder that is the demo's mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import requests

from app.gateways.mail import FolderMailer, Mail
from app.rules.errors import DomainError, Invalid

TIMEOUT_SECONDS = 15.0
_TOO_MANY, _SERVER = 429, 500
_SETTINGS = {401, 403, 404}  # the account is at fault, not the message


class TextRefused(Invalid):
    """Permanent: this number or this message will not be taken."""

    code = "sms_refused"


class TextUnavailable(DomainError):
    """Temporary: the provider is away, busy, or does not know us."""

    code = "sms_unavailable"
    status = 503


@dataclass(frozen=True, slots=True)
class Text:
    """A message to one number, written +919876543210. `key` names the occasion."""

    to: str
    text: str
    key: str


class Texter(Protocol):
    """What services may ask of text messages."""

    def send(self, text: Text) -> str:
        """Hand it over and return the provider's id; `TextRefused` or `TextUnavailable` if that fails."""


class Twilio:
    """https://www.twilio.com/docs/messaging/api/message-resource: a form with To, From and Body, answered by a `sid`."""

    def __init__(self, base: str, account: str, token: str, sender: str) -> None:
        self._url = f"{base}/2010-04-01/Accounts/{account}/Messages.json"
        self._login, self._sender = (account, token), sender

    def send(self, text: Text) -> str:
        """One request; what it costs and whether it arrives is the provider's."""
        # A service (MG…) chooses among several numbers; anything else is a number or a name.
        sender = {"MessagingServiceSid" if self._sender.startswith("MG") else "From": self._sender}
        try:
            answer = requests.post(self._url, data={"To": text.to, "Body": text.text, **sender}, auth=self._login, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise TextUnavailable("The provider of text messages does not answer; the message waits.") from error
        if answer.status_code in _SETTINGS:
            raise TextUnavailable("The provider of text messages does not accept the console's account.")
        if answer.status_code == _TOO_MANY or answer.status_code >= _SERVER:
            raise TextUnavailable("The provider of text messages is busy; the message waits.")
        try:
            found = answer.json()
        except ValueError as error:
            raise TextUnavailable("The provider of text messages does not answer as it should; the message waits.") from error
        if not answer.ok:
            raise TextRefused("The provider of text messages refuses this message or its number.", field="phone")
        return str(found.get("sid", ""))


class FolderTexter:
    """Text messages as letters in the demo's mailbox, to the number at `sms.localhost`."""

    def __init__(self, mailer: FolderMailer) -> None:
        self._mailer = mailer

    def send(self, text: Text) -> str:
        """One file for each occasion."""
        return self._mailer.send(Mail(to=f"{text.to}@sms.localhost", subject=text.text.splitlines()[0][:80], text=text.text, key=f"sms {text.key}"))
