"""Screens of inquiries: the public page, and what staff do with what arrives there."""

from __future__ import annotations

from flask import current_app
from flask_appbuilder import AppBuilder

from app.api.inquiries import blueprint
from app.rules.inquiries import Stage
from app.views.formats import register_tones
from app.views.inquiries.board import InquiryBoardView
from app.views.inquiries.contacts import ContactView
from app.views.inquiries.funnel import FunnelView
from app.views.inquiries.public import PublicInquiryView
from app.views.inquiries.staff import InquiryView
from app.wiring import csrf

register_tones({Stage.NEW: "info", Stage.CONTACTED: "progress", Stage.VISIT_SCHEDULED: "progress", Stage.VISITED: "progress",
                Stage.NEGOTIATING: "warning", Stage.WON: "success", Stage.LOST: "neutral"})


def register(builder: AppBuilder) -> None:
    """Add the screens, and the programs' way in, which takes JSON from other sites and so no token of a page."""
    current_app.register_blueprint(csrf.exempt(blueprint))
    builder.add_view_no_menu(PublicInquiryView)
    builder.add_view(InquiryBoardView, "Pipeline", icon="fa-columns", category="Inquiries")
    builder.add_view(InquiryView, "All inquiries", icon="fa-inbox", category="Inquiries")
    builder.add_view(ContactView, "Contacts", icon="fa-users", category="Inquiries")
    builder.add_view(FunnelView, "Funnel", icon="fa-chart", category="Inquiries")
