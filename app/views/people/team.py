"""The team: everybody who works for the organization, with a login or without (T4)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from app.models.people import TeamMember
from app.permissions import Resource
from app.services.people import team
from app.services.people.team import CommissionType, MemberType
from app.services.search import Sought
from app.views.base import ConsoleInterface, ConsoleModelView, submission_id
from app.views.people.doors import now


class TeamView(ConsoleModelView):
    """People with what they do and what they earn by it."""

    route_base = "/team"
    datamodel = ConsoleInterface(TeamMember)
    resource = Resource.TEAM
    singular_name, plural_name = "Team member", "Team"
    palette = Sought(("name",), ("member_type", "hostel.name"))
    empty_hint = lazy_gettext("Add everybody who works here; a login is not needed.")
    list_columns = ["name", "member_type", "hostel", "phone", "email", "external_id"]
    optional_columns = ["commission_type", "commission_rate", "created_at"]
    quick_filters = tuple((lazy_gettext(kind.value.capitalize()), {"member_type": kind.value}) for kind in MemberType)
    add_columns = ["name", "member_type", "hostel", "email", "phone", "external_id", "commission_type", "commission_rate"]
    edit_columns = add_columns
    show_columns = [*add_columns, "created_at"]
    search_columns = ["name", "email", "phone", "external_id", "member_type", "hostel"]
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    label_columns: ClassVar[dict[str, Any]] = {"email": "E-mail", "member_type": "Works in", "external_id": "External number",
                                               "commission_type": "Commission", "commission_rate": "Rate"}
    description_columns: ClassVar[dict[str, Any]] = {
        "hostel": lazy_gettext("Empty for all hostels."),
        "external_id": lazy_gettext("Their number in another system, such as payroll."),
        "commission_rate": lazy_gettext("Percent, or an amount per sale.")}
    enums: ClassVar[dict[str, Any]] = {"member_type": MemberType, "commission_type": CommissionType}
    base_order = ("name", "asc")

    def create(self, session: Session, data: dict[str, Any]) -> TeamMember:
        """Somebody new."""
        return team.create(session, submission_id(), data)

    def update(self, session: Session, item: TeamMember, data: dict[str, Any]) -> TeamMember:
        """What is known of them."""
        return team.change(session, item, data)

    def remove(self, session: Session, item: TeamMember) -> None:
        """Softly."""
        team.remove(session, item, now())

    def restore_item(self, session: Session, item: TeamMember) -> None:
        """And back."""
        team.restore(session, item)
