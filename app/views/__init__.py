"""Screens: Flask-AppBuilder declarations and thin custom pages; base.py holds what they share."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from pathlib import Path

from flask import Flask, Response, current_app, g, request, url_for
from markupsafe import Markup

from app import signing
from app.views import formats, language
from app.views.screens import menu_visible

BUILT = Path(__file__).parent.parent / "static" / "built"


@cache
def _manifest(_changed: float) -> dict[str, str]:
    return json.loads((BUILT / "manifest.json").read_text())  # type: ignore[no-any-return]


def asset(name: str) -> str:
    """The address of a built file (app/assets/build.mjs): its name changes with its content, browsers keep it for ever."""
    return url_for("static", filename=f"built/{_manifest((BUILT / 'manifest.json').stat().st_mtime)[name]}")


def script(name: str) -> Markup:
    """A script of this page's own, beside console.js."""
    return Markup('<script type="module" src="{}" nonce="{}"></script>').format(
        asset(name), current_app.jinja_env.globals["csp_nonce"]())  # type: ignore[operator]


def theme() -> str:
    """`light` or `dark` where this device's owner chose (frame.js sets the cookie), else empty: as the system says."""
    chosen = request.cookies.get("theme", "") if request else ""
    return chosen if chosen in ("light", "dark") else ""


def draft_key() -> str:
    """What forms are kept under by the browser of the signed-in person (`data-guard`, forms.js)."""
    identity = g.get("identity")
    return signing.draft_key(current_app.config["SECRET_KEY"], identity.user_id) if identity else ""


def kept_by_nobody(response: Response) -> Response:
    """What a signed-in person is shown stays in no cache, unless the screen says otherwise (the board, files).

    After signing out, the button “back” on a shared computer would show it again.
    """
    static = (request.endpoint or "").rpartition(".")[2] == "static"
    revalidated = response.status_code == HTTPStatus.NOT_MODIFIED  # a 304 would change what the page itself had said
    if g.get("identity") is not None and not static and not revalidated and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def init_app(app: Flask) -> None:
    """Give templates their helpers; the AppBuilder exists by now, and pages drawn outside of a view need it too."""
    formats.init_app(app)
    language.init_app(app)
    app.after_request(kept_by_nobody)
    builder = app.extensions["appbuilder"]
    app.jinja_env.globals.update(appbuilder=builder, base_template=builder.base_template)
    app.jinja_env.tests["menu_visible"] = menu_visible
    app.jinja_env.globals.update(asset=asset, script=script, theme=theme, draft_key=draft_key)
