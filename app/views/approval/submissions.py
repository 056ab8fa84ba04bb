"""The queue of submissions, and the page on which one is reviewed and decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from flask import g, jsonify, make_response, redirect, request
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from app.models.onboarding import OnboardingSubmission
from app.permissions import Action, Portal, Resource
from app.rules.approval import Outcome
from app.rules.errors import NotFound
from app.rules.files import content_disposition
from app.rules.onboarding import SubmissionState
from app.rules.personal import IdentityKind
from app.services import approval, documents, personal
from app.services.search import Sought
from app.views.approval import queue, reviewing
from app.views.base import Ask, ConsoleInterface, ConsoleModelView, Step, expose, has_access, service_call
from app.views.documents import key_of, private
from app.views.edge import already_submitted, problem_json, problem_page
from app.views.formats import register_tones, register_words
from app.views.people.doors import ring
from app.wiring import objects

S = SubmissionState
register_tones({S.PENDING_REVIEW: "info", S.UNDER_REVIEW: "progress", S.APPROVED: "success", S.REJECTED: "neutral", S.NEEDS_REVISION: "warning",
                Outcome.FINE: "success", Outcome.DOUBT: "warning", Outcome.PROBLEM: "danger"})
register_words({IdentityKind.PAN: lazy_gettext("PAN")})


class SubmissionView(ConsoleModelView):
    """Made by newcomers alone; reviewed by one at a time."""

    route_base = "/onboarding/submissions"
    datamodel = ConsoleInterface(OnboardingSubmission)
    resource = Resource.ONBOARDING
    portals = frozenset({Portal.ADMIN})
    singular_name, plural_name = "Submission", "Submissions"
    counter = "submissions"
    palette = Sought(("member.name",), ("state",))
    method_actions: ClassVar[dict[str, Action]] = {
        "document": Action.READ, **dict.fromkeys(("claim", "release", "reveal"), Action.UPDATE),
        **dict.fromkeys(("approve", "reject", "revise"), Action.APPROVE)}
    list_columns: ClassVar[list[str]] = ["member", "hostel", "state", "round", "waited", "reviewer", "claimed_at"]
    optional_columns: ClassVar[list[str]] = ["submitted_at", "decided_at"]
    sort_by: ClassVar[dict[str, str]] = {"waited": "submitted_at"}
    show_columns: ClassVar[list[str]] = ["state", "decided_at", "reason", "handover"]
    key_facts = ("hostel", "round", "waited", "reviewer", "claimed_at")
    filled_facts = ("decided_at", "reason", "handover")
    eager = ("hold.bed.room", "member", "hostel", "reviewer")
    search_columns: ClassVar[list[str]] = ["member.name", "state", "hostel", "reviewer", "submitted_at"]
    quick_filters = (
        (lazy_gettext("To be decided"), {"open": "yes"}), (lazy_gettext("Waiting"), {"state": S.PENDING_REVIEW.value}),
        (lazy_gettext("In my review"), {"mine": "yes"}), (lazy_gettext("Under review"), {"state": S.UNDER_REVIEW.value}))
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name", "reviewer": "name"}
    label_columns: ClassVar[dict[str, Any]] = {
        "member": "Person", "submitted_at": "Submitted", "claimed_at": "Claimed", "decided_at": "Decided", "waited": "In the queue",
        "reviewer": "Reviewer", "handover": "Handed over because"}
    enums: ClassVar[dict[str, Any]] = {"state": SubmissionState}
    state_column = "state"
    base_order = ("submitted_at", "asc")
    empty_hint = lazy_gettext("Who is invited to move in signs up by themselves; what they send arrives here.")
    list_template = "approval/list.html"
    show_template = "approval/show.html"

    def _init_forms(self) -> None:
        super()._init_forms()
        self.filter_bar.filters += [queue.Open(self.datamodel, "open", "To be decided"), queue.Mine(self.datamodel, "mine", "In my review")]

    def display(self, item: Any, column: str, *, short: bool = False) -> Any:
        """How long it waited is told by two moments."""
        return queue.waited(item) if column == "waited" else super().display(item, column, short=short)

    def pace(self) -> list[tuple[str, str]]:
        """How long decisions take of late, above the queue."""
        return queue.pace(self.session())

    def _mine(self, item: OnboardingSubmission) -> bool:
        return item.state == S.UNDER_REVIEW and item.reviewer_id == g.identity.user_id

    def show_context(self, item: OnboardingSubmission) -> dict[str, Any]:
        """Checks, answers and documents side by side, and what was objected to before."""
        return {**reviewing.context(self.session(), item), "outcomes": Outcome, "clear": g.get("revealed", {}),
                "mine": self._mine(item), "decides": self._mine(item) and self.allowed("revise"),
                "reveals": self.allowed("reveal") and g.identity.can(Resource.PERSONAL, Action.APPROVE)}

    def steps(self, item: OnboardingSubmission) -> list[Step]:
        """What its state and its reviewer allow."""
        pk, found = self.key_of(item), []
        if item.state == S.PENDING_REVIEW and self.allowed("claim"):
            return [Step("claim", gettext("Claim"), self.url("claim", pk=pk), "user-check")]
        if item.state != S.UNDER_REVIEW or not self.allowed("claim"):
            return []
        if not self._mine(item):
            return [Step("take_over", gettext("Take over"), self.url("claim", pk=pk), "user-check", fields={"over": "1"},
                         question=gettext("Somebody else reviews this. They are told that you go on with it."),
                         asks=(Ask("note", gettext("Why do you take it over?"), most=500),))]
        if self.allowed("approve"):
            found = [Step("approve", gettext("Approve"), self.url("approve", pk=pk), "check",
                          question=gettext("Approve? The bed is then theirs, their stay begins, and they may use the console.")),
                     Step("reject", gettext("Reject"), self.url("reject", pk=pk), "close", kind="danger",
                          asks=(Ask("note", gettext("Why? The person reads this."), most=500),))]
        put_back = Step("release", gettext("Put back"), self.url("release", pk=pk), "undo",
                        asks=(Ask("note", gettext("Why? Whoever takes it next reads this."), most=500),))
        return [*found[:1], put_back, *found[1:]]

    # -- taking and deciding ----------------------------------------------------------------------------------

    def _write(self, pk: str, done: str, work: Callable[[Session, UUID], Any], becomes: SubmissionState | None = None) -> Any:
        """Do it once: a second click that comes while the first is under way finds it done."""
        if (before := already_submitted()) is not None:
            return redirect(before, code=303)
        item = self.find(pk)
        with service_call(done) as call:
            work(call.session, item.id)
        if call.error is not None and becomes is not None:
            now = self.find(pk)
            if now.state == becomes and now.reviewer_id == g.identity.user_id:
                return redirect(self.url("show", pk=pk), code=303)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/claim/<pk>", methods=["POST"])
    @has_access
    def claim(self, pk: str) -> Any:
        """Into one's hands, also out of another's."""
        over = request.form.get("note", "") if "over" in request.form else None
        may_read = g.identity.can(Resource.PERSONAL, Action.APPROVE)
        return self._write(pk, gettext("You review this now."),
                           lambda session, key: approval.claim(session, ring(), key, over=over, may_read=may_read))

    @expose("/release/<pk>", methods=["POST"])
    @has_access
    def release(self, pk: str) -> Any:
        """Back into the queue."""
        return self._write(pk, gettext("It waits in the queue again."),
                           lambda session, key: approval.release(session, key, request.form.get("note", "")))

    @expose("/approve/<pk>", methods=["POST"])
    @has_access
    def approve(self, pk: str) -> Any:
        """With all that follows."""
        return self._write(pk, gettext("Approved. The person is told, and may come in."), approval.approve, S.APPROVED)

    @expose("/reject/<pk>", methods=["POST"])
    @has_access
    def reject(self, pk: str) -> Any:
        """With a reason."""
        return self._write(pk, gettext("Rejected. The bed is free again."),
                           lambda session, key: approval.reject(session, key, request.form.get("note", "")), S.REJECTED)

    @expose("/revise/<pk>", methods=["POST"])
    @has_access
    def revise(self, pk: str) -> Any:
        """Named fields open again for the person."""
        return self._write(pk, gettext("The person is told what to correct."), lambda session, key: approval.request_revision(
            session, key, reviewing.objections(request.form)), S.NEEDS_REVISION)

    # -- looking ----------------------------------------------------------------------------------------------

    @expose("/reveal/<pk>", methods=["POST"])
    @has_access
    def reveal(self, pk: str) -> Any:
        """One value in clear, or all of them, with the reason in the audit log; for scripts as JSON."""
        item, wanted, found = self.find(pk), request.form.get("name", ""), {}
        with service_call() as call:
            names = reviewing.revealable(reviewing.context(call.session, item)["groups"])
            if not names or (wanted and wanted not in names):
                raise NotFound(gettext("This value is not there any more."))
            found = reviewing.readable(personal.reveal_all(
                call.session, ring(), item.user_id, [wanted] if wanted else names, request.form.get("note", "")))
        if request.accept_mimetypes.best == "application/json":
            return problem_json(call.error) if call.error else private(jsonify(values=found))
        if call.error is not None:
            return call.respond("", failed=lambda: self.render_show(pk))
        g.revealed = found
        return private(make_response(self.render_show(pk)))

    @expose("/document/<pk>/<paper>")
    @has_access
    def document(self, pk: str, paper: str) -> Any:
        """A document of the person to look at beside the page, for whoever may reveal; the audit log says who did."""
        item, wanted, content = self.find(pk), key_of(paper), b""
        with service_call() as call:
            file = next((one.file for one in documents.of_person(call.session, item.user_id) if one.id == wanted), None)
            if file is None:  # not there, or not for this reader
                raise NotFound(gettext("This document is not there any more."))
            file, content = documents.read(call.session, ring(), objects(), file.id, approval.REASON)
        if call.error is not None:
            return problem_page(call.error)
        answer = private(make_response(content))
        answer.mimetype = file.media_type
        answer.headers["Content-Disposition"] = content_disposition(file.name, inline=True)
        answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return answer
