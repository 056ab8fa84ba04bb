"""Screens of the canteen: menu, orders and kitchen for staff; what residents order, and what became of it."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext

from app.rules.canteen import Allergen, Diet, OrderStatus, RefundState
from app.views.canteen.kitchen import KitchenView
from app.views.canteen.menu import DishView
from app.views.canteen.orders import OrderView
from app.views.canteen.residents import MyCanteenView
from app.views.formats import register_tones, register_words

_S = OrderStatus
register_tones({_S.PLACED: "warning", _S.CONFIRMED: "info", _S.PREPARING: "progress", _S.READY: "success", _S.CANCELLED: "danger",
                RefundState.ASKED: "warning", RefundState.DONE: "success", RefundState.REFUSED: "danger",
                Diet.VEG: "success", Diet.VEGAN: "success", Diet.JAIN: "success", Diet.EGG: "warning", Diet.NON_VEG: "danger"})
register_words({Diet.VEG: lazy_gettext("Vegetarian"), Diet.EGG: lazy_gettext("With egg"), Diet.NON_VEG: lazy_gettext("Not vegetarian"),
                Diet.VEGAN: lazy_gettext("Vegan"), Diet.JAIN: lazy_gettext("Jain"),
                RefundState.NONE: lazy_gettext("No refund"), RefundState.ASKED: lazy_gettext("Refund asked for"),
                RefundState.DONE: lazy_gettext("Paid back"), RefundState.REFUSED: lazy_gettext("Not paid back"),
                _S.CONFIRMED: lazy_gettext("Accepted"), _S.PREPARING: lazy_gettext("Being cooked"), _S.READY: lazy_gettext("Ready to eat")})

register_words({Allergen.NUTS: lazy_gettext("Peanuts and nuts")})  # by itself: members of the same text are one key


def register(builder: AppBuilder) -> None:
    """Add the screens."""
    builder.add_view(KitchenView, "Kitchen", icon="fa-utensils", category="Canteen")
    builder.add_view(DishView, "Menu", icon="fa-list", category="Canteen")
    builder.add_view(OrderView, "Orders", icon="fa-inbox", category="Canteen")
    builder.add_view(MyCanteenView, "Canteen", icon="fa-utensils")
