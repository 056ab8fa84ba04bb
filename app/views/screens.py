"""What every screen declares: the resource it is about, the portals it works through, what each of its doors needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from flask import abort, current_app, g, redirect, render_template, request, url_for
from flask_appbuilder import BaseView
from flask_appbuilder.const import PERMISSION_PREFIX
from flask_appbuilder.hooks import before_request
from flask_babel import gettext
from flask_login import current_user

from app.permissions import Action, Portal, Resource
from app.problems import wants_problem
from app.rules.errors import Forbidden
from app.services.search import Sought
from app.views.edge import check_organization, db_session
from app.views.interface import Session

SIGN_IN = "SignInView.sign_in"


def to_sign_in() -> Any:
    """Send somebody unknown to the sign-in page and back to here afterwards; programs get a 401."""
    if SIGN_IN not in current_app.view_functions or wants_problem():
        abort(401)
    # A form mostly posts to the page it stands on; console.js puts what was typed back into it.
    page = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    back = request.full_path.rstrip("?") if page else None
    return redirect(url_for(SIGN_IN, next=back), code=303)


def has_access(method: Any) -> Any:
    """Guard a door of a screen. Like Flask-AppBuilder's decorator of this name, but refusals are told as everywhere."""
    name = getattr(method, "_permission_name", method.__name__)

    @wraps(method)
    def guarded(self: ConsoleScreen, *args: Any, **kwargs: Any) -> Any:
        if self.allowed(self.method_permission_name.get(method.__name__, name)):
            return method(self, *args, **kwargs)
        if g.get("identity") is None:
            return to_sign_in()
        raise Forbidden(gettext("You may not do this."))

    guarded._permission_name = method._permission_name = name  # noqa: SLF001 - where Flask-AppBuilder looks for it
    return guarded


class ConsoleScreen:
    """Mixed into every view. The security manager asks `resource`, `portals` and `action_for`."""

    resource: ClassVar[Resource]
    portals: ClassVar[frozenset[Portal]] = frozenset({Portal.ADMIN})
    method_actions: ClassVar[dict[str, Action]] = {}
    """Method (or permission) name → what it takes. Subclasses add their own; those of their bases stay."""

    palette: ClassVar[Sought | None] = None
    """How the command palette finds rows of this screen; needs a `show`."""
    palette_commands: ClassVar[dict[str, Any]] = {}
    """Method → what the palette calls it, for pages that make something; a model screen's `add` is there anyway."""
    counter = ""
    """What waits for the caller here, by its name in services/counters.py: shown in the sidebar."""

    appbuilder: Any
    endpoint: str
    base_permissions: list[str]
    method_permission_name: dict[str, str]
    class_permission_name: str

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for permission in self.base_permissions:
            self.action_for(permission)  # a door without an entry stops the start, not the person at the door

    def action_for(self, permission_name: str) -> Action:
        """The action that a Flask-AppBuilder permission (`can_list`, `claim`) stands for; LookupError if none is."""
        name = permission_name.removeprefix(PERMISSION_PREFIX)
        for cls in type(self).__mro__:
            if name in vars(cls).get("method_actions", {}):
                found: Action = vars(cls)["method_actions"][name]
                return found
        needs: Action | None = getattr(getattr(self, name, None), "needs", None)
        if needs is None:
            raise LookupError(f"{type(self).__name__}: method_actions says nothing about {name!r}")
        return needs

    def allowed(self, name: str) -> bool:
        """May the caller open this door? Asked of the security manager, which decides the same at the door itself."""
        for permission in (PERMISSION_PREFIX + name, name):
            if permission in self.base_permissions:
                return bool(self.appbuilder.sm.has_access(permission, self.class_permission_name))
        return False

    def url(self, method: str, **values: Any) -> str:
        """The address of one of this screen's own methods."""
        return url_for(f"{self.endpoint}.{method}", **values)

    def session(self) -> Session:
        """The request's session (a method: Flask-AppBuilder evaluates every property of a view at start)."""
        return db_session()

    @before_request
    def same_organization(self) -> Any:
        """Before anything else of a POST: elsewhere the row would look missing and the person merely forbidden."""
        if request.method == "POST" and current_user.is_authenticated:  # asking makes the identity known
            check_organization()

    def page(self, template: str, **context: Any) -> str:
        """Draw a page in the console's frame."""
        return render_template(template, view=self, appbuilder=self.appbuilder,
                               base_template=self.appbuilder.base_template, **context)


class ConsoleView(ConsoleScreen, BaseView):
    """A custom screen. Its POSTs go through `service_call` or `api_post`, never through `session.commit()`."""


def menu_visible(item: Any) -> bool:
    """Whether a menu entry is for this caller: it can read the screen's resource, through one of its portals."""
    identity = g.get("identity")
    if identity is None or not item.should_render():
        return False
    if item.childs:
        return any(menu_visible(child) for child in item.childs if child.name != "-")
    view = item.baseview
    if not isinstance(view, ConsoleScreen):
        return view is None
    return bool(set(view.portals) & set(identity.portals)) and identity.can(view.resource, Action.READ)


def console_action(  # noqa: PLR0913 - all but the first three by name
    name: str, text: Any, needs: Action, *, confirmation: Any = None, ask: Any = None, danger: bool = False,
    multiple: bool = True, single: bool = True,
) -> Callable[[Any], Any]:
    """Make a method `(self, session, item)` a button on the row's page and on selected rows of the list.

    It is called once per row and calls one service. `ask` is the label of a text that the person must give; the
    method then gets it as fourth argument. `confirmation` is a question asked before.
    """

    def mark(method: Any) -> Any:
        method._action = (name, text, confirmation, "", multiple, single)  # noqa: SLF001 - what Flask-AppBuilder collects
        method.needs, method.ask, method.danger = needs, ask, danger
        if method.__name__ != name:
            raise TypeError(f"call the action {name!r} like its method, {method.__name__!r}")
        return method

    return mark
