"""What residents order, made for a phone; everything works without scripts, which only add up the total."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, ClassVar
from uuid import UUID

from babel.dates import format_time
from flask import Response, flash, g, make_response, redirect, request
from flask_babel import gettext

from app.models.canteen import CanteenOrder
from app.permissions import Action, Portal, Resource
from app.rules.canteen import DAYS_AHEAD, NOTE_MAX, ORDER, QUANTITY_MAX, Diet, OrderStatus, RefundState
from app.rules.errors import DomainError, Invalid
from app.rules.meals import suits
from app.services import meals, wallet
from app.services.canteen import menu, ordering
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, service_call, submission_id
from app.views.canteen import parts
from app.views.edge import already_submitted, given_id, submission_part
from app.views.forms import chosen_hostel
from app.views.paging import BadListRequest
from app.wiring import redis

_OWN_MOVES = (Resource.CANTEEN, Action.CREATE)


class MyCanteenView(ConsoleView):
    """The menu with a cart for each meal, and one's own orders."""

    resource = Resource.CANTEEN
    portals = frozenset({Portal.RESIDENT})
    route_base = "/my/canteen"
    default_view = "index"
    singular_name, plural_name = "Canteen", "Canteen"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "orders": Action.READ, "show": Action.READ, "place": Action.CREATE,
                                                   "cancel": Action.CREATE}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """What there is to eat on a day."""
        return self._menu(chosen_hostel(request.args.get("hostel")))

    @expose("/place", methods=["POST"])
    @has_access
    def place(self) -> Any:
        """The cart of one meal becomes an order, paid from the wallet."""
        if (outcome := already_submitted()) is not None:
            flash(gettext("This was ordered already."), "info")
            return redirect(outcome, code=303)
        hostel_id, once = chosen_hostel(request.form.get("hostel")), submission_id()
        with service_call(gettext("Ordered. The kitchen has it.")) as call:
            wanted = _wanted()
            ordering.place(call.session, hostel_id, wanted, once, note=request.form.get("note", "").strip(), seen_paise=_seen(wanted),
                           despite={dish: request.form.get(f"despite-{dish}", "").split() for dish in wanted})
        return call.respond(self.url("show", pk=once), failed=lambda: self._menu(hostel_id, call.error))

    @expose("/orders/")
    @has_access
    def orders(self) -> Any:
        """All of one's own."""
        try:
            before = datetime.fromisoformat(request.args["before"]).astimezone(UTC) if request.args.get("before") else None
        except (ValueError, OverflowError) as error:
            raise BadListRequest(gettext("This link to a page of the list is broken. Start from the first page.")) from error
        found = ordering.own(self.session(), g.identity.user_id, before)
        return self.page("canteen/mine.html", title=gettext("My orders"), orders=found,
                         older=found[-1].placed_at.isoformat() if len(found) == ordering.PAGE else None)

    @expose("/orders/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """What became of one; with `part` what changes of it, to be swapped in place."""
        key = given_id(pk, gettext("There is no such canteen order."))
        if not request.args.get("part"):
            return self._show(key)
        answer = Response(self.page("canteen/own_order.html", **self._of(key)), mimetype="text/html")
        answer.add_etag()
        return answer.make_conditional(request.environ)

    @expose("/orders/<pk>/cancel", methods=["POST"])
    @has_access
    def cancel(self, pk: str) -> Any:
        """Called off: the money comes back at once, or somebody decides."""
        key = given_id(pk, gettext("There is no such canteen order."))
        late = request.form.get("event") == "cancel_late"
        done = gettext("Cancelled. Whether the money comes back is decided by somebody in charge.") if late else gettext(
            "Cancelled. The money is back in your wallet.")
        with service_call(done) as call:
            ordering.move(call.session, key, "cancel_late" if late else "cancel", request.form.get("note", "").strip())
        return call.respond(self.url("show", pk=key), failed=lambda: self._show(key))

    @staticmethod
    def refund(order: CanteenOrder) -> RefundState:
        """What became of the money."""
        return RefundState(order.refund)

    # -- pages ------------------------------------------------------------------------------------------------

    def _menu(self, hostel_id: UUID, error: DomainError | None = None) -> Any:
        session, zone = self.session(), menu.zone_of(self.session(), hostel_id)
        today = parts.local_now(zone).date()
        day = _day(request.form.get("day") or request.args.get("day"), today)
        found = menu.offers(session, redis(), g.identity.org_id, hostel_id, day)
        purse, needs = wallet.wallet_of(session, hostel_id, g.identity.user_id), meals.own_needs(session, g.identity.user_id)
        now, diet = formats.now(), request.values.get("diet")
        chosen = Diet(diet) if diet in set(Diet) else None
        shown = [one for one in found if chosen is None or one.diet is chosen]
        offered = [(meal, dishes := list(group), any(one.order_until > now for one in dishes)) for meal, group in groupby(shown, key=lambda one: one.meal)]
        page = self.page("canteen/order_menu.html", title=gettext("Canteen"), hostel=hostel_id, houses=g.identity.hostels, day=day, meals=offered, now=now,
                         days=[today + timedelta(days=place) for place in range(DAYS_AHEAD)], purse=purse, once=submission_id(), each=submission_part,
                         typed=request.form, most=QUANTITY_MAX, note_max=NOTE_MAX, clock=lambda moment: _clock(moment.astimezone(zone), day), diet=chosen,
                         harms=lambda dish: [one for one in dish.allergens if one in needs.allergens], suits=lambda dish: suits(needs.food, dish.diet),
                         diets=sorted({one.diet for one in found}, key=list(Diet).index))
        return make_response(page, error.status if error else 200)

    def _of(self, key: UUID) -> dict[str, Any]:
        order = ordering.find(self.session(), key)
        moves = [move for move in ORDER.available(order.state, frozenset({_OWN_MOVES})) if move.to is OrderStatus.CANCELLED
                 and g.identity.can(*_OWN_MOVES, order.hostel_id)]
        way = [state for state in OrderStatus if state not in {OrderStatus.CART, OrderStatus.CANCELLED}]
        return {"order": order, "moves": moves, "way": way, "typed": request.form}

    def _show(self, key: UUID) -> str:
        context = self._of(key)
        return self.page("canteen/show.html", title=context["order"].reference, **context)


def _day(text: str | None, today: date) -> date:
    """One of the days that residents see."""
    try:
        found = date.fromisoformat(text) if text else today
    except ValueError as error:
        raise BadListRequest(gettext("“%(text)s” is not a value of %(label)s.", text=str(text)[:40], label="day")) from error
    return min(max(found, today), today + timedelta(days=DAYS_AHEAD - 1))


def _clock(moment: datetime, day: date) -> str:
    """By the clock of the house, with the day where it is another one."""
    said: str = format_time(moment, "short", locale=formats.language())
    return said if moment.date() == day else f"{formats.plain_day(moment.date())}, {said}"


def _wanted() -> dict[UUID, int]:
    """How many of which dish: fields `portions-<id>`."""
    found: dict[UUID, int] = {}
    for name, text in request.form.items():
        if not name.startswith("portions-") or text.strip() in {"", "0"}:
            continue
        if not text.strip().isdecimal() or len(text) > 9:  # noqa: PLR2004 - more digits than any number of portions
            raise Invalid(gettext("Write how many portions as a number."), field="items")
        found[given_id(name.removeprefix("portions-"), gettext("One of these dishes is not on the menu any more."))] = int(text)
    return found


def _seen(wanted: dict[UUID, int]) -> int | None:
    """What the page said that it costs: fields `price-<id>`."""
    try:
        return sum(int(request.form[f"price-{dish}"]) * count for dish, count in wanted.items())
    except (KeyError, ValueError):
        return None
