"""Submissions of newcomers: the queue, and the page on which one is reviewed and decided (O6, O8)."""

from __future__ import annotations

from flask_appbuilder import AppBuilder

from app.views.approval.submissions import SubmissionView


def register(builder: AppBuilder) -> None:
    """Add the screen; the menu opens it at what waits."""
    builder.add_view(SubmissionView, "Submissions", href=f"{SubmissionView.route_base}/list/?open=yes", icon="fa-user-check", category="Houses")
