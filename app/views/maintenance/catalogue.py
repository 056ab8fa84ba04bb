"""Screens of categories and issue types, for those who approve."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import lazy_gettext
from markupsafe import Markup

from app.languages import sentence
from app.models.maintenance import MaintenanceCategory, MaintenanceIssueType
from app.permissions import Action, Portal, Resource
from app.services.maintenance import catalogue
from app.views.base import ConsoleInterface, ConsoleModelView
from app.views.interface import Session

_DECIDE: dict[str, Action] = dict.fromkeys(("add", "edit", "delete", "restore"), Action.APPROVE)


class IssueTypeView(ConsoleModelView):
    """What can be wrong within a category."""

    datamodel = ConsoleInterface(MaintenanceIssueType)
    resource = Resource.MAINTENANCE
    portals = frozenset({Portal.ADMIN})
    method_actions = _DECIDE
    route_base = "/maintenance/issue-types"
    singular_name = "Issue type"
    list_columns: ClassVar[list[str]] = ["name", "category"]
    optional_columns: ClassVar[list[str]] = ["position", "created_at"]
    show_columns: ClassVar[list[str]] = ["name", "category", "position"]
    add_columns: ClassVar[list[str]] = ["category", "name", "position"]
    submit_text = lazy_gettext("Add the issue type")
    key_facts = ("category", "position")
    edit_columns: ClassVar[list[str]] = ["name", "position"]
    search_columns: ClassVar[list[str]] = ["name", "category"]
    base_order = ("name", "asc")
    formatters_columns: ClassVar[dict[str, Any]] = {"name": sentence}
    description_columns: ClassVar[dict[str, Any]] = {"position": lazy_gettext("Smaller numbers come first.")}

    def create(self, session: Session, data: dict[str, Any]) -> Any:
        """Add it to its category."""
        return catalogue.add_issue_type(session, data["category_id"], data["name"], data.get("position") or 0)

    def update(self, session: Session, item: Any, data: dict[str, Any]) -> None:
        """Rename or move it."""
        catalogue.change_issue_type(session, item.id, data)

    def remove(self, session: Session, item: Any) -> None:
        """Do not offer it any more."""
        catalogue.remove_issue_type(session, item.id)

    def restore_item(self, session: Session, item: Any) -> None:
        """Offer it again."""
        catalogue.restore_issue_type(session, item.id)


class CategoryView(ConsoleModelView):
    """Trades, with their issue types below."""

    datamodel = ConsoleInterface(MaintenanceCategory)
    resource = Resource.MAINTENANCE
    portals = frozenset({Portal.ADMIN})
    method_actions = _DECIDE
    route_base = "/maintenance/categories"
    singular_name = "Category"
    list_columns: ClassVar[list[str]] = ["name", "position"]
    optional_columns: ClassVar[list[str]] = ["code", "created_at"]
    show_columns: ClassVar[list[str]] = ["name", "code", "position"]
    add_columns: ClassVar[list[str]] = ["name", "position"]
    submit_text = lazy_gettext("Add the category")
    key_facts = ("code", "position")
    edit_columns: ClassVar[list[str]] = ["name", "position"]
    search_columns: ClassVar[list[str]] = ["name"]
    base_order = ("position", "asc")
    formatters_columns: ClassVar[dict[str, Any]] = {"name": sentence, "code": lambda code: Markup("<code>{}</code>").format(code)}
    related_views: ClassVar[list[Any]] = [IssueTypeView]
    description_columns: ClassVar[dict[str, Any]] = {"position": lazy_gettext("Smaller numbers come first.")}

    def create(self, session: Session, data: dict[str, Any]) -> Any:
        """A new trade."""
        return catalogue.add_category(session, data["name"], position=data.get("position") or 0)

    def update(self, session: Session, item: Any, data: dict[str, Any]) -> None:
        """Rename or move it."""
        catalogue.change_category(session, item.id, data)

    def remove(self, session: Session, item: Any) -> None:
        """No new requests of this kind."""
        catalogue.remove_category(session, item.id)

    def restore_item(self, session: Session, item: Any) -> None:
        """Offer it again."""
        catalogue.restore_category(session, item.id)
