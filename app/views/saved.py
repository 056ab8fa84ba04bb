"""Saved views of a list: its link under a name, for oneself or for everybody who may open the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import g, request
from flask_appbuilder import expose
from flask_babel import gettext

from app.models.saved_views import SHARING, SavedView
from app.permissions import Resource
from app.rules.errors import Invalid, NotFound
from app.services import saved_views
from app.views.edge import service_call, submission_id
from app.views.filters import FilterBar
from app.views.interface import Session
from app.views.screens import has_access


class SavedViews:
    """Mixed into the lists of ConsoleModelView."""

    endpoint: str
    resource: Resource
    filter_bar: FilterBar
    session: Callable[[], Session]
    url: Callable[..., str]
    render_list: Callable[[], str]

    def saved_views(self) -> Sequence[SavedView]:
        """Those that the caller may use here, read once for a page."""
        kept = g.setdefault("saved_views", {})
        if self.endpoint not in kept:
            kept[self.endpoint] = saved_views.of_screen(self.session(), self.endpoint)
        return kept[self.endpoint]  # type: ignore[no-any-return]

    def current_view(self) -> SavedView | None:
        """The one that the link was opened from; what was changed since does not matter."""
        named = request.args.get("view")
        return next((view for view in self.saved_views() if str(view.id) == named), None)

    def preferred_view(self) -> SavedView | None:
        """The one that the caller wants the list to open with."""
        return next((view for view in self.saved_views() if view.is_default and self.is_own(view)), None)

    def is_own(self, view: SavedView) -> bool:
        """Whether the caller may change it."""
        return view.user_id == g.identity.user_id

    def may_share(self) -> bool:
        """Whether the caller may put a view before everybody."""
        return bool(g.identity.can(*SHARING))

    def view_url(self, view: SavedView) -> str:
        """The list as it was kept."""
        return f"{self.url('list')}?{view.query}{'&' if view.query else ''}view={view.id}"

    def link_query(self) -> str:
        """What of the present link is worth keeping: filters, columns and order, not the page."""
        names = [*self.filter_bar.parameters, "sort", "cols", "size"]
        return urlencode([(name, value) for name in names for value in request.args.getlist(name) if value])

    @expose("/views/", methods=["POST"])
    @has_access
    def views(self) -> Any:
        """Keep the link that this is sent to as a view, or change the view that it was opened from.

        The list's parameters stand in the address, so that a refusal can draw the same list again.
        """
        given = request.form.get("view") or None
        steps: dict[str, Callable[..., str]] = {
            "save": self._save, "update": self._update, "rename": self._rename, "share": self._share,
            "unshare": self._share, "default": self._default, "undefault": self._default, "delete": self._delete}
        step = steps.get(request.form.get("do", ""))
        if step is None:
            raise NotFound(gettext("There is no such action here."))
        with service_call() as call:
            call.done, back = gettext("Saved."), step(call.session, _key(given) if step != self._save else None)
        return call.respond(back if call.error is None else "", failed=self.render_list)

    def _save(self, session: Session, _key: None) -> str:
        key, query = submission_id(), self.link_query()
        saved_views.save(session, g.identity.user_id, SavedView(
            id=key, screen=self.endpoint, resource=self.resource.value, name=request.form.get("name", ""), query=query,
            shared=request.form.get("shared") == "1"))
        return self._address(query, key)

    def _update(self, session: Session, key: UUID) -> str:
        query = self.link_query()
        saved_views.change(session, g.identity.user_id, key, query=query)
        return self._address(query, key)

    def _rename(self, session: Session, key: UUID) -> str:
        saved_views.change(session, g.identity.user_id, key, name=request.form.get("name", ""))
        return self._address(self.link_query(), key)

    def _share(self, session: Session, key: UUID) -> str:
        saved_views.change(session, g.identity.user_id, key, shared=request.form["do"] == "share")
        return self._address(self.link_query(), key)

    def _default(self, session: Session, key: UUID) -> str:
        wanted = key if request.form["do"] == "default" else None
        saved_views.set_default(session, g.identity.user_id, self.endpoint, wanted)
        return self._address(self.link_query(), key)

    def _delete(self, session: Session, key: UUID) -> str:
        saved_views.remove(session, g.identity.user_id, key)
        return self._address("", None)

    def _address(self, query: str, key: UUID | None) -> str:
        return f"{self.url('list')}?{query}{'&' if query and key else ''}{f'view={key}' if key else ''}".rstrip("?")


def _key(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError as error:
        raise Invalid(gettext("Choose a view first.")) from error
