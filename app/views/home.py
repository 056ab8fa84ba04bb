"""The first page after signing in: what needs doing, for whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from babel.dates import format_date
from flask import g, redirect, render_template, request, url_for
from flask_appbuilder import AppBuilder, IndexView, expose
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response

from app.identity import Identity
from app.models.maintenance import MaintenanceRequest as R
from app.permissions import Action, Portal, Resource
from app.rules.maintenance import CLOSED, OPEN, REOPEN_WINDOW, RequestStatus
from app.rules.organizations import Limit
from app.rules.overview import PERIODS, Span, Trend, change
from app.security import identify
from app.services import notifications, organizations, overview, wallet_reading, work
from app.services.events import planning
from app.services.maintenance import figures, residents
from app.views import cards, charts, formats
from app.views.cards import Card, Panel, Row
from app.views.edge import db_session
from app.views.events.calendar import when_said
from app.views.interface import Session
from app.views.maintenance.parts import among_hostels, clock_badge
from app.views.organizations.settings import NEARLY
from app.views.paging import BadListRequest
from app.views.screens import to_sign_in

_OWN_SHOWN = 6
_NEWS_SHOWN = 5
_EVENTS_SHOWN, _EVENTS_WITHIN = 3, timedelta(days=14)
_FIELD = frozenset({Portal.SALES, Portal.CANTEEN, Portal.AMENITY})
_OFFICE = _FIELD | {Portal.ADMIN}
_SELL = frozenset({Portal.ADMIN, Portal.SALES})
_REPAIRS = frozenset({Portal.MANAGEMENT})
_LET = frozenset({Portal.ADMIN, Portal.SALES})


def _request_row(item: R) -> Row:
    """A request in two lines."""
    where = (item.where, item.hostel.name if among_hostels() else "", item.holder)
    return Row(url_for("RequestView.show", pk=item.id), item.reference, item.issue,
               [*filter(None, where), formats.human(item.state), formats.when(item.raised_at)], clock_badge(item))


def _most_urgent() -> list[Any]:
    """What is due first, or was; last those whose clock stands still."""
    return [R.held_since.is_not(None), R.resolve_by, R.id]


_FREE = [RequestStatus.SUBMITTED.value, RequestStatus.UNASSIGNED.value]
_NOT_ESCALATED = [state.value for state in RequestStatus if state in OPEN - {RequestStatus.ESCALATED}]
_DECIDE = frozenset({Portal.ADMIN})


# All that may stand on somebody's page, in its order. A domain adds its own here.
CARDS = (
    Card(lazy_gettext("Escalated"), "RequestView", {"status": "escalated"}, Action.APPROVE, icon="flag", tone="danger", urgent=True),
    Card(lazy_gettext("Overdue"), "RequestView", {"overdue": "yes"}, Action.UPDATE, icon="clock", tone="danger", urgent=True),
    Card(lazy_gettext("In nobody's hands"), "RequestView", {"status": _FREE}, Action.UPDATE, icon="inbox", tone="warning", urgent=True),
    Card(lazy_gettext("Urgent and open"), "RequestView", {"open": "yes", "priority": "high"}, Action.UPDATE, icon="alert",
         tone="warning", urgent=True),
    Card(lazy_gettext("New inquiries"), "InquiryView", {"status": "new"}, Action.UPDATE, _SELL, icon="inbox", tone="warning", urgent=True),
    Card(lazy_gettext("Inquiries that are due"), "InquiryView", {"due": "yes"}, Action.UPDATE, _SELL, icon="clock", tone="danger", urgent=True),
    Card(lazy_gettext("Registrations to review"), "SubmissionView", {"state": "pending_review"}, Action.UPDATE, _DECIDE, icon="user-check",
         tone="warning", urgent=True),
    Card(lazy_gettext("Registrations in your review"), "SubmissionView", {"mine": "yes"}, Action.UPDATE, _DECIDE, icon="user-check", urgent=True),
    Card(lazy_gettext("Postings for you to decide"), "ProposalView", {"waiting": "yes"}, Action.APPROVE, _DECIDE, icon="wallet", tone="warning", urgent=True),
    Card(lazy_gettext("Stock to be bought"), "StockItemView", {"low": "yes"}, Action.UPDATE, frozenset({Portal.ADMIN, Portal.CANTEEN}), icon="alert", tone="warning", urgent=True),
    Card(lazy_gettext("Imports ready to start"), "ImportView", {"status": "checked"}, Action.CREATE, icon="upload", urgent=True),
    Card(lazy_gettext("Imports stopped half-way"), "ImportView", {"status": "stopped"}, Action.CREATE, icon="pause",
         tone="warning", urgent=True),
    Card(lazy_gettext("Invitations not answered yet"), "InvitationView", {"status": "pending"}, Action.CREATE, icon="mail", urgent=True),
    Card(lazy_gettext("Background work that failed for good"), "WorkView", {"state": "dead"}, Action.UPDATE, icon="failed",
         tone="danger", urgent=True),
    Card(lazy_gettext("Beds offered to the next in line"), "HoldView", {"state": "offered"}, Action.UPDATE, icon="clock", urgent=True),
    Card(lazy_gettext("Orders to accept"), "OrderView", {"status": "placed"}, Action.UPDATE, icon="utensils", tone="warning", urgent=True),
    Card(lazy_gettext("Booked today"), "BookingView", {"status": "booked", "day.from": cards.today, "day.to": cards.today}, icon="dumbbell"),
    Card(lazy_gettext("Open requests"), "RequestView", {"open": "yes"}, icon="wrench"),
    Card(lazy_gettext("In your hands"), "RequestView", {"mine": "yes"}, portals=_REPAIRS, icon="user-check"),
    Card(lazy_gettext("Raised today"), "RequestView", {"raised_at.from": cards.today}, icon="plus"),
    Card(lazy_gettext("On hold"), "RequestView", {"status": "on_hold"}, icon="pause"),
    Card(lazy_gettext("Open inquiries"), "InquiryView", {"open": "yes"}, portals=_SELL, icon="message"),
    Card(lazy_gettext("Residents"), "MemberView", {"role": "resident", "status": "active"}, icon="users"),
    Card(lazy_gettext("Events to come"), "EventView", {"status": "published", "starts_at.from": cards.today}, icon="calendar"),
    Card(lazy_gettext("Moving in soon"), "MemberView", {"role": "pending_resident", "status": "active"}, icon="key"),
    Card(lazy_gettext("Free beds"), "BedView", {"state": "free"}, portals=_LET, icon="bed"),
    Card(lazy_gettext("Beds held"), "BedView", {"state": "held"}, portals=_LET, icon="clock"),
    Card(lazy_gettext("Leaving soon"), "ResidentView", {"status": "notice"}, portals=_LET, icon="sign-out"),
    Card(lazy_gettext("Hostels"), "HostelView", portals=_OFFICE, icon="building"),
    Card(lazy_gettext("Rooms"), "RoomView", portals=_FIELD, icon="door"),
    Card(lazy_gettext("Beds"), "BedView", portals=_FIELD, icon="bed"),
)
PANELS = (
    Panel(lazy_gettext("In your hands"), "RequestView", {"mine": "yes"}, Action.UPDATE, _REPAIRS, _most_urgent, _request_row,
          lazy_gettext("Nothing is in your hands."), lazy_gettext("All of yours")),
    Panel(lazy_gettext("Free to claim"), "RequestView", {"status": _FREE}, Action.UPDATE, _REPAIRS, _most_urgent, _request_row,
          lazy_gettext("Everything is in somebody's hands."), lazy_gettext("All that are free")),
    Panel(lazy_gettext("Escalated"), "RequestView", {"status": "escalated"}, Action.APPROVE, _DECIDE, _most_urgent, _request_row,
          more=lazy_gettext("All that are escalated")),
    Panel(lazy_gettext("Overdue, not escalated"), "RequestView", {"overdue": "yes", "status": _NOT_ESCALATED}, Action.APPROVE,
          _DECIDE, _most_urgent, _request_row, more=lazy_gettext("All that are overdue")),
)


class HomeView(IndexView):
    """One page for each way of working, read in at most six statements."""

    @expose("/")
    def index(self) -> Any:
        """The overview, or the sign-in page."""
        identity = identify()
        if identity is None:
            return redirect(url_for("SignInView.sign_in"))
        self.update_redirect()
        template, context = _page_of(identity, db_session())
        return render_template(f"home/{template}.html", appbuilder=self.appbuilder, identity=identity, today=_date_words(),
                               base_template=self.appbuilder.base_template, greeting=greeting(identity), **context)

    @expose("/home/now")
    def now(self) -> Any:
        """What changes while one looks at it: the upper part of the page, for whoever swaps it in place."""
        identity = identify()
        if identity is None:
            return to_sign_in()
        context = _own(db_session()) if identity.portal is Portal.RESIDENT else _now(identity, db_session(), {})[0]
        template = "own" if identity.portal is Portal.RESIDENT else "now"
        answer = Response(render_template(f"home/{template}.html", identity=identity, **context), mimetype="text/html")
        answer.add_etag()
        return answer.make_conditional(request.environ)


def _page_of(identity: Identity, session: Session) -> tuple[str, dict[str, Any]]:
    """Template and what it shows, by the portal that the person works in."""
    match identity.portal:
        case Portal.PLATFORM:
            found = organizations.list_organizations(session)
            return "platform", {"organizations": found, "backlog": work.backlog(session), **charts.helpers(),
                                "proposals": len(wallet_reading.for_platform(session)),
                                "scarce": [(tenant, row) for tenant in found for row in _scarce(tenant.usage)]}
        case Portal.RESIDENT:
            return "resident", _own(session)
        case _:
            return "staff", _staff(identity, session)


def _own(session: Session) -> dict[str, Any]:
    """What a resident has reported, and was told."""
    own = residents.own_requests(session) if g.identity.can(Resource.MAINTENANCE, Action.READ) else []
    closed = [one for one in own if one.state in CLOSED][:_OWN_SHOWN]
    until = {one.id: one.resolved_at + REOPEN_WINDOW for one in closed if one.resolved_at}
    coming = planning.between(session, formats.now(), formats.now() + _EVENTS_WITHIN, most=_EVENTS_SHOWN) if g.identity.can(Resource.EVENTS, Action.READ) else []
    return {"events": [(one, when_said(one)) for one in coming], "open": [one for one in own if one.state not in CLOSED], "closed": closed, "news": _news(session),
            "disputable": {key: moment for key, moment in until.items() if moment > formats.now()}}


def _news(session: Session) -> list[Any]:
    """What a person was told and has not read; nobody is asked who has nothing."""
    return notifications.own(session, g.identity.user_id, unread=True)[:_NEWS_SHOWN] if g.identity.unread else []


def _scarce(usage: Iterable[organizations.Usage]) -> list[organizations.Usage]:
    """Limits that are nearly reached, of what grows by itself."""
    return [row for row in usage if row.share is not None and row.share >= NEARLY and row.limit is not Limit.HOSTELS]


def _now(identity: Identity, session: Session, more: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cards and panels of a person, and what was answered to the parts that were asked for with them."""
    mine = [card for card in CARDS if card.is_for(identity)]
    found = overview.read(session, {**cards.parts(mine), **more})
    numbers = cards.numbers(mine, found)
    usage = organizations.usage(session) if identity.can(Resource.ORGANIZATION, Action.READ) else []
    return {"usage": [row for row in usage if row.used and row.most is not None], "scarce": _scarce(usage), "nearly": NEARLY,
            "urgent": [one for one in numbers if one.card.urgent and one.count],
            "numbers": [one for one in numbers if not one.card.urgent],
            "panels": cards.show(session, [panel for panel in PANELS if panel.is_for(identity)]), "news": _news(session)}, found


def _staff(identity: Identity, session: Session) -> dict[str, Any]:
    """Cards and panels, and below them how things go."""
    span = _span()
    parts: dict[str, Any] = {}
    repairs = cards.screen_of("RequestView").allowed("list")
    if repairs:
        parts |= {"open": overview.open_requests(identity.org_id, identity.hostel_id, formats.now()), "as_of": figures.as_of()}
    if cards.screen_of("MemberView").allowed("list"):
        parts["joined"] = overview.people_joined(identity.org_id, span, str(formats.zone()))
    if cards.screen_of("OccupancyView").allowed("grid"):
        parts["beds"] = overview.filled_beds(identity.hostel_id, span.today)
    context, found = _now(identity, session, parts)
    context |= {"span": span, "periods": PERIODS, **charts.helpers()}
    names = {str(hostel.id): hostel.name for hostel in identity.hostels}
    if "beds" in parts:
        context["fillings"] = overview.as_fillings(found["beds"], names)
    if repairs:
        trend = figures.trend(session, identity.hostel_id, span)
        context |= {
            "open": overview.as_open_requests(found["open"], names), "trend": trend, "stats": _stats(trend), "as_of": found["as_of"],
            "states": {state.value: state for state in RequestStatus}}
    if "joined" in parts:
        context["joined"] = overview.as_days(found["joined"])
    return context


def _stats(trend: Trend) -> list[charts.Stat]:
    """Four numbers of the period beside the one before."""
    now, before, days = trend.now, trend.before, list(trend.days.values())

    def seconds(length: timedelta | None) -> float | None:
        return None if length is None else length.total_seconds()

    def words(length: timedelta | None) -> str:
        return "–" if length is None else formats.duration(length)

    return [
        charts.Stat(gettext("Raised"), formats.number(now.raised), formats.number(before.raised), change(now.raised, before.raised),
                    [day.raised for day in days]),
        charts.Stat(gettext("Resolved"), formats.number(now.resolved), formats.number(before.resolved), change(now.resolved, before.resolved),
                    [day.resolved for day in days]),
        charts.Stat(gettext("Resolved in time"), charts.percent(now.met), charts.percent(before.met),
                    change(now.met, before.met, more_is_good=True, share=True), [day.met for day in days]),
        charts.Stat(gettext("Until somebody took it"), words(now.response), words(before.response),
                    change(seconds(now.response), seconds(before.response), more_is_good=False),
                    [seconds(day.response) for day in days]),
    ]


def _span() -> Span:
    """The period that the link asks for, in days of the hostel's zone."""
    days = request.args.get("days", str(PERIODS[0]))
    if days not in map(str, PERIODS):
        raise BadListRequest(gettext("“%(text)s” is not a value of %(label)s.", text=days[:40], label="days"))
    return Span(formats.today(), int(days))


def _date_words() -> str:
    """Saturday, 21 November."""
    return format_date(_span().today, "EEEE, d MMMM", locale=formats.language())


def greeting(identity: Identity) -> str:
    """Good morning, Ananya: by the clock of the hostel."""
    hour = formats.now().astimezone(formats.zone()).hour
    name = identity.name.partition(" ")[0]
    if hour < 12:  # noqa: PLR2004
        return gettext("Good morning, %(name)s", name=name)
    return gettext("Good afternoon, %(name)s", name=name) if hour < 17 else gettext("Good evening, %(name)s", name=name)  # noqa: PLR2004


def register(builder: AppBuilder) -> None:
    """The home page is the application's index view; nothing to add."""
