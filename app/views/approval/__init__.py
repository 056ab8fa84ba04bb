"""Submissions of newcomers: the queue, and the page on which one is reviewed and decided (O6, O8)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g, request
from flask_appbuilder import AppBuilder
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from app.models.onboarding import OnboardingSubmission
from app.permissions import Action, Portal, Resource, Role
from app.rules.approval import Outcome
from app.rules.onboarding import BED, DOCUMENT, FIELDS, FLAGS, SubmissionState
from app.services import approval, documents, personal
from app.services.search import Sought
from app.views.base import Ask, ConsoleInterface, ConsoleModelView, Step, expose, has_access, service_call
from app.views.documents import KINDS, shown
from app.views.formats import register_tones
from app.views.people.doors import ring

FLAG = "flag."  # before the name of a field that has to be corrected
S = SubmissionState
register_tones({S.PENDING_REVIEW: "info", S.UNDER_REVIEW: "progress", S.APPROVED: "success", S.REJECTED: "neutral", S.NEEDS_REVISION: "warning",
                Outcome.FINE: "success", Outcome.DOUBT: "warning", Outcome.PROBLEM: "danger"})


class SubmissionView(ConsoleModelView):
    """Made by newcomers alone; reviewed by one at a time."""

    route_base = "/onboarding/submissions"
    datamodel = ConsoleInterface(OnboardingSubmission)
    resource = Resource.ONBOARDING
    portals = frozenset({Portal.ADMIN})
    singular_name, plural_name = "Submission", "Submissions"
    palette = Sought(("member.name",), ("state",))
    method_actions: ClassVar[dict[str, Action]] = {
        **dict.fromkeys(("claim", "release"), Action.UPDATE), **dict.fromkeys(("approve", "reject", "revise"), Action.APPROVE)}
    list_columns: ClassVar[list[str]] = ["member", "hostel", "state", "round", "submitted_at", "reviewer"]
    show_columns: ClassVar[list[str]] = ["state", "member", "hostel", "round", "submitted_at", "reviewer", "claimed_at", "decided_at",
                                         "mess_plan", "lunchbox", "reason"]
    search_columns: ClassVar[list[str]] = ["member.name", "state", "hostel"]
    quick_filters = ((lazy_gettext("Waiting"), {"state": S.PENDING_REVIEW.value}), (lazy_gettext("Under review"), {"state": S.UNDER_REVIEW.value}))
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    label_columns: ClassVar[dict[str, Any]] = {"member": "Person", "submitted_at": "Submitted", "claimed_at": "Claimed", "decided_at": "Decided"}
    enums: ClassVar[dict[str, Any]] = {"state": SubmissionState}
    state_column = "state"
    base_order = ("submitted_at", "asc")
    empty_hint = lazy_gettext("Who is invited to move in signs up by themselves; what they send arrives here.")
    show_template = "approval/show.html"

    def _mine(self, item: OnboardingSubmission) -> bool:
        return item.state == S.UNDER_REVIEW and item.reviewer_id == g.identity.user_id

    def show_context(self, item: OnboardingSubmission) -> dict[str, Any]:
        """Checks, values and documents side by side, and what was objected to before."""
        session = self.session()
        papers = documents.papers(session, item.user_id, Role.PENDING_RESIDENT)
        values = personal.masked(session, item.user_id)
        labels = {**{name: gettext(field.label) for name, field in FIELDS.items()}, BED: gettext("Bed"),
                  **{f"{DOCUMENT}{kind}": label for kind, label in KINDS.items()}}
        papered = {f"{DOCUMENT}{kind}" for kind in (*(row.kind for row in papers.documents), *papers.missing)}
        wanted = [name for name in FLAGS if not name.startswith(DOCUMENT) or name in papered]
        answers = [(name, field, item.answers[name]) for name, field in FIELDS.items() if item.answers.get(name) and not field.sensitive]
        return {"checks": approval.checks_of(session, item.id), "outcomes": Outcome, "values": values, "answers": answers, "documents": shown(papers.documents, papers.day),
                "missing": [KINDS[kind] for kind in papers.missing], "before": approval.flags_of(session, item.user_id, item.round),
                "labels": labels, "flags": [(f"{FLAG}{name}", labels[name]) for name in wanted],
                "mine": self._mine(item) and self.allowed("revise")}

    def steps(self, item: OnboardingSubmission) -> list[Step]:
        """What its state and its reviewer allow."""
        pk, found = self.key_of(item), []
        if item.state == S.PENDING_REVIEW and self.allowed("claim"):
            return [Step("claim", gettext("Claim"), self.url("claim", pk=pk), "user-check")]
        if item.state != S.UNDER_REVIEW or not self.allowed("claim"):
            return []
        if not self._mine(item):
            return [Step("take_over", gettext("Take over"), self.url("claim", pk=pk), "user-check", fields={"over": "1"},
                         question=gettext("Somebody else reviews this. Take it over?"))]
        if self.allowed("approve"):
            found = [Step("approve", gettext("Approve"), self.url("approve", pk=pk), "check",
                          question=gettext("Approve? The bed is then theirs, their stay begins, and they may use the console.")),
                     Step("reject", gettext("Reject"), self.url("reject", pk=pk), "close", kind="danger",
                          asks=(Ask("note", gettext("Why? The person reads this."), most=500),))]
        return [*found[:1], Step("release", gettext("Put back"), self.url("release", pk=pk), "undo"), *found[1:]]

    def _write(self, pk: str, done: str, work: Any) -> Any:
        item = self.find(pk)
        with service_call(done) as call:
            work(call.session, item.id)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/claim/<pk>", methods=["POST"])
    @has_access
    def claim(self, pk: str) -> Any:
        """Into one's hands, also out of another's."""

        def work(session: Session, key: Any) -> None:
            approval.claim(session, ring(), key, take_over="over" in request.form, may_read=g.identity.can("personal", "approve"))

        return self._write(pk, gettext("You review this now."), work)

    @expose("/release/<pk>", methods=["POST"])
    @has_access
    def release(self, pk: str) -> Any:
        """Back into the queue."""
        return self._write(pk, gettext("It waits in the queue again."), approval.release)

    @expose("/approve/<pk>", methods=["POST"])
    @has_access
    def approve(self, pk: str) -> Any:
        """With all that follows."""
        return self._write(pk, gettext("Approved. The person is told, and may come in."), approval.approve)

    @expose("/reject/<pk>", methods=["POST"])
    @has_access
    def reject(self, pk: str) -> Any:
        """With a reason."""
        return self._write(pk, gettext("Rejected. The bed is free again."),
                           lambda session, key: approval.reject(session, key, request.form.get("note", "")))

    @expose("/revise/<pk>", methods=["POST"])
    @has_access
    def revise(self, pk: str) -> Any:
        """Named fields open again for the person."""
        flags = {name.removeprefix(FLAG): text for name, text in request.form.items() if name.startswith(FLAG) and text.strip()}
        return self._write(pk, gettext("The person is told what to correct."), lambda session, key: approval.request_revision(
            session, key, {name: text for name, text in flags.items() if name in FLAGS}))


def register(builder: AppBuilder) -> None:
    """Add the screen."""
    builder.add_view(SubmissionView, "Submissions", icon="fa-user-check", category="Houses")
