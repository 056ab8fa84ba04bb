"""Who is calling, in which organization, with which capabilities: Flask-AppBuilder's questions, answered by the database."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from flask import Flask, current_app, g, request, session
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import User
from flask_babel import refresh
from structlog.contextvars import bind_contextvars

from app.identity import Identity
from app.permissions import Action, Portal
from app.tenancy import RequestBinding, bind_request
from app.wiring import db

TOKEN, ORG, HOSTEL, PORTAL = "token", "org", "hostel", "portal"




def token_digest(token: str) -> bytes:
    """What is stored of a session token."""
    return hashlib.sha256(token.encode()).digest()


def new_token() -> str:
    """A session token: 256 random bits."""
    return secrets.token_urlsafe(32)


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def wanted_portals() -> list[Portal]:
    """Portals in which this request can be answered, the one the person works in first.

    The screen decides: each view names the portals it works through; a host name bound to a portal narrows them.
    """
    screen = current_app.extensions["screen_portals"].get((request.endpoint or "").partition(".")[0])
    current = session.get(PORTAL)
    bound = current_app.config["SETTINGS"].portal_hosts.get(request.host)
    if bound:
        return [Portal(bound)]
    preferred = [Portal(current)] if current in set(Portal) else []
    if not screen:
        return preferred
    # A screen that works through several portals offers most in the highest: their order is the matrix's.
    return [p for p in preferred if p in screen] + [p for p in (Portal.ADMIN, *Portal) if p in screen]


def begin_request() -> None:
    """Prepare the binding of this request; the database is asked when somebody first needs it."""
    token = session.get(TOKEN)
    g.identity = None
    bind_request(RequestBinding(
        token_digest(token) if token else None, _uuid(session.get(ORG)), wanted_portals(),
        _uuid(session.get(HOSTEL)), g.get("request_id", ""),
    ))


def identify() -> Identity | None:
    """The caller, asked for once per request, in the statement that begins its first transaction."""
    binding: RequestBinding = g.binder
    if binding.digest is None:
        return None
    if not binding.asked:
        db.session.connection()
        if binding.answer is not None and binding.answer.get("user"):
            g.identity = Identity.read(binding.answer)
            refresh()  # the language may be another now that the reader is known
            bind_contextvars(org_id=str(g.identity.org_id), user_id=g.identity.user_id)
            if g.identity.org_id and session.get(ORG) != str(g.identity.org_id):
                session[ORG] = str(g.identity.org_id)
    return g.identity  # type: ignore[no-any-return]


def sign_in(user_id: int, token: str) -> None:
    """Let this browser carry a session that services/people.py opened."""
    session.clear()
    session.permanent = True
    session[TOKEN] = token
    session["_user_id"], session["_fresh"] = str(user_id), True


class ConsoleSecurityManager(SecurityManager):
    """Sign-in is in services/people.py, permissions in the database: nothing of the framework's own is asked."""

    user_model = User

    def register_views(self) -> None:
        """The stock user, role and sign-in screens select columns that no portal may read: ours replace them."""

    def load_user(self, pk: str) -> User | None:
        """The person of this request, from the answer of the binding: no statement of its own."""
        identity = identify()
        if identity is None or str(identity.user_id) != str(pk):
            return None
        first, _, last = identity.name.rpartition(" ")
        return User(id=identity.user_id, first_name=first or last, last_name=last if first else "",
                    username=identity.email, email=identity.email, active=True)

    def get_user_roles(self, user: Any) -> list[Any]:  # noqa: ARG002 - the framework's signature
        """Roles are rows of `memberships`; the framework's own role tables decide nothing."""
        return []

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Whether the caller may open a door of a view: the capability, in a portal that the view works through."""
        identity = identify()
        view = current_app.extensions["screens"].get(view_name)
        if identity is None or view is None or identity.portal not in view.portals:
            return False
        action: Action = view.action_for(permission_name)
        return identity.can(view.resource, action)

    def get_user_menu_access(self, menu_names: Iterable[str] | None = None) -> set[str]:
        """The sidebar decides per entry (views/screens.menu_visible)."""
        return set(menu_names or ())

    def sync_role_definitions(self) -> None:
        """Made by `flask permissions sync` at deploy."""


def init_app(app: Flask) -> None:
    """Bind every request before anything else looks at it."""
    app.extensions["screens"] = {}
    app.extensions["screen_portals"] = {}
    app.before_request(begin_request)


def register_screens(app: Flask, views: Iterable[Any]) -> None:
    """Remember which portals each view works through; called when all views are registered."""
    for view in views:
        if hasattr(view, "portals"):
            app.extensions["screens"][view.class_permission_name] = view
            app.extensions["screen_portals"][view.endpoint] = view.portals
