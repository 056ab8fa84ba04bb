"""The menu as the kitchen writes it: dishes by day and meal, what is left of each, and whole weeks copied."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from flask import make_response, request
from flask_babel import gettext, lazy_gettext, ngettext
from markupsafe import Markup
from sqlalchemy.orm import Session
from wtforms import Field
from wtforms.validators import Optional

from app.models.canteen import Dish
from app.permissions import Action, Resource
from app.rules.canteen import Allergen, Diet, Meal
from app.rules.errors import DomainError, Invalid
from app.rules.files import PHOTOS
from app.services import files
from app.services.canteen import menu
from app.services.search import Sought
from app.views import formats
from app.views.base import (
    Ask,
    ConsoleInterface,
    ConsoleModelView,
    Step,
    expose,
    has_access,
    service_call,
    submission_id,
)
from app.views.canteen import parts
from app.views.forms import chosen_hostel
from app.views.inputs import ZonedDateTimeField
from app.views.rooms import asking
from app.wiring import objects


class _Boxes:
    """One box to tick for each allergen."""

    def __call__(self, field: AllergensField, **kwargs: Any) -> Markup:
        boxes = Markup("").join(
            Markup('<label class="tick"><input type="checkbox" name="{}" value="{}"{}> {}</label>').format(
                field.name, one.value, Markup(" checked") if one.value in (field.data or ()) else "", formats.human(one)) for one in Allergen)
        described = Markup(' aria-describedby="{}"').format(kwargs["aria-describedby"]) if kwargs.get("aria-describedby") else ""
        return Markup('<div class="ticks" role="group" id="{}" aria-label="{}"{}>{}</div>').format(field.id, field.label.text, described, boxes)


class AllergensField(Field):
    """Any of the allergens that have to be declared."""

    widget = _Boxes()

    def process_formdata(self, valuelist: list[str]) -> None:
        """Those that are ticked."""
        self.data = [text for text in valuelist if text]
        if not set(self.data) <= set(Allergen):
            raise ValueError(gettext("Choose one from the list."))


_ALLERGENS = AllergensField(lazy_gettext("Allergens"), validators=[Optional()])


class DishView(ConsoleModelView):
    """A dish belongs to a meal of a day: the same dish tomorrow is another one, with portions of its own."""

    route_base = "/canteen/menu"
    datamodel = ConsoleInterface(Dish)
    resource = Resource.CANTEEN
    portals = parts.KITCHEN
    singular_name, plural_name = "Dish", "Menu"
    palette = Sought(("name",), ("meal", "served_on"))
    method_actions: ClassVar[dict[str, Action]] = {"stock": Action.UPDATE, "photo": Action.UPDATE, "copy": Action.CREATE}
    list_columns: ClassVar[list[str]] = ["name", "served_on", "meal", "price_paise", "stock", "diet", "order_until"]
    optional_columns: ClassVar[list[str]] = ["hostel", "portions", "allergens", "description", "created_at"]
    show_columns: ClassVar[list[str]] = ["served_on", "meal", "stock", "price_paise", "portions", "order_until", "diet", "allergens", "hostel",
                                         "description"]
    add_fieldsets: ClassVar[list[Any]] = [
        (lazy_gettext("When and where"), {"fields": ["hostel", "served_on", "meal", "order_until"]}),
        (lazy_gettext("The dish"), {"fields": ["name", "description", "diet", "allergens", "price_paise", "portions"]})]
    edit_columns: ClassVar[list[str]] = ["name", "description", "diet", "allergens", "price_paise", "order_until"]
    search_columns: ClassVar[list[str]] = ["name", "meal", "served_on", "diet", "hostel"]
    quick_filters = (
        (lazy_gettext("Breakfast"), {"meal": Meal.BREAKFAST.value}), (lazy_gettext("Lunch"), {"meal": Meal.LUNCH.value}),
        (lazy_gettext("Snacks"), {"meal": Meal.SNACKS.value}), (lazy_gettext("Dinner"), {"meal": Meal.DINNER.value}))
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name"}
    enums: ClassVar[dict[str, Any]] = {"meal": Meal, "diet": Diet}
    formatters_columns: ClassVar[dict[str, Any]] = {
        "meal": formats.human, "allergens": lambda found: ", ".join(formats.human(Allergen(one)) for one in found) or formats.missing()}
    label_columns: ClassVar[dict[str, Any]] = {"price_paise": "Price", "stock": "Portions left", "served_on": "Day", "order_until": "Ordered until"}
    description_columns: ClassVar[dict[str, Any]] = {"portions": lazy_gettext("How many can be ordered.")}
    add_form_extra_fields: ClassVar[dict[str, Any]] = {
        "allergens": _ALLERGENS, "order_until": ZonedDateTimeField(lazy_gettext("Ordered until"), validators=[Optional()], description=lazy_gettext(
            "Empty: until the time of this meal, which is among the canteen's times."))}
    edit_form_extra_fields: ClassVar[dict[str, Any]] = {"allergens": _ALLERGENS}
    submit_text = lazy_gettext("Put it on the menu")
    key_facts = ("served_on", "meal", "stock", "price_paise")
    filled_facts = ("description", "allergens")
    base_order = ("served_on", "desc")
    empty_hint = lazy_gettext("What residents can order is written here, meal by meal. A whole week can be copied to the next.")
    list_template = "canteen/menu.html"
    show_template = "canteen/dish.html"

    def create(self, session: Session, data: dict[str, Any]) -> Dish:
        """For one meal of one day."""
        parts.menu_changed(session, [data["hostel_id"]])
        return menu.add(session, data, submission_id())

    def update(self, session: Session, item: Dish, data: dict[str, Any]) -> None:
        """What it is; how much is left has a step of its own."""
        parts.menu_changed(session, [item.hostel_id])
        menu.change(session, item, data)

    def remove(self, session: Session, item: Dish) -> None:
        """Nobody orders it any more."""
        parts.menu_changed(session, [item.hostel_id])
        menu.remove(session, item)

    def restore_item(self, session: Session, item: Dish) -> None:
        """It can be ordered again."""
        parts.menu_changed(session, [item.hostel_id])
        menu.restore(session, item)

    def steps(self, item: Dish) -> list[Step]:
        """How many are left comes first: the kitchen needs it in a hurry."""
        found = super().steps(item)
        if self.allowed("stock") and not self.is_deleted(item):
            found.insert(0, Step("stock", gettext("Change what is left"), self.url("stock", pk=self.key_of(item)), "edit", fields={"seen": str(item.stock)}, asks=(
                Ask("stock", gettext("Portions left"), "line", most=4, value=str(item.stock), help=gettext("0: it is sold out.")),)))
        return found

    @expose("/stock/<pk>", methods=["POST"])
    @has_access
    def stock(self, pk: str) -> Any:
        """As the kitchen counts it."""
        item = self.find(pk)
        with service_call(gettext("Saved.")) as call:
            left = parts.given_number("stock", gettext("Give a number of portions from 0 to 5000."))
            menu.set_stock(call.session, item.id, left, request.form.get("seen", ""))
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    def show_context(self, item: Dish) -> dict[str, Any]:
        """What a photo may be."""
        return {"accept": ",".join(sorted(PHOTOS))}

    @expose("/photo/<pk>", methods=["POST"])
    @has_access
    def photo(self, pk: str) -> Any:
        """Another photo, or none."""
        item, sent = self.find(pk), request.files.get("photo")
        wanted = request.form.get("remove") != "1"
        with service_call(gettext("The photo is stored.") if wanted else gettext("The photo is removed.")) as call:
            if wanted and not (sent and sent.filename):
                raise Invalid(gettext("Please choose a photo."))
            parts.menu_changed(call.session, [item.hostel_id])
            menu.set_photo(call.session, objects(), item, files.Upload(sent.filename or "", sent.mimetype, sent.stream) if wanted and sent else None)
        return call.respond(self.url("show", pk=pk), failed=lambda: self.render_show(pk))

    @expose("/copy", methods=["GET", "POST"])
    @has_access
    def copy(self) -> Any:
        """Some days onto later ones; what is there already stays."""
        if request.method == "GET":
            return self._copy_page()
        with service_call() as call:
            hostel_id = chosen_hostel(request.form.get("hostel"))
            parts.menu_changed(call.session, [hostel_id])
            first, until, onto = (asking.given_day(name) for name in ("first", "until", "onto"))
            count = menu.copy(call.session, hostel_id, first, until, onto)
            call.done = ngettext("%(num)s dish was copied.", "%(num)s dishes were copied.", count)
        return call.respond(self.url("list"), failed=lambda: self._copy_page(call.error))

    def _copy_page(self, error: DomainError | None = None) -> Any:
        today = formats.today()
        monday = today - timedelta(days=today.weekday())
        days = {"first": monday, "until": monday + timedelta(days=6), "onto": monday + timedelta(days=7)}
        typed = {name: request.form.get(name) or day.isoformat() for name, day in days.items()} | {"hostel": request.form.get("hostel")}
        return make_response(self.page("canteen/copy.html", title=gettext("Copy the menu"), typed=typed, error=error), error.status if error else 200)
