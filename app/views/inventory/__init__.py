"""Screens of the storeroom: what is kept, what is booked and counted, what is to be bought, what was thrown away."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext

from app.rules.inventory import Category, MoveKind, Unit
from app.views.formats import register_tones, register_words
from app.views.inventory.items import StockItemView
from app.views.inventory.moves import StockMoveView
from app.views.inventory.parts import FILTERS
from app.views.inventory.storeroom import StoreroomView
from app.views.inventory.waste import WasteView

register_tones({MoveKind.PURCHASE: "success", MoveKind.WASTE: "danger", MoveKind.COUNT: "warning", MoveKind.RETURN: "info"})
register_words({Unit.KG: lazy_gettext("kg"), Unit.G: lazy_gettext("g"), Unit.L: lazy_gettext("l"), Unit.ML: lazy_gettext("ml"),
                Unit.PIECES: lazy_gettext("pieces"), Unit.PACKS: lazy_gettext("packs"), Unit.BOTTLES: lazy_gettext("bottles"),
                MoveKind.OPENING: lazy_gettext("There at first"), MoveKind.PURCHASE: lazy_gettext("Bought"), MoveKind.USE: lazy_gettext("Used"),
                MoveKind.WASTE: lazy_gettext("Thrown away"), MoveKind.RETURN: lazy_gettext("Given back"), MoveKind.COUNT: lazy_gettext("Counted"),
                Category.EGGS_MEAT: lazy_gettext("Eggs, meat, fish"), Category.OILS: lazy_gettext("Oil and fat"), Category.PULSES: lazy_gettext("Dal and pulses"),
                Category.GRAINS: lazy_gettext("Grains and flour")})


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.app.jinja_env.filters.update({function.__name__: function for function in FILTERS})
    builder.add_view(StoreroomView, "Storeroom", icon="fa-layers", category="Canteen")
    builder.add_view(StockItemView, "Stock", icon="fa-table", category="Canteen")
    builder.add_view(StockMoveView, "Stock moves", icon="fa-history", category="Canteen")
    builder.add_view(WasteView, "Waste", icon="fa-trash", category="Canteen")
