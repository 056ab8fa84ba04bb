"""The team: everybody who works for the organization, with a login or without (T4)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import lazy_gettext
from sqlalchemy.orm import Session
from wtforms import TelField
from wtforms.validators import Length

from app.models.people import TeamMember
from app.permissions import Resource
from app.services.people import team
from app.services.people.team import CommissionType, MemberType
from app.services.search import Sought
from app.views.base import ConsoleInterface, ConsoleModelView, submission_id
from app.views.fields import printable, strip
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
    add_fieldsets = edit_fieldsets = [
        (lazy_gettext("Who they are"), {"fields": ["name", "email", "phone"]}),
        (lazy_gettext("Their work"), {"fields": ["member_type", "hostel", "external_id"]}),
        (lazy_gettext("Commission"), {"fields": ["commission_type", "commission_rate"], "help": lazy_gettext(
            "Only for those who are paid for what they bring in.")})]
    show_fieldsets = [(lazy_gettext("How to reach them"), {"fields": ["email", "phone"]}), *add_fieldsets[1:]]
    key_facts = ("member_type", "hostel")
    filled_facts = ("commission_type", "commission_rate", "external_id")
    add_form_extra_fields = edit_form_extra_fields = {"phone": TelField(
        lazy_gettext("Phone"), validators=[Length(max=32), printable], filters=[strip, lambda value: value or None],
        render_kw={"autocomplete": "tel"}, description=lazy_gettext("As you would dial it; with + and the country if it is abroad."))}
    submit_text = lazy_gettext("Add to the team")
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
