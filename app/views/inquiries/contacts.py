"""Contacts of another program: their list, and the page of one with what they asked and what can be done."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import flash, g, request, url_for
from flask_babel import gettext, lazy_gettext

from app.models.contacts import Contact
from app.permissions import Action, Portal, Resource
from app.rules.errors import Invalid
from app.rules.phones import shown_phone
from app.services import contacts
from app.services.search import Sought
from app.views import edge, formats
from app.views.base import (
    Ask,
    ConsoleInterface,
    ConsoleModelView,
    Step,
    expose,
    has_access,
    service_call,
    submission_id,
)
from app.views.inquiries.staff import WANTED_FOR, raise_refusal
from app.views.inquiries.strangers import ring
from app.views.interface import Session


class ContactView(ConsoleModelView):
    """They come in with an import; an inquiry is made of one, or finds it by phone and e-mail."""

    route_base = "/contacts"
    datamodel = ConsoleInterface(Contact)
    resource = Resource.INQUIRIES
    portals = frozenset({Portal.ADMIN, Portal.SALES})
    singular_name, plural_name = "Contact", "Contacts"
    palette = Sought(("full_name",), ("full_name", "source"), texts=("full_name",))
    method_actions: ClassVar[dict[str, Action]] = {"reveal": Action.UPDATE, "inquire": Action.CREATE}
    show_template = "inquiries/contact.html"
    base_order = ("full_name", "asc")
    eager = ("hostel",)
    list_columns: ClassVar[list[str]] = ["full_name", "phone_masked", "email_masked", "source", "hostel", "created_at"]
    optional_columns: ClassVar[list[str]] = ["external_id", "location_id", "known_since"]
    search_columns: ClassVar[list[str]] = ["full_name", "external_id", "location_id", "source", "hostel", "created_at"]
    key_facts = ("phone_masked", "email_masked", "source")
    show_columns: ClassVar[list[str]] = ["phone_masked", "email_masked", "source", "hostel", "known_since", "external_id", "location_id", "created_at"]
    filled_facts = ("source", "hostel", "known_since", "external_id", "location_id")
    label_columns: ClassVar[dict[str, Any]] = {
        "full_name": "Name", "phone_masked": "Phone", "email_masked": "E-mail", "external_id": "Contact id", "location_id": "Location id",
        "known_since": "Known since", "created_at": "Imported"}
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    empty_hint = lazy_gettext("Bring contacts from another program, such as GoHighLevel, with an import.")

    def show_context(self, item: Contact) -> dict[str, Any]:
        """What they have asked here."""
        return {"asked": contacts.inquiries_of(self.session(), item), "revealed": g.get("revealed"), "shown_phone": shown_phone}

    def steps(self, item: Contact) -> list[Step]:
        """Made into an inquiry, or called."""
        pk, found = self.key_of(item), list[Step]()
        if self.is_deleted(item):
            return super().steps(item)
        if item.phone_masked and g.identity.can(Resource.INQUIRIES, Action.CREATE, item.hostel_id) and self.allowed("reveal"):
            found.append(Step("inquire", gettext("Make an inquiry of it"), self.url("inquire", pk=pk), "plus"))
        if g.identity.can(Resource.INQUIRIES, Action.UPDATE, item.hostel_id):
            found.append(Step("reveal", gettext("Show phone and e-mail"), self.url("reveal", pk=pk), "eye", asks=[
                Ask("reason", gettext("What do you need it for?"), "choice", choices=[(key, str(text)) for key, text in WANTED_FOR.items()],
                    help=gettext("It is written down that you looked."))]))
        return found + super().steps(item)

    def remove(self, session: Session, item: Contact) -> None:
        """Hide it."""
        contacts.set_removed(session, item.id, removed=True)

    def restore_item(self, session: Session, item: Contact) -> None:
        """Show it again."""
        contacts.set_removed(session, item.id, removed=False)

    @expose("/reveal/<pk>", methods=["POST"])
    @has_access
    def reveal(self, pk: str) -> Any:
        """Phone and e-mail, on this page and for this once."""
        with service_call() as call:
            reason = request.form.get("reason", "")
            if reason not in WANTED_FOR:
                raise_refusal(Invalid(gettext("Choose one from the list."), field="reason"))
            g.revealed = contacts.reveal(call.session, ring(), self._key(pk), reason)
        if call.error is not None:
            return call.respond("", failed=lambda: self.render_show(pk))
        return self.render_show(pk)

    @expose("/inquire/<pk>", methods=["POST"])
    @has_access
    def inquire(self, pk: str) -> Any:
        """An inquiry with what is known; of somebody who asked before, their first one."""
        item, made = self.find(pk), []
        with service_call() as call:
            made.append(contacts.inquire(call.session, ring(), item, submission_id(), g.identity.country,
                                         formats.today()))
        if call.error is None:
            flash(gettext("Written down.") if made[0] == submission_id() else gettext("This person has asked before: this is their first inquiry."), "info")
        return call.respond(url_for("InquiryView.show", pk=made[0]) if made else "", failed=lambda: self.render_show(pk))

    def _key(self, pk: str) -> Any:
        return edge.given_id(pk, gettext("There is no such contact."))

    def _typed(self) -> dict[str, Any]:
        """Nothing is left of a dialog whose answer is on the page."""
        return {"typed": {}, "once": submission_id()} if g.get("revealed") else super()._typed()
