"""Webhooks: what a gateway signs is believed, nothing else; the official clients and ours agree on it (W5)."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import razorpay
import requests
import stripe

from app.gateways.payments import (
    NAMES,
    BodyInvalid,
    EventKind,
    GatewayRefused,
    NewRefund,
    RefundState,
    SignatureInvalid,
    open_gateway,
)
from app.gateways.payments.sandbox import twin_keys, twin_webhook_path
from app.local.payment_twins import create_twins
from app.local.payment_twins.state import LATE, Order, State

HEADERS = {"phonepe": "Authorization", "razorpay": "X-Razorpay-Signature", "stripe": "Stripe-Signature"}


def _now():
    """When it is asked: a run may last longer than a signature holds."""
    return datetime.now(UTC)


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def gateway(name):
    return open_gateway(name, twin_keys(name, "acme"), "http://127.0.0.1:1")


@pytest.fixture
def known():
    """The stand-ins, without a server."""
    state = State()
    app = create_twins(state)
    with app.test_request_context():
        yield state


def sold(known, name, **changes):
    """Something that was paid, and 200 of it given back."""
    now = known.now()
    order = Order(name, "acme", f"{'plink_' if name == 'razorpay' else 'id_'}1", "ref-1", 500_00, "INR", "Top-up", "http://127.0.0.1:1", now, now + 900,
                  **changes)
    known.orders[order.id] = order
    known.pay(order)
    known.add_refund(order, "refund-1", "key-1", 200_00, at_once=True)
    return order


def messages(known, name):
    return [known.speakers[name].signed("acme", one.event) for one in known.outgoing]


def test_what_is_signed_is_read(gateway, known, name):
    order = sold(known, name)
    events = []
    for headers, body in messages(known, name):
        gateway.verify(headers, body, _now())
        events += gateway.parse(headers, body)
    assert len({event.event_id for event in events}) == len(events)
    paid = [event for event in events if event.kind is EventKind.PAYMENT_PAID]
    assert {(one.reference, one.payment_id, one.amount_paise, one.currency) for one in paid} == {("ref-1", order.payment_id, 500_00, "INR")}
    assert order.id in {one.gateway_id for one in paid}
    back, = [event for event in events if event.kind is EventKind.REFUND_DONE]
    assert (back.reference, back.refund_id, back.refund_key, back.amount_paise) == ("ref-1", "refund-1", "key-1", 200_00)
    assert back.payment_id in ("", order.payment_id)


def test_a_failure_and_an_end_are_told(gateway, known, name):
    order = sold(known, name)
    known.outgoing.clear()
    order.state = "open"
    known.fail(order)
    order.state, order.expires = "open", 0
    known.tick()
    kinds = [event.kind for message in messages(known, name) for event in gateway.parse(*message)]
    assert kinds == [EventKind.PAYMENT_FAILED] * 2


def test_nothing_else_is_believed(gateway, known, name):
    sold(known, name)
    headers, body = messages(known, name)[0]
    bad = {
        "missing": {key: value for key, value in headers.items() if key != HEADERS[name]},
        "wrong": {**headers, HEADERS[name]: headers[HEADERS[name]][::-1]},
    }
    for reason, sent in bad.items():
        with pytest.raises(SignatureInvalid, match=reason):
            gateway.verify(sent, body, _now())
    for sign in ("", "é", "t=,v1=", "t=1", "v1=a", "t=²,v1=", ",=,"):
        with pytest.raises(SignatureInvalid):
            gateway.verify({HEADERS[name]: sign}, body, _now())
    with pytest.raises(SignatureInvalid):
        open_gateway(name, twin_keys(name, "other"), "http://127.0.0.1:1").verify(headers, body, _now())
    if gateway.trusted_body:
        with pytest.raises(SignatureInvalid, match="wrong"):
            gateway.verify(headers, body.replace(b"50000", b"90000"), _now())
    gateway.verify({key.lower(): value for key, value in headers.items()}, body, _now())


def test_without_a_secret_nobody_is_believed(name):
    keys = twin_keys(name, "acme")
    empty = open_gateway(name, type(keys)(keys.key_id, keys.secret, "", keys.extra), "http://127.0.0.1:1")
    with pytest.raises(SignatureInvalid, match="no secret"):
        empty.verify({HEADERS[name]: "t=1,v1=0"}, b"{}", _now())


def test_stripes_signatures_grow_old():
    keys = twin_keys("stripe", "acme")
    gateway = open_gateway("stripe", keys, "http://127.0.0.1:1")
    for age, fine in ((0, True), (299, True), (302, False), (-302, False)):
        made = stripe.WebhookSignature.generate_signature_header("{}", keys.webhook_secret, int(_now().timestamp()) - age)
        if fine:
            gateway.verify({"Stripe-Signature": made}, b"{}", _now())
        else:
            with pytest.raises(SignatureInvalid, match="too old"):
                gateway.verify({"Stripe-Signature": made}, b"{}", _now())


def test_the_official_clients_agree(known):
    """Signatures of the stand-ins, which ours verifies, pass there; so does what Stripe's client makes here."""
    sold(known, "stripe")
    headers, body = messages(known, "stripe")[0]
    secret = twin_keys("stripe", "acme").webhook_secret
    event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
    assert event.type == "payment_intent.succeeded"
    two = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(_now().timestamp()))
    ours = open_gateway("stripe", twin_keys("stripe", "acme"), "http://127.0.0.1:1")
    ours.verify({"Stripe-Signature": two}, body, _now())
    stamp = two.partition(",")[0]
    ours.verify({"Stripe-Signature": f"{stamp},v1={'0' * 64},{two.partition(',')[2]}"}, body, _now())  # while a secret is exchanged

    known.outgoing.clear()
    known.orders.clear()
    known.refunds.clear()
    sold(known, "razorpay")
    headers, body = messages(known, "razorpay")[0]
    utility, keys = razorpay.Client(auth=("id", "secret")).utility, twin_keys("razorpay", "acme")
    assert utility.verify_webhook_signature(body.decode(), headers["X-Razorpay-Signature"], keys.webhook_secret)
    with pytest.raises(razorpay.errors.SignatureVerificationError):
        utility.verify_webhook_signature(body.decode() + " ", headers["X-Razorpay-Signature"], keys.webhook_secret)


def test_phonepes_header_is_the_one_that_its_client_checks():
    """The value for `username:password` is public: it stands in the tests of PhonePe's own client."""
    keys = twin_keys("phonepe", "acme")
    gateway = open_gateway("phonepe", type(keys)("id", "secret", "password", {"webhook_user": "username"}), "http://127.0.0.1:1")
    gateway.verify({"authorization": "bc842c31a9e54efe320d30d948be61291f3ceee4766e36ab25fa65243cd76e0e"}, b"anything", _now())
    assert not gateway.trusted_body


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"event": "checkout.order.completed", "payload": []}',
    b'{"event": "payment.captured", "payload": {"payment": 1}, "created_at": 1}', b"[" * 100_000,
    b'{"type": "payment_intent.succeeded", "id": "evt_1", "created": "now", "data": {"object": {"object": "payment_intent"}}}',
    b'{"event": "payment.captured", "payload": {"payment": {"entity": {"id": "pay_1", "amount": 1' + b"0" * 30 + b'}}}, "created_at": 1}',
    b'{"event": "payment.captured", "payload": {"payment": {"entity": {"id": "pay\\u0000", "amount": 1}}}, "created_at": 1}',
    b'{"event": "x", "created_at": 1e99, "payload": {"state": "COMPLETED", "amount": "100"}}'])
def test_a_body_that_cannot_be_read_is_one_thing(gateway, body):
    with pytest.raises(BodyInvalid):
        gateway.parse({}, body)


def test_unknown_events_are_kept_as_such(known):
    sold(known, "stripe")
    ours = open_gateway("stripe", twin_keys("stripe", "acme"), "http://127.0.0.1:1")
    kinds = {event.name: event.kind for message in messages(known, "stripe") for event in ours.parse(*message)}
    assert kinds["charge.succeeded"] is kinds["charge.refunded"] is EventKind.OTHER


@pytest.mark.parametrize(("news", "copies"), [("at once", 1), ("three times", 3), ("never", 0), ("later", 1)])
def test_webhooks_come_once_thrice_late_or_never(known, news, copies, monkeypatch):
    sent = []
    answer = requests.Response()
    monkeypatch.setattr(requests, "post", lambda url, **given: sent.append((url, given["data"])) or answer)
    answer.status_code = 200
    known.console = "http://127.0.0.1:8080"
    sold(known, "razorpay", news=news)
    known.deliver()
    if news == "later":
        assert not sent
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + LATE + 1)
        known.deliver()
    names = [json.loads(body)["event"] for _, body in sent]
    assert names.count("payment.captured") == names.count("refund.processed") == copies
    assert {url for url, _ in sent} <= {f"http://127.0.0.1:8080/webhooks/razorpay/{twin_webhook_path('razorpay', 'acme')}"}
    if news == "three times":
        assert names.index("payment_link.paid") < names.index("payment.captured"), "out of order"


def test_a_webhook_that_is_not_taken_comes_again(known, monkeypatch):
    statuses = iter([500, 200])
    monkeypatch.setattr(requests, "post", lambda *_, **__: type("Answer", (), {"status_code": next(statuses)}))
    known.urls["phonepe", "acme"] = "http://127.0.0.1:1/hook"
    sold(known, "phonepe")
    del known.outgoing[1:]
    known.deliver()
    waiting, = known.outgoing
    assert (waiting.tries, waiting.status) == (1, 500)
    assert waiting.due > time.time()
    waiting.due = 0
    known.deliver()
    assert not known.outgoing


LOCALSTRIPE = """
import sys
from aiohttp import web
from localstripe.server import app
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""


@pytest.fixture
def localstripe(closed_port, tmp_path):
    """Another stand-in for Stripe, in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", LOCALSTRIPE, str(closed_port)]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}, stderr=subprocess.DEVNULL) as process:
        base = f"http://127.0.0.1:{closed_port}"
        try:
            for _ in range(200):
                try:
                    requests.get(base, timeout=1)
                    break
                except requests.ConnectionError:
                    time.sleep(0.05)
            yield base
        finally:
            process.kill()


class Sink(http.server.BaseHTTPRequestHandler):
    """Takes one webhook."""

    def do_POST(self):
        self.server.taken = dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_localstripe_understands_us_where_it_answers(localstripe):
    """Refunds, their state, refusals and signed webhooks; it has no Checkout Sessions and no filters on payouts."""
    keys = type(twin_keys("stripe", "acme"))("pk", "sk_test_12345", "whsec_local")
    ours = open_gateway("stripe", keys, localstripe)
    theirs = stripe.StripeClient(keys.secret, base_addresses={"api": localstripe})
    with http.server.HTTPServer(("127.0.0.1", 0), Sink) as sink:
        listening = threading.Thread(target=sink.handle_request)
        listening.start()
        requests.post(f"{localstripe}/_config/webhooks/ours", timeout=5, json={
            "url": f"http://127.0.0.1:{sink.server_port}", "secret": "whsec_local", "events": ["payment_intent.succeeded"]})
        method = theirs.v1.payment_methods.create({"type": "card", "card": {
            "number": "4242424242424242", "exp_month": 12, "exp_year": (_now() + timedelta(days=400)).year, "cvc": "123"}})
        intent = theirs.v1.payment_intents.create({"amount": 500_00, "currency": "inr", "payment_method": method.id, "confirm": True,
                                                   "metadata": {"reference": "ref-1"}})
        refund = ours.refund(NewRefund("key-1", "ref-1", intent.id, "", 200_00))
        assert (refund.state, refund.amount_paise) == (RefundState.DONE, 200_00)
        assert ours.fetch_refund(refund.refund_id, "key-1") == refund
        with pytest.raises(GatewayRefused):
            ours.refund(NewRefund("key-2", "ref-1", "pi_unknown", "", 1))
        listening.join(timeout=10)
        headers, body = sink.taken
    ours.verify(headers, body, datetime.now(UTC))
    event, = ours.parse(headers, body)
    assert (event.kind, event.reference, event.payment_id, event.currency) == (EventKind.PAYMENT_PAID, "ref-1", intent.id, "INR")
