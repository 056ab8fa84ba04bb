"""The language of a page: the one its reader chose, else the organization's, else what the browser asks for."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, has_request_context, redirect, request, url_for
from flask_appbuilder import AppBuilder, BaseView, expose
from flask_babel import get_locale, gettext

from app import languages
from app.languages import SOURCE
from app.rules.errors import NotFound
from app.security import identify
from app.services.people import preferences
from app.views.edge import local_path, service_call

COOKIE = "language"
_YEAR = 365 * 24 * 3600


def readers_language() -> str:
    """The choice of the person, then that of this browser (somebody may not have signed in yet), then the defaults."""
    if not has_request_context():
        return SOURCE
    identity = g.get("identity")
    wanted = [getattr(identity, "language", ""), request.cookies.get(COOKIE, ""), getattr(identity, "org_language", "")]
    return languages.best([*filter(None, wanted), *request.accept_languages.values()]) or SOURCE


def page_language() -> str:
    """For the page's `lang`."""
    return str(get_locale() or SOURCE).replace("_", "-")


class LanguageView(BaseView):
    """Open to everybody: strangers read the sign-in page."""

    route_base = ""
    default_view = "choose"

    @expose("/language", methods=["POST"])
    def choose(self) -> Any:
        """Keep the choice, for the browser and, if somebody is signed in, for the person."""
        code = request.form.get("language", "")
        if code not in languages.languages():
            raise NotFound(gettext("There is no such language."))
        if identify() is not None:
            with service_call() as call:
                preferences.choose_language(call.session, code)
            if call.error is not None:
                raise call.error
        answer = redirect(local_path(request.form.get("next"), url_for("HomeView.index")), code=303)
        answer.set_cookie(COOKIE, code, max_age=_YEAR, httponly=True, samesite="Lax",
                          secure=current_app.config["SESSION_COOKIE_SECURE"])
        return answer


def init_app(app: Flask) -> None:
    """Ask here for the language of a request, and tell templates."""
    languages.init_app(app)
    app.extensions["babel"].locale_selector = readers_language
    app.jinja_env.globals.update(languages=languages.languages, page_language=page_language)


def register(builder: AppBuilder) -> None:
    """Reached through the menu of the person, and from the sign-in page."""
    builder.add_view_no_menu(LanguageView)
