"""Personal data: a key per person, values encrypted under it, documents, and what an organization asks for."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Date, DateTime, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Authored, Model, Tenant, Timestamps, in_tenant, line, link, person, quoted
from app.models.declare import IN_ORG, MINE, SERVICE, Grant, Policy, can, functions, protect
from app.models.files import File
from app.permissions import Action, Portal, Resource
from app.rules.personal import DocumentKind, DocumentStatus


class PersonKey(Tenant, Timestamps, Model):
    """The key of one person's values, wrapped by the field ring; without `token` nobody reads them any more."""

    __tablename__ = "person_keys"

    user_id: Mapped[int] = mapped_column(Integer)
    token: Mapped[str | None] = mapped_column(Text)
    destroyed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        person("user_id"),
        Index("person_keys_present_key", "org_id", "user_id", unique=True, postgresql_where=text("destroyed_at IS NULL")),
        CheckConstraint("(token IS NULL) = (destroyed_at IS NOT NULL)", name="person_keys_destroyed"),
    )


class PersonalValue(Tenant, Timestamps, Authored, Model):
    """One sensitive value; `masked` is all that most may see, `index_key` names the ring's key behind `blind_index`."""

    __tablename__ = "personal_values"

    user_id: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = line(60)
    key_id: Mapped[UUID] = mapped_column(Uuid)
    token: Mapped[str] = mapped_column(Text, deferred=True)
    blind_index: Mapped[str | None] = mapped_column(Text, deferred=True)
    index_key: Mapped[str | None] = mapped_column(Text, deferred=True)
    masked: Mapped[str] = line(60)

    __table_args__ = (
        person("user_id"), person("created_by"), in_tenant("key_id", "person_keys"),
        Index("personal_values_name_key", "org_id", "user_id", "name", unique=True),
        Index("personal_values_index", "org_id", "name", "blind_index", postgresql_where=text("blind_index IS NOT NULL")),
        CheckConstraint("(blind_index IS NULL) = (index_key IS NULL)", name="personal_values_index_named"),
    )


class Document(Tenant, Timestamps, Authored, Model):
    """A paper of a person; the bytes are a private file of purpose `identity`."""

    __tablename__ = "documents"

    user_id: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    file_id: Mapped[UUID] = mapped_column(Uuid)
    valid_until: Mapped[date | None] = mapped_column(Date)
    status: Mapped[str] = mapped_column(Text, server_default="current")
    file: Mapped[File] = link("File", "file_id", here="Document", viewonly=True)

    __table_args__ = (
        person("user_id"), person("created_by"), in_tenant("file_id", "files"),
        Index("documents_file_key", "org_id", "file_id", unique=True),
        Index("documents_person", "org_id", "user_id", "kind"),
        Index("documents_ending", "org_id", "valid_until", postgresql_where=text("status = 'current' AND valid_until IS NOT NULL")),
        CheckConstraint(f"kind IN ({quoted(DocumentKind)})", name="documents_kind_known"),
        CheckConstraint(f"status IN ({quoted(DocumentStatus)})", name="documents_status_known"),
    )


class DocumentRequirement(Tenant, Timestamps, Authored, Model):
    """Where an organization asks for something else than `rules.personal.DEFAULT_REQUIREMENTS`."""

    __tablename__ = "document_requirements"

    kind: Mapped[str] = mapped_column(Text)
    required: Mapped[bool] = mapped_column(Boolean, server_default="false")
    has_expiry: Mapped[bool] = mapped_column(Boolean, server_default="false")
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{resident,pending_resident}'"))

    __table_args__ = (
        person("created_by"),
        Index("document_requirements_kind_key", "org_id", "kind", unique=True),
        CheckConstraint(f"kind IN ({quoted(DocumentKind)})", name="document_requirements_kind_known"),
    )


functions("personal")

_SEEN = f"{IN_ORG} AND {can(Resource.PERSONAL, Action.READ)} AND app.member_in_reach(user_id)"
_OWN = Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE}")

# The ring's tokens are of no use to a thief of the database, and still no portal reads them: through functions only, of
# which one leaves an audit row. The audit keeps a value's token, which the person's key makes worthless when it goes,
# and never that key, nor what would tell a value after it.
protect(
    PersonKey.__table__, masked=("token",), closed="functions hand out one person's key to those who may read or write",
    grants=[Grant((SERVICE,), select=True, update=("token",))],
    policies=[Policy("service_select", "SELECT", (SERVICE,), using="true"),
              Policy("service_update", "UPDATE", (SERVICE,), using="true")],
)
protect(
    PersonalValue.__table__, masked=("blind_index", "masked"),
    grants=[Grant((Portal.ADMIN, Portal.RESIDENT), select=(
                "org_id", "id", "user_id", "name", "masked", "created_at", "updated_at", "created_by")),
            Grant((SERVICE,), select=True, update=("blind_index", "index_key"))],
    policies=[Policy("staff_select", "SELECT", (Portal.ADMIN,), using=_SEEN), _OWN,
              Policy("service_select", "SELECT", (SERVICE,), using="true"),
              Policy("service_update", "UPDATE", (SERVICE,), using="true")],
)
protect(
    Document.__table__, grants=[Grant((Portal.ADMIN, Portal.RESIDENT), select=True)],
    policies=[Policy("staff_select", "SELECT", (Portal.ADMIN,), using=_SEEN), _OWN],
)
protect(
    DocumentRequirement.__table__,
    grants=[Grant((Portal.ADMIN, Portal.RESIDENT), select=True)],
    policies=[Policy("everybody_select", "SELECT", (Portal.ADMIN, Portal.RESIDENT), using=IN_ORG)],
)
