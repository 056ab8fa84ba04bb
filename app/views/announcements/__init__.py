"""Screens of announcements, of the words in which messages go out, and of what became of each message."""

from __future__ import annotations

from flask_appbuilder import AppBuilder

from app.rules.announcements import AnnouncementState
from app.rules.notifications import DeliveryState
from app.views.announcements.deliveries import MessageView
from app.views.announcements.own import AnnouncementView
from app.views.announcements.templates import TemplateView
from app.views.formats import register_tones

register_tones({AnnouncementState.DRAFT: "neutral", AnnouncementState.SCHEDULED: "info", AnnouncementState.SENT: "success"})
register_tones({DeliveryState.QUEUED: "info", DeliveryState.SENT: "progress", DeliveryState.DELIVERED: "success", DeliveryState.READ: "success",
                DeliveryState.FAILED: "danger", DeliveryState.SKIPPED: "neutral"})


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(AnnouncementView, "Announcements", icon="fa-megaphone", category="Messages")
    builder.add_view(MessageView, "Deliveries", icon="fa-inbox", category="Messages")
    builder.add_view(TemplateView, "Templates", icon="fa-file", category="Messages")
