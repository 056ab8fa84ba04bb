"""The list of requests and the page of one: its clock, its story, and what the reader may do to it now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from flask import request
from flask_babel import gettext, lazy_gettext
from wtforms import StringField
from wtforms.validators import Length

from app.languages import sentence
from app.models.maintenance import (
    MaintenanceAssignment,
    MaintenanceAttachment,
    MaintenanceComment,
    MaintenanceRequest,
    MaintenanceStatusHistory,
)
from app.permissions import Action, Portal, Resource
from app.rules.files import ACCEPTED, Purpose
from app.rules.maintenance import OUTSIDE_PARTY_MAX, PLACE_MAX, Priority, RequestStatus
from app.services import maintenance
from app.services.maintenance import finding
from app.services.search import Sought
from app.views import formats
from app.views.base import (
    Ask,
    ConsoleInterface,
    ConsoleModelView,
    Step,
    Story,
    console_action,
    expose,
    has_access,
    service_call,
    submission_id,
)
from app.views.fields import ChoiceField, printable, strip
from app.views.interface import Session
from app.views.maintenance import blocking, parts
from app.views.maintenance.filters import Mine, Open, Overdue


class RequestView(ConsoleModelView):
    """Requests for those who do the repairs and those who see to it that they are done."""

    datamodel = ConsoleInterface(MaintenanceRequest)
    resource = Resource.MAINTENANCE
    portals = frozenset({Portal.ADMIN, Portal.MANAGEMENT})
    route_base = "/maintenance/requests"
    singular_name, plural_name = "Request", "Maintenance requests"
    counter = "requests"
    palette = Sought(("reference",), ("issue_type.name", "category.name", "hostel.name", "status"), number="number", series="MR",
                     recent="raised_at", texts=("issue_type.name", "category.name", "place"))
    # What was reported is corrected by those who decide; doing the work is `move`.
    method_actions: ClassVar[dict[str, Action]] = {
        "edit": Action.APPROVE, "delete": Action.DELETE, "restore": Action.DELETE, "move": Action.UPDATE,
        "hand_over": Action.APPROVE, "comment": Action.CREATE, "uncomment": Action.CREATE,
        "attach": Action.CREATE, "detach": Action.CREATE, "block_bed": Action.APPROVE,
    }
    enums: ClassVar[dict[str, Any]] = {"status": RequestStatus, "priority": Priority, "state": RequestStatus}
    state_column = "state"
    base_order = ("raised_at", "desc")
    list_columns: ClassVar[list[str]] = ["headline", "where", "status", "priority", "holder", "clock", "raised_at"]
    optional_columns: ClassVar[list[str]] = ["category", "hostel", "description", "requester", "resolve_by", "resolved_at",
                                             "updated_at"]
    quick_filters = (
        (lazy_gettext("Open"), {"open": "yes"}), (lazy_gettext("Mine"), {"mine": "yes"}),
        (lazy_gettext("Overdue"), {"overdue": "yes"}),
        (lazy_gettext("Unassigned"), {"status": [RequestStatus.SUBMITTED.value, RequestStatus.UNASSIGNED.value]}),
        (lazy_gettext("Urgent"), {"open": "yes", "priority": Priority.HIGH.value}))
    eager = ("category", "issue_type", "room", "requester", "hostel", "assignment.member")
    sort_by: ClassVar[dict[str, str]] = {"headline": "number", "clock": "resolve_by"}
    search_columns: ClassVar[list[str]] = ["reference", "description", "place", "status", "priority", "category", "hostel",
                                           "raised_at"]
    key_facts = ("where", "clock", "holder")
    show_fieldsets: ClassVar[list[Any]] = [
        (None, {"fields": ["description", "resolution"]}),
        (lazy_gettext("What was reported"), {"fields": ["hostel", "category", "issue_type", "priority", "requester", "raised_at"]}),
        (lazy_gettext("Its clock"), {"fields": ["resolve_by", "held", "escalated_at", "resolved_at"]}),
    ]
    filled_facts = ("description", "resolution", "issue_type", "held", "escalated_at", "resolved_at")
    story = Story("request_id", history=MaintenanceStatusHistory, comments=MaintenanceComment, files=MaintenanceAttachment,
                  hands=MaintenanceAssignment)
    remark_hint = lazy_gettext("The resident reads it, but not who wrote it.")
    attach_hint = lazy_gettext("Five files a request, 10 MB each.")
    label_columns: ClassVar[dict[str, Any]] = {
        "headline": "Request", "where": "Place", "holder": "In the hands of", "clock": "Time", "raised_at": "Raised", "requester": "Raised for",
        "resolve_by": "Target", "held": "Stood still for", "escalated_at": "Escalated", "resolved_at": "Resolved", "resolution": "What was done",
    }
    description_columns: ClassVar[dict[str, Any]] = {
        "requester": lazy_gettext("The resident who reported it; left empty, it is yours."),
    }
    _what = (lazy_gettext("What is wrong"), {"fields": ["category", "issue_type", "description", "priority"]})
    _where = lazy_gettext("Where it is")
    add_fieldsets: ClassVar[list[Any]] = [(_where, {"fields": ["hostel", "room", "place"]}), _what,
                                          (lazy_gettext("For whom"), {"fields": ["requester"]})]
    edit_fieldsets: ClassVar[list[Any]] = [(_where, {"fields": ["room", "place"]}), _what]
    submit_text = lazy_gettext("Raise the request")
    add_form_extra_fields = edit_form_extra_fields = {
        "priority": ChoiceField(Priority, label="Priority", required=True, default=Priority.NORMAL, description=lazy_gettext(
            "High for what cannot wait: danger, no water, no power.")),
        "place": StringField("Place in words", validators=[Length(max=PLACE_MAX), printable], filters=[strip],
                             description=lazy_gettext(
                                 "Where exactly, if it is not a room or the room does not say enough.")),
    }
    option_depends: ClassVar[dict[str, tuple[str, ...]]] = {"room": ("hostel",), "issue_type": ("category",)}
    relation_labels: ClassVar[dict[str, str]] = {"room": "number"}
    empty_hint = lazy_gettext("What residents and staff report appears here.")
    show_template = "maintenance/request.html"

    def _init_forms(self) -> None:
        super()._init_forms()
        self.filter_bar.filters += [Open(self.datamodel, "open", "Open"), Overdue(self.datamodel, "overdue", "Overdue"),
                                    Mine(self.datamodel, "mine", "In my hands")]

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """The clock needs the whole request; beside other hostels a place needs its hostel."""
        if column == "clock":
            return parts.clock_badge(item)
        if column == "held":
            return formats.duration(item.held)
        if column == "headline":
            return f"{item.reference} {sentence(item.issue)}"
        if column == "where":
            place = item.hostel.name if parts.among_hostels() else ""
            return formats.show_value(", ".join(filter(None, (sentence(item.where), place))), short=short)
        return super().display(item, column, short=short)

    # -- forms ------------------------------------------------------------------------------------------------

    def create(self, session: Session, data: dict[str, Any]) -> Any:
        """Raise it, for a resident or for oneself."""
        made = maintenance.submit(session, maintenance.NewRequest(
            data["hostel_id"], data["category_id"], data["issue_type_id"], data["room_id"], data.get("place") or "",
            data.get("description") or "", data["priority"], data["user_id"], submission_id()))
        return session.get(MaintenanceRequest, made)

    def update(self, session: Session, item: Any, data: dict[str, Any]) -> None:
        """Correct what was reported."""
        given = {name: value for name, value in data.items() if name in maintenance.EDITABLE}
        maintenance.edit(session, item.id, given)

    def remove(self, session: Session, item: Any) -> None:
        """Hide it."""
        maintenance.remove(session, item.id)

    def restore_item(self, session: Session, item: Any) -> None:
        """Show it again."""
        maintenance.restore(session, item.id)

    # -- many at once -----------------------------------------------------------------------------------------

    @console_action("claim", lazy_gettext("Claim"), Action.UPDATE, single=False)
    def claim(self, session: Session, item: Any) -> None:
        """Take them all."""
        maintenance.claim(session, item.id)

    @console_action("reject", lazy_gettext("Reject"), Action.APPROVE, ask=lazy_gettext("Why are they turned down?"),
                    danger=True, single=False)
    def reject(self, session: Session, item: Any, note: str) -> None:
        """Turn them down, with one reason."""
        maintenance.move(session, item.id, "reject", note)

    # -- one request ------------------------------------------------------------------------------------------

    def steps(self, item: Any) -> list[Step]:
        """Its lifecycle first, with what each step wants to know; then other hands, and corrections."""
        moves = parts.next_moves(item, formats.now()) if self.allowed("move") and not self.is_deleted(item) else []
        reassigned = self.allowed("hand_over") and not self.is_deleted(item) and parts.can_reassign(item)
        hands = self._hands(item) if reassigned or any(move.name == "assign" for move in moves) else ()
        found = [self.lifecycle_step(item, move, parts.QUESTIONS.get(move.name, ""), hands if move.name == "assign" else (),
                                     danger=move.name == "reject") for move in moves]
        if reassigned:
            found.append(Step("hand_over", gettext("Hand over"), self.url("hand_over", pk=self.key_of(item)), "users", asks=hands))
        if (block := blocking.step(self, item)) is not None:
            found.append(block)
        said = {"delete": {"question": gettext("Remove “%(thing)s”? Its number stays taken.", thing=str(item))}}
        found += [replace(step, **said.get(step.name, {})) for step in super().steps(item)]
        return sorted(found, key=lambda step: step.kind == "danger")

    def heading(self, item: Any) -> str:
        """Its reference, and what is wrong."""
        return str(self.display(item, "headline"))

    def _hands(self, item: Any) -> tuple[Ask, Ask]:
        return (Ask("user_id", gettext("Person"), "choice", required=False, choices=finding.workers(self.session(), item.hostel_id)),
                Ask("outside_party", gettext("Or an outside party"), "line", required=False, most=OUTSIDE_PARTY_MAX))

    def show_context(self, item: Any) -> dict[str, Any]:
        """What files may be attached, and which beds stay empty for it."""
        return {"accept": ",".join(sorted(ACCEPTED[Purpose.MAINTENANCE].kinds)), "blocks": blocking.blocks(self.session(), item)}

    def _write(self, pk: str, done: str, work: Any) -> Any:
        """Call a service about one request and go back to its page; a refusal is shown there, what was typed kept."""
        key = parts.given_id(pk)
        with service_call(done) as call:
            work(call.session, key)
        if call.error is not None and parts.was_attached(call.session, key):
            call.error = None
        return call.respond(self.url("show", pk=key), failed=lambda: self.render_show(pk))

    @expose("/move/<pk>", methods=["POST"])
    @has_access
    def move(self, pk: str) -> Any:
        """A step of the lifecycle."""
        event, note = request.form.get("event", ""), request.form.get("note", "").strip()

        def work(session: Session, key: Any) -> None:
            maintenance.move(session, key, event, note, parts.given_assignee())

        return self._write(pk, gettext("Saved."), work)

    @expose("/hand-over/<pk>", methods=["POST"])
    @has_access
    def hand_over(self, pk: str) -> Any:
        """Other hands, same state."""

        def work(session: Session, key: Any) -> None:
            maintenance.reassign(session, key, parts.given_assignee() or maintenance.Assignee())

        return self._write(pk, gettext("Handed over."), work)

    @expose("/block-bed/<pk>", methods=["POST"])
    @has_access
    def block_bed(self, pk: str) -> Any:
        """A bed stays empty until this is done."""
        return self._write(pk, gettext("The bed stays empty until the repair is done."), blocking.block)

    @expose("/comment/<pk>", methods=["POST"])
    @has_access
    def comment(self, pk: str) -> Any:
        """A remark, or an answer to one."""
        parent, body = request.form.get("parent_id", "").strip(), request.form.get("body", "")

        def work(session: Session, key: Any) -> None:
            maintenance.comment(session, key, body, parts.given_id(parent) if parent else None,
                                parts.remark_id(key, body, parent))

        return self._write(pk, gettext("Comment saved."), work)

    @expose("/attach/<pk>", methods=["POST"])
    @has_access
    def attach(self, pk: str) -> Any:
        """Photos and videos."""
        item = self.find(pk)
        return self._write(pk, gettext("Attached."),
                           lambda session, key: parts.attach_uploads(session, key, item.hostel_id, needed=True))

    @expose("/detach/<pk>/<attachment>", methods=["POST"])
    @has_access
    def detach(self, pk: str, attachment: str) -> Any:
        """Take a file away."""
        return self._write(pk, gettext("Removed."),
                           lambda session, _key: maintenance.detach(session, parts.given_id(attachment)))

    @expose("/uncomment/<pk>/<comment>", methods=["POST"])
    @has_access
    def uncomment(self, pk: str, comment: str) -> Any:
        """Take a remark back."""
        return self._write(pk, gettext("Comment removed."),
                           lambda session, _key: maintenance.remove_comment(session, parts.given_id(comment)))
