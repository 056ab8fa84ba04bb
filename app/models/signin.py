"""What stands beside passwords when people sign in: what a mail asks to be shown, and the devices that are known."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import NEW_ID, NOW, Model, line
from app.models.declare import AUTH, Grant, Policy, functions, protect


class MailedProof(Model):
    """A link or a code that was mailed; its secret is made from the id (app/services/people/links.py), never stored.

    An address without an account leaves such a row too, of nobody, so that asking takes the same steps.
    """

    __tablename__ = "mailed_proofs"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    purpose: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index("mailed_proofs_expires", "expires_at"),
        CheckConstraint("purpose IN ('sign-in-link','device-code')", name="mailed_proofs_purpose_known"),
    )


class KnownDevice(Model):
    """A browser in which a person has signed in; its cookie holds a random token, this table the SHA-256 of it."""

    __tablename__ = "known_devices"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    device: Mapped[str] = line(300)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    used_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index("known_devices_key", "user_id", "digest", unique=True),
        Index("known_devices_expires", "expires_at"),
    )


class ProviderLink(Model):
    """An account at a provider that signs a person in; which one is its own number for them, never an address."""

    __tablename__ = "provider_links"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    provider: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = line(200)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index("provider_links_key", "provider", "subject", unique=True),
        Index("provider_links_person_key", "user_id", "provider", unique=True),
        CheckConstraint("provider IN ('google','github')", name="provider_links_provider_known"),
    )


functions("signin")

_AUTH_ALL = [Policy("auth_all", "ALL", (AUTH,), using="true")]
protect(MailedProof.__table__, definer="", unaudited="what comes of it is audited as an event",
        closed="proofs of who somebody is are for the auth login alone",
        grants=[Grant((AUTH,), select=True, insert=True, update=("used_at",), delete=True)], policies=_AUTH_ALL)
protect(KnownDevice.__table__, definer="SELECT, DELETE", unaudited="sign-ins are audited as events",
        closed="whoever could write here would need no mail; people see theirs through the auth login",
        grants=[Grant((AUTH,), select=True, insert=True, update=("used_at", "expires_at"), delete=True)],
        policies=_AUTH_ALL)
protect(ProviderLink.__table__, definer="SELECT, DELETE", unaudited="linking and unlinking are audited as events",
        closed="whoever could write here could sign in as anybody; people see theirs through the auth login",
        grants=[Grant((AUTH,), select=True, insert=True, update=("used_at",), delete=True)], policies=_AUTH_ALL)
