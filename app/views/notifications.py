"""What a person was told in the console; opening one marks it as read. And how they want to be told."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, ClassVar
from uuid import UUID

from flask import flash, g, make_response, redirect, request
from flask_appbuilder import AppBuilder, BaseView
from flask_babel import gettext, lazy_gettext

from app.languages import sentence
from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, Invalid, NotFound
from app.rules.notifications import KINDS, Channel, Kind, kinds_for
from app.services import notifications
from app.services.notifications import preferences
from app.services.notifications.sending import digest
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, local_path, service_call
from app.views.edge import db_session, given_id, problem_page
from app.views.organizations.choices import zones
from app.views.paging import BadListRequest
from app.views.people.doors import door_page
from app.wiring import csrf, ring, settings, texter

_READERS = frozenset(Portal) - {Portal.PUBLIC, Portal.PLATFORM}
formats.register_words({Channel.IN_APP: lazy_gettext("In the console"), Channel.EMAIL: lazy_gettext("E-mail"), Channel.SMS: lazy_gettext("SMS")})


def own_kinds() -> list[Kind]:
    """What the caller may be told of."""
    return kinds_for(resident=g.identity.portal is Portal.RESIDENT, held=g.identity.capabilities)


class NotificationsView(ConsoleView):
    """The bell: everybody's own."""

    resource = Resource.NOTIFICATIONS
    portals = _READERS
    route_base = "/notifications"
    default_view = "list"
    method_actions: ClassVar[dict[str, Action]] = {
        "list": Action.READ, "open": Action.UPDATE, "read_all": Action.UPDATE, "go": Action.READ, "aside": Action.UPDATE, "announced": Action.READ}

    @expose("/")
    @has_access
    def list(self) -> Any:
        """Newest first, all or the unread ones, of everything or of one matter; or what was put aside."""
        before = request.args.get("before")
        try:
            moment = datetime.fromisoformat(before) if before else None
        except ValueError as error:
            raise BadListRequest(gettext("This link to a page of the list is broken. Start from the first page.")) from error
        shown = {name: request.args.get(name) == "1" for name in ("unread", "archived")}
        topics = dict.fromkeys(kind.about for kind in own_kinds())
        about = next((topic for topic in topics if topic == request.args.get("about")), None)
        found = notifications.own(self.session(), g.identity.user_id, **shown, before=moment,
                                  kinds=[kind.name for kind in KINDS.values() if kind.about is about] if about else None)
        kept = {name: 1 for name, on in shown.items() if on} | ({"about": about.value} if about else {})
        return self.page("base/notifications.html", title=gettext("Notifications"), notifications=found, **shown, about=about, topics=topics, kept=kept,
                         older=found[-1].created_at.isoformat() if len(found) == notifications.PAGE else None)

    @expose("/open/<pk>", methods=["POST"])
    @has_access
    def open(self, pk: str) -> Any:
        """Mark it as read and go where it leads."""
        return self._opened(pk)

    @expose("/go/<pk>")
    @has_access
    def go(self, pk: str) -> Any:
        """The same from a mail: whoever comes this way has read it."""
        return self._opened(pk)

    def _opened(self, pk: str) -> Any:
        with service_call() as call:
            link = notifications.mark_read(call.session, g.identity.user_id, _key(pk))
        if call.error is not None:
            return problem_page(call.error, self.url("list"))
        return redirect(local_path(link, self.url("list")), code=303)

    @expose("/announced/<pk>")
    @has_access
    def announced(self, pk: str) -> Any:
        """The whole text of an announcement that the caller was told."""
        found = notifications.announced(self.session(), g.identity.user_id, _key(pk))
        return self.page("notifications/announced.html", title=found.title, found=found)

    @expose("/aside/<pk>", methods=["POST"])
    @has_access
    def aside(self, pk: str) -> Any:
        """Into the archive, or out of it."""
        archived = request.form.get("archived") != "0"
        with service_call() as call:
            notifications.set_aside(call.session, g.identity.user_id, _key(pk), archived=archived)
        return call.respond(local_path(request.form.get("back"), self.url("list")))

    @expose("/read", methods=["POST"])
    @has_access
    def read_all(self) -> Any:
        """Mark everything as read."""
        with service_call() as call:
            notifications.mark_read(call.session, g.identity.user_id)
        return call.respond(self.url("list"))


class NotificationSettingsView(ConsoleView):
    """Everybody's own choices: kinds by channel, quiet hours, the number for text messages."""

    resource = Resource.NOTIFICATIONS
    portals = _READERS
    route_base = "/notifications/settings"
    default_view = "show"
    method_actions: ClassVar[dict[str, Action]] = {
        "show": Action.READ, "save": Action.UPDATE, "phone": Action.UPDATE, "confirm": Action.UPDATE, "remove_phone": Action.UPDATE}

    @expose("/")
    @has_access
    def show(self) -> Any:
        """As it is."""
        return self._page()

    def _page(self, error: DomainError | None = None) -> Any:
        kinds, me = own_kinds(), g.identity.user_id
        chosen, kept = preferences.matrix(self.session(), me, kinds), preferences.settings_of(self.session(), me)
        typed = {"quiet_from": _clock(kept and kept.quiet_from), "quiet_to": _clock(kept and kept.quiet_to),
                 "timezone": (kept and kept.timezone) or g.identity.hostel_timezone}
        if error is not None and request.endpoint == f"{type(self).__name__}.save":
            chosen = {kind.name: {one: one in _ticked(kind) for one in kind.offered} for kind in kinds}
            typed |= {name: request.form.get(name, "") for name in typed}
        by_topic: dict[Resource, list[Kind]] = {}
        for kind in kinds:
            by_topic.setdefault(kind.about, []).append(kind)
        page = self.page("notifications/settings.html", title=gettext("How you are told"), by_topic=by_topic, chosen=chosen, kept=kept, typed=typed,
                         channels=_channels(), zones=zones(), error=error, texts=texter() is not None)
        return make_response(page, error.status if error else 200)

    @expose("/save", methods=["POST"])
    @has_access
    def save(self) -> Any:
        """All of it at once."""
        with service_call(gettext("Saved.")) as call:
            kinds = own_kinds()
            quiet = _quiet() if request.form.get("quiet") == "1" else None
            preferences.choose(call.session, kinds, {kind.name: _ticked(kind) for kind in kinds}, quiet, request.form.get("timezone") or None,
                               among=_channels())
        return call.respond(self.url("show"), failed=lambda: self._page(call.error))

    @expose("/phone", methods=["POST"])
    @has_access
    def phone(self) -> Any:
        """Give a number; a code goes there."""
        with service_call(gettext("A code is on its way to your number.")) as call:
            preferences.set_phone(call.session, ring(), g.identity.user_id, request.form.get("phone", ""), g.identity.country)
        return call.respond(self.url("show"), failed=lambda: self._page(call.error))

    @expose("/phone/confirm", methods=["POST"])
    @has_access
    def confirm(self) -> Any:
        """Give the code. A wrong one is counted, so it is committed too."""
        right = False
        with service_call() as call:
            right = preferences.confirm_phone(call.session, g.identity.user_id, request.form.get("code", ""), settings().secret_key, formats.now())
        if call.error is None and not right:
            call.error = Invalid(gettext("This is not the code that was sent to your number."), field="code")
        if call.error is None:
            flash(gettext("Your number is confirmed."), "success")
        return call.respond(self.url("show"), failed=lambda: self._page(call.error))

    @expose("/phone/remove", methods=["POST"])
    @has_access
    def remove_phone(self) -> Any:
        """No text messages any more."""
        with service_call(gettext("Your number is removed.")) as call:
            preferences.remove_phone(call.session)
        return call.respond(self.url("show"))


class UnsubscribeView(BaseView):
    """Open to everybody: the secret in the link proves that its reader got the mail (RFC 8058)."""

    route_base = "/notifications/off"
    default_view = "off"

    @expose("", methods=["GET", "POST"])
    @csrf.exempt  # mail programs post here, which have neither cookie nor page
    def off(self) -> Any:
        """Looking changes nothing, for mail scanners look at every link."""
        with service_call() as call:
            name = preferences.mute_by_letter(call.session, digest(request.args.get("t", "")), look=request.method == "GET")
            if name is None:
                raise NotFound(gettext("This link does not belong to any message."))
        if call.error is not None:
            return problem_page(call.error)
        kind = KINDS.get(name or "")
        return door_page("notifications/off.html", title=gettext("Messages by e-mail"), kind=sentence(kind.label) if kind else "",
                         done=request.method == "POST")


def _channels() -> tuple[Channel, ...]:
    """Those that are set up here, and Telegram for who linked a chat."""
    there = {Channel.SMS: texter() is not None, Channel.TELEGRAM: preferences.has_chat(db_session())}
    return tuple(one for one in Channel if there.get(one, True))


def _ticked(kind: Kind) -> set[Channel]:
    return {one for one in kind.offered if one.value in request.form.getlist(kind.name)}


def _clock(value: time | None) -> str:
    return value.strftime("%H:%M") if value else ""


def _quiet() -> tuple[time, time]:
    try:
        return time.fromisoformat(request.form.get("quiet_from", "")), time.fromisoformat(request.form.get("quiet_to", ""))
    except ValueError as error:
        raise Invalid(gettext("Please give a time like 22:00."), field="quiet_from") from error


def _key(text: str) -> UUID:
    return given_id(text, gettext("This notification is not there any more."))


def register(builder: AppBuilder) -> None:
    """Reached through the bell and the person's menu."""
    for view in (NotificationsView, NotificationSettingsView, UnsubscribeView):
        builder.add_view_no_menu(view)
