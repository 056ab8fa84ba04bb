"""Invitations by e-mail: sent, sent again, withdrawn (T5)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from app.models.people import Invitation
from app.permissions import Action, Resource
from app.services.people import invitations
from app.services.people.invitations import Offer
from app.services.search import Sought
from app.views import formats
from app.views.base import ConsoleInterface, ConsoleModelView, console_action, submission_id
from app.views.people.doors import now
from app.views.people.forms import RoleField, email_field
from app.views.people.members import OrganizationRole
from app.wiring import settings


class InvitationStatus(StrEnum):
    """What became of an invitation."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


formats.register_tones({InvitationStatus.PENDING: "info", InvitationStatus.ACCEPTED: "success",
                        InvitationStatus.EXPIRED: "warning"})


class InvitationView(ConsoleModelView):
    """Offers that were sent out."""

    route_base = "/invitations"
    datamodel = ConsoleInterface(Invitation)
    resource = Resource.MEMBERS
    counter = "invitations"
    palette = Sought(("name", "email"), ("role",))
    add_title = "Invite somebody"
    empty_hint = lazy_gettext("Invite somebody: they get a link by e-mail and choose a password of their own.")
    list_columns = ["email", "name", "role", "hostel", "shown_status", "expires_at"]
    optional_columns = ["created_at"]
    quick_filters = ((lazy_gettext("Waiting"), {"status": "pending"}), (lazy_gettext("Accepted"), {"status": "accepted"}))
    show_columns = ["email", "name", "role", "hostel", "shown_status", "created_at", "expires_at"]
    add_fieldsets = [
        (lazy_gettext("Whom"), {"fields": ["email", "name", "team_member"]}),
        (lazy_gettext("What they may do"), {"fields": ["role", "hostel"], "help": lazy_gettext(
            "They get a link that works for seven days, and choose a password of their own.")})]
    submit_text = lazy_gettext("Send the invitation")
    key_facts = ("name", "role", "hostel", "expires_at")
    search_columns = ["email", "name", "role", "hostel", "status"]
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name", "team_member": "name"}
    add_form_extra_fields: ClassVar[dict[str, Any]] = {"email": email_field(), "role": RoleField(lazy_gettext("Role"))}
    label_columns: ClassVar[dict[str, Any]] = {"email": "E-mail", "shown_status": "Status", "expires_at": "Expires",
                                               "created_at": "Sent first"}
    description_columns: ClassVar[dict[str, Any]] = {
        "hostel": lazy_gettext("Empty for all hostels."),
        "team_member": lazy_gettext("If they are on the team list already.")}
    enums: ClassVar[dict[str, Any]] = {"role": OrganizationRole, "status": InvitationStatus,
                                       "shown_status": InvitationStatus}
    formatters_columns: ClassVar[dict[str, Any]] = {
        "role": formats.human, "hostel": lambda hostel: str(hostel) if hostel else gettext("All hostels")}
    base_order = ("created_at", "desc")
    state_column = "shown_status"

    def create(self, session: Session, data: dict[str, Any]) -> None:
        """Under the id of the form: clicked twice, one invitation and one message."""
        offer = Offer(data["email"], data["name"], data["role"], data["hostel_id"], data["team_member_id"])
        invitations.invite(session, settings().secret_key, submission_id(), offer, now())

    @console_action("resend", lazy_gettext("Send again"), needs=Action.CREATE,
                    confirmation=lazy_gettext("Send a new link? The old one stops working."))
    def resend(self, session: Session, item: Invitation) -> None:
        """A new link for seven days more."""
        invitations.resend(session, settings().secret_key, item.id, now())

    @console_action("withdraw", lazy_gettext("Withdraw"), needs=Action.CREATE, danger=True,
                    confirmation=lazy_gettext("Withdraw this invitation? Its link stops working."))
    def withdraw(self, session: Session, item: Invitation) -> None:
        """The link is over."""
        invitations.withdraw(session, item.id)
