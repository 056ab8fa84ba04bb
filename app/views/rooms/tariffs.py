"""Prices, each from one day to another."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Session

from app.models.residents import Tariff
from app.permissions import Resource
from app.rules.residents import Per, TariffKind
from app.services import residents
from app.services.search import Sought
from app.views import formats
from app.views.base import ConsoleInterface, ConsoleModelView, submission_id
from app.views.filters import Flag
from app.views.rooms import asking


class InForce(Flag):
    """Prices of today."""

    def condition(self, _parameter: str, _value: Any) -> ColumnElement[bool]:
        """By the day where the reader works."""
        today = formats.today()
        return and_(Tariff.valid_from <= today, or_(Tariff.valid_until.is_(None), Tariff.valid_until > today))


class TariffView(ConsoleModelView):
    """What was in force stays as it was; a new price ends the one before."""

    route_base = "/tariffs"
    datamodel = ConsoleInterface(Tariff)
    resource = Resource.ROOMS
    portals = asking.LETTING
    singular_name, plural_name = "Price", "Prices"
    palette = Sought(("name",), ("room_type.name", "hostel.name"))
    list_columns: ClassVar[list[str]] = ["name", "kind", "room_type", "hostel", "amount_paise", "per", "valid_from", "valid_until"]
    optional_columns: ClassVar[list[str]] = ["created_at"]
    show_columns: ClassVar[list[str]] = ["amount_paise", "per", "kind", "room_type", "hostel", "valid_from", "valid_until"]
    add_fieldsets: ClassVar[list[Any]] = [
        (lazy_gettext("What is paid for"), {"fields": ["hostel", "kind", "room_type", "name"]}),
        (lazy_gettext("The price"), {"fields": ["amount_paise", "valid_from", "valid_until"]})]
    edit_columns: ClassVar[list[str]] = ["name", "amount_paise", "valid_from", "valid_until"]
    search_columns: ClassVar[list[str]] = ["name", "kind", "room_type", "hostel"]
    quick_filters = ((lazy_gettext("In force today"), {"now": "yes"}),)
    relation_labels: ClassVar[dict[str, str]] = {"hostel": "name", "room_type": "name"}
    option_depends: ClassVar[dict[str, tuple[str, ...]]] = {"room_type": ("hostel",)}
    enums: ClassVar[dict[str, Any]] = {"kind": TariffKind, "per": Per}
    formatters_columns: ClassVar[dict[str, Any]] = {"kind": formats.human, "per": formats.human}
    label_columns: ClassVar[dict[str, Any]] = {"amount_paise": "Price", "room_type": "Kind of room", "valid_from": "From",
                                               "valid_until": "Until", "per": "How often"}
    description_columns: ClassVar[dict[str, Any]] = {
        "name": lazy_gettext("Such as Rent, Vegetarian mess or Lunchbox."), "room_type": lazy_gettext("Empty: for all kinds of rooms."),
        "valid_from": lazy_gettext("The price before it ends on this day."),
        "valid_until": lazy_gettext("The first day on which it is not valid any more. Empty: until there is another one.")}
    submit_text = lazy_gettext("Add the price")
    key_facts = ("amount_paise", "per", "valid_from")
    filled_facts = ("room_type", "valid_until")
    base_order = ("valid_from", "desc")
    empty_hint = lazy_gettext("Rent, mess, lunchbox and deposit have their prices here.")

    def _init_forms(self) -> None:
        super()._init_forms()
        self.filter_bar.filters += [InForce(self.datamodel, "now", "In force today")]

    def create(self, session: Session, data: dict[str, Any]) -> Tariff:
        """From a day on."""
        return residents.create_tariff(session, data, submission_id())

    def update(self, session: Session, item: Tariff, data: dict[str, Any]) -> None:
        """Before its first day all of it, later its end."""
        residents.edit_tariff(session, item, data)

    def remove(self, session: Session, item: Tariff) -> None:
        """Before its first day."""
        residents.remove_tariff(session, item)
