"""The command palette: finds what people look for by name or reference, and offers what they may make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import current_app, g, jsonify, request, url_for
from flask_appbuilder import AppBuilder
from flask_babel import gettext

from app.languages import sentence
from app.models.declare import SIGNED_IN
from app.permissions import Action
from app.rules.errors import NotFound
from app.rules.search import Wanted, wanted
from app.services import search
from app.views import formats, sidebar
from app.views.base import ConsoleInterface, ConsoleModelView, ConsoleView, expose
from app.views.people.doors import signed_in


@dataclass(frozen=True)
class Command:
    """Something to do that has an address of its own."""

    label: str
    url: str
    icon: str = "plus"


def commands() -> list[Command]:
    """What the caller may make: each form for something new, as its screen calls it."""
    found = [Command(view.add_title, view.url("add")) for view in _screens()
             if isinstance(view, ConsoleModelView) and "add" not in view.exclude_route_methods and view.allowed("add")]
    return found + [Command(str(label), view.url(method)) for view in _screens()
                    for method, label in view.palette_commands.items() if view.allowed(method)]


def _screens() -> Iterator[Any]:
    """The screens of the portal that the caller works in."""
    identity = g.identity
    for view in current_app.extensions["screens"].values():
        if identity.portal in view.portals and hasattr(view, "resource") and identity.can(view.resource, Action.READ):
            yield view


def _sources(typed: str) -> tuple[list[search.Source], Wanted | None]:
    """Where to look, and for what: `room 101` looks for 101 among rooms only."""
    found, words = [], wanted(typed)
    for view in _screens():
        if view.palette is None:
            continue
        interface = getattr(view, "datamodel", None) or ConsoleInterface(view.palette.model)
        found.append(search.Source(view.endpoint, interface.rows(), view.palette))
        kind = gettext(getattr(view, "singular_name", "")).casefold()
        if words and kind and words.text.casefold().startswith(f"{kind} "):
            return found[-1:], wanted(words.text[len(kind):])
    return found, words


class PaletteView(ConsoleView):
    """What the palette asks the server."""

    route_base = "/palette"
    default_view = "search"
    portals = frozenset(SIGNED_IN)

    @expose("/search")
    @signed_in
    def search(self) -> Any:
        """The rows that fit what was typed, as JSON."""
        sources, words = _sources(request.args.get("q", ""))
        hits = search.find(self.session(), sources, words) if words else []
        faces = {item.baseview.endpoint: item for item in _menu(self.appbuilder.menu.get_list())}
        views = {view.endpoint: view for view in _screens()}
        return jsonify(found=[_shown(views[hit.source], hit, faces.get(hit.source)) for hit in hits])

    @expose("/steps/<screen>/<pk>")
    @signed_in
    def steps(self, screen: str, pk: str) -> Any:
        """What may be done with a row now, as its own page offers it; a step that asks something is taken there."""
        view = next((view for view in _screens() if view.endpoint == screen and isinstance(view, ConsoleModelView)), None)
        if view is None or not view.allowed("show"):
            raise NotFound(gettext("There is no such screen."))
        item = view.find(pk, columns=view.eager)
        return jsonify(steps=[{"label": str(step.text), "icon": step.glyph, "fields": dict(step.fields),
                               "url": f"{view.url('show', pk=pk)}#step-{step.name}" if step.has_dialog else step.url,
                               "posts": not (step.link or step.has_dialog)} for step in view.steps(item)])


def _menu(items: Any) -> Iterator[Any]:
    for item in items:
        yield from _menu(item.childs)
        if getattr(item, "baseview", None) is not None:
            yield item


def _shown(view: Any, hit: search.Hit, face: Any) -> dict[str, str]:
    enums = getattr(view, "enums", {})
    details = (formats.human(text) if path in enums else sentence(text) for path, text in zip(view.palette.detail, hit.detail, strict=False) if text)
    return {"label": hit.title, "detail": " · ".join(details), "url": view.url("show", pk=hit.key),
            "group": gettext(getattr(view, "plural_name", "") or face.label), "icon": (face.icon if face else "").removeprefix("fa-"),
            "steps": url_for("PaletteView.steps", screen=view.endpoint, pk=hit.key) if isinstance(view, ConsoleModelView) else ""}


def register(builder: AppBuilder) -> None:
    """Reached from every page, not through the menu."""
    builder.add_view_no_menu(PaletteView)
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    app.jinja_env.globals["palette_commands"] = commands
    sidebar.init_app(app)
