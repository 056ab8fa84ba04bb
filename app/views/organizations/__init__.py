"""Screens of the organization: its settings and its plan; and, for the platform, of all organizations."""

from __future__ import annotations

from flask_appbuilder import AppBuilder

from app.rules.organizations import SubscriptionStatus
from app.views.formats import register_tones
from app.views.organizations.platform import PlatformView
from app.views.organizations.settings import OrganizationView, UsageView

register_tones({SubscriptionStatus.TRIAL: "info", SubscriptionStatus.ACTIVE: "success",
                SubscriptionStatus.INACTIVE: "warning", SubscriptionStatus.CANCELLED: "danger"})


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(OrganizationView, "Settings", icon="fa-gear", category="Organization")
    builder.add_view(UsageView, "Plan and usage", icon="fa-chart", category="Organization")
    builder.add_view(PlatformView, "Organizations", icon="fa-building", category="Platform")
