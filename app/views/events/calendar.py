"""A month of events as a grid and as a list, the address of one's own calendar, and what calendar programs get there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_day_names
from flask import Response, g, make_response, request, url_for
from flask_appbuilder import BaseView
from flask_babel import gettext

from app.models.events import EventReply, HostelEvent
from app.permissions import Action, Portal, Resource
from app.rules import events as rules
from app.rules.events import ReplyState
from app.rules.files import content_disposition
from app.services import events
from app.services.events.feeds import Entry
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, service_call
from app.views.edge import db_session, given_id, kept
from app.views.paging import BadListRequest
from app.wiring import settings
from reports.event_calendar import to_ics

STAFF = frozenset({Portal.ADMIN, Portal.AMENITY})
_ELSEWHERE = timedelta(days=1)  # days begin earlier and later in other zones
_YEARS = (1970, 2199)


@dataclass(frozen=True)
class Shown:
    """An event as calendars draw it, by the clock of its house."""

    event: HostelEvent
    day: date
    time: str
    days: Sequence[date]


class EventCalendar(ConsoleView):
    """What the calendars of staff and residents share. Subclasses say who they are for, and where an event is shown."""

    resource = Resource.EVENTS
    default_view = "index"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "ics": Action.READ, "feed": Action.READ, "make_feed": Action.READ, "end_feed": Action.READ}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """A month: as a grid where there is room, else as a list."""
        today = formats.today()
        month = _month(request.args.get("month"), today)
        start, until = rules.month_of(month)
        found = [shown(one) for one in events.planning.between(self.session(), _moment(start) - _ELSEWHERE, _moment(until) + _ELSEWHERE, g.identity.hostel_id)]
        by_day: dict[date, list[Shown]] = {}
        for one in found:
            for day in one.days:
                by_day.setdefault(day, []).append(one)
        listed = [one for one in found if any((day.year, day.month) == (month.year, month.month) for day in one.days)]
        return self.page(
            "events/calendar.html", title=gettext("Events"), month=month, said=format_date(month, "LLLL y", locale=formats.language()), today=today,
            weeks=rules.weeks(start, until), by_day=by_day, agenda=listed, as_list=request.args.get("view") == "list", day_names=_day_names(),
            before=f"{month - timedelta(days=1):%Y-%m}", after=f"{month + timedelta(days=31):%Y-%m}", **self.more([one.event for one in listed]))

    def more(self, found: Sequence[HostelEvent]) -> dict[str, Any]:
        """What else the calendar shows of events: how many come, and what the caller answered."""
        return {"counts": events.replying.counts(self.session(), [one.id for one in found]), "own": {}}

    @expose("/ics/<pk>")
    @has_access
    def ics(self, pk: str) -> Any:
        """One event, for a calendar of one's own."""
        event = events.planning.find(self.session(), given_id(pk, gettext("There is no such event.")))
        response = _calendar([events.feeds.entry_of(event)], g.identity.org_name)
        response.headers["Content-Disposition"] = content_disposition(f"{event.title}.ics")
        return response

    @expose("/feed")
    @has_access
    def feed(self) -> Any:
        """Whether one has an address for calendar programs, and what can be done about it."""
        return self._feed_page()

    @expose("/feed/make", methods=["POST"])
    @has_access
    def make_feed(self) -> Any:
        """A new address, which is shown here and never again; the one before ends."""
        with service_call() as call:
            secret = events.feeds.make(call.session)
        if call.error is not None:
            return call.respond(self.url("feed"))
        response = make_response(self._feed_page(f"{settings().public_url}/calendar/{secret}.ics"))
        response.cache_control.no_store = True
        return response

    @expose("/feed/end", methods=["POST"])
    @has_access
    def end_feed(self) -> Any:
        """The address shows nothing any more."""
        with service_call(gettext("The address does not work any more.")) as call:
            events.feeds.end(call.session)
        return call.respond(self.url("feed"))

    def _feed_page(self, link: str = "") -> str:
        return self.page("events/feed.html", title=gettext("Events in your calendar"), link=link,
                         since=events.feeds.since(self.session(), g.identity.user_id))

    def event_url(self, event: HostelEvent) -> str:
        """Where an event is shown."""
        raise NotImplementedError

    @staticmethod
    def said_of(reply: EventReply) -> ReplyState:
        """What somebody answered."""
        return ReplyState(reply.state)


class CalendarView(EventCalendar):
    """For staff: drafts too."""

    portals = STAFF
    route_base = "/events/calendar"
    singular_name, plural_name = "Event calendar", "Event calendar"

    def event_url(self, event: HostelEvent) -> str:
        """Its page among all events."""
        return url_for("EventView.show", pk=event.id)


class FeedView(BaseView):
    """Open to everybody: calendar programs have no account, but a secret that their person gave them."""

    route_base = "/calendar"
    default_view = "get"

    @expose("/<secret>.ics")
    def get(self, secret: str) -> Response:
        """All events that the person may see now; not sent again while nothing changed."""
        found = events.feeds.read(db_session(), secret[:100])
        response = _calendar(found.entries, found.organization)
        response.add_etag()
        tag, _ = response.get_etag()
        return kept(response, tag or "").make_conditional(request.environ)


def shown(event: HostelEvent) -> Shown:
    """An event by the clock of its house."""
    zone = ZoneInfo(event.timezone)
    local = event.starts_at.astimezone(zone)
    return Shown(event, local.date(), format_time(local, "short", locale=formats.language()), rules.days_of(event.starts_at, event.ends_at, zone))


def when_said(event: HostelEvent) -> str:
    """`5 Mar 2026, 18:30 – 20:00`, with the last day where it is another one, by the clock of its house."""
    zone, language = ZoneInfo(event.timezone), formats.language()
    first, last = event.starts_at.astimezone(zone), event.ends_at.astimezone(zone)
    end = format_time(last, "short", locale=language)
    if last.date() != first.date():
        end = f"{formats.plain_day(last.date())}, {end}"
    return f"{formats.plain_day(first.date())}, {format_time(first, 'short', locale=language)} – {end}"


def house_said(event: HostelEvent) -> str:
    """Whose event it is."""
    return event.hostel.name if event.hostel else gettext("All houses")


def _calendar(entries: Sequence[Entry], name: str) -> Response:
    content = to_ics(entries, name, urlsplit(settings().public_url).hostname or "localhost")
    return Response(content, content_type="text/calendar; charset=utf-8")


def _month(text: str | None, today: date) -> date:
    """The first day of the month that the address names, else of this one."""
    try:
        found = date.fromisoformat(f"{text}-01") if text else today
    except ValueError as error:
        raise BadListRequest(gettext("“%(text)s” is not a value of %(label)s.", text=str(text)[:40], label="month")) from error
    return found.replace(year=min(max(found.year, _YEARS[0]), _YEARS[1]), day=1)


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _day_names() -> list[str]:
    names = get_day_names("abbreviated", context="stand-alone", locale=formats.language())
    return [names[day] for day in range(rules.WEEK)]
