"""Screens of maintenance: list and page of requests, board, categories, figures; the residents' own pages."""

from __future__ import annotations

from flask_appbuilder import AppBuilder

from app.rules.maintenance import Priority
from app.rules.maintenance import RequestStatus as S
from app.views.formats import register_tones
from app.views.maintenance.board import BoardView
from app.views.maintenance.catalogue import CategoryView, IssueTypeView
from app.views.maintenance.figures import FiguresView
from app.views.maintenance.requests import RequestView
from app.views.maintenance.residents import MyRequestsView

register_tones({S.SUBMITTED: "info", S.UNASSIGNED: "warning", S.ASSIGNED: "info", S.IN_PROGRESS: "progress",
                S.ON_HOLD: "neutral", S.ESCALATED: "danger", S.RESOLVED: "success", S.REJECTED: "neutral",
                Priority.HIGH: "danger", Priority.NORMAL: "neutral"})


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(BoardView, "Board", icon="fa-columns", category="Maintenance")
    builder.add_view(RequestView, "Requests", icon="fa-wrench", category="Maintenance")
    builder.add_view(FiguresView, "Figures", icon="fa-chart", category="Maintenance")
    builder.add_view_no_menu(IssueTypeView)
    builder.add_view(CategoryView, "Categories", icon="fa-list", category="Maintenance")
    builder.add_view(MyRequestsView, "My requests", icon="fa-wrench")
