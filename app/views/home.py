"""The first page after signing in."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for
from flask_appbuilder import AppBuilder, IndexView, expose

from app.security import identify


class HomeView(IndexView):
    """Leads each person to what they do here."""

    index_template = "base/home.html"

    @expose("/")
    def index(self) -> Any:
        """The overview, or the sign-in page."""
        if identify() is None:
            return redirect(url_for("SignInView.sign_in"))
        self.update_redirect()
        return render_template(self.index_template, appbuilder=self.appbuilder, base_template=self.appbuilder.base_template)


def register(builder: AppBuilder) -> None:
    """The home page is the application's index view; nothing to add."""
