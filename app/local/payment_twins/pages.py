"""The page on which one pays, what the stand-ins know, and the handles that tests turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, redirect, render_template_string, request

from app.gateways.payments import NAMES
from app.gateways.payments.sandbox import twin_keys
from app.local.payment_twins.settling import rupees
from app.local.payment_twins.state import LATE, NEWS, STATEMENTS, Order, state

TITLES = {"phonepe": "PhonePe", "razorpay": "Razorpay", "stripe": "Stripe"}
pages = Blueprint("pages", __name__)
_STYLE = """<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
h1 { font-size: 1.4rem } .sum { font-size: 2rem; margin: .5rem 0 }
button, select, input { display: block; width: 100%; box-sizing: border-box; margin: .5rem 0; padding: .7rem; font: inherit }
button.first { background: #0a6b3d; color: #fff; border: 0; border-radius: .4rem }
table { border-collapse: collapse; width: 100%; font-size: .85rem } td, th { text-align: left; padding: .3rem .5rem .3rem 0 } td:last-child { overflow-wrap: anywhere }
</style>"""
_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>""" + _STYLE
_PAY = _HEAD + """<h1>{{ title }}</h1><p>Not {{ label }}: a program of this demo. No money moves.</p>
<p class="sum">{{ order.currency }} {{ rupees }}</p><p>{{ order.description }}</p>
{% if order.state == "paid" %}<p role="status">This was paid.</p>{% elif order.state != "open" %}<p role="status">This order has ended.</p>
{% elif order.failures %}<p role="status">The payment failed. Try again, or close the page.</p>{% endif %}
<form method="post">
{% if order.state == "open" %}
<button class="first" name="do" value="pay">Pay</button>
<button name="do" value="late">Pay, but it takes {{ late }} seconds</button>
<button name="do" value="fail">Let the payment fail</button>
{% elif order.state == "expired" %}<button name="do" value="pay">Pay all the same</button>{% endif %}
<button name="do" value="close">Close and go back</button>
<label>The shop is told <select name="news">{% for one in news %}<option{{ " selected" if one == order.news }}>{{ one }}{% endfor %}</select></label>
<label>In the settlement it is <select name="statement">{% for one in statements %}<option{{ " selected" if one == order.statement }}>{{ one }}{% endfor %}</select></label>
</form></html>"""
_LIST = _HEAD + """<h1>{{ title }}</h1><p>Programs of this demo that stand in for payment gateways. No money moves.</p>
<h2>Orders</h2><table><tr><th>Gateway<th>Merchant<th>Amount<th>State<th>Order</tr>
{% for one in orders %}<tr><td>{{ one.gateway }}<td>{{ one.label }}<td>{{ one.currency }} {{ rupees(one.amount) }}<td>{{ one.state }}
<td><a href="/pay/{{ one.id }}">{{ one.reference }}</a></tr>{% else %}<tr><td colspan="5">None so far.</tr>{% endfor %}</table>
<h2>Settlements</h2><ul>{% for gateway, label, day in days %}<li><a href="/statements/{{ gateway }}/{{ label }}/{{ day }}.csv">{{ gateway }}, {{ label }}, {{ day }}</a>
{% else %}<li>None so far.{% endfor %}</ul><h2>Keys</h2><form><label>Merchant <input name="label" required pattern="[a-z0-9]+" value="{{ label }}"></label><button>Show the keys</button></form>
{% if label %}<table><tr><th>Gateway<th>Key<th>Secrets: of the key, of webhooks</tr>{% for gateway in gateways %}{% set keys = twin_keys(gateway, label) %}
<tr><td>{{ gateway }}<td>{{ keys.key_id }}<td>{{ keys.secret }}<br>{{ keys.webhook_secret }}{% for name, value in keys.extra.items() %}<br>{{ name }}: {{ value }}{% endfor %}</tr>
{% endfor %}</table>{% endif %}
<h2>Webhooks</h2><p>On their way: {{ waiting }}. Those of a merchant go to this demo's console, unless another address is given here.</p>
<ul>{% for (gateway, label), url in urls.items() %}<li>{{ gateway }}, {{ label }}: {{ url }}{% endfor %}</ul>
<form method="post"><label>Gateway <select name="gateway">{% for one in gateways %}<option>{{ one }}{% endfor %}</select></label>
<label>Merchant <input name="label" required pattern="[a-z0-9]+"></label>
<label>Address <input name="url" type="url"></label><button>Save</button></form></html>"""


def _order(number: str) -> Order:
    found = state().orders.get(number)
    order = state().order(found.gateway, found.label, number) if found else None
    if order is None:
        abort(404)
    return order


@pages.route("/", methods=["GET", "POST"])
def everything() -> Any:
    """Orders, the newest first, the statements there are, and where webhooks go."""
    if request.method == "POST" and request.form["gateway"] in NAMES:
        state().told_where(request.form["gateway"], request.form["label"], request.form["url"].strip())
        return redirect("/", code=303)
    orders = sorted(state().orders.values(), key=lambda one: -one.created)
    days = sorted({(one.gateway, one.label, str(datetime.fromtimestamp(one.paid_at, state().speakers[one.gateway].ZONE).date())) for one in orders if one.paid_at})
    return render_template_string(_LIST, title="Stand-ins for gateways", orders=orders[:100], days=days, rupees=rupees,
                                  waiting=len(state().outgoing), urls=state().urls, gateways=NAMES,
                                  label=request.args.get("label", ""), twin_keys=twin_keys)


@pages.route("/pay/<number>", methods=["GET", "POST"])
def pay(number: str) -> Any:
    """The hosted checkout."""
    with state().lock:
        order = _order(number)
        if request.method == "POST":
            return _done(order, request.form.get("do", ""))
    label = TITLES[order.gateway]
    return render_template_string(_PAY, title=f"Stand-in for {label}", label=label, order=order, rupees=rupees(order.amount), late=LATE,
                                  news=NEWS, statements=STATEMENTS)


def _done(order: Order, what: str) -> Any:
    if request.form.get("news") in NEWS:
        order.news = request.form["news"]
    if request.form.get("statement") in STATEMENTS:
        order.statement = request.form["statement"]
    if what == "pay" and order.state != "paid":
        state().pay(order)
    elif what == "late" and order.state == "open":
        order.pays_at = state().now() + LATE
    elif what == "fail" and order.state == "open":
        state().fail(order)
        if order.state == "open":  # where another attempt is possible
            return redirect(request.url, code=303)
    state().save()
    back = order.return_url
    if order.gateway == "razorpay" and order.state == "paid":  # which the console does not believe
        told = {"razorpay_payment_id": order.payment_id, "razorpay_payment_link_id": order.id,
                "razorpay_payment_link_reference_id": order.reference, "razorpay_payment_link_status": "paid"}
        back += ("&" if "?" in back else "?") + urlencode(told)
    return redirect(back, code=303)


@pages.route("/statements/<gateway>/<label>/<day>.csv")
def statement(gateway: str, label: str, day: str) -> Any:
    """The file of a day, as the gateway's dashboard would give it."""
    if gateway not in NAMES:
        abort(404)
    try:
        text = state().speakers[gateway].statement(state(), label, date.fromisoformat(day))
    except ValueError:
        abort(404)
    named = f'attachment; filename="{gateway}-{label}-{day}.csv"'
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": named})


_TROUBLES: dict[str, Callable[[], Any]] = {
    "down": lambda: ("Out of order", 503),
    "slow": lambda: Response(_drip(), mimetype="application/json"),
    "endless": lambda: Response((b" " * 65536 for _ in range(1000)), mimetype="application/json"),
    "elsewhere": lambda: redirect("/", code=307),
    "garbage": lambda: "<html>Sign in to the Wi-Fi of this café</html>",
    "empty": dict,
}


@pages.before_app_request
def _trouble() -> Any:
    answer = _TROUBLES.get(state().trouble) if request.blueprint != "pages" else None
    return answer() if answer else None


def _drip() -> Any:
    while True:
        yield b" "
        time.sleep(0.05)
