"""How many will eat, as a page and as a paper; the counter that ticks who did; the rules of leave and what plans include."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID

from flask import g, make_response, request
from flask_babel import format_date, gettext

from app.models.meals import MealLeave
from app.permissions import Action, Resource
from app.rules.canteen import Meal
from app.rules.errors import DomainError, Invalid
from app.rules.meals import Terms
from app.rules.onboarding import Food
from app.services import meals
from app.services.beds import house_day
from app.services.canteen import menu
from app.views import formats
from app.views.base import ConsoleView, expose, has_access, service_call, submission_id
from app.views.canteen import parts
from app.views.edge import given_id, paper, saved_before
from app.views.forms import chosen_hostel
from app.views.meals.residents import chosen_meals
from app.views.rooms import asking
from reports import kitchen_forecast
from reports.render import to_html, to_pdf

WEEKDAYS = range(7)


class MealsView(ConsoleView):
    """Plans, leave and the forecast of one house."""

    resource = Resource.CANTEEN
    portals = parts.KITCHEN
    route_base = "/canteen/meals"
    default_view = "forecast"
    singular_name, plural_name = "Forecast", "Forecast"
    method_actions: ClassVar[dict[str, Action]] = {"forecast": Action.READ, "paper": Action.READ, "eaters": Action.READ, "mark": Action.UPDATE,
                                                   "leave": Action.UPDATE, "leaves": Action.READ,
                                                   "end": Action.UPDATE, "rules": Action.APPROVE}

    @expose("/")
    @has_access
    def forecast(self) -> Any:
        """The next two weeks."""
        hostel_id = chosen_hostel(request.args.get("hostel"))
        return self.page("meals/forecast.html", title=gettext("Forecast"), hostel=hostel_id, house=parts.house(hostel_id), all_meals=list(Meal),
                         found=meals.forecast(self.session(), hostel_id), may_rule=self.allowed("rules"))

    @expose("/paper")
    @has_access
    def paper(self) -> Any:
        """The same for the wall of the kitchen."""
        hostel_id = chosen_hostel(request.args.get("hostel"))
        found = kitchen_forecast.Paper(g.identity.org_name, g.identity.name, formats.now(), parts.house(hostel_id), meals.forecast(self.session(), hostel_id))
        page = to_html("reports/kitchen_forecast.html", paper=found, all_meals=list(Meal), made_at=formats.made_at(found.made_at))
        return paper(to_pdf(page), kitchen_forecast.filename(found))

    @expose("/counter")
    @has_access
    def eaters(self) -> Any:
        """Who may eat a meal, who is away, who ate."""
        return self._counter(chosen_hostel(request.args.get("hostel")))

    @expose("/mark/<person>", methods=["POST"])
    @has_access
    def mark(self, person: str) -> Any:
        """Ate, or did not after all; touched twice, it is the same."""
        hostel_id = chosen_hostel(request.args.get("hostel"))
        day, meal = self._chosen(hostel_id)
        with service_call() as call:
            meals.mark(call.session, hostel_id, day, meal, _person(person), ate=request.form.get("ate") == "1")
        return call.respond(self.url("eaters", hostel=hostel_id, day=day, meal=meal.value) + f"#person-{person}", failed=lambda: self._counter(hostel_id, call.error))

    @expose("/leave", methods=["POST"])
    @has_access
    def leave(self) -> Any:
        """Said for somebody who told the office."""
        if (before := saved_before()) is not None:
            return before
        hostel_id = chosen_hostel(request.args.get("hostel"))
        with service_call(gettext("Saved. The kitchen does not count on them then.")) as call:
            meals.take_leave(call.session, hostel_id, _person(request.form.get("person", "")), asking.given_day("first"), asking.given_day("last"), chosen_meals(), submission_id())
        day, meal = self._chosen(hostel_id)
        return call.respond(self.url("eaters", hostel=hostel_id, day=day, meal=meal.value), failed=lambda: self._counter(hostel_id, call.error))

    @expose("/leaves")
    @has_access
    def leaves(self) -> Any:
        """Who is away from meals, was, or will be."""
        return self._leaves(chosen_hostel(request.args.get("hostel")))

    @expose("/leaves/<pk>/end", methods=["POST"])
    @has_access
    def end(self, pk: str) -> Any:
        """Taken back for somebody, who is told why."""
        key, hostel_id = given_id(pk, gettext("There is no such leave.")), chosen_hostel(request.args.get("hostel"))
        with service_call(gettext("Saved. The kitchen counts on them again.")) as call:
            meals.end_leave(call.session, key, request.form.get("note", "").strip())
        return call.respond(self.url("leaves", hostel=hostel_id), failed=lambda: self._leaves(hostel_id))

    @expose("/rules", methods=["GET", "POST"])
    @has_access
    def rules(self) -> Any:
        """Until when leave is said, what it pays back, and which meals a plan includes."""
        hostel_id = chosen_hostel(request.values.get("hostel"))
        if request.method == "GET":
            return self._rules(hostel_id)
        with service_call(gettext("Saved.")) as call:
            terms = Terms(parts.given_time("leave_until"), *(parts.given_number(name) for name in ("longest_days", "rebate_days", "rebate_percent")))
            meals.set_rules(call.session, hostel_id, terms, _ticked(meals.plans(call.session, hostel_id)))
        return call.respond(self.url("rules", hostel=hostel_id), failed=lambda: self._rules(hostel_id, call.error))

    @staticmethod
    def weekday(day: date) -> str:
        """`Mon`, in the reader's language."""
        return str(format_date(day, "EEE"))

    def _chosen(self, hostel_id: UUID) -> tuple[date, Meal]:
        session = self.session()
        return (parts.chosen_day(house_day(session, hostel_id)),
                parts.chosen_meal(menu.times(session, hostel_id), parts.local_now(menu.zone_of(session, hostel_id))))

    def _counter(self, hostel_id: UUID, error: DomainError | None = None) -> Any:
        day, meal = self._chosen(hostel_id)
        found, known = meals.people(self.session(), hostel_id, day, meal), {food.value: food for food in Food}
        foods = Counter(one.food for one in found if not one.away)
        page = self.page("meals/counter.html", title=gettext("Who ate"), hostel=hostel_id, house=parts.house(hostel_id), day=day, meal=meal, people=found,
                         foods=[(known.get(food), count) for food, count in foods.most_common()], all_meals=list(Meal),
                         days=(day - timedelta(days=1), day + timedelta(days=1)), may=self.allowed("mark"), typed=request.form if error else {},
                         once=submission_id(), link={"hostel": hostel_id, "day": day, "meal": meal.value})
        return make_response(page, error.status if error else 200)

    def _leaves(self, hostel_id: UUID) -> str:
        session = self.session()
        found, today = meals.leaves(session, hostel_id), house_day(session, hostel_id)
        return self.page("meals/leaves.html", title=gettext("Leave from meals"), hostel=hostel_id, house=parts.house(hostel_id), leaves=found, today=today,
                         names=meals.leave_names(session, found), all_meals=list(Meal), may=self.allowed("end"),
                         open_on=meals.first_leave_day(session, hostel_id))

    @staticmethod
    def last_day(leave: MealLeave) -> date:
        """The last day away."""
        return leave.until_on - timedelta(days=1)

    def _rules(self, hostel_id: UUID, error: DomainError | None = None) -> Any:
        session = self.session()
        now, days, plans = meals.terms(session, hostel_id), formats.now().date(), meals.plans(session, hostel_id)
        monday = days - timedelta(days=days.weekday())
        typed = {"leave_until": f"{now.leave_until:%H:%M}", "longest_days": now.longest_days, "rebate_days": now.rebate_days,
                 "rebate_percent": now.rebate_percent} | (request.form.to_dict() if error else {})
        page = self.page("meals/rules.html", title=gettext("Plans and leave"), hostel=hostel_id, house=parts.house(hostel_id), error=error, typed=typed,
                         plans=_ticked(plans) if error else plans, all_meals=list(Meal), week=[monday + timedelta(days=day) for day in WEEKDAYS])
        return make_response(page, error.status if error else 200)


def _person(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - fits an integer
        raise Invalid(gettext("Choose one from the list."), field="person")
    return int(text)


def _ticked(plans: dict[str, list[int]]) -> dict[str, list[int]]:
    """The plans with the days that were ticked; what the form did not show stays as it is."""
    shown = {name: [sum(1 << day for day in WEEKDAYS if str(day) in request.form.getlist(f"plan-{place}-{meal}")) for meal in Meal]
             for place, name in enumerate(request.form.getlist("plan"))}
    return {name: shown.get(name, days) for name, days in plans.items()}
