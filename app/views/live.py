"""What pages need to follow changes: a token for the realtime process, and the counts of the bell and the sidebar."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import Response, current_app, g, jsonify, request
from flask_appbuilder import AppBuilder
from flask_babel import gettext

from app.api.realtime.readable import readable
from app.permissions import Action, Portal, Resource
from app.rules.errors import Conflict, NotFound
from app.services import counters
from app.services.realtime import TOKEN_LIFE, Claims, make_token, signing_key
from app.views.base import ConsoleView, expose, has_access, problem_json
from app.views.edge import kept
from app.wiring import settings

ORGANIZATION = "X-Organization"  # which organization the page that asks was opened in


class LiveView(ConsoleView):
    """Everybody who has a bell."""

    resource = Resource.NOTIFICATIONS
    portals = frozenset(Portal) - {Portal.PUBLIC, Portal.PLATFORM}
    route_base = "/live"
    method_actions: ClassVar[dict[str, Action]] = {"token": Action.READ, "counters": Action.READ}

    @expose("/token")
    @has_access
    def token(self) -> Any:
        """A token for the portal of the page, and which tables that portal may follow."""
        identity, address = g.identity, settings().realtime_url
        if address is None or identity.org_id is None:
            raise NotFound(gettext("There are no live updates here."))
        asked = request.args.get("portal")
        bound = request.host in settings().portal_hosts  # such a host stands for one portal
        portal = next((portal for portal in identity.portals if portal == asked and not bound), identity.portal)
        token = make_token(signing_key(settings().secret_key), Claims(
            identity.user_id, identity.session_id, identity.org_id, portal, identity.hostel_id, datetime.now(UTC) + TOKEN_LIFE))
        return jsonify(token=token, url=f"{address.replace('http', 'ws', 1)}/realtime/v1", expires_in=int(TOKEN_LIFE.total_seconds()),
                       scope=f"{identity.org_id}/{portal}/{identity.hostel_id or ''}",
                       tables=[table for table, portals in readable().items() if portal in portals])

    @expose("/counters")
    @has_access
    def counters(self) -> Any:
        """What waits for the caller, as numbers by name; the same answer is not sent twice."""
        response = jsonify(unread=g.identity.unread, counters=counters.counters(self.session(), g.identity))
        return kept(response, hashlib.sha256(response.get_data()).hexdigest()[:16]).make_conditional(request)


def keep_organizations_apart(response: Response) -> Response:
    """A page that refreshes a part of itself gets nothing of another organization, though the session moved there."""
    opened_in, identity = request.headers.get(ORGANIZATION), g.get("identity")
    if opened_in and identity is not None and opened_in != str(identity.org_id):
        return problem_json(Conflict(gettext("This page was opened in another organization. Load it again.")))
    return response


def register(builder: AppBuilder) -> None:
    """Asked by scripts alone."""
    builder.add_view_no_menu(LiveView)
    current_app.after_request(keep_organizations_apart)
