"""What happened to a row, in words for its page: who moved, remarked, attached or changed what, from what to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import g, request
from flask_babel import gettext
from markupsafe import Markup

from app.models.declare import PROTECTED
from app.models.files import File
from app.permissions import Action, Portal, Resource
from app.rules.errors import Invalid
from app.rules.files import PHOTOS
from app.services import timeline
from app.services.timeline import EDIT, FILE, MOVE, REMARK, Entry, Sight, Subject
from app.views import difference
from app.views.difference import Change

_MARK = "~"  # between the parts of a place in the address
_PARTS = 3


@dataclass(frozen=True)
class Told:
    """One entry as the page draws it; `who` is empty where nobody is to be named."""

    entry: Entry
    who: str
    deed: Markup | str = ""
    changes: list[Change] = field(default_factory=list)
    states: tuple[Any, Any] = (None, None)
    file: File | None = None
    removable: bool = False

    @property
    def kind(self) -> str:
        return self.entry.kind

    @property
    def at(self) -> datetime:
        return self.entry.at

    @property
    def data(self) -> Mapping[str, Any]:
        return self.entry.data

    @property
    def is_photo(self) -> bool:
        """Whether it has a small picture."""
        return self.file is not None and self.file.media_type in PHOTOS


@dataclass(frozen=True)
class Happened:
    """One page of it: `earlier` is the place where the next one begins, `first` says that this is the newest page."""

    entries: list[Told]
    earlier: str = ""
    first: bool = True
    kept: bool = False
    """Whether anything is ever written down about such rows, for this reader."""


def subject(view: Any, item: Any) -> Subject:
    """The row, as the timeline's service knows it."""
    org_id = getattr(item, "org_id", None) or g.identity.org_id
    return Subject(org_id, view.datamodel.mapper.local_table.name, getattr(item, view.datamodel.key.key), view.resource, view.story)


def sight(view: Any) -> Sight:
    """What the caller may know of changes of such rows."""
    protection = PROTECTED.get(view.datamodel.mapper.local_table.name)
    identity = g.identity
    if protection is None or protection.unaudited or identity.portal not in {Portal.ADMIN, Portal.MANAGEMENT}:
        return Sight.NONE
    return Sight.FULL if identity.portal is Portal.ADMIN and identity.can(Resource.AUDIT, Action.READ) else Sight.PLAIN


def of(view: Any, item: Any) -> Happened:
    """The page of the timeline that the address asks for."""
    seen, before = sight(view), _place(request.args.get("before", ""))
    if seen is Sight.NONE and view.story is None:
        return Happened([])
    entries, more = timeline.read(view.session(), subject(view, item), seen, before)
    return Happened(_told(view, item, entries), _token(entries[-1]) if more else "", before is None, kept=True)


def provenance(view: Any, item: Any, happened: Happened) -> list[tuple[str, datetime, str]]:
    """(deed, when, by whom) of the first and the latest change of the row."""
    made_by, made_at = getattr(item, "created_by", None), getattr(item, "created_at", None)
    known = {told.entry.actor_id: told.who for told in happened.entries}
    if made_by is not None and made_by not in known:
        known |= timeline.names(view.session(), item.org_id, [made_by])
    found = [(gettext("Added"), made_at, known.get(made_by, "") if made_by else "")] if made_at else []
    last = next((told for told in happened.entries if told.kind in {EDIT, MOVE}), None) if happened.first else None
    if last is not None and made_at is not None and last.at > made_at and last.data.get("action") != "insert":
        found.append((gettext("Changed"), last.at, last.who))
    return found


def who_did(entry: Entry) -> str:
    """The person's name here, else what acted."""
    if entry.name:
        return entry.name
    if entry.data.get("by") == "system" or entry.actor == "system":
        return gettext("The system")
    return gettext("Somebody") if entry.actor == "user" else gettext("The operator")


def _place(text: str) -> tuple[datetime, str, str] | None:
    if not text:
        return None
    parts = text.split(_MARK)
    try:
        at = datetime.fromisoformat(parts[0])
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or len(parts) != _PARTS or not text.isprintable():
        raise Invalid(gettext("This link to earlier events is broken. Open the page again."))
    return at, parts[1], parts[2]


def _token(entry: Entry) -> str:
    return _MARK.join((entry.at.isoformat(), entry.kind, entry.key))


def _told(view: Any, item: Any, entries: list[Entry]) -> list[Told]:
    files = [entry.data["file"] for entry in entries if entry.kind == FILE]
    known = timeline.files(view.session(), files) if files else {}
    edits = [entry for entry in entries if entry.kind == EDIT]
    changes = dict(zip((edit.mark for edit in edits), _changes(view, edits), strict=True))
    decides = g.identity.can(view.resource, Action.APPROVE, getattr(item, "hostel_id", None))
    return [Told(
        entry, who_did(entry), deed=_deed(entry) if entry.kind == EDIT else "", changes=changes.get(entry.mark, []),
        states=tuple(_state(view, entry.data[end]) for end in ("from", "to")) if entry.kind == MOVE else (None, None),
        file=known.get(entry.data.get("file", "")),
        removable=entry.kind in {REMARK, FILE} and (decides or entry.actor_id == g.identity.user_id),
    ) for entry in entries if (entry.kind != FILE or entry.data["file"] in known) and not (entry.mark in changes and _tells_nothing(entry, changes[entry.mark]))]


def _changes(view: Any, edits: list[Entry]) -> list[list[Change]]:
    """What each edit changed; of a row that came, went or came back the deed says enough."""
    table = view.datamodel.mapper.local_table.name
    pairs = [(edit.data.get("before"), edit.data.get("after")) for edit in edits]
    telling = [(before, after) if before and after and "deleted_at" not in after else ({}, {}) for before, after in pairs]
    return difference.changes_of(view.session(), table, telling, view.label_columns)


def _tells_nothing(entry: Entry, changes: list[Change]) -> bool:
    """An edit of which no reader sees a difference, such as a moment that moved by less than is shown."""
    after = entry.data.get("after")  # None for who may know only that there was an edit
    return bool(after) and entry.data["action"] == "update" and not changes and "deleted_at" not in after


def _deed(entry: Entry) -> Markup:
    """Who did what to the row, as one sentence: the place of the name differs from language to language."""
    action, after = entry.data["action"], entry.data.get("after") or {}
    if action == "update" and "deleted_at" in after:
        action = "delete" if after["deleted_at"] else "restore"
    said = {"insert": gettext("%(who)s added it"), "update": gettext("%(who)s edited this"), "delete": gettext("%(who)s removed it"),
            "restore": gettext("%(who)s brought it back")}.get(action) or f"%(who)s: {difference.deed(action)}"
    return Markup(said) % {"who": Markup('<strong dir="auto">{}</strong>').format(who_did(entry))}  # noqa: S704 - from our catalogs


def _state(view: Any, value: str | None) -> Any:
    enum = view.enums.get(view.story.state)
    return enum(value) if enum is not None and value else value
