"""The audit log for people: what happened, filtered; one entry with its difference; a file of what is shown."""

from __future__ import annotations

from flask_appbuilder import AppBuilder

from app.views.audit.entries import AuditView


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(AuditView, "Audit log", icon="fa-shield", category="Operations")
