"""Signing in through another provider: who that leads to, and what is in the way (T14)."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from app.rules.errors import Conflict, DomainError, Forbidden

FLOW_LIFETIME = timedelta(minutes=10)  # from the click to the password that confirms


class Provider(StrEnum):
    """Whose accounts are taken; `label` is how people know them."""

    GOOGLE = "google"
    GITHUB = "github"

    @property
    def label(self) -> str:
        """A name, the same in every language."""
        return {"google": "Google", "github": "GitHub"}[self]


class FlowOver(DomainError):
    """A way back that was used, is too old, or was begun elsewhere: not told apart."""

    code = "flow_over"
    status = 410

    def __init__(self) -> None:
        super().__init__("This sign-in was used already, is older than 10 minutes, or was begun in another browser. "
                         "Please begin again.")


class Next(StrEnum):
    """What a person who comes back from a provider does next."""

    SIGN_IN = "sign_in"
    CONFIRM = "confirm"
    JOIN = "join"


def next_step(provider: Provider, *, linked: bool, verified: bool, account: bool, invited: bool) -> Next:
    """Where a proved identity leads. Errors: Forbidden for who has to begin elsewhere.

    `linked`: it belongs to an account already, whatever its addresses are now; else only a verified address counts.
    """
    if linked:
        return Next.SIGN_IN
    if not verified:
        raise Forbidden(f"{provider.label} has not verified your e-mail address. Please verify it there first, or sign in "
                        "with your password.")
    if account:
        return Next.CONFIRM
    if invited:
        return Next.JOIN
    raise Forbidden(f"There is no account here for a verified e-mail address of your {provider.label} account. Please ask "
                    "whoever runs your hostel for an invitation.")


def check_same_address(provider: Provider, own: str, verified: tuple[str, ...]) -> None:
    """Whether somebody who is signed in may link: one verified address must be that of their account."""
    if own.lower() not in verified:
        raise Conflict(f"Your {provider.label} account has not verified the e-mail address of your account here, so the two "
                       "cannot be linked.")


def refusal_of(provider: Provider, error: str) -> DomainError:
    """What a provider means that sends somebody back with an `error` instead of a code (RFC 6749, 4.1.2.1)."""
    if error == "access_denied":
        return Forbidden(f"You did not allow {provider.label} to tell us who you are, so nothing has changed.")
    return Away(provider.label) if error in {"server_error", "temporarily_unavailable"} else Unusable(provider.label)


class Away(DomainError):
    """The provider does not answer, or not in time."""

    code = "provider_away"
    status = 503

    def __init__(self, label: str) -> None:
        super().__init__(f"{label} does not answer at present. Please try again in a moment, or sign in with your password.")


class Unusable(DomainError):
    """The provider answered what cannot be used, or trusted."""

    code = "provider_unusable"
    status = 502

    def __init__(self, label: str) -> None:
        super().__init__(f"{label} gave an answer that cannot be used. Please try again, or sign in with your password.")
