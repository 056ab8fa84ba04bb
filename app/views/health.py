"""The page that says how every part of the installation is."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_appbuilder import AppBuilder
from flask_babel import gettext

from app.health import checks
from app.permissions import Action, Portal, Resource
from app.rules.health import State
from app.views import formats
from app.views.base import ConsoleView, expose, has_access

formats.register_tones({State.WELL: "success", State.ATTENTION: "warning", State.BROKEN: "danger"})


class HealthView(ConsoleView):
    """One card for each part; looked at anew with each visit."""

    route_base = "/health"
    default_view = "index"
    resource = Resource.HEALTH
    portals = frozenset({Portal.ADMIN, Portal.PLATFORM})
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """All parts, those that are not well first."""
        order = {State.BROKEN: 0, State.ATTENTION: 1, State.WELL: 2}
        found = sorted(checks.everything(self.session().connection()), key=lambda check: order[check.state])
        return self.page("health/index.html", title=gettext("Health"), checks=found, unwell=sum(not check.well for check in found))


def register(builder: AppBuilder) -> None:
    """Add the screen."""
    builder.add_view(HealthView, "Health", icon="fa-heart", category="Operations")
