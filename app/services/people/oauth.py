"""Signing in with an account at Google or GitHub: who it belongs to here, linking, unlinking, joining by it (T14).

Everything here works in an auth scope, but `ask`, which waits for another company and holds no connection meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.gateways.oauth import CodeRefused, ProviderAway, ProviderUnusable, Secrets, SignInProvider, Told
from app.models.signin import ProviderLink
from app.rules import oauth as rules
from app.rules.errors import Conflict, Forbidden, NotFound
from app.rules.oauth import Away, FlowOver, Next, Provider, Unusable
from app.services.people import invitations
from app.services.people.sessions import note
from app.services.people.signin import Account

_ACCOUNT = """
    SELECT u.id, u.email, btrim(u.first_name || ' ' || u.last_name) AS name, u.active,
           c.totp_confirmed_at IS NOT NULL AS second_factor
    FROM ab_user u LEFT JOIN user_credentials c ON c.user_id = u.id """
_LINKED = text(_ACCOUNT + "JOIN provider_links l ON l.user_id = u.id WHERE l.provider = :provider AND l.subject = :subject")
_BY_EMAIL = text(_ACCOUNT + "WHERE lower(u.email) = ANY (:emails) ORDER BY array_position(:emails, lower(u.email)) LIMIT 1")
_INVITATIONS = text("""
    SELECT i.* FROM unnest(CAST(:emails AS text[])) WITH ORDINALITY e (email, place), LATERAL app.invitations_for(e.email) i
    ORDER BY e.place""")


@dataclass(frozen=True)
class Offer:
    """An invitation that waits for an address."""

    digest: bytes
    email: str
    organization: str
    name: str
    role: str
    hostel: str | None

    @property
    def mark(self) -> str:
        """Tells it from the person's others."""
        return self.digest.hex()[:16]


@dataclass(frozen=True)
class Arrival:
    """Where somebody stands who came back from a provider; an account unless they are to join."""

    step: Next
    account: Account | None = None
    offers: tuple[Offer, ...] = ()


def ask(way: SignInProvider, provider: Provider, sealed: Secrets, back: str, code: str) -> Told:
    """Who came back with this code. Errors: FlowOver, Away, Unusable."""
    try:
        return way.told(sealed, back, code)
    except CodeRefused as error:
        raise FlowOver from error
    except ProviderAway as error:
        raise Away(provider.label) from error
    except ProviderUnusable as error:
        raise Unusable(provider.label) from error


def way_out(way: SignInProvider, provider: Provider, sealed: Secrets, back: str) -> str:
    """The provider's page that asks the person. Errors: Away, Unusable."""
    try:
        return way.address(sealed, back)
    except ProviderAway as error:
        raise Away(provider.label) from error
    except ProviderUnusable as error:
        raise Unusable(provider.label) from error


def arrive(session: Session, provider: Provider, told: Told) -> Arrival:
    """What a proved identity leads to. Errors: Forbidden, also for a suspended account that it is linked to."""
    linked = session.execute(_LINKED, {"provider": provider, "subject": told.subject}).one_or_none()
    offers = () if linked else tuple(Offer(*row) for row in session.execute(_INVITATIONS, {"emails": list(told.emails)}))
    # An address with an offer has no account, or one that was made for it and that nobody has used.
    used = [email for email in told.emails if email not in {offer.email.lower() for offer in offers}]
    found = linked or session.execute(_BY_EMAIL, {"emails": used}).one_or_none()
    step = rules.next_step(provider, linked=linked is not None, verified=bool(told.emails), account=found is not None,
                           invited=bool(offers))
    if linked is not None and not linked.active:
        raise Forbidden("This account is suspended. Please ask whoever runs your organization.")
    return Arrival(step, Account(found.id, found.email, found.name, found.second_factor) if found else None, offers)


def use(session: Session, provider: Provider, user_id: int, now: datetime) -> None:
    """A link has just shown who somebody is."""
    session.execute(update(ProviderLink).values(used_at=now)
                    .where(ProviderLink.provider == provider, ProviderLink.user_id == user_id))
    note(session, user_id, "provider_proved", provider=str(provider))


def link(session: Session, provider: Provider, user_id: int, subject: str, now: datetime) -> None:
    """From now on this identity signs this person in; a second time changes nothing.

    Errors: Conflict where either is linked to another already.
    """
    made = session.scalar(insert(ProviderLink).values(user_id=user_id, provider=provider, subject=subject, used_at=now)
                          .on_conflict_do_nothing().returning(ProviderLink.id))
    if made is not None:
        note(session, user_id, "provider_linked", provider=str(provider))
        return
    owner = session.scalar(select(ProviderLink.user_id).where(ProviderLink.provider == provider, ProviderLink.subject == subject))
    if owner is None:
        raise Conflict(f"Another {provider.label} account is linked to your account here. Unlink it on your account page first.")
    if owner != user_id:
        raise Conflict(f"This {provider.label} account is linked to another person here.")


def unlink(session: Session, provider: Provider, user_id: int) -> None:
    """It signs nobody in any more; a password or a link by mail still do."""
    gone = session.scalar(delete(ProviderLink).where(ProviderLink.provider == provider, ProviderLink.user_id == user_id)
                          .returning(ProviderLink.id))
    if gone is None:
        raise NotFound("This is linked no longer.")
    note(session, user_id, "provider_unlinked", provider=str(provider))


def links(session: Session, user_id: int) -> dict[Provider, datetime | None]:
    """What is linked to a person, and when it last signed them in."""
    rows = session.execute(select(ProviderLink.provider, ProviderLink.used_at).where(ProviderLink.user_id == user_id))
    return {Provider(provider): used_at for provider, used_at in rows}


def join(session: Session, provider: Provider, told: Told, offer: Offer, now: datetime) -> Account:
    """An account for somebody invited, linked from the start. Errors: by the database, if the offer is gone meanwhile."""
    user_id = invitations.accept_proved(session, offer.digest)
    link(session, provider, user_id, told.subject, now)
    return Account(user_id, offer.email, offer.name, second_factor=False)
