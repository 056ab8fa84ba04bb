"""What a person was told in the console; opening one marks it as read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from flask import g, redirect, request
from flask_appbuilder import AppBuilder
from flask_babel import gettext

from app.permissions import Action, Portal, Resource
from app.rules.errors import NotFound
from app.services import notifications
from app.views.base import ConsoleView, expose, has_access, local_path, service_call
from app.views.edge import problem_page
from app.views.paging import BadListRequest


class NotificationsView(ConsoleView):
    """The bell: everybody's own."""

    resource = Resource.NOTIFICATIONS
    portals = frozenset(Portal) - {Portal.PUBLIC, Portal.PLATFORM}
    route_base = "/notifications"
    default_view = "list"
    method_actions: ClassVar[dict[str, Action]] = {"list": Action.READ, "open": Action.UPDATE, "read_all": Action.UPDATE}

    @expose("/")
    @has_access
    def list(self) -> Any:
        """Newest first, all or the unread ones."""
        before = request.args.get("before")
        try:
            moment = datetime.fromisoformat(before) if before else None
        except ValueError as error:
            raise BadListRequest(gettext("This link to a page of the list is broken. Start from the first page.")) from error
        unread = request.args.get("unread") == "1"
        found = notifications.own(self.session(), g.identity.user_id, unread=unread, before=moment)
        return self.page("base/notifications.html", title=gettext("Notifications"), notifications=found, unread=unread,
                         older=found[-1].created_at.isoformat() if len(found) == notifications.PAGE else None)

    @expose("/open/<pk>", methods=["POST"])
    @has_access
    def open(self, pk: str) -> Any:
        """Mark it as read and go where it leads."""
        with service_call() as call:
            link = notifications.mark_read(call.session, g.identity.user_id, _key(pk))
        if call.error is not None:
            return problem_page(call.error, self.url("list"))
        return redirect(local_path(link, self.url("list")), code=303)

    @expose("/read", methods=["POST"])
    @has_access
    def read_all(self) -> Any:
        """Mark everything as read."""
        with service_call() as call:
            notifications.mark_read(call.session, g.identity.user_id)
        return call.respond(self.url("list"))


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(gettext("This notification is not there any more.")) from error


def register(builder: AppBuilder) -> None:
    """Reached through the bell, not through the menu."""
    builder.add_view_no_menu(NotificationsView)
