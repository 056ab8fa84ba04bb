"""The audit log: who changed what, when and why, sealed in hash-chained batches that nobody can rewrite."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, Integer, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import NOW, Model, link
from app.models.declare import SERVICE, Grant, Policy, can, functions, protect
from app.models.people import Member
from app.permissions import Action, Portal, Resource
from app.text import N_


class AuditEntry(Model):
    """One change, written by a trigger, or one event (a sign-in, a reveal, a service access), by app.note_event.

    `org_id` NULL belongs to the installation. `xid` stands first, and defaults are computed in the order of the
    columns: a number and a time are only ever given to a transaction that others can see running, which is what lets
    a seal say that nothing older is still to come (rules/audit.py, Batch).
    """

    __tablename__ = "audit_log"

    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"))
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    org_id: Mapped[UUID | None] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    actor_id: Mapped[int | None] = mapped_column(Integer)
    actor: Mapped[str] = mapped_column(Text)
    portal: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    table_name: Mapped[str] = mapped_column(Text)
    row_id: Mapped[str | None] = mapped_column(Text)
    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)
    member: Mapped[Member | None] = link("Member", "actor_id", here="AuditEntry", key="user_id", viewonly=True)

    @property
    def who(self) -> str:
        """The person's name in this organization, else what acted: the product itself, or a login of the database."""
        if self.member is not None:
            return self.member.name
        known = {"user": N_("Somebody from outside"), "system": N_("The console itself")}
        return known.get(self.actor) or N_(f"Database login {self.actor}")

    @property
    def touched(self) -> list[str]:
        """Names of the columns that came, went or changed."""
        return sorted({**(self.before or {}), **(self.after or {})})

    def __str__(self) -> str:
        return N_(f"Entry {self.seq:,}")

    __table_args__ = (
        # Rows come in the order of time: a few kilobytes tell where a day's rows are.
        Index("audit_log_at", "at", postgresql_using="brin"),
        Index("audit_log_org", "org_id", "seq"),
        Index("audit_log_row", "org_id", "table_name", "row_id", "seq"),
        Index("audit_log_actor", "org_id", "actor_id", "seq"),
    )


class Batches:
    """Columns of a table of sealed batches: the head that vouches for each and for all before it; see rules/audit.py, Batch.

    `seqs` are the numbers of its rows in ascending order, `seals` their seals of 32 bytes one after the other: with a
    row of its own, each seal would cost more to write than the entry that it seals.
    """

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key_id: Mapped[str] = mapped_column(Text)
    row_count: Mapped[int] = mapped_column(Integer)
    first_seq: Mapped[int] = mapped_column(BigInteger)
    last_seq: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    system_id: Mapped[str] = mapped_column(Text)
    sealed_xid: Mapped[int | None] = mapped_column(BigInteger)
    horizon_seq: Mapped[int | None] = mapped_column(BigInteger)
    horizon_xid: Mapped[int | None] = mapped_column(BigInteger)
    resumes: Mapped[int | None] = mapped_column(BigInteger)
    head: Mapped[bytes] = mapped_column(LargeBinary)
    seqs: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), deferred=True)
    seals: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class AuditBatch(Batches, Model):
    """A sealed batch of the audit log, of all organizations."""

    __tablename__ = "audit_batches"


functions("audit")

protect(
    AuditEntry.__table__, immutable=True,
    grants=[Grant((Portal.ADMIN,), select=True), Grant((SERVICE,), select=True)],
    policies=[
        Policy("staff_select", "SELECT", (Portal.ADMIN,),
               using=f"org_id = (SELECT app.current_org()) AND {can(Resource.AUDIT, Action.READ)}"),
        Policy("service_select", "SELECT", (SERVICE,), using="true"),
    ],
)
protect(
    AuditBatch.__table__, immutable=True, closed="the chain spans all organizations; app.audit_state tells its health",
    grants=[Grant((SERVICE,), select=True, insert=True)],
    policies=[Policy("service_select", "SELECT", (SERVICE,), using="true"),
              Policy("service_insert", "INSERT", (SERVICE,), check="true")],
)
