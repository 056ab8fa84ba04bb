"""Background work of the organization: what waits, what was done, and the dead letters, to look into and send again."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext
from markupsafe import Markup

from app.languages import sentence
from app.models.work import Work
from app.permissions import Action, Portal, Resource
from app.rules.work import WorkState
from app.services import work
from app.views import formats
from app.views.base import ConsoleInterface, ConsoleModelView, console_action
from app.views.interface import Session

formats.register_tones({WorkState.PENDING: "info", WorkState.DONE: "success", WorkState.DEAD: "danger"})


def _ids(payload: dict[str, Any]) -> Any:
    """What the work is about; a payload holds ids only."""
    if not payload:
        return formats.missing()
    return Markup("<br>").join(Markup("{}: <code>{}</code>").format(formats.human(formats.column_words(name)), value) for name, value in payload.items())


def _code(text: str | None) -> Any:
    """What programs call something, as it is."""
    return Markup("<code>{}</code>").format(text) if text else formats.missing()


class WorkView(ConsoleModelView):
    """Rows of the outbox; dead letters are sent again one by one or many at once."""

    datamodel = ConsoleInterface(Work)
    resource = Resource.WORK
    portals = frozenset({Portal.ADMIN})
    route_base = "/work"
    singular_name, plural_name = "Piece of work", "Background work"
    counter = "dead_letters"
    enums: ClassVar[dict[str, Any]] = {"state": WorkState}
    state_column = "state"
    base_order = ("created_at", "desc")
    list_columns: ClassVar[list[str]] = ["title", "state", "attempts", "last_error", "created_at", "due_at"]
    optional_columns: ClassVar[list[str]] = ["finished_at"]
    quick_filters = ((lazy_gettext("Failed for good"), {"state": "dead"}), (lazy_gettext("Waiting"), {"state": "pending"}),
                     (lazy_gettext("Done"), {"state": "done"}))
    search_columns: ClassVar[list[str]] = ["kind", "state", "created_at"]
    show_columns: ClassVar[list[str]] = ["kind", "last_error", "attempts", "created_at", "due_at", "finished_at", "payload", "key",
                                         "claimed_by"]
    label_columns: ClassVar[dict[str, Any]] = {
        "title": lazy_gettext("Work"), "kind": lazy_gettext("Kind"), "last_error": lazy_gettext("What went wrong"), "created_at": lazy_gettext("Asked for"),
        "due_at": lazy_gettext("Due"), "payload": lazy_gettext("About"), "key": lazy_gettext("Done once per"),
        "claimed_by": lazy_gettext("Last worker"),
    }
    formatters_columns: ClassVar[dict[str, Any]] = {
        "payload": _ids, "title": sentence, "kind": _code, "key": _code, "claimed_by": _code}
    empty_hint = lazy_gettext("Messages and other work in the background appear here. What fails eight times stays as dead.")

    @console_action("resend", lazy_gettext("Send again"), Action.UPDATE)
    def resend(self, session: Session, item: Work) -> None:
        """From the start, with eight attempts."""
        work.resend(session, item.id)


def register(builder: AppBuilder) -> None:
    """Add the screen."""
    builder.add_view(WorkView, "Background work", icon="fa-inbox", category="Operations")
