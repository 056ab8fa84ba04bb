"""Forms around signing in and joining, and the choice of a role that the person may give."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, EmailField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from app.permissions import Role
from app.rules import organizations, signin
from app.services.people.members import grantable
from app.views import formats
from app.views.fields import ConsoleForm, printable, strip

_given = DataRequired(lazy_gettext("Please fill this in."))
_EMAIL_KEYS = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
_NEW = {"autocomplete": "new-password", "minlength": signin.PASSWORD_MIN}
_NEW_HINT = lazy_gettext("At least 12 characters; a few unrelated words are a good one.")


def email_field(**options: Any) -> EmailField:
    """An address; whether it can be one is for the rules to say."""
    return EmailField(lazy_gettext("E-mail address"), [_given, Length(max=signin.EMAIL_MAX), printable], filters=[strip],
                      render_kw=_EMAIL_KEYS, **options)


def name_field(label: Any) -> StringField:
    """A name of somebody or something."""
    return StringField(label, [_given, Length(max=organizations.NAME_MAX), printable], filters=[strip],
                       render_kw={"autocomplete": "name" if "name" in str(label).lower() else "organization"})


def new_password_field(label: Any) -> PasswordField:
    """A password that is to be."""
    return PasswordField(label, [_given, Length(max=signin.PASSWORD_MAX)], render_kw=_NEW, description=_NEW_HINT)


def old_password_field(label: Any) -> PasswordField:
    """A password that is."""
    return PasswordField(label, [_given, Length(max=signin.PASSWORD_MAX)], render_kw={"autocomplete": "current-password"})


class SignInForm(ConsoleForm):
    """E-mail address and password."""

    email = email_field()
    password = old_password_field(lazy_gettext("Password"))


class ConfirmForm(ConsoleForm):
    """The password of an account that is known already."""

    password = old_password_field(lazy_gettext("Password"))


class CodeForm(ConsoleForm):
    """A code of the app, or a recovery code."""

    code = StringField(lazy_gettext("Code"), [_given, Length(max=40), printable], filters=[strip], render_kw={
        "autocomplete": "one-time-code", "inputmode": "text", "autocapitalize": "none", "spellcheck": "false"})


class ForgottenForm(ConsoleForm):
    """Where to send the link."""

    email = email_field()


class UseLinkForm(ConsoleForm):
    """Nothing to type: that somebody presses the button, and not a mail scanner."""


class DeviceCodeForm(ConsoleForm):
    """The code that was mailed."""

    code = StringField(lazy_gettext("Code"), [_given, Length(max=40), printable], filters=[strip], render_kw={
        "autocomplete": "one-time-code", "inputmode": "numeric"})


class NewPasswordForm(ConsoleForm):
    """The new one."""

    password = new_password_field(lazy_gettext("New password"))


class ChangePasswordForm(ConsoleForm):
    """The present one and the new one."""

    old = old_password_field(lazy_gettext("Present password"))
    password = new_password_field(lazy_gettext("New password"))


class SignUpForm(ConsoleForm):
    """Somebody new with a new organization."""

    organization = StringField(lazy_gettext("Name of your organization"),
                               [_given, Length(max=organizations.NAME_MAX), printable], filters=[strip],
                               render_kw={"autocomplete": "organization"})
    name = name_field(lazy_gettext("Your name"))
    email = email_field()
    password = new_password_field(lazy_gettext("Password"))


class AcceptForm(ConsoleForm):
    """Somebody new in an organization that invited them."""

    name = name_field(lazy_gettext("Your name"))
    password = new_password_field(lazy_gettext("Choose a password"))


class SecurityForm(ConsoleForm):
    """What the organization asks of its staff."""

    require_totp = BooleanField(lazy_gettext("Staff must sign in with a second factor"))
    verify_devices = BooleanField(lazy_gettext("Whoever signs in on a new device shows a code from their mail"))


class RoleField(SelectField):
    """A role that whoever fills in the form may give."""

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, choices=self._offered, coerce=self._role, validate_choice=False,
                         validators=[DataRequired(lazy_gettext("Choose one from the list."))], **options)

    @staticmethod
    def _offered() -> list[SelectChoice]:
        identity = g.get("identity")
        roles = grantable(identity.roles) if identity is not None else []
        return [SelectChoice("", "—"), *(SelectChoice(role.value, formats.human(role)) for role in roles)]

    @staticmethod
    def _role(value: Any) -> Role | None:
        if value in (None, ""):
            return None
        try:
            return Role(value)
        except ValueError as error:
            raise ValueError(gettext("Choose one from the list.")) from error


__all__ = ["AcceptForm", "ChangePasswordForm", "CodeForm", "ConfirmForm", "DeviceCodeForm", "ForgottenForm", "NewPasswordForm", "RoleField",
           "SecurityForm", "SignInForm", "SignUpForm", "UseLinkForm", "email_field", "name_field"]
