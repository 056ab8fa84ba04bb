"""Screens of people: signing in and joining, one's own account, members, invitations, the team, the switcher."""

from __future__ import annotations

from flask import current_app
from flask_appbuilder import AppBuilder

from app.views.people import doors
from app.views.people.account import AccountView
from app.views.people.invitations import InvitationView
from app.views.people.joining import InvitationLinkView, SignUpView
from app.views.people.magic import SignInLinkView
from app.views.people.members import MemberView, SecurityView
from app.views.people.newdevice import NewDeviceView
from app.views.people.oauth import ProviderView
from app.views.people.passwords import PasswordView
from app.views.people.signin import SignInView
from app.views.people.switch import SwitchView
from app.views.people.team import TeamView


def register(builder: AppBuilder) -> None:
    """Add the screens, and what happens to those who are not, or not quite, signed in."""
    for view in (SignInView, SignInLinkView, NewDeviceView, ProviderView, PasswordView, SignUpView, InvitationLinkView, AccountView, SwitchView,
                 SecurityView):
        builder.add_view_no_menu(view)
    builder.add_view(MemberView, "Members", icon="fa-users", category="People")
    builder.add_view(InvitationView, "Invitations", icon="fa-mail", category="People")
    builder.add_view(TeamView, "Team", icon="fa-user", category="People")
    doors.init_app(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
