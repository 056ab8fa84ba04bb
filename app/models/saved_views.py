"""Saved views: how somebody likes to see a list, for themselves or for all who may open its screen."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import CURRENT_USER, Model, Tenant, Timestamps, line, link, person
from app.models.declare import IN_ORG, MINE, STAFF, Grant, Policy, can, protect
from app.models.people import Member
from app.permissions import Action, Resource
from app.rules.lists import VIEW_NAME_MAX, VIEW_QUERY_MAX


class SavedView(Tenant, Timestamps, Model):
    """A link to a list under a name; `query` is what stands behind the question mark.

    `resource` is the screen's, so that the policy knows who may open it.
    """

    __tablename__ = "saved_views"

    user_id: Mapped[int] = mapped_column(Integer, server_default=CURRENT_USER)
    screen: Mapped[str] = line(120)
    resource: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = line(VIEW_NAME_MAX)
    query: Mapped[str] = mapped_column(Text, server_default="")
    shared: Mapped[bool] = mapped_column(Boolean, server_default="false")
    is_default: Mapped[bool] = mapped_column(Boolean, server_default="false")
    owner: Mapped[Member] = link("Member", "user_id", here="SavedView", key="user_id")

    __table_args__ = (
        person("user_id"),
        Index("saved_views_name_key", "org_id", "user_id", "screen", text("lower(name)"), unique=True),
        Index("saved_views_default_key", "org_id", "user_id", "screen", unique=True, postgresql_where=text("is_default")),
        Index("saved_views_screen", "org_id", "screen", "name"),
        CheckConstraint("length(btrim(name)) > 0", name="saved_views_named"),
        CheckConstraint(f"length(query) <= {VIEW_QUERY_MAX}", name="saved_views_query_length"),
    )

    def __repr__(self) -> str:
        return self.name


SHARING = (Resource.TEAM, Action.UPDATE)
"""What it takes to put a view before everybody: what those hold who say how the team works."""

_OWN = f"{IN_ORG} AND {MINE}"
_MAY_SHARE = f"{_OWN} AND (NOT shared OR {can(*SHARING)})"
protect(
    SavedView.__table__, unaudited="how a person looks at a list changes nothing in it",
    grants=[Grant(STAFF, select=True, insert=("id", "screen", "resource", "name", "query", "shared"),
                  update=("name", "query", "shared", "is_default"), delete=True)],
    policies=[
        Policy("mine_or_shared_select", "SELECT", STAFF,
               using=f"{IN_ORG} AND ({MINE} OR (shared AND app.can(resource, 'read')))"),
        Policy("mine_insert", "INSERT", STAFF, check=_MAY_SHARE),
        Policy("mine_update", "UPDATE", STAFF, using=_OWN, check=_MAY_SHARE),
        Policy("mine_delete", "DELETE", STAFF, using=_OWN),
    ],
)
