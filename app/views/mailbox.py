"""The demo's mailbox: what the console would have mailed, for who tries it out without a mail server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g
from flask_appbuilder import AppBuilder
from flask_babel import gettext

from app import wiring
from app.gateways.mail import FolderMailer, MailMissing, ReceivedMail
from app.permissions import Action, Portal, Resource
from app.rules.errors import NotFound
from app.services import mailbox
from app.views.base import ConsoleView, expose, has_access

SHOWN = 200  # the newest; a demo has no more, and reading each is a file


def is_shown() -> bool:
    """Only in the demo, and only where mail goes to a folder: anywhere else these are other people's letters."""
    found = wiring.settings()
    return found.demo and found.smtp_url is None and found.mailbox_dir is not None


class MailboxView(ConsoleView):
    """Mail to the organization's members and invited; all of it for the platform.

    Letters hold links that let their reader in, so only those see them who run the organization.
    """

    route_base = "/mailbox"
    default_view = "index"
    resource = Resource.ORGANIZATION
    portals = frozenset({Portal.ADMIN, Portal.PLATFORM})
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "show": Action.READ}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """The newest first."""
        return self.page("mailbox/index.html", title=gettext("Mailbox"), mails=self._mine(_folder().list())[:SHOWN])

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """One letter, as text; one to somebody else is as good as missing."""
        found = self._mine([_folder().read(pk)])
        if not found:
            raise MailMissing(gettext("There is no such message in the mailbox."))
        return self.page("mailbox/show.html", title=found[0].subject, mail=found[0])

    def _mine(self, mails: Sequence[ReceivedMail]) -> list[ReceivedMail]:
        if g.identity.portal is Portal.PLATFORM:
            return list(mails)
        return mailbox.addressed_to(mails, mailbox.addresses(self.session()))


def _folder() -> FolderMailer:
    mailer = wiring.mailer() if is_shown() else None
    if not isinstance(mailer, FolderMailer):
        raise NotFound(gettext("There is nothing at this address."))
    return mailer


def register(builder: AppBuilder) -> None:
    """Add the screen; its entry in the menu comes and goes with the demo."""
    builder.add_view(MailboxView, "Mailbox", icon="fa-mail", category="Operations", menu_cond=is_shown)
