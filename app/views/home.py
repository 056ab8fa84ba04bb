"""The first page after signing in: what needs doing, for whoever asks."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for
from flask_appbuilder import AppBuilder, IndexView, expose
from flask_babel import gettext

from app.identity import Identity
from app.permissions import Action, Portal, Resource
from app.rules.maintenance import CLOSED
from app.security import identify
from app.services import organizations, overview, work
from app.services.maintenance import residents
from app.views import formats
from app.views.edge import db_session
from app.views.interface import Session
from app.views.maintenance.parts import clock_badge
from app.views.organizations.settings import NEARLY

_OWN_SHOWN = 6


class HomeView(IndexView):
    """One page for each way of working; each reads what it shows in at most five statements."""

    @expose("/")
    def index(self) -> Any:
        """The overview, or the sign-in page."""
        identity = identify()
        if identity is None:
            return redirect(url_for("SignInView.sign_in"))
        self.update_redirect()
        template, context = _page_of(identity, db_session())
        return render_template(template, appbuilder=self.appbuilder, base_template=self.appbuilder.base_template,
                               greeting=greeting(identity), identity=identity, clock_badge=clock_badge, **context)


def _page_of(identity: Identity, session: Session) -> tuple[str, dict[str, Any]]:
    """Template and what it shows, by the portal that the person works in."""
    match identity.portal:
        case Portal.PLATFORM:
            return "home/platform.html", {
                "organizations": organizations.list_organizations(session), "backlog": work.backlog(session)}
        case Portal.RESIDENT if identity.can(Resource.MAINTENANCE, Action.READ):
            own = residents.own_requests(session)
            return "home/resident.html", {
                "open": [one for one in own if one.state not in CLOSED],
                "closed": [one for one in own if one.state in CLOSED][:_OWN_SHOWN]}
        case Portal.ADMIN | Portal.MANAGEMENT if identity.can(Resource.MAINTENANCE, Action.READ):
            return "home/staff.html", _staff(identity, session)
        case _:
            return "home/plain.html", {}


def _staff(identity: Identity, session: Session) -> dict[str, Any]:
    """Those who do repairs see theirs and what is free; those who see to it that they are done, what is late."""
    where = identity.org_id, identity.hostel_id
    now = formats.now()
    repairs = identity.portal is Portal.MANAGEMENT
    context: dict[str, Any] = {"repairs": repairs, "nearly": NEARLY,
                               "counts": overview.count_open(session, *where, now)}
    if repairs:
        return {**context, "mine": overview.my_work(session, identity.org_id, identity.user_id),
                "free": overview.free_work(session, *where)}
    context["late"] = overview.in_trouble(session, *where, now)
    if identity.can(Resource.WORK, Action.READ):
        context["dead"] = overview.dead_letters(session)
    if identity.can(Resource.ORGANIZATION, Action.READ):
        context["usage"] = [row for row in organizations.usage(session) if row.used and row.most is not None]
    return context


def greeting(identity: Identity) -> str:
    """Good morning, Ananya: by the clock of the hostel."""
    hour = formats.now().astimezone(formats.zone()).hour
    name = identity.name.partition(" ")[0]
    if hour < 12:  # noqa: PLR2004
        return gettext("Good morning, %(name)s", name=name)
    return gettext("Good afternoon, %(name)s", name=name) if hour < 17 else gettext("Good evening, %(name)s", name=name)  # noqa: PLR2004


def register(builder: AppBuilder) -> None:
    """The home page is the application's index view; nothing to add."""


