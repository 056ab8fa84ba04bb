"""Inquiries: leads with what was agreed with them, how they are recognized again, notes, devices, attempts, contacts."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CURRENT_USER,
    NEW_ID,
    NOW,
    Authored,
    Model,
    SoftDelete,
    Tenant,
    Timestamps,
    in_tenant,
    line,
    link,
    person,
    quoted,
)
from app.models.declare import IN_ORG, MINE, Grant, Policy, Published, functions, protect, trigger, within
from app.models.organizations import Hostel
from app.models.people import Member
from app.permissions import Action, Portal, Resource
from app.rules.inquiries import MESSAGE_MAX, SHORT_MAX, LostReason, Stage
from app.rules.realtime import NO_ID

_STAGES = quoted(Stage)
_REASONS = quoted(LostReason)


class Inquiry(Tenant, Timestamps, Authored, SoftDelete, Model):
    """Somebody who asks for a bed. Phone and e-mail are encrypted, found again by their blind index, shown masked.

    Who asks again makes another row, which names the first in `duplicate_of`: the pipeline shows the first alone, and
    a stranger can't tell by the time it takes whether they are known.
    """

    __tablename__ = "inquiries"

    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    hostel_key: Mapped[UUID] = mapped_column(Uuid, Computed(f"coalesce(hostel_id, '{NO_ID}'::uuid)", persisted=True), deferred=True)
    number: Mapped[int] = mapped_column(Integer)
    reference: Mapped[str] = mapped_column(Text, Computed(
        "'I-' || CASE WHEN number < 10000 THEN lpad(number::text, 4, '0') ELSE number::text END", persisted=True))
    status: Mapped[str] = mapped_column(Text, server_default="new")
    stage_since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    full_name: Mapped[str] = line(200)
    phone_token: Mapped[str] = mapped_column(Text, deferred=True)
    phone_index: Mapped[str] = mapped_column(Text, deferred=True)
    phone_masked: Mapped[str] = line(60)
    email_token: Mapped[str | None] = mapped_column(Text, deferred=True)
    email_index: Mapped[str | None] = mapped_column(Text, deferred=True)
    email_masked: Mapped[str | None] = line(400)
    message: Mapped[str] = mapped_column(Text, server_default="")
    language: Mapped[str] = mapped_column(Text, server_default="")
    move_in_on: Mapped[date | None] = mapped_column(Date)
    source: Mapped[str] = line(SHORT_MAX)
    campaign: Mapped[str] = mapped_column(Text, server_default="")
    referrer: Mapped[str] = mapped_column(Text, server_default="")
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    last_asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    times_asked: Mapped[int] = mapped_column(Integer, server_default="0")
    owner_id: Mapped[int | None] = mapped_column(Integer)
    next_action: Mapped[str] = mapped_column(Text, server_default="")
    next_action_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reminded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lost_reason: Mapped[str | None] = mapped_column(Text)
    duplicate_of: Mapped[UUID | None] = mapped_column(Uuid)
    invitation_id: Mapped[UUID | None] = mapped_column(Uuid)
    hostel: Mapped[Hostel | None] = link("Hostel", "hostel_id", here="Inquiry")
    owner: Mapped[Member | None] = link("Member", "owner_id", here="Inquiry", key="user_id")
    first: Mapped[Inquiry | None] = link("Inquiry", "duplicate_of", here="Inquiry", remote_side="Inquiry.id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("owner_id"), person("created_by"), in_tenant("duplicate_of", "inquiries"),
        in_tenant("invitation_id", "invitations"),
        Index("inquiries_number_key", "org_id", "number", unique=True),
        Index("inquiries_board", "org_id", "status", "stage_since", "id",
              postgresql_where=text("deleted_at IS NULL AND duplicate_of IS NULL")),
        Index("inquiries_sort_asked", "org_id", "last_asked_at", "id"),
        Index("inquiries_sort_since", "org_id", "stage_since", "id"),
        Index("inquiries_sort_next", "org_id", "next_action_at", "id"),
        Index("inquiries_sort_name", "org_id", "full_name", "id"),
        Index("inquiries_sort_status", "org_id", "status", "id"),
        Index("inquiries_phone", "org_id", "phone_index"),
        Index("inquiries_email", "org_id", "email_index", postgresql_where=text("email_index IS NOT NULL")),
        Index("inquiries_named", "org_id", text("lower(full_name)")),
        Index("inquiries_owner", "org_id", "owner_id"),
        Index("inquiries_copies", "org_id", "duplicate_of", postgresql_where=text("duplicate_of IS NOT NULL")),
        Index("inquiries_invitation", "org_id", "invitation_id", postgresql_where=text("invitation_id IS NOT NULL")),
        Index("inquiries_due", "next_action_at", postgresql_where=text("reminded_at IS NULL AND deleted_at IS NULL")),
        CheckConstraint(f"status IN ({_STAGES})", name="inquiries_status_known"),
        CheckConstraint(f"lost_reason IN ({_REASONS})", name="inquiries_lost_reason_known"),
        CheckConstraint("(status = 'lost') = (lost_reason IS NOT NULL)", name="inquiries_lost_why"),
        CheckConstraint("length(btrim(full_name)) > 0", name="inquiries_named_at_all"),
        CheckConstraint(f"length(message) <= {MESSAGE_MAX}", name="inquiries_message_length"),
        CheckConstraint(f"length(next_action) <= {SHORT_MAX} AND length(campaign) <= {SHORT_MAX} AND length(referrer) <= {SHORT_MAX}",
                        name="inquiries_short_texts"),
        CheckConstraint("num_nonnulls(email_token, email_index, email_masked) IN (0, 3)", name="inquiries_email_whole"),
        CheckConstraint("duplicate_of <> id", name="inquiries_copy_of_another"),
    )

    @property
    def stage(self) -> Stage:
        """Where it stands, as the rules know it."""
        return Stage(self.status)

    @property
    def headline(self) -> str:
        """What a list calls it."""
        return f"{self.reference} {self.full_name}"

    def __repr__(self) -> str:
        return self.headline


class InquiryDedup(Model):
    """Whom an address or number belongs to: one row for each that ever asked, written with the inquiry."""

    __tablename__ = "inquiry_dedup_index"

    org_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    inquiry_id: Mapped[UUID] = mapped_column(Uuid)
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)

    __table_args__ = (
        in_tenant("inquiry_id", "inquiries"), Index("inquiry_dedup_index_inquiry", "org_id", "inquiry_id"),
        CheckConstraint("kind IN ('email','phone')", name="inquiry_dedup_index_kind_known"),
    )


class InquiryHistory(Tenant, Model):
    """Every stage that an inquiry has been in, written by trigger."""

    __tablename__ = "inquiry_stage_history"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    inquiry_id: Mapped[UUID] = mapped_column(Uuid)
    from_status: Mapped[str | None] = mapped_column(Text)
    to_status: Mapped[str] = mapped_column(Text)
    event: Mapped[str | None] = mapped_column(Text)
    changed_by: Mapped[int | None] = mapped_column(Integer)
    triggered_by: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    event_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)

    __table_args__ = (
        in_tenant("inquiry_id", "inquiries"), person("changed_by"),
        Index("inquiry_stage_history_inquiry", "org_id", "inquiry_id", "seq"),
        CheckConstraint("triggered_by IN ('user','system')", name="inquiry_stage_history_trigger_known"),
    )


class InquiryNote(Tenant, Timestamps, SoftDelete, Model):
    """What staff write down of a call or a visit."""

    __tablename__ = "inquiry_notes"

    inquiry_id: Mapped[UUID] = mapped_column(Uuid)
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[int | None] = mapped_column(Integer, server_default=CURRENT_USER)
    body: Mapped[str] = mapped_column(Text)
    by_staff: Mapped[bool] = mapped_column(Boolean, Computed("true", persisted=True))

    __table_args__ = (
        in_tenant("inquiry_id", "inquiries"), in_tenant("parent_id", "inquiry_notes"), person("user_id"),
        Index("inquiry_notes_inquiry", "org_id", "inquiry_id", "created_at"),
        CheckConstraint("length(btrim(body)) BETWEEN 1 AND 4000", name="inquiry_notes_body"),
    )


class InquiryDevice(Model):
    """A browser that has sent an inquiry: by the digest of its cookie, or of what it keeps and looks like."""

    __tablename__ = "device_fingerprints"

    org_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    cookie: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    local_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    inquiry_id: Mapped[UUID] = mapped_column(Uuid)
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)

    __table_args__ = (
        in_tenant("inquiry_id", "inquiries"), Index("device_fingerprints_inquiry", "org_id", "inquiry_id"),
        Index("device_fingerprints_local", "org_id", "local_token", "fingerprint"),
        Index("device_fingerprints_seen", "seen_at"),
    )


class InquiryAttempt(Model):
    """That somebody tried, from a network address of which the digest is kept, for an hour and a little."""

    __tablename__ = "inquiry_attempts"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    address: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    __table_args__ = (Index("inquiry_attempts_address", "address", "at"), Index("inquiry_attempts_at", "at"))


functions("inquiries")

_R, _A, _ADMIN, _SALES = Resource.INQUIRIES, Action, (Portal.ADMIN,), (Portal.ADMIN, Portal.SALES)


def _reach(action: Action) -> str:
    """An inquiry that names no hostel is for those who work on inquiries everywhere."""
    return f"{IN_ORG} AND (hostel_key = '{NO_ID}' AND (SELECT app.everywhere('{_R}', '{action}')) OR {within(_R, action, 'hostel_key')})"


# What is encrypted is read by app.reveal_inquiry alone, which writes down who wanted it and what for.
_READABLE = tuple(c.name for c in Inquiry.__table__.columns if c.name not in {"phone_token", "email_token"})
_CHANGEABLE = ("hostel_id", "full_name", "message", "move_in_on", "owner_id", "next_action", "next_action_at")
protect(
    Inquiry.__table__, masked=("full_name", "phone_token", "phone_index", "phone_masked", "email_token", "email_index", "email_masked", "message"),
    published=Published(key=("org_id", "hostel_key", "id"), columns=("org_id", "hostel_key", "id", "status", "deleted_at")),
    grants=[Grant(_SALES, select=_READABLE, update=_CHANGEABLE), Grant(_ADMIN, update=("deleted_at",))],
    policies=[
        Policy("staff_select", "SELECT", _SALES, using=_reach(_A.READ)),
        Policy("staff_update", "UPDATE", _SALES, using=_reach(_A.UPDATE)),
    ],
)
_OF_A_SEEN_ONE = f"{IN_ORG} AND app.sees_inquiry(inquiry_id)"
protect(
    InquiryHistory.__table__, immutable=True, grants=[Grant(_SALES, select=True)],
    policies=[Policy("staff_select", "SELECT", _SALES, using=_OF_A_SEEN_ONE)],
)
protect(
    InquiryNote.__table__, masked=("body",),
    grants=[Grant(_SALES, select=True, insert=("id", "inquiry_id", "parent_id", "body"), update=("deleted_at",))],
    policies=[
        Policy("staff_select", "SELECT", _SALES, using=_OF_A_SEEN_ONE),
        Policy("staff_insert", "INSERT", _SALES, check=_OF_A_SEEN_ONE),
        Policy("staff_update", "UPDATE", _SALES, using=f"{IN_ORG} AND ({MINE} OR (SELECT app.can('{_R}', '{_A.APPROVE}')) AND app.sees_inquiry(inquiry_id))"),
    ],
)
protect(InquiryDedup.__table__, unaudited="follows from the inquiries", closed="written and asked by app.store_inquiry")
protect(InquiryDevice.__table__, unaudited="follows from the inquiries", closed="written and asked by the functions of the public form")
protect(InquiryAttempt.__table__, unaudited="machinery", closed="counted by app.count_inquiry_attempt")

trigger("inquiries", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('inquiry')")
trigger("inquiries", "c_stage", "BEFORE INSERT OR UPDATE", "app.keep_inquiry()")
trigger("inquiries", "y_history", "AFTER INSERT OR UPDATE OF status", "app.write_inquiry_history()")
