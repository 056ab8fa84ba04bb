"""The kitchen's board: what to cook, the orders by floor and room, one touch to the next state; the sheet to carry; the times."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID

from flask import Response, g, jsonify, make_response, request
from flask_babel import gettext

from app.permissions import Action, Resource
from app.rules.canteen import COOKING, NEXT_STEP, ORDER, Meal, OrderStatus
from app.rules.errors import DomainError, Invalid
from app.services.canteen import kitchen, menu, ordering
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, service_call
from app.views.canteen import parts
from app.views.edge import given_id, paper, problem_json
from app.views.forms import chosen_hostel
from reports import kitchen_sheet
from reports.render import to_html, to_pdf

_SHOWN = {"open": COOKING, "carry": (OrderStatus.READY,), "all": tuple(OrderStatus)}


class KitchenView(ConsoleView):
    """One meal of one day in one house."""

    resource = Resource.CANTEEN
    portals = parts.KITCHEN
    route_base = "/canteen/kitchen"
    default_view = "board"
    singular_name, plural_name = "Kitchen", "Kitchen"
    counter = "orders"
    method_actions: ClassVar[dict[str, Action]] = {"board": Action.READ, "sheet": Action.READ, "step": Action.UPDATE, "times": Action.APPROVE}

    @expose("/")
    @has_access
    def board(self) -> Any:
        """The board; with `part` what changes of it, to be swapped in place."""
        context = self._context()
        if not request.args.get("part"):
            return self.page("canteen/kitchen.html", title=gettext("Kitchen"), **context)
        answer = Response(self.page("canteen/tickets.html", **context), mimetype="text/html")
        answer.add_etag()
        return answer.make_conditional(request.environ)

    @expose("/step/<pk>", methods=["POST"])
    @has_access
    def step(self, pk: str) -> Any:
        """One touch: from the state that was seen to the next; touched twice, it is one step."""
        key = given_id(pk, gettext("There is no such canteen order."))
        with service_call() as call:
            try:
                seen = OrderStatus(request.form.get("seen", ""))
                event = NEXT_STEP[seen].name
            except (ValueError, KeyError) as error:
                raise Invalid(gettext("Choose one from the list.")) from error
            if ordering.find(call.session, key).state is seen:
                ordering.move(call.session, key, event)
        if request.accept_mimetypes.best == "application/json":
            return problem_json(call.error) if call.error else jsonify({})
        return call.respond(self.url("board", **{name: value for name, value in request.args.items() if name in {"hostel", "day", "meal", "show"}}))

    @expose("/sheet")
    @has_access
    def sheet(self) -> Any:
        """What is carried where, as a document."""
        context = self._context()
        found = kitchen_sheet.Sheet(g.identity.org_name, g.identity.name, formats.now(), context["house"], context["day"], context["meal"],
                                    kitchen.kitchen(self.session(), context["hostel"], context["day"], context["meal"], COOKING).storeys)
        page = to_html("reports/kitchen_sheet.html", sheet=found, made_at=formats.made_at(found.made_at))
        return paper(to_pdf(page), kitchen_sheet.filename(found))

    @expose("/times", methods=["GET", "POST"])
    @has_access
    def times(self) -> Any:
        """Until when each meal is ordered, when the day is summed up, and when a dish runs low."""
        hostel_id = chosen_hostel(request.values.get("hostel"))
        if request.method == "GET":
            return self._times_page(hostel_id)
        with service_call(gettext("Saved.")) as call:
            parts.menu_changed(call.session, [hostel_id])
            menu.set_times(call.session, hostel_id, menu.Times(
                {meal: parts.given_time(meal.value) for meal in Meal}, parts.given_time("summary_at"), parts.given_number("low_stock", gettext("Give a number of portions from 0 to 1000."))))
        return call.respond(self.url("times", hostel=hostel_id), failed=lambda: self._times_page(hostel_id, call.error))

    def _times_page(self, hostel_id: UUID, error: DomainError | None = None) -> Any:
        now = menu.times(self.session(), hostel_id)
        typed = {**{meal.value: f"{now.until[meal]:%H:%M}" for meal in Meal}, "summary_at": f"{now.summary_at:%H:%M}", "low_stock": str(now.low_stock)}
        page = self.page("canteen/times.html", title=gettext("Times of the canteen"), typed=typed | (request.form.to_dict() if error else {}),
                         hostel=hostel_id, house=parts.house(hostel_id), meals=list(Meal), error=error)
        return make_response(page, error.status if error else 200)

    def _context(self) -> dict[str, Any]:
        session, hostel_id = self.session(), chosen_hostel(request.args.get("hostel"))
        times, now = menu.times(session, hostel_id), parts.local_now(menu.zone_of(session, hostel_id))
        day, meal = parts.chosen_day(now.date()), parts.chosen_meal(times, now)
        shown = request.args.get("show") if request.args.get("show") in _SHOWN else "open"
        names = {step: gettext(step.label) for step in ORDER}
        return {"hostel": hostel_id, "house": parts.house(hostel_id), "day": day, "today": now.date(), "meal": meal, "shown": shown, "next": NEXT_STEP,
                "found": kitchen.kitchen(session, hostel_id, day, meal, _SHOWN[shown or "open"]), "step_names": names, "days": _around(day),
                "may_step": self.allowed("step"), "may_time": self.allowed("times"), "link": {"hostel": hostel_id, "day": day, "meal": meal.value, "show": shown}}


def _around(day: date) -> tuple[date, date]:
    return day - timedelta(days=1), day + timedelta(days=1)

