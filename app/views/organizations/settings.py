"""The organization itself: what it is called, how it works, and how much of its plan is used."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session
from wtforms import BooleanField, TelField
from wtforms.validators import Length

from app.models.organizations import Organization
from app.permissions import Action, Resource
from app.rules.phones import clean_phone, shown_phone
from app.services import organizations
from app.views.base import ConsoleInterface, ConsoleModelView, ConsoleView, expose, has_access
from app.views.fields import printable, strip
from app.views.organizations.choices import (
    country_field,
    country_name,
    currency_field,
    currency_name,
    grouping_field,
    grouping_name,
    language_field,
    language_name,
    zone_field,
)

NEARLY = 0.8  # part of a limit from which on the bar warns


class OrganizationView(ConsoleModelView):
    """The one row that the policies show."""

    route_base = "/organization/settings"
    datamodel = ConsoleInterface(Organization)
    resource = Resource.ORGANIZATION
    singular_name, plural_name = "Organization", "Organization settings"
    exclude_route_methods: ClassVar[set[str]] = {"list", "options"}
    method_actions: ClassVar[dict[str, Action]] = {"mine": Action.READ}
    default_view = "mine"
    list_columns: ClassVar[list[str]] = ["name"]
    show_columns: ClassVar[list[str]] = ["slug", "timezone", "currency", "country", "public_phone", "language", "grouping", "require_totp",
                                         "created_at"]
    edit_fieldsets: ClassVar[list[Any]] = [
        (lazy_gettext("The organization"), {"fields": ["name", "country", "public_phone"]}),
        (lazy_gettext("Clock, money and language"), {"fields": ["timezone", "currency", "grouping", "language"], "help": lazy_gettext(
            "Hostels may have a clock and money of their own, and everybody a language.")}),
        (lazy_gettext("Security"), {"fields": ["require_totp"]})]
    key_facts = ("slug", "country")
    edit_title = lazy_gettext("Edit settings")
    formatters_columns: ClassVar[dict[str, Any]] = {
        "public_phone": lambda number: shown_phone(number) if number else "",
        "country": country_name, "currency": currency_name, "language": language_name, "grouping": grouping_name}
    label_columns: ClassVar[dict[str, Any]] = {
        "slug": "Short name", "timezone": "Time zone", "require_totp": "Second factor for all staff", "created_at": "Here since",
        "language": "Language", "grouping": "Large numbers", "public_phone": "Phone for people who look for a bed"}
    edit_form_extra_fields: ClassVar[dict[str, Any]] = {
        "public_phone": TelField(lazy_gettext("Phone for people who look for a bed"), [Length(max=40), printable], filters=[strip],
                                 description=lazy_gettext("It stands on your public page, for whoever would rather call."),
                                 render_kw={"inputmode": "tel"}),
        "timezone": zone_field(), "currency": currency_field(), "country": country_field(), "language": language_field(),
        "grouping": grouping_field(),
        "require_totp": BooleanField(lazy_gettext("Second factor for all staff"), description=lazy_gettext(
            "Whoever works here has to set up an authenticator app before anything else. Residents do not."))}

    @expose("/")
    @has_access
    def mine(self) -> Any:
        """The caller's organization."""
        return self.render_show(str(g.identity.org_id))

    def update(self, session: Session, item: Organization, data: dict[str, Any]) -> None:
        """Names and settings; plan and limits are the platform's."""
        settings = {name: data.pop(name) for name in ("require_totp", "language", "grouping", "public_phone")}
        if settings["public_phone"]:
            settings["public_phone"] = clean_phone(settings["public_phone"], data["country"], "public_phone")
        organizations.edit_organization(session, {**data, "settings": settings})


class UsageView(ConsoleView):
    """How much of the plan is used."""

    route_base = "/organization/usage"
    resource = Resource.ORGANIZATION
    default_view = "usage"
    method_actions: ClassVar[dict[str, Action]] = {"usage": Action.READ}

    @expose("/")
    @has_access
    def usage(self) -> Any:
        """One bar for each limit."""
        return self.page("organizations/usage.html", title=gettext("Plan and usage"), plan=g.identity.plan,
                         rows=organizations.usage(self.session()), nearly=NEARLY)
