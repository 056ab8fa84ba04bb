"""Who is told what when a maintenance request moves: the words, not the people, whom the service finds."""

from __future__ import annotations

from enum import StrEnum

from app.rules.maintenance import Priority, RequestStatus

S = RequestStatus


class Audience(StrEnum):
    """Who a message is for. Whoever caused the step is told nothing."""

    REQUESTER = "requester"
    ASSIGNEE = "assignee"
    DECIDERS = "deciders"
    """Those who may decide about any request of the hostel."""
    STAFF = "staff"
    """Those who do repairs in the hostel."""


# To residents: never who. What is missing here (nobody is free, given back) changes nothing for them.
_TO_REQUESTER = {
    S.SUBMITTED: "your request was received",
    S.ASSIGNED: "somebody will look after it",
    S.IN_PROGRESS: "work has started",
    S.ON_HOLD: "work is on hold",
    S.ESCALATED: "it takes longer than it should, and those in charge were told",
    S.RESOLVED: "it is done",
    S.REJECTED: "your request was turned down",
}
_GOES_ON = {"resume": "work goes on", "reopen": "work goes on", "dispute": "we look at it again"}
_TO_ASSIGNEE = {
    "assign": "assigned to you",
    "escalate": "the time allowed for it has passed",
    "dispute": "the resident says that it is not fixed",
    "reopen": "opened again",
    "reject": "turned down, nothing is left to do",
}
_TO_DECIDERS = {
    "mark_unassigned": "nobody is free for it",
    "escalate": "the time allowed for it has passed",
    "dispute": "the resident says that it is not fixed",
}


def words_for_step(event: str | None, to: RequestStatus, priority: Priority) -> dict[Audience, str]:
    """What each audience is told of the step `event` that led to `to`; audiences that are told nothing are left out.

    The order is that of importance: whoever belongs to two audiences hears the words of the first.
    """
    found = {
        Audience.REQUESTER: _GOES_ON.get(event or "") or _TO_REQUESTER.get(to),
        Audience.ASSIGNEE: _TO_ASSIGNEE.get(event or ""),
        Audience.DECIDERS: _TO_DECIDERS.get(event or ""),
        Audience.STAFF: "new, with high priority" if to is S.SUBMITTED and priority is Priority.HIGH else None,
    }
    return {audience: words for audience, words in found.items() if words}
