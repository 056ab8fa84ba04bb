"""Choosing organization, hostel and portal in the top bar."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.hooks import before_request
from flask_babel import gettext

from app.identity import Identity, Place
from app.models.declare import SIGNED_IN
from app.permissions import Portal
from app.rules.errors import NotFound
from app.security import HOSTEL, ORG, PORTAL, identify
from app.views.base import ConsoleView
from app.views.edge import local_path
from app.views.people.doors import signed_in


def _chosen(places: tuple[Place, ...], text: str) -> Place:
    """The place of this id; somebody else's looks like none, and so does what is no id."""
    try:
        wanted = UUID(text)
    except ValueError:
        wanted = None
    for place in places:
        if place.id == wanted:
            return place
    raise NotFound(gettext("There is nothing like this to choose."))


class SwitchView(ConsoleView):
    """Takes `organization`, `hostel` (empty for all) or `portal`, and goes back to `next`."""

    route_base = ""
    default_view = "switch"
    portals = frozenset(SIGNED_IN)

    @before_request
    def same_organization(self) -> Any:
        """A page of one organization may switch to another: that is what it is for."""

    @expose("/switch", methods=["POST"])
    @signed_in
    def switch(self) -> Any:
        """Remember the choice in the session; the database checks it again with every request."""
        identity = identify()
        assert identity is not None  # noqa: S101 - signed_in has looked
        home = url_for("HomeView.index")
        if (text := request.form.get("organization")) is not None:
            place = _chosen(identity.organizations, text)
            session[ORG] = str(place.id)
            session.pop(HOSTEL, None)
            session.pop(PORTAL, None)
            flash(gettext("You now work in %(org)s.", org=place.name), "info")
            return redirect(home, code=303)  # the page one comes from may not exist there
        if (text := request.form.get("portal")) is not None:
            session[PORTAL] = str(self._portal(identity, text))
            return redirect(home, code=303)
        hostel = request.form.get("hostel", "")
        if hostel:
            session[HOSTEL] = str(_chosen(identity.hostels, hostel).id)
        else:
            session.pop(HOSTEL, None)
        return redirect(local_path(request.form.get("next"), home), code=303)

    def _portal(self, identity: Identity, text: str) -> Portal:
        if text not in set(identity.portals):
            raise NotFound(gettext("There is nothing like this to choose."))
        return Portal(text)
