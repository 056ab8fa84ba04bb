"""The words of the messages about accounts."""

from __future__ import annotations

from collections.abc import Callable

from app.gateways.mail import Mail
from app.services.people.invitations import Letter
from app.text import N_

Say = Callable[[str], str]
"""Puts a text, with its placeholders, into the language of whoever gets the message."""

_INVITED_BY = N_("Hello %(name)s,\n\n%(inviter)s invites you to work with %(organization)s in the Viramah Console, as "
                 "%(role)s.\n\nOpen this link to accept:\n%(link)s\n\nIt works once, until %(until)s. If you did not expect "
                 "this message, do nothing.\n")
_INVITED = N_("Hello %(name)s,\n\nyou are invited to work with %(organization)s in the Viramah Console, as %(role)s.\n\n"
              "Open this link to accept:\n%(link)s\n\nIt works once, until %(until)s. If you did not expect this message, do "
              "nothing.\n")
_RESET = N_("Hello %(name)s,\n\nsomebody asked for a new password for your account in the Viramah Console. Open this link to "
            "choose one:\n%(link)s\n\nIt works once, within an hour. If it wasn't you, do nothing: your password stays as "
            "it is.\n")
_LINK = N_("Hello %(name)s,\n\nopen this link to sign in to the Viramah Console:\n%(link)s\n\nIt works once, within 15 minutes, "
          "in the browser in which you asked for it. If it wasn't you, do nothing.\n")
_CODE = N_("Hello %(name)s,\n\nsomebody gave your password in a browser that we don't know. If it was you, type this code "
          "there:\n%(code)s\n\nIt works once, within 15 minutes. If it wasn't you, change your password now, and tell nobody "
          "the code.\n")


def invitation(letter: Letter, link: str, say: Say, until: str) -> Mail:
    """To somebody who is offered a role, until a time in words."""
    role = letter.role.replace("_", " ")
    said = say(role.capitalize())  # as lists call it
    values = {"name": letter.name, "inviter": letter.inviter, "organization": letter.organization, "link": link, "until": until,
              "role": role if said == role.capitalize() else said}
    return Mail(to=letter.to, key=f"invitation {letter.secret}",
                subject=say(N_("Invitation to %(organization)s")) % {"organization": letter.organization},
                text=say(_INVITED_BY if letter.inviter else _INVITED) % values)


def password_reset(to: str, name: str, link: str, key: str, say: Say) -> Mail:
    """To somebody who forgot their password, or was given an account."""
    return Mail(to=to, key=f"password reset {key}", subject=say(N_("Choose a new password")),
                text=say(_RESET) % {"name": name, "link": link})


def sign_in_link(to: str, name: str, link: str, key: str, say: Say) -> Mail:
    """To somebody who would rather read their mail than type a password."""
    return Mail(to=to, key=f"sign-in link {key}", subject=say(N_("Your link to sign in")),
                text=say(_LINK) % {"name": name, "link": link})


def device_code(to: str, name: str, code: str, key: str, say: Say) -> Mail:
    """To somebody whose password was given on a device that is new."""
    return Mail(to=to, key=f"device code {key}", subject=say(N_("Is this you on a new device?")),
                text=say(_CODE) % {"name": name, "code": code})
