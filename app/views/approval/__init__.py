"""Submissions of newcomers: the queue, and the page on which one is reviewed and decided (O6, O8)."""

from __future__ import annotations

from flask import current_app
from flask_appbuilder import AppBuilder

from app.views.approval.submissions import SubmissionView

# A document runs nothing and reaches nothing; our own page alone may frame it, where the browser's viewer shows PDFs.
_IN_OUR_FRAME = "default-src 'none'; img-src 'self'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"


def register(builder: AppBuilder) -> None:
    """Add the screen; the menu opens it at what waits."""
    builder.add_view(SubmissionView, "Submissions", href=f"{SubmissionView.route_base}/list/?open=yes", icon="fa-user-check", category="Houses")
    current_app.view_functions["SubmissionView.document"].talisman_view_options = {  # type: ignore[attr-defined]
        "content_security_policy": _IN_OUR_FRAME, "content_security_policy_nonce_in": [], "frame_options": "SAMEORIGIN"}
