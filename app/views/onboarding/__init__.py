"""The wizard of those who move in."""

from __future__ import annotations

from flask_appbuilder import AppBuilder

from app.views.onboarding.wizard import OnboardingView


def register(builder: AppBuilder) -> None:
    """Add the screen."""
    builder.add_view(OnboardingView, "Registration", icon="fa-list")
