"""The organization's own words around messages: by channel, language and kind, with a look at them and a test to oneself."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from flask import flash, g
from flask_babel import get_locale, gettext, lazy_gettext
from sqlalchemy.orm import Session
from wtforms import SelectField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from app.languages import SOURCE, in_language, languages, noted, sentence
from app.models.announcements import NotificationTemplate
from app.permissions import Action, Portal, Resource
from app.rules.announcements import TEMPLATE_MAX, VARIABLES
from app.rules.notifications import KINDS, Channel
from app.services import announcements
from app.services.notifications.channels import EmailChannel, Letter, Recipient
from app.services.notifications.sending import Voice, letter_of
from app.views import formats
from app.views.base import (
    ConsoleInterface,
    ConsoleModelView,
    Step,
    expose,
    has_access,
    service_call,
    submission_id,
)
from app.wiring import mailer, settings

_OUTSIDE = (Channel.EMAIL, Channel.SMS, Channel.TELEGRAM)


def _fields() -> dict[str, Any]:
    return {
        "channel": SelectField(lazy_gettext("Channel"), choices=lambda: [(one.value, formats.human(one)) for one in _OUTSIDE]),
        "language": SelectField(lazy_gettext("Language"), choices=lambda: list(languages().items())),
        "kind": SelectField(lazy_gettext("About"), [Optional()], choices=lambda: [
            ("", gettext("All messages")), *((kind.name, sentence(kind.label)) for kind in KINDS.values())]),
        "body": TextAreaField(lazy_gettext("Text"), [DataRequired(lazy_gettext("Please fill this in.")), Length(max=TEMPLATE_MAX)],
                              description=lazy_gettext("In braces: %(names)s. What was told stands in title and body.",
                                                       names=", ".join(f"{{{name}}}" for name in VARIABLES))),
    }


class TemplateView(ConsoleModelView):
    """Who runs the organization writes them; without one our own words are sent."""

    route_base = "/templates"
    datamodel = ConsoleInterface(NotificationTemplate)
    resource = Resource.ORGANIZATION
    portals = frozenset({Portal.ADMIN})
    singular_name, plural_name = "Template", "Templates"
    method_actions: ClassVar[dict[str, Action]] = {"add": Action.UPDATE, "edit": Action.UPDATE, "delete": Action.UPDATE, "test": Action.UPDATE}
    enums: ClassVar[dict[str, Any]] = {"channel": Channel}
    list_columns: ClassVar[list[str]] = ["channel", "language", "kind", "subject", "created_at"]
    show_columns: ClassVar[list[str]] = ["channel", "language", "kind", "subject", "body"]
    search_columns: ClassVar[list[str]] = ["channel"]
    add_columns: ClassVar[list[str]] = ["channel", "language", "kind", "subject", "body"]
    edit_columns = add_columns
    label_columns: ClassVar[dict[str, Any]] = {
        "channel": lazy_gettext("Channel"), "language": lazy_gettext("Language"), "kind": lazy_gettext("About"), "subject": lazy_gettext("Subject"),
        "body": lazy_gettext("Text")}
    description_columns: ClassVar[dict[str, Any]] = {"subject": lazy_gettext("For e-mail. Empty: what was told.")}
    formatters_columns: ClassVar[dict[str, Any]] = {
        "language": lambda code: languages().get(code, code), "kind": lambda name: sentence(KINDS[name].label) if name in KINDS else gettext("All messages")}
    base_order = ("created_at", "desc")
    empty_hint = lazy_gettext("Without a template messages go out in our words, in the language of each reader.")
    show_template = "announcements/template.html"

    add_form_extra_fields: ClassVar[dict[str, Any]] = _fields()
    edit_form_extra_fields: ClassVar[dict[str, Any]] = _fields()

    def create(self, session: Session, data: dict[str, Any]) -> NotificationTemplate:
        """One for a channel, a language and a kind."""
        return announcements.save_template(session, None, data, submission_id(), list(languages()))

    def update(self, session: Session, item: NotificationTemplate, data: dict[str, Any]) -> None:
        """Other words."""
        announcements.save_template(session, item, data, item.id, list(languages()))

    def remove(self, session: Session, item: NotificationTemplate) -> None:
        """Ours again."""
        session.delete(item)

    def steps(self, item: NotificationTemplate) -> list[Step]:
        """A test goes to oneself."""
        found = super().steps(item)
        if self.allowed("test") and item.channel == Channel.EMAIL:
            found.insert(0, Step("test", gettext("Send me a test"), self.url("test", pk=self.key_of(item)), "mail"))
        return found

    def show_context(self, item: NotificationTemplate) -> dict[str, Any]:
        """How a message looks in it."""
        return {"letter": _sample(item)}

    @expose("/test/<pk>", methods=["POST"])
    @has_access
    def test(self, pk: str) -> Any:
        """An example, by mail, to whoever asks for it."""
        item = self.find(pk)
        with service_call() as call:
            EmailChannel(mailer()).deliver(call.session, _myself(), _sample(item))
        if call.error is None:
            flash(gettext("A test is on its way to %(email)s.", email=g.identity.email), "success")
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))


def _myself() -> Recipient:
    return Recipient(g.identity.user_id, g.identity.name, g.identity.email, str(get_locale() or SOURCE), g.identity.org_name, None)


def _sample(item: NotificationTemplate) -> Letter:
    """A made-up message in these words and this language."""
    url = settings().public_url
    with in_language(item.language):
        values = {"title": gettext("Your request was received"), "body": gettext("Somebody will look after it."), "name": g.identity.name,
                  "organization": g.identity.org_name, "link": f"{url}/notifications/"}
        return letter_of(Channel(item.channel), values, Voice(gettext, sentence, noted), (item.subject, item.body), uuid4(), f"{url}/notifications/settings/")
