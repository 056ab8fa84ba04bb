"""A small workshop of its own, tables and screens, to try what the console's base views do for every domain."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from flask import Blueprint, Flask, g
from flask_appbuilder import AppBuilder
from flask_appbuilder.models.sqla.base import SQLA
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_login import UserMixin
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Enum,
    ForeignKeyConstraint,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    and_,
    text,
    update,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, foreign, mapped_column, relationship

from app import views
from app.permissions import Action, Portal, Resource
from app.problems import register_error_handlers
from app.rules.errors import Conflict, Invalid
from app.views import language, palette
from app.views.base import ConsoleInterface, ConsoleModelView, console_action, submission_id
from app.views.formats import register_tones

SCHEMA = "workshop"


class State(StrEnum):
    """A ticket's states."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    CLOSED = "closed"


class Priority(StrEnum):
    """Kept as text with a check, as the product's states are."""

    NORMAL = "normal"
    HIGH = "high"


register_tones({Priority.HIGH: "warning", State.OPEN: "info", State.IN_PROGRESS: "progress", State.CLOSED: "success"})


class Base(DeclarativeBase):
    """Tables of the workshop, apart from the product's."""

    metadata = MetaData(schema=SCHEMA)


def new_id() -> uuid.UUID:
    """A key made here: the toy needs no database default."""
    return uuid.uuid4()


class Named:
    """What tickets refer to."""

    org_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"primary_key": [cls.__table__.c.id]}

    def __str__(self) -> str:
        return self.name


class Vendor(Named, Base):
    """Who repairs."""

    __tablename__ = "vendors"


class Place(Named, Base):
    """Where."""

    __tablename__ = "places"


class Kind(Named, Base):
    """What sort of repair."""

    __tablename__ = "kinds"


def _reference(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["org_id", f"{table[:-1]}_id"], [f"{SCHEMA}.{table}.org_id", f"{SCHEMA}.{table}.id"])


def _relation(model: type[Any], column: Callable[[], Any]) -> Any:
    return relationship(model, primaryjoin=lambda: and_(model.id == foreign(column()), model.org_id == Ticket.org_id))


class Ticket(Base):
    """One repair, with three relations and a column of each kind."""

    __tablename__ = "tickets"

    org_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    title: Mapped[str] = mapped_column(String(120))
    notes: Mapped[str | None] = mapped_column(Text)
    state: Mapped[State] = mapped_column(Enum(State, native_enum=False, length=20), default=State.OPEN)
    priority: Mapped[str] = mapped_column(Text, server_default="normal")
    urgent: Mapped[bool] = mapped_column(default=False)
    cost_paise: Mapped[int | None] = mapped_column(BigInteger)
    due_on: Mapped[date | None] = mapped_column(Date)
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    vendor_id: Mapped[uuid.UUID | None]
    place_id: Mapped[uuid.UUID]
    kind_id: Mapped[uuid.UUID | None]

    vendor = _relation(Vendor, lambda: Ticket.vendor_id)
    place = _relation(Place, lambda: Ticket.place_id)
    kind = _relation(Kind, lambda: Ticket.kind_id)

    __table_args__ = (
        _reference("vendors"), _reference("places"), _reference("kinds"),
        Index("tickets_by_title", "org_id", "title", "id"),
        # Checked at commit only, as some of the product's own rules are.
        UniqueConstraint("org_id", "notes", deferrable=True, initially="DEFERRED", name="tickets_notes_once"),
        Index("tickets_by_due", "org_id", "due_on", "id", postgresql_where=text("deleted_at IS NULL")),
        Index("tickets_by_cost", "org_id", "cost_paise", "id"),
        Index("tickets_open", "org_id", "opened_at", "id", postgresql_where=text("state = 'OPEN'")),
    )
    __mapper_args__ = {"primary_key": [id]}

    def __str__(self) -> str:
        return self.title


class ToyView(ConsoleModelView):
    """Nobody keeps views of the workshop's lists: it has no table for them."""

    def saved_views(self):
        return []


class TicketView(ToyView):
    """Every door of the base view, each with a service behind it."""

    datamodel = ConsoleInterface(Ticket)
    resource = Resource.MAINTENANCE
    route_base = "/tickets"
    singular_name = "Repair ticket"
    state_column = "state"
    enums = {"priority": Priority}
    empty_hint = "Open the first ticket when something breaks."
    list_columns = ["title", "state", "priority", "place", "vendor", "kind.name", "cost_paise", "due_on", "opened_at"]
    search_columns = ["title", "notes", "state", "priority", "urgent", "vendor", "opened_at", "cost_paise"]
    show_columns = ["title", "notes", "urgent", "cost_paise", "due_on", "due_at", "opened_at", "place", "vendor", "kind"]
    add_columns = ["title", "notes", "place", "vendor", "priority", "urgent", "cost_paise", "due_on", "due_at"]
    edit_columns = [*add_columns, "state"]

    def create(self, session, data):
        """A ticket; titles that shout are refused."""
        if data["title"].isupper():
            raise Invalid("Write the title without shouting.", field="title")
        ticket = Ticket(org_id=g.identity.org_id, id=submission_id(), **data)
        session.add(ticket)
        return ticket

    def update(self, session, item, data):
        """Change the row."""
        session.execute(update(Ticket).where(Ticket.id == item.id).values(**data, updated_at=text("clock_timestamp()")))

    def remove(self, session, item):
        """Softly."""
        if item.urgent:
            raise Conflict("An urgent ticket stays.")
        item.deleted_at = datetime.now(UTC)

    def restore_item(self, session, item):
        """Bring back."""
        item.deleted_at = None

    @console_action("close", "Close", Action.UPDATE, confirmation="Close it?")
    def close(self, session, item):
        """Guarded: what is closed cannot be closed."""
        if item.state is State.CLOSED:
            raise Conflict("Already closed")
        item.state = State.CLOSED

    @console_action("annotate", "Add a note", Action.UPDATE, ask="What happened?")
    def annotate(self, session, item, note):
        """Takes a text."""
        item.notes = note


class PlaceView(ToyView):
    """Read only: no hooks, no doors. Its page shows the tickets of the place."""

    datamodel = ConsoleInterface(Place)
    resource = Resource.ROOMS
    route_base = "/places"
    list_columns = ["name"]
    show_columns = ["name"]


@dataclass(frozen=True)
class Choice:
    """An organization or hostel in a switcher."""

    id: Any
    name: str


@dataclass
class Person(UserMixin):
    """What the console knows of the caller (`g.identity`)."""

    org_id: uuid.UUID
    user_id: int = 1
    org_name: str = "Lakeside Hostels"
    name: str = "Asha Rao"
    email: str = "asha@lakeside.example"
    organizations: list[Choice] = field(default_factory=list)
    hostels: list[Choice] = field(default_factory=list)
    hostel_id: uuid.UUID | None = None
    portal: Portal = Portal.ADMIN
    portals: frozenset[Portal] = frozenset({Portal.ADMIN})
    roles: tuple[str, ...] = ("owner",)
    unread: int = 3
    forbidden: frozenset[Action] = frozenset()

    def can(self, resource: Resource, action: Action, hostel_id: Any = None) -> bool:
        """Everything but what is forbidden."""
        return action not in self.forbidden


class ToySecurity(SecurityManager):
    """Asks the person and the screen, as the product's own does, without its tables."""

    def create_db(self) -> None:
        """No tables of Flask-AppBuilder here."""

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """The screen says which action; the person says whether."""
        view = next((one for one in self.appbuilder.baseviews if getattr(one, "class_permission_name", "") == view_name), None)
        identity = g.get("identity")
        return identity is not None and view is not None and identity.can(view.resource, view.action_for(permission_name))

    def load_user(self, pk: Any) -> Any:
        """Whoever the test says; without cookies, through `request_loader`."""
        return g.get("identity")


def create_toy(url: str, who: Callable[[], Person | None], *, csrf: bool = False) -> tuple[Flask, SQLA]:
    """The workshop's app on a database that has its tables (`Base.metadata`)."""
    app = Flask("app")
    app.config.update(SECRET_KEY="workshop", SQLALCHEMY_DATABASE_URI=url, APP_NAME="Viramah", FAB_CREATE_DB=False,
                      FAB_UPDATE_PERMS=False, WTF_CSRF_ENABLED=csrf, FAB_SECURITY_MANAGER_CLASS=f"{__name__}.ToySecurity",
                      FAB_ADD_SECURITY_VIEWS=False, FAB_ADD_MENU_API=False, FAB_ADD_OPENAPI_VIEWS=False)
    db = SQLA(metadata=Base.metadata)
    db.init_app(app)
    if csrf:
        CSRFProtect(app)
    Talisman(app, force_https=False, session_cookie_secure=False, content_security_policy_nonce_in=["script-src"],
             content_security_policy={"default-src": "'self'", "script-src": "'self'", "object-src": "'none'", "base-uri": "'self'"})

    register_error_handlers(app)

    @app.before_request
    def bind() -> None:
        g.identity = who()

    door = Blueprint("SignInView", __name__)
    door.add_url_rule("/door", "sign_in", lambda: "")
    app.register_blueprint(door)
    # The frame links to screens of the product that are not in the workshop.
    app.url_build_error_handlers.append(lambda _error, endpoint, _values: f"/elsewhere/{endpoint}")
    with app.app_context():
        builder = AppBuilder(app, db.session)
        app.login_manager.request_loader(lambda _request: g.get("identity"))
        views.init_app(app)
        builder.add_view(TicketView, "Tickets", icon="fa-wrench", category="Maintenance")
        language.register(builder)
        palette.register(builder)
        PlaceView.related_views = [TicketView]
        builder.add_view(PlaceView, "Places", icon="fa-building", category="Maintenance")
        app.extensions["screens"] = {view.class_permission_name: view for view in builder.baseviews if isinstance(view, ToyView)}
    return app, db


