"""People of an organization: members, the roles they hold, invitations, team members, sign-in and sessions."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Sequence,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    CURRENT_ORG,
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
    search_key,
)
from app.models.declare import (
    AUTH,
    IN_ORG,
    MINE,
    SIGNED_IN,
    Grant,
    Policy,
    can,
    functions,
    protect,
    trigger,
    within,
)
from app.models.organizations import Hostel
from app.permissions import Action, Portal, Resource

MEMBERSHIP_STATES = ("invited", "active", "suspended")
MEMBER_TYPES = ("sales", "support", "operations", "canteen", "maintenance", "amenities")


class Member(Timestamps, Model):
    """A person in an organization: what everything else in the organization refers to.

    The name and e-mail are this organization's copy, so that no list needs the installation's user table.
    """

    __tablename__ = "members"

    org_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True, server_default=CURRENT_ORG)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True)  # and `id` of the ORM
    name: Mapped[str] = line(200)
    # Loaded where it is asked for: those who mend taps read names, and have no grant on addresses.
    email: Mapped[str] = mapped_column(String(254), deferred=True)
    joined_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    removed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # The search box finds people by their whole name or by the last word of it. Comparisons under "C" cannot leak
    # what row-level security hides, so they may walk an index, which LIKE may not (app/services/search.py).
    name_key: Mapped[str] = search_key("lower(name)")
    last_name_key: Mapped[str | None] = search_key("lower(substring(name from '[^ ]+$'))")

    __table_args__ = (
        Index("members_user", "user_id"),
        Index("members_name_key", "org_id", "name_key"),
        Index("members_last_name_key", "org_id", "last_name_key"),
        Index("members_sort_name", "org_id", "name", "user_id"),
    )
    __mapper_args__: ClassVar[dict[str, Any]] = {"eager_defaults": False, "primary_key": [user_id]}

    def __repr__(self) -> str:
        return self.name


class Membership(Tenant, Timestamps, Authored, Model):
    """One role that a person holds, in all hostels or in one, perhaps for a time (the seeds' `user_roles`)."""

    __tablename__ = "memberships"

    user_id: Mapped[int] = mapped_column(Integer)
    role: Mapped[str] = mapped_column(ForeignKey("roles.role"))
    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(Text, server_default="active")
    valid_from: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    valid_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    member: Mapped[Member] = link("Member", "user_id", here="Membership", key="user_id")
    hostel: Mapped[Hostel | None] = link("Hostel", "hostel_id", here="Membership")

    __table_args__ = (
        person("user_id"), person("created_by"), in_tenant("hostel_id", "hostels"),
        Index("memberships_key", "org_id", "user_id", "role", "hostel_id", unique=True,
              postgresql_nulls_not_distinct=True),
        Index("memberships_user", "user_id"),
        CheckConstraint(f"status IN {MEMBERSHIP_STATES}", name="memberships_status_known"),
        CheckConstraint("valid_until > valid_from", name="memberships_time_forward"),
        CheckConstraint("role <> 'super_admin'", name="memberships_no_platform_role"),
        CheckConstraint("role NOT IN ('owner', 'administrator') OR hostel_id IS NULL", name="memberships_wide_roles"),
    )

    def __repr__(self) -> str:
        return f"{self.member}: {self.role.replace('_', ' ')}"


class PlatformRole(Model):
    """Who runs the installation; given by `flask users platform-admin`, by another of them, or not at all."""

    __tablename__ = "platform_roles"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True)
    role: Mapped[str] = mapped_column(ForeignKey("roles.role"), server_default="super_admin")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)

    __table_args__ = (CheckConstraint("role = 'super_admin'", name="platform_roles_known"),)


class Invitation(Tenant, Timestamps, Authored, Model):
    """An offer of a role, sent by e-mail; the link's secret is kept as its SHA-256 only."""

    __tablename__ = "invitations"

    email: Mapped[str] = line(254)
    name: Mapped[str] = line(200)
    role: Mapped[str] = mapped_column(ForeignKey("roles.role"))
    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    team_member_id: Mapped[UUID | None] = mapped_column(Uuid)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)  # which no portal may read
    status: Mapped[str] = mapped_column(Text, server_default="pending")
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    accepted_by: Mapped[int | None] = mapped_column(Integer)
    hostel: Mapped[Hostel | None] = link("Hostel", "hostel_id", here="Invitation")
    team_member: Mapped[TeamMember | None] = link("TeamMember", "team_member_id", here="Invitation")

    __table_args__ = (
        person("created_by"), person("accepted_by"), in_tenant("hostel_id", "hostels"),
        in_tenant("team_member_id", "team_members"),
        Index("invitations_pending_key", "org_id", text("lower(email)"), "role", "hostel_id", unique=True,
              postgresql_where=text("status = 'pending'"), postgresql_nulls_not_distinct=True),
        Index("invitations_digest", "digest"),
        Index("invitations_sort_created", "org_id", "created_at", "id"),
        CheckConstraint("status IN ('pending','accepted','revoked','expired')", name="invitations_status_known"),
    )

    @property
    def shown_status(self) -> str:
        """The status as it is now: nobody visits a pending row when its time is over."""
        return "expired" if self.status == "pending" and self.expires_at <= datetime.now(UTC) else self.status

    def __repr__(self) -> str:
        return self.name or self.email


class TeamMember(Tenant, Timestamps, Authored, SoftDelete, Model):
    """Anybody who works for the organization, with a login or without."""

    __tablename__ = "team_members"

    name: Mapped[str] = line(200)
    email: Mapped[str | None] = line(254)
    phone: Mapped[str | None] = line(32)
    external_id: Mapped[str | None] = line(120)
    member_type: Mapped[str] = mapped_column(Text, server_default="operations")
    commission_type: Mapped[str] = mapped_column(Text, server_default="none")
    commission_rate: Mapped[Decimal | None] = mapped_column(Numeric(7, 4))
    hostel_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[int | None] = mapped_column(Integer)
    hostel: Mapped[Hostel | None] = link("Hostel", "hostel_id", here="TeamMember")

    __table_args__ = (
        person("created_by"), person("user_id"), in_tenant("hostel_id", "hostels"),
        Index("team_members_external_key", "org_id", "external_id", unique=True,
              postgresql_where=text("deleted_at IS NULL")),
        Index("team_members_sort_name", "org_id", "name", "id"),
        CheckConstraint(f"member_type IN {MEMBER_TYPES}", name="team_members_type_known"),
        CheckConstraint("commission_type IN ('none','percentage','flat')", name="team_members_commission_known"),
        CheckConstraint("commission_rate >= 0", name="team_members_commission_positive"),
        CheckConstraint("length(btrim(name)) > 0", name="team_members_named"),
    )

    def __repr__(self) -> str:
        return self.name


class UserCredential(Model):
    """Password hash, TOTP secret and recovery codes, readable by the auth login alone."""

    __tablename__ = "user_credentials"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True)
    password_hash: Mapped[str | None] = mapped_column(Text)
    password_changed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    totp_secret: Mapped[str | None] = mapped_column(Text)
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    recovery_digests: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    reset_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    reset_expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class LoginAttempt(Model):
    """Each attempt to sign in, for the lock after five failures in fifteen minutes."""

    __tablename__ = "login_attempts"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account: Mapped[str] = line(254)
    address: Mapped[str] = line(64)
    succeeded: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)

    __table_args__ = (Index("login_attempts_account", "account", "at"),)


class UserSession(Model):
    """A signed-in device. The cookie holds a random token, this table its SHA-256."""

    __tablename__ = "user_sessions"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    device: Mapped[str] = line(300)
    address: Mapped[str] = line(64)
    second_factor: Mapped[bool] = mapped_column(Boolean, server_default="false")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index("user_sessions_digest_key", "digest", unique=True),
        Index("user_sessions_user", "user_id", "last_seen_at"),
    )


class UserPreference(Model):
    """How a person likes to read, in every organization; written by app.choose_language."""

    __tablename__ = "user_preferences"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True)
    language: Mapped[str] = mapped_column(Text)

    __table_args__ = (CheckConstraint("length(language) BETWEEN 2 AND 16", name="user_preferences_language_form"),)


class AccessVersion(Model):
    """Changes with everything that decides what people of an organization (`org:<id>`), or one person (`user:<id>`),
    may do; what was worked out under another version counts no more.
    """

    __tablename__ = "access_versions"

    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, Sequence("access_versions_seq", metadata=Model.metadata))
    changed_in: Mapped[int] = mapped_column(BigInteger)


class AccessCache(Model):
    """What app.describe found for a person, kept until a version changes or the time of a role begins or ends (T18)."""

    __tablename__ = "access_cache"

    user_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    asked: Mapped[str] = mapped_column(Text, primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    org_version: Mapped[int] = mapped_column(BigInteger)
    user_version: Mapped[int] = mapped_column(BigInteger)
    good_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))


functions("people")

for _cached in (AccessVersion, AccessCache):
    protect(_cached.__table__, unaudited="machinery: follows from memberships, overrides and hostels",
            closed="read by app.described alone")
for _table, _events in {
    "memberships": "INSERT OR UPDATE OR DELETE", "members": "INSERT OR UPDATE OR DELETE",
    "hostels": "INSERT OR UPDATE OR DELETE", "organizations": "UPDATE", "platform_roles": "INSERT OR UPDATE OR DELETE",
    "user_preferences": "INSERT OR UPDATE",
    "ab_user": "UPDATE OF first_name, last_name, username, email, active OR DELETE",
}.items():
    trigger(_table, "w_access", f"AFTER {_events}", "app.change_access()")

_MEMBER_READERS, _NAMES_ONLY = (Portal.ADMIN, Portal.MANAGEMENT), (Portal.MANAGEMENT, Portal.SALES)
protect(
    Member.__table__, masked=("name", "email"),
    grants=[
        Grant((Portal.ADMIN,), select=True),
        Grant(_NAMES_ONLY, select=tuple(c.name for c in Member.__table__.columns if c.name != "email")),
        Grant(tuple(p for p in SIGNED_IN if p not in (*_NAMES_ONLY, Portal.ADMIN, Portal.PLATFORM)), select=True),
    ],
    policies=[
        Policy("staff_select", "SELECT", _MEMBER_READERS, using=f"{IN_ORG} AND app.member_in_reach(user_id)"),
        Policy("mine_select", "SELECT",
               tuple(p for p in SIGNED_IN if p not in (*_MEMBER_READERS, Portal.SALES, Portal.PLATFORM)),
               using=f"{IN_ORG} AND {MINE}"),
        Policy("colleagues_select", "SELECT", (Portal.SALES,),
               using=f"{IN_ORG} AND (app.is_colleague(user_id) OR user_id = ANY ((SELECT app.lodgers())::integer[]))"),
    ],
)
_MEMBERSHIP_RULE = (
    f"{IN_ORG} AND {can(Resource.MEMBERS, Action.READ)} AND (hostel_id IS NULL OR "
    f"{within(Resource.MEMBERS, Action.READ)})"
)
protect(
    Membership.__table__,
    grants=[Grant((Portal.ADMIN,), select=True)],
    policies=[Policy("staff_select", "SELECT", (Portal.ADMIN,), using=_MEMBERSHIP_RULE)],
)
trigger("memberships", "a_limit", "BEFORE INSERT OR UPDATE OF status", "app.enforce_limit('users')")
trigger("memberships", "b_last_owner", "BEFORE UPDATE OR DELETE", "app.keep_an_owner()")
protect(PlatformRole.__table__, definer="SELECT, INSERT, DELETE", unaudited="belongs to no tenant; changes are written by the command",
        closed="who runs the installation is asked through app.is_super_admin")
protect(
    Invitation.__table__, masked=("name", "email", "digest"),
    grants=[Grant((Portal.ADMIN,), select=tuple(
        c.name for c in Invitation.__table__.columns if c.name != "digest"))],
    policies=[Policy("staff_select", "SELECT", (Portal.ADMIN,), using=_MEMBERSHIP_RULE)],
)
protect(
    TeamMember.__table__, masked=("name", "email", "phone"), guarded=("user_id",),
    grants=[Grant((Portal.ADMIN,), select=True, insert=True, update=True)],
    policies=[
        Policy(f"staff_{command.lower()}", command, (Portal.ADMIN,),
               using=None if command == "INSERT" else rule, check=None if command == "SELECT" else rule)
        for command, action in (("SELECT", Action.READ), ("INSERT", Action.CREATE), ("UPDATE", Action.UPDATE))
        for rule in [
            f"{IN_ORG} AND ({within(Resource.TEAM, action)} OR (hostel_id IS NULL AND {can(Resource.TEAM, action)}))"
        ]
    ],
)
_AUTH_ALL = [Policy("auth_all", "ALL", (AUTH,), using="true")]
protect(UserCredential.__table__, definer="", unaudited="secrets; the auth service writes its own audit rows",
        closed="password hashes and second factors are for the auth login alone",
        grants=[Grant((AUTH,), select=True, insert=True, update=True)], policies=_AUTH_ALL)
protect(LoginAttempt.__table__, definer="", unaudited="a log itself", closed="sign-in attempts are the auth login's",
        grants=[Grant((AUTH,), select=True, insert=True, delete=True)], policies=_AUTH_ALL)
protect(UserPreference.__table__, definer="SELECT, INSERT, UPDATE", unaudited="how somebody likes to read is their own affair",
        closed="app.identify tells each person theirs")
protect(
    UserSession.__table__, unaudited="sign-ins are audited as events, not as rows: last_seen_at changes all day",
    grants=[
        Grant(SIGNED_IN, select=tuple(c.name for c in UserSession.__table__.columns if c.name != "digest")),
        Grant((AUTH,), select=True, insert=("user_id", "digest", "device", "address", "second_factor", "expires_at"),
              update=("ended_at", "second_factor")),
    ],
    policies=[Policy("mine_select", "SELECT", SIGNED_IN, using=MINE), *_AUTH_ALL],
)
protect(
    User.__table__, unaudited="belongs to no tenant; members carry the organization's copy",
    definer="SELECT, INSERT, UPDATE",
    grants=[
        Grant(SIGNED_IN, select=("id", "username", "first_name", "last_name", "email", "active", "last_login")),
        Grant((AUTH,), select=("id", "username", "first_name", "last_name", "email", "active", "last_login", "login_count",
                               "fail_login_count"),
              update=("last_login", "login_count", "fail_login_count")),
    ],
    policies=[
        Policy("mine_select", "SELECT", SIGNED_IN, using="id = (SELECT app.current_user_id())"),
        Policy("auth_select", "SELECT", (AUTH,), using="true"),
        Policy("auth_update", "UPDATE", (AUTH,), using="true"),
    ],
)
for _table in User.metadata.tables.values():
    if _table.name.startswith("ab_") and _table.name != "ab_user":
        protect(_table, definer="", unaudited="Flask-AppBuilder's own tables, seeded from app/permissions.py at deploy",
                closed="the console asks app.identify for capabilities, never these tables")
