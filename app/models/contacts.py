"""Contacts of another program, such as GoHighLevel: people known there, by its ids, whom inquiries are matched with (I5)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Authored, Model, SoftDelete, Tenant, Timestamps, in_tenant, line, link, person
from app.models.declare import IN_ORG, Grant, Policy, functions, protect, within
from app.models.organizations import Hostel
from app.permissions import Action, Portal, Resource
from app.rules.imports.kinds import EXTERNAL_MAX
from app.rules.inquiries import SHORT_MAX


class Contact(Tenant, Timestamps, Authored, SoftDelete, Model):
    """Somebody another program knows. Phone and e-mail are kept as those of inquiries are, under the same indexes."""

    __tablename__ = "contacts"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    external_id: Mapped[str] = mapped_column(Text, server_default="")
    location_id: Mapped[str] = mapped_column(Text, server_default="")
    full_name: Mapped[str] = line(200)
    phone_token: Mapped[str | None] = mapped_column(Text, deferred=True)
    phone_index: Mapped[str | None] = mapped_column(Text, deferred=True)
    phone_masked: Mapped[str | None] = line(60)
    email_token: Mapped[str | None] = mapped_column(Text, deferred=True)
    email_index: Mapped[str | None] = mapped_column(Text, deferred=True)
    email_masked: Mapped[str | None] = line(400)
    source: Mapped[str] = mapped_column(Text, server_default="")
    known_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    hostel: Mapped[Hostel | None] = link("Hostel", "hostel_id", here="Contact")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("created_by"),
        Index("contacts_external_key", "org_id", "location_id", "external_id", unique=True, postgresql_where=text("external_id <> ''")),
        Index("contacts_phone", "org_id", "phone_index", postgresql_where=text("phone_index IS NOT NULL")),
        Index("contacts_email", "org_id", "email_index", postgresql_where=text("email_index IS NOT NULL")),
        Index("contacts_sort_name", "org_id", "full_name", "id"),
        Index("contacts_sort_created", "org_id", "created_at", "id"),
        CheckConstraint("length(btrim(full_name)) > 0", name="contacts_named"),
        CheckConstraint(f"length(external_id) <= {EXTERNAL_MAX} AND length(location_id) <= {EXTERNAL_MAX} AND length(source) <= {SHORT_MAX}",
                        name="contacts_short_texts"),
        CheckConstraint("num_nonnulls(phone_token, phone_index, phone_masked) IN (0, 3)", name="contacts_phone_whole"),
        CheckConstraint("num_nonnulls(email_token, email_index, email_masked) IN (0, 3)", name="contacts_email_whole"),
        CheckConstraint("num_nonnulls(phone_token, email_token) > 0", name="contacts_reachable"),
    )

    def __repr__(self) -> str:
        return self.full_name


functions("contacts")


def _reach(action: Action) -> str:
    """A contact of no hostel is for those who work on inquiries everywhere."""
    return (f"{IN_ORG} AND (hostel_id IS NULL AND (SELECT app.everywhere('{Resource.INQUIRIES}', '{action}'))"
            f" OR hostel_id IS NOT NULL AND {within(Resource.INQUIRIES, action)})")


_READABLE = tuple(c.name for c in Contact.__table__.columns if c.name not in {"phone_token", "email_token"})
_READERS = (Portal.ADMIN, Portal.SALES)
protect(
    Contact.__table__, masked=("full_name", "phone_token", "phone_index", "phone_masked", "email_token", "email_index", "email_masked"),
    grants=[Grant(_READERS, select=_READABLE), Grant((Portal.ADMIN,), update=("deleted_at",))],
    policies=[Policy("staff_select", "SELECT", _READERS, using=_reach(Action.READ)),
              Policy("staff_update", "UPDATE", (Portal.ADMIN,), using=_reach(Action.DELETE))],
)
