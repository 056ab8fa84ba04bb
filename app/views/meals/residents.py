"""A resident says on which days they do not eat here, on the phone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID

from flask import g, make_response, request, url_for
from flask_babel import gettext

from app.models.meals import MealLeave
from app.permissions import Action, Portal, Resource
from app.rules.canteen import Allergen, Meal
from app.rules.errors import DomainError, Invalid
from app.rules.onboarding import Food
from app.services import meals
from app.services.beds import house_day
from app.views.base import ConsoleView, expose, has_access, service_call, submission_id
from app.views.edge import given_id, saved_before
from app.views.forms import chosen_hostel
from app.views.rooms import asking


class MyMealsView(ConsoleView):
    """One's own leave."""

    resource = Resource.CANTEEN
    portals = frozenset({Portal.RESIDENT})
    route_base = "/my/meals"
    default_view = "index"
    singular_name, plural_name = "Away from meals", "Away from meals"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "take": Action.CREATE, "end": Action.CREATE, "needs": Action.CREATE}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """What was said, and what can be."""
        return self._page(chosen_hostel(request.args.get("hostel")))

    @expose("/take", methods=["POST"])
    @has_access
    def take(self) -> Any:
        """Away from a day to another."""
        if (before := saved_before()) is not None:
            return before
        hostel_id = chosen_hostel(request.form.get("hostel"))
        with service_call(gettext("Saved. The kitchen does not count on you then.")) as call:
            meals.take_leave(call.session, hostel_id, g.identity.user_id, asking.given_day("first"), asking.given_day("last"), chosen_meals(), submission_id())
        return call.respond(self.url("index", hostel=hostel_id), failed=lambda: self._page(hostel_id, call.error))

    @expose("/end/<pk>", methods=["POST"])
    @has_access
    def end(self, pk: str) -> Any:
        """Back as soon as can be planned."""
        key, hostel_id = given_id(pk, gettext("There is no such leave.")), chosen_hostel(request.form.get("hostel"))
        with service_call(gettext("Saved. The kitchen counts on you again.")) as call:
            meals.end_leave(call.session, key)
        return call.respond(self.url("index", hostel=hostel_id), failed=lambda: self._page(hostel_id, call.error))

    @expose("/needs", methods=["GET", "POST"])
    @has_access
    def needs(self) -> Any:
        """What one eats, and what makes one ill."""
        if request.method == "GET":
            return self._needs(meals.own_needs(self.session(), g.identity.user_id))
        with service_call(gettext("Saved. The kitchen sees it with what it cooks for you.")) as call:
            meals.set_needs(call.session, _given_needs())
        return call.respond(url_for("MyCanteenView.index"), failed=lambda: self._needs(meals.own_needs(self.session(), g.identity.user_id)))

    def _needs(self, needs: meals.Needs) -> str:
        return self.page("meals/needs.html", title=gettext("What I eat"), needs=needs, foods=list(Food), all_allergens=list(Allergen))

    @staticmethod
    def last_day(leave: MealLeave) -> date:
        """The last day away."""
        return leave.until_on - timedelta(days=1)

    def _page(self, hostel_id: UUID, error: DomainError | None = None) -> Any:
        session = self.session()
        page = self.page("meals/mine.html", title=gettext("Away from meals"), hostel=hostel_id, houses=g.identity.hostels, error=error,
                         typed=request.form if error else {}, once=submission_id(), all_meals=list(Meal), rules=meals.terms(session, hostel_id),
                         chosen=request.form.getlist("meals") if error else list(Meal), open_on=meals.first_leave_day(session, hostel_id),
                         today=house_day(session, hostel_id),
                         leaves=meals.leaves(session, hostel_id, g.identity.user_id))
        return make_response(page, error.status if error else 200)


def _given_needs() -> meals.Needs:
    try:
        food = request.form.get("food")
        return meals.Needs(Food(food) if food else None, frozenset(map(Allergen, request.form.getlist("allergens"))))
    except ValueError as error:
        raise Invalid(gettext("Choose one from the list.")) from error


def chosen_meals() -> list[Meal]:
    """The boxes that are ticked."""
    return [meal for meal in Meal if meal.value in request.form.getlist("meals")]
