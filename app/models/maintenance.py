"""Maintenance: categories and issue types, requests with their clock, assignments, history, comments, attachments."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    DateTime,
    Identity,
    Index,
    Integer,
    Interval,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import (
    CURRENT_USER,
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
from app.models.declare import (
    ADMITTED,
    IN_ORG,
    MINE,
    Grant,
    Policy,
    Published,
    can,
    functions,
    protect,
    trigger,
    within,
)
from app.models.files import File
from app.models.organizations import Hostel
from app.models.people import Member
from app.models.rooms import Room
from app.permissions import Action, Portal, Resource
from app.rules.maintenance import DESCRIPTION_MAX, Priority, Request, RequestStatus, SlaClock

_STATES = quoted(RequestStatus)
_PRIORITIES = quoted(Priority)


class MaintenanceCategory(Tenant, Timestamps, Authored, SoftDelete, Model):
    """A trade; seeded with the eight of rules/maintenance.CATEGORIES and editable."""

    __tablename__ = "maintenance_categories"

    code: Mapped[str] = line(40)
    name: Mapped[str] = line(80)
    icon: Mapped[str] = mapped_column(Text, server_default="")
    position: Mapped[int] = mapped_column(SmallInteger, server_default="0")

    __table_args__ = (
        person("created_by"),
        Index("maintenance_categories_code_key", "org_id", "code", unique=True,
              postgresql_where=text("deleted_at IS NULL")),
        Index("maintenance_categories_sort_position", "org_id", "position", "id"),
        CheckConstraint("length(btrim(name)) > 0", name="maintenance_categories_named"),
    )

    def __repr__(self) -> str:
        return self.name


class MaintenanceIssueType(Tenant, Timestamps, Authored, SoftDelete, Model):
    """What can be wrong within a category."""

    __tablename__ = "maintenance_issue_types"

    category_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = line(120)
    position: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    category: Mapped[MaintenanceCategory] = link("MaintenanceCategory", "category_id", here="MaintenanceIssueType")

    __table_args__ = (
        in_tenant("category_id", "maintenance_categories"), person("created_by"),
        Index("maintenance_issue_types_key", "org_id", "category_id", text("lower(name)"), unique=True,
              postgresql_where=text("deleted_at IS NULL")),
        Index("maintenance_issue_types_sort_name", "org_id", "name", "id"),
        CheckConstraint("length(btrim(name)) > 0", name="maintenance_issue_types_named"),
    )

    def __repr__(self) -> str:
        return self.name


class MaintenanceRequest(Tenant, Timestamps, Authored, SoftDelete, Model):
    """Something to mend. State, number and clock are the database's; who is assigned is in another table,
    because a resident may see this row and not that.
    """

    __tablename__ = "maintenance_requests"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[int] = mapped_column(Integer)
    reference: Mapped[str] = mapped_column(
        Text, Computed("'MR-' || CASE WHEN number < 10000 THEN lpad(number::text, 4, '0') ELSE number::text END",
                       persisted=True))
    user_id: Mapped[int | None] = mapped_column(Integer)
    category_id: Mapped[UUID] = mapped_column(Uuid)
    issue_type_id: Mapped[UUID | None] = mapped_column(Uuid)
    room_id: Mapped[UUID | None] = mapped_column(Uuid)
    place: Mapped[str] = mapped_column(Text, server_default="")
    description: Mapped[str] = mapped_column(Text, server_default="")
    priority: Mapped[str] = mapped_column(Text, server_default="normal")
    status: Mapped[str] = mapped_column(Text, server_default="submitted")
    raised_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    clock_started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    resolve_by: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    escalate_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    held: Mapped[timedelta] = mapped_column(Interval, server_default=text("interval '0'"))
    held_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    escalated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resolution: Mapped[str] = mapped_column(Text, server_default="")
    import_run_id: Mapped[UUID | None] = mapped_column(Uuid)
    external_id: Mapped[str | None] = line(120)

    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="MaintenanceRequest")
    category: Mapped[MaintenanceCategory] = link("MaintenanceCategory", "category_id", here="MaintenanceRequest")
    issue_type: Mapped[MaintenanceIssueType | None] = link(
        "MaintenanceIssueType", "issue_type_id", here="MaintenanceRequest")
    room: Mapped[Room | None] = link("Room", "room_id", here="MaintenanceRequest")
    requester: Mapped[Member | None] = link("Member", "user_id", here="MaintenanceRequest", key="user_id")
    assignment: Mapped[MaintenanceAssignment | None] = relationship(
        "MaintenanceAssignment", viewonly=True, uselist=False,
        primaryjoin="and_(MaintenanceAssignment.request_id == foreign(MaintenanceRequest.id), "
                    "MaintenanceAssignment.org_id == MaintenanceRequest.org_id, MaintenanceAssignment.active)")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("category_id", "maintenance_categories"),
        in_tenant("issue_type_id", "maintenance_issue_types"), in_tenant("room_id", "rooms"),
        in_tenant("import_run_id", "import_runs"), person("user_id"), person("created_by"),
        # Numbers stay taken by deleted requests: an undone import must not give them to somebody else.
        Index("maintenance_requests_number_key", "org_id", "hostel_id", "number", unique=True),
        Index("maintenance_requests_external_key", "org_id", "hostel_id", "external_id", unique=True),
        Index("maintenance_requests_board", "org_id", "status", "resolve_by", "id",
              postgresql_where=text("deleted_at IS NULL AND status NOT IN ('resolved','rejected')")),
        Index("maintenance_requests_requester", "org_id", "user_id", "raised_at", "id"),
        Index("maintenance_requests_sort_raised", "org_id", "raised_at", "id"),
        Index("maintenance_requests_sort_number", "org_id", "number", "id"),
        Index("maintenance_requests_sort_status", "org_id", "status", "id"),
        Index("maintenance_requests_sort_priority", "org_id", "priority", "id"),
        Index("maintenance_requests_sort_due", "org_id", "resolve_by", "id"),
        Index("maintenance_requests_category", "org_id", "category_id"),
        # A stopped clock says since when: for closed requests that is when they were closed.
        Index("maintenance_requests_closed", "org_id", "status", "held_since",
              postgresql_where=text("status IN ('resolved','rejected')")),
        Index("maintenance_requests_import", "org_id", "import_run_id", postgresql_where=text("import_run_id IS NOT NULL")),
        Index("maintenance_requests_sweep", "escalate_at",
              postgresql_where=text("held_since IS NULL AND deleted_at IS NULL AND escalated_at IS NULL")),
        CheckConstraint(f"status IN ({_STATES})", name="maintenance_requests_status_known"),
        CheckConstraint(f"priority IN ({_PRIORITIES})", name="maintenance_requests_priority_known"),
        CheckConstraint(f"length(description) <= {DESCRIPTION_MAX}", name="maintenance_requests_description_length"),
        CheckConstraint("length(place) <= 200", name="maintenance_requests_place_length"),
        CheckConstraint("status <> 'resolved' OR resolved_at IS NOT NULL", name="maintenance_requests_resolved_when"),
    )

    @property
    def issue(self) -> str:
        """What is wrong, in the fewest words: the issue type, else its category."""
        return (self.issue_type or self.category).name

    @property
    def headline(self) -> str:
        """What a list calls it."""
        return f"{self.reference} {self.issue}"

    @property
    def where(self) -> str:
        """Room and place, as far as they are given."""
        return ", ".join(filter(None, (self.room and f"Room {self.room.number}", self.place)))

    @property
    def holder(self) -> str:
        """Who has it in hand, or had it when it was closed; empty for nobody."""
        return str(self.assignment or "")

    @property
    def state(self) -> RequestStatus:
        """Where it stands, as the rules know it."""
        return RequestStatus(self.status)

    @property
    def clock(self) -> SlaClock:
        """Its stopwatch."""
        return SlaClock(self.clock_started_at, Priority(self.priority), self.held, self.held_since)

    @property
    def facts(self) -> Request:
        """What the rules want to know of it."""
        held = self.assignment
        return Request(self.state, self.user_id, held and held.user_id, self.resolved_at, held and held.outside_party)

    def __repr__(self) -> str:
        return self.reference


class MaintenanceAssignment(Tenant, Timestamps, Authored, Model):
    """Who has, or had, a request in hand: a member of staff, or an outside party by name."""

    __tablename__ = "maintenance_assignments"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    request_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int | None] = mapped_column(Integer)
    outside_party: Mapped[str | None] = line(120)
    active: Mapped[bool] = mapped_column(Boolean, server_default="true")
    assigned_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    member: Mapped[Member | None] = link("Member", "user_id", here="MaintenanceAssignment", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("request_id", "maintenance_requests"), person("user_id"),
        person("created_by"),
        Index("maintenance_assignments_one_active", "org_id", "request_id", unique=True,
              postgresql_where=text("active")),
        Index("maintenance_assignments_request", "org_id", "request_id"),
        Index("maintenance_assignments_staff", "org_id", "user_id", "active"),
        CheckConstraint("num_nonnulls(user_id, outside_party) = 1", name="maintenance_assignments_one_party"),
        CheckConstraint("active = (released_at IS NULL)", name="maintenance_assignments_released_when"),
    )

    def __repr__(self) -> str:
        return self.member.name if self.member else self.outside_party or ""


class MaintenanceStatusHistory(Tenant, Model):
    """Every state a request has been in, written by trigger; `event_at` is when it happened, `recorded_at`
    when we were told: they differ only for imported histories.
    """

    __tablename__ = "maintenance_status_history"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    request_id: Mapped[UUID] = mapped_column(Uuid)
    from_status: Mapped[str | None] = mapped_column(Text)
    to_status: Mapped[str] = mapped_column(Text)
    event: Mapped[str | None] = mapped_column(Text)
    changed_by: Mapped[int | None] = mapped_column(Integer)
    triggered_by: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    # What staff write to each other when they assign or escalate may name somebody: residents read this column instead.
    public_note: Mapped[str] = mapped_column(Text, Computed(
        "CASE WHEN to_status IN ('in_progress','on_hold','resolved','rejected') THEN note ELSE '' END", persisted=True))
    event_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    member: Mapped[Member | None] = link("Member", "changed_by", here="MaintenanceStatusHistory", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("request_id", "maintenance_requests"), person("changed_by"),
        Index("maintenance_status_history_request", "org_id", "request_id", "seq"),
        CheckConstraint("triggered_by IN ('user','system')", name="maintenance_status_history_trigger_known"),
    )


class MaintenanceComment(Tenant, Timestamps, SoftDelete, Model):
    """A remark on a request; residents see that staff wrote it, not who."""

    __tablename__ = "maintenance_comments"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    request_id: Mapped[UUID] = mapped_column(Uuid)
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[int | None] = mapped_column(Integer, server_default=CURRENT_USER)
    by_staff: Mapped[bool] = mapped_column(Boolean, server_default=text("app.is_staff()"))
    body: Mapped[str] = mapped_column(Text)
    member: Mapped[Member | None] = link("Member", "user_id", here="MaintenanceComment", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("request_id", "maintenance_requests"),
        in_tenant("parent_id", "maintenance_comments"), person("user_id"),
        Index("maintenance_comments_request", "org_id", "request_id", "created_at"),
        CheckConstraint(f"length(btrim(body)) BETWEEN 1 AND {DESCRIPTION_MAX}", name="maintenance_comments_body"),
    )


class MaintenanceAttachment(Tenant, Timestamps, SoftDelete, Model):
    """A photo or video of a request; five at the most, counted under a lock by trigger."""

    __tablename__ = "maintenance_attachments"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    request_id: Mapped[UUID] = mapped_column(Uuid)
    file_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int | None] = mapped_column(Integer, server_default=CURRENT_USER)
    file: Mapped[File] = link("File", "file_id", here="MaintenanceAttachment")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("request_id", "maintenance_requests"),
        in_tenant("file_id", "files"), person("user_id"),
        Index("maintenance_attachments_request", "org_id", "request_id"),
        Index("maintenance_attachments_file_key", "org_id", "file_id", unique=True),
    )


class SlaTargetRow(Model):
    """Minutes to resolve and to escalate, by priority; seeded from rules/maintenance.SLA_TARGETS."""

    __tablename__ = "maintenance_sla_targets"

    priority: Mapped[str] = mapped_column(Text, primary_key=True)
    resolve_minutes: Mapped[int] = mapped_column(Integer)
    escalate_minutes: Mapped[int] = mapped_column(Integer)


functions("maintenance")

_R, _A, _ADMIN, _STAFF = Resource.MAINTENANCE, Action, (Portal.ADMIN,), (Portal.ADMIN, Portal.MANAGEMENT)
_RESIDENT = (Portal.RESIDENT,)
_EVERYBODY = (*_STAFF, *_RESIDENT)
_SEES_STAFF = f"{IN_ORG} AND {within(_R, _A.READ)}"
_OWN_REQUEST = f"{IN_ORG} AND {ADMITTED} AND app.is_my_request(request_id)"

for _model in (MaintenanceCategory, MaintenanceIssueType):
    protect(
        _model.__table__,
        grants=[Grant(_EVERYBODY, select=True), Grant(_ADMIN, insert=True, update=True)],
        policies=[
            Policy("staff_select", "SELECT", _STAFF, using=f"{IN_ORG} AND {can(_R, _A.READ)}"),
            Policy("resident_select", "SELECT", _RESIDENT, using=f"{IN_ORG} AND {ADMITTED} AND {can(_R, _A.READ)}"),
            Policy("staff_insert", "INSERT", _ADMIN, check=f"{IN_ORG} AND {can(_R, _A.APPROVE)}"),
            Policy("staff_update", "UPDATE", _ADMIN, using=f"{IN_ORG} AND {can(_R, _A.APPROVE)}"),
        ],
    )
protect(
    MaintenanceRequest.__table__,
    published=Published(),  # the whole old row: who asked may be nobody, and an identity index takes no NULL
    grants=[
        Grant(_STAFF, select=True),
        Grant(_ADMIN, update=("category_id", "issue_type_id", "room_id", "place", "description", "priority",
                              "deleted_at")),
        Grant(_RESIDENT, select=tuple(c.name for c in MaintenanceRequest.__table__.columns
                                      if c.name not in {"created_by", "import_run_id", "external_id"})),
    ],
    policies=[
        Policy("staff_select", "SELECT", _STAFF, using=_SEES_STAFF),
        Policy("staff_update", "UPDATE", _ADMIN, using=f"{IN_ORG} AND {within(_R, _A.APPROVE)}"),
        Policy("resident_select", "SELECT", _RESIDENT, using=f"{IN_ORG} AND {MINE} AND {ADMITTED} AND {can(_R, _A.READ)}"),
    ],
)
protect(
    MaintenanceAssignment.__table__, grants=[Grant(_STAFF, select=True)], published=Published(key=("org_id", "hostel_id", "id")),
    policies=[Policy("staff_select", "SELECT", _STAFF, using=_SEES_STAFF)],
)
protect(
    MaintenanceStatusHistory.__table__, immutable=True,
    grants=[
        Grant(_STAFF, select=True),
        # Not `changed_by`: it would tell a resident who is assigned.
        Grant(_RESIDENT, select=("org_id", "id", "seq", "hostel_id", "request_id", "from_status", "to_status", "event",
                                 "triggered_by", "public_note", "event_at", "recorded_at")),
    ],
    policies=[
        Policy("staff_select", "SELECT", _STAFF, using=_SEES_STAFF),
        Policy("resident_select", "SELECT", _RESIDENT, using=_OWN_REQUEST),
    ],
)
_COMMENT_COLUMNS = ("id", "hostel_id", "request_id", "parent_id", "body")
protect(
    MaintenanceComment.__table__,
    grants=[
        Grant(_STAFF, select=True, insert=_COMMENT_COLUMNS, update=("deleted_at",)),
        Grant(_RESIDENT, select=("org_id", "id", "hostel_id", "request_id", "parent_id", "by_staff", "body", "created_at",
                                 "updated_at", "deleted_at"), insert=_COMMENT_COLUMNS),
    ],
    policies=[
        Policy("staff_select", "SELECT", _STAFF, using=_SEES_STAFF),
        Policy("staff_insert", "INSERT", _STAFF, check=f"{_SEES_STAFF} AND {within(_R, _A.CREATE)}"),
        Policy("staff_update", "UPDATE", _STAFF, using=f"{IN_ORG} AND ({MINE} OR {within(_R, _A.APPROVE)})"),
        Policy("resident_select", "SELECT", _RESIDENT, using=_OWN_REQUEST),
        Policy("resident_insert", "INSERT", _RESIDENT, check=_OWN_REQUEST),
    ],
)
_ATTACHMENT_COLUMNS = ("id", "hostel_id", "request_id", "file_id")
protect(
    MaintenanceAttachment.__table__,
    grants=[
        Grant(_STAFF, select=True, insert=_ATTACHMENT_COLUMNS, update=("deleted_at",)),
        Grant(_RESIDENT, select=("org_id", "id", "hostel_id", "request_id", "file_id", "created_at", "updated_at",
                                 "deleted_at"), insert=_ATTACHMENT_COLUMNS),
    ],
    policies=[
        Policy("staff_select", "SELECT", _STAFF, using=_SEES_STAFF),
        Policy("staff_insert", "INSERT", _STAFF, check=f"{_SEES_STAFF} AND {within(_R, _A.CREATE)}"),
        Policy("staff_update", "UPDATE", _STAFF, using=f"{IN_ORG} AND ({MINE} OR {within(_R, _A.APPROVE)})"),
        Policy("resident_select", "SELECT", _RESIDENT, using=_OWN_REQUEST),
        Policy("resident_insert", "INSERT", _RESIDENT, check=_OWN_REQUEST),
    ],
)
protect(SlaTargetRow.__table__, definer="SELECT", unaudited="reference data, seeded at deploy",
        closed="read by the clock's trigger alone")

trigger("maintenance_requests", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status",
        "app.guard_lifecycle('maintenance_request')")
trigger("maintenance_requests", "c_clock", "BEFORE INSERT OR UPDATE OF status, priority, clock_started_at",
        "app.request_clock()")
trigger("maintenance_requests", "d_fits", "BEFORE INSERT OR UPDATE OF category_id, issue_type_id, room_id, hostel_id",
        "app.check_request_fits()")
trigger("maintenance_requests", "y_history", "AFTER INSERT OR UPDATE OF status", "app.write_request_history()")
trigger("maintenance_comments", "b_hostel", "BEFORE INSERT", "app.follow_request()")
trigger("maintenance_comments", "y_tell", "AFTER INSERT", "app.tell_of_comment()")
trigger("maintenance_attachments", "b_hostel", "BEFORE INSERT", "app.follow_request()")
trigger("maintenance_attachments", "c_limit", "BEFORE INSERT", "app.limit_attachments()")
