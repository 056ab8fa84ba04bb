"""The words of the messages about accounts."""

from __future__ import annotations

from app.gateways.mail import Mail
from app.services.people.invitations import Letter


def invitation(letter: Letter, link: str) -> Mail:
    """To somebody who is offered a role."""
    who = f"{letter.inviter} invites you" if letter.inviter else "You are invited"
    return Mail(
        to=letter.to, key=f"invitation {letter.secret}",
        subject=f"Invitation to {letter.organization}",
        text=f"Hello {letter.name},\n\n{who} to work with {letter.organization} in the Viramah Console, as "
             f"{letter.role.replace('_', ' ')}.\n\nOpen this link to accept:\n{link}\n\nIt works once, until "
             f"{letter.expires_at:%d %B %Y, %H:%M} UTC. If you did not expect this message, do nothing.\n",
    )


def password_reset(to: str, name: str, link: str, key: str) -> Mail:
    """To somebody who forgot their password, or was given an account."""
    return Mail(
        to=to, key=f"password reset {key}", subject="Choose a new password",
        text=f"Hello {name},\n\nsomebody asked for a new password for your account in the Viramah Console. Open this "
             f"link to choose one:\n{link}\n\nIt works once, within an hour. If it wasn't you, do nothing: your "
             "password stays as it is.\n",
    )
