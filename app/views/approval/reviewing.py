"""What the page of a submission shows: what was answered, step by step, what changed since the round before, documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext, lazy_gettext

from app.models.onboarding import OnboardingSubmission
from app.models.personal import Document
from app.permissions import Role
from app.rules.files import MediaType
from app.rules.onboarding import BED, DOCUMENT, FIELDS, FLAGS, Field, Step, SubmissionState
from app.rules.personal import HIDDEN, VALUES, DocumentKind
from app.rules.residents import HoldState
from app.services import approval, documents, personal
from app.views import formats
from app.views.approval.queue import OPEN
from app.views.documents import KINDS, shown
from app.views.interface import Session

FLAG = "flag."  # before the name of a field that has to be corrected
# As a reviewer reads them; what is not here is called as personal values are, or as the person was asked.
_LABELS = {
    "full_name": lazy_gettext("Full name"), "identity_kind": lazy_gettext("Kind of paper"), "institution": lazy_gettext("Place of study or work"),
    "parent_name": lazy_gettext("Name of a parent or guardian"), "parent_relation": lazy_gettext("Relation"), "move_in_on": lazy_gettext("Moves in on"),
    "lunchbox": lazy_gettext("Lunchbox"), "food": lazy_gettext("Food"), "sleep": lazy_gettext("Bedtime"), "study": lazy_gettext("Studies"),
    "tidiness": lazy_gettext("Tidiness"), "about": lazy_gettext("For room-mates to know")}
_STEPS = {Step.RESIDENTIAL: lazy_gettext("The person"), Step.PARENTAL: lazy_gettext("Parents"), Step.ROOM: lazy_gettext("Bed and meals"),
          Step.PREFERENCES: lazy_gettext("How they live")}


@dataclass(frozen=True)
class Line:
    """One answer: as it may be shown, what stood there in the round before if it changed, what was objected to then and now."""

    name: str
    label: str
    value: str
    hidden: bool = False
    changed: bool = False
    before: str = ""
    objection: str = ""
    asked: str = ""

    @property
    def flag(self) -> str:
        """What the field for an objection to it is called."""
        return f"{FLAG}{self.name}"


def context(session: Session, item: OnboardingSubmission) -> dict[str, Any]:
    """All of it."""
    last = approval.before(session, item)
    asked = tuple({flag.field: flag.reason for flag in approval.flags_of(session, item.user_id, number)} for number in (item.round - 1, item.round))
    newest = approval.is_newest(session, item)
    masked = {value.name: value.masked for value in personal.masked(session, item.user_id)} if newest else {}
    papers = documents.papers(session, item.user_id, Role.PENDING_RESIDENT)
    rows = sorted(papers.documents, key=lambda row: list(KINDS).index(DocumentKind(row.kind)))
    found = [_paper(item, paper, row, last) for paper, row in zip(shown(rows, papers.day), rows, strict=True)]
    kinds = dict.fromkeys([*(row.kind for row in rows), *papers.missing])
    is_open, ends = item.state in OPEN, _held_until(item)
    return {
        "held_until": ends if is_open else None, "bed": BED, "lapsed": is_open and ends is None, "checks": approval.checks_of(session, item.id), "last": last, "last_state": SubmissionState(last.state) if last else None,
        "groups": _groups(item, last, masked, asked), "newest": newest,
        "papers": found, "missing": [KINDS[kind] for kind in papers.missing],
        "paper_lines": [Line(f"{DOCUMENT}{kind}", str(KINDS[DocumentKind(kind)]), "", **_objections(f"{DOCUMENT}{kind}", asked))
                        for kind in kinds]}


def _groups(item: OnboardingSubmission, last: OnboardingSubmission | None, masked: Mapping[str, str],
            asked: Sequence[Mapping[str, str]]) -> list[tuple[str, list[Line]]]:
    found = []
    for step, title in _STEPS.items():
        lines = [_line(field, item, last, masked, asked) for field in FIELDS.values() if field.step is step]
        if step is Step.ROOM:
            lines.insert(0, Line(BED, gettext("Bed"), _bed(item), changed=BED in item.changed, before=_bed(last) if last else "", **_objections(BED, asked)))
        found.append((str(title), [line for line in lines if line.value or line.changed or line.objection or line.asked]))
    return [(title, lines) for title, lines in found if lines]


def _objections(name: str, asked: Sequence[Mapping[str, str]]) -> dict[str, str]:
    before, now = asked
    return {"objection": before.get(name, ""), "asked": now.get(name, "")}


def _line(field: Field, item: OnboardingSubmission, last: OnboardingSubmission | None, masked: Mapping[str, str],
          asked: Sequence[Mapping[str, str]]) -> Line:
    # What stands in the answers is masked already; values in clear are those of the newest round alone.
    value = masked.get(field.name) or _said(field, item.answers.get(field.name, ""))
    before = _said(field, last.answers.get(field.name, "")) if last else ""
    label = str(_LABELS.get(field.name) or gettext(VALUES[field.name].label if field.sensitive else field.label))
    return Line(field.name, label, value, field.name in masked, field.name in item.changed, before, **_objections(field.name, asked))


def _said(field: Field, value: str) -> str:
    if not value or value.startswith(HIDDEN):
        return value
    if field.choices is not None:
        return formats.human(field.choices(value))
    if field.kind == "check":
        return gettext("Yes")
    return formats.plain_day(datetime.fromisoformat(value).date()) if field.kind == "date" else value


def _held_until(item: OnboardingSubmission) -> datetime | None:
    """When the hold on their bed ends; None if it has."""
    hold = item.hold
    return hold.held_until if hold is not None and hold.standing is HoldState.HELD and hold.held_until and hold.held_until > formats.now() else None


def _bed(item: OnboardingSubmission) -> str:
    return item.hold.bed.called if item.hold is not None and item.hold.bed is not None else ""


def _paper(item: OnboardingSubmission, paper: dict[str, Any], row: Document, last: OnboardingSubmission | None) -> dict[str, Any]:
    is_pdf = row.file is not None and row.file.media_type == MediaType.PDF
    return {**paper, "url": url_for("SubmissionView.document", pk=item.id, paper=row.id), "is_pdf": is_pdf,
            "fresh": last is not None and last.decided_at is not None and row.created_at > last.decided_at}


def objections(sent: Mapping[str, str]) -> dict[str, str]:
    """What a form objects to: reasons by name; empty ones and names that nothing has are left out."""
    return {name: text for field, text in sent.items() if field.startswith(FLAG) and text.strip() and (name := field.removeprefix(FLAG)) in FLAGS}


def readable(values: Mapping[str, str]) -> dict[str, str]:
    """Values in clear, days as people write them."""
    return {name: _said(FIELDS[name], value) for name, value in values.items()}


def revealable(lines: Sequence[tuple[str, list[Line]]]) -> list[str]:
    """Names of the values that are shown masked."""
    return [line.name for _, group in lines for line in group if line.hidden]
