"""Each adapter against its stand-in over HTTP: an order is paid, given back and settled, whatever goes wrong on the way (W5)."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import razorpay
import requests
import stripe

from app.gateways.payments import (
    NAMES,
    GatewayKeys,
    GatewayRefused,
    GatewayUnavailable,
    LineKind,
    NewOrder,
    NewRefund,
    PaymentState,
    RefundState,
    open_gateway,
    phonepe,
    wire,
)
from app.gateways.payments.sandbox import twin_keys
from app.local.payment_twins import create_twins, serve
from app.local.payment_twins.state import LATE, State

BACK = "http://127.0.0.1:1/back"


@pytest.fixture
def known(tmp_path):
    """What the stand-ins know, while they run."""
    return State(tmp_path / "gateways.json")


@pytest.fixture
def base(known):
    phonepe._TOKENS.clear()
    server = serve(create_twins(known), 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def gateway(base, name):
    return open_gateway(name, twin_keys(name, "acme"), f"{base}/{name}")


def order(**changes):
    made = NewOrder("ref-1", 500_00, "INR", BACK, "Top-up", (datetime.now(UTC) + timedelta(minutes=45)).replace(microsecond=0))
    return replace(made, **changes)


def press(made, what, **more):
    return requests.post(made.checkout_url, data={"do": what, **more}, allow_redirects=False, timeout=5)


def test_an_order_is_paid_given_back_and_settled(gateway, known, base, name):
    made = gateway.create_order(order())
    waiting = gateway.fetch("ref-1", made.gateway_id)
    assert (waiting.state, waiting.amount_paise, waiting.currency) == (PaymentState.PENDING, 500_00, "INR")
    page = requests.get(made.checkout_url, timeout=5).text
    assert "INR 500.00" in page
    assert "No money moves" in page
    assert press(made, "pay").headers["Location"].startswith(BACK)

    paid = gateway.fetch("ref-1", made.gateway_id)
    assert (paid.state, paid.amount_paise) == (PaymentState.PAID, 500_00)
    assert paid.fee_paise == (None if name == "phonepe" else 11_80)
    with pytest.raises(GatewayRefused):  # as every refund is asked about before it is sent
        gateway.fetch_refund("", "key-1")
    back = gateway.refund(NewRefund("key-1", "ref-1", paid.payment_id, made.gateway_id, 200_00))
    known.ahead += 2
    assert gateway.fetch_refund(back.refund_id, "key-1").state is RefundState.DONE

    day = paid.paid_at.astimezone(UTC if name == "stripe" else wire.INDIA).date()
    file = gateway.parse_settlement_csv(requests.get(f"{base}/statements/{name}/acme/{day}.csv", timeout=5).content)
    assert [(line.kind, line.amount_paise, line.fee_paise + line.tax_paise) for line in file] == [
        (LineKind.PAYMENT, 500_00, 11_80), (LineKind.REFUND, -200_00, 0)]
    assert file[0].payment_id == paid.payment_id
    assert {line.settled_on for line in file} == {day}
    if name == "phonepe":
        with pytest.raises(GatewayRefused, match="download it"):
            gateway.settlements(day)
    else:
        asked = list(gateway.settlements(day))
        assert [(line.line_id, line.utr, line.net_paise) for line in asked] == [(line.line_id, line.utr, line.net_paise) for line in file]
        assert [(line.payment_id, line.fee_paise, line.tax_paise) for line in asked] == [
            (paid.payment_id, 10_00, 1_80), (paid.payment_id, 0, 0)]
        assert asked[1].refund_id == back.refund_id
        assert not list(gateway.settlements(day - timedelta(days=1)))


@pytest.mark.parametrize("name", ["razorpay", "stripe"])
def test_pages_of_a_settlement_are_all_read(gateway, known, monkeypatch, name):
    monkeypatch.setattr("app.gateways.payments.razorpay._PAGE", 2)
    numbers = 5 if name == "razorpay" else 101  # Stripe gives 100 at once
    first = known.orders[gateway.create_order(order()).gateway_id]
    for number in range(numbers):
        sold = known.orders[f"{first.id}{number}"] = replace(first, id=f"{first.id}{number}")
        known.pay(sold)
    day = datetime.fromtimestamp(sold.paid_at, known.speakers[name].ZONE).date()
    assert len({line.line_id for line in gateway.settlements(day)}) == numbers


def test_asking_twice_makes_one(gateway, known):
    wish = order()
    made = gateway.create_order(wish)
    assert gateway.create_order(wish) == made
    with pytest.raises(GatewayRefused):
        gateway.create_order(replace(wish, amount_paise=1_000_00))
    press(made, "pay")
    refund = NewRefund("key-1", "ref-1", gateway.fetch("ref-1", made.gateway_id).payment_id, made.gateway_id, 300_00)
    assert gateway.refund(refund).refund_id == gateway.refund(refund).refund_id
    with pytest.raises(GatewayRefused):
        gateway.refund(replace(refund, amount_paise=100_00))
    with pytest.raises(GatewayRefused):  # only 200 are left
        gateway.refund(replace(refund, key="key-2"))
    assert len(known.orders) == len(known.refunds) == 1


def test_orders_end_in_every_way(gateway, known, name):
    made = {what: gateway.create_order(order(reference=what)) for what in ("fail", "late", "close", "end")}

    def asked(what):
        return gateway.fetch(what, made[what].gateway_id).state

    for what in ("fail", "late", "close"):
        press(made[what], what)
    assert asked("fail") is (PaymentState.FAILED if name == "phonepe" else PaymentState.PENDING)
    assert asked("late") is asked("close") is PaymentState.PENDING
    known.ahead += LATE
    assert asked("late") is PaymentState.PAID
    known.ahead += 3600
    phonepe._TOKENS.clear()  # whose clock stood still
    assert asked("end") is (PaymentState.FAILED if name == "phonepe" else PaymentState.EXPIRED)
    press(made["end"], "pay")
    assert asked("end") is PaymentState.PAID, "money that comes late is money"


@pytest.mark.parametrize("trouble", ["down", "endless", "elsewhere", "garbage", "empty", "slow"])
def test_an_answer_that_is_none_can_be_asked_for_again(gateway, known, trouble, monkeypatch):
    monkeypatch.setattr(wire, "PATIENCE", 0.3 if trouble == "slow" else 5.0)
    monkeypatch.setattr(wire, "_LARGEST", 1 << 20)
    known.trouble = trouble
    with pytest.raises(GatewayUnavailable):
        gateway.create_order(order())
    known.trouble = ""
    monkeypatch.setattr(wire, "PATIENCE", 5.0)
    assert gateway.create_order(order()).gateway_id


def test_nobody_listening_is_no_answer(name, closed_port):
    with pytest.raises(GatewayUnavailable):
        open_gateway(name, twin_keys(name, "acme"), f"http://127.0.0.1:{closed_port}").fetch("ref-1", "id")


def test_wrong_keys_are_refused_and_never_told(base, name):
    wrong = GatewayKeys(twin_keys(name, "acme").key_id, "sk_test_twin_acme_topsecret", "whsec_topsecret", {"webhook_user": "topsecret"})
    with pytest.raises(GatewayRefused) as refused:
        open_gateway(name, wrong, f"{base}/{name}").create_order(order())
    assert refused.value.code == "unauthorized"
    assert "topsecret" not in f"{refused.value} {refused.value!r} {wrong} {refused.value.__cause__}"


def test_a_secret_that_a_gateway_repeats_is_left_out(monkeypatch):
    keys = GatewayKeys("key", "topsecret", "")
    monkeypatch.setattr(requests.Session, "request", lambda *_, **__: answered(401, b'{"error": {"message": "no topsecret here"}}'))
    with pytest.raises(GatewayRefused, match="no … here"):
        open_gateway("stripe", keys, "http://127.0.0.1:1").fetch("ref-1", "cs_1")


@pytest.mark.parametrize(("name", "answer"), [
    ("razorpay", '{"id": "plink_1", "reference_id": "ref-1", "status": "paid", "amount": 1, "currency": "INR", "payments": []}'),
    ("razorpay", '{"id": "plink_1", "reference_id": "ref-2", "status": "created", "amount": 1, "currency": "INR"}'),
    ("stripe", '{"client_reference_id": "ref-2", "payment_status": "unpaid", "status": "open", "amount_total": 500, "currency": "inr"}'),
    ("stripe", '{"client_reference_id": "ref-1", "payment_status": "paid", "amount_total": "500", "currency": "inr"}'),
    ("stripe", '{"client_reference_id": "ref-1", "payment_status": "paid", "amount_total": 500, "currency": "inr", "payment_intent": null}'),
    ("phonepe", '{"access_token": "t", "expires_at": 9999999999, "orderId": "id-1", "state": "COMPLETED", "amount": 1, "paymentDetails": []}'),
    ("phonepe", '{"access_token": "t", "expires_at": 9999999999, "orderId": "id-2", "state": "PENDING", "amount": 1}')])
def test_what_cannot_be_true_is_not_believed(name, answer, monkeypatch):
    phonepe._TOKENS.clear()
    monkeypatch.setattr(requests.Session, "request", lambda *_, **__: answered(200, answer.encode()))
    with pytest.raises(GatewayUnavailable):
        open_gateway(name, twin_keys(name, "acme"), "http://127.0.0.1:1").fetch("ref-1", "id-1")


def answered(status, content):
    made = requests.Response()
    made.status_code, made._content = status, content
    return made


@pytest.mark.parametrize(("changes", "code"), [
    ({"currency": "JPY"}, "currency"), ({"currency": "KWD"}, "currency"), ({"currency": "rupees"}, "currency"),
    ({"amount_paise": 0}, "amount"), ({"amount_paise": -1}, "amount"), ({"reference": "a/../b"}, "reference"), ({"reference": ""}, "reference")])
def test_what_no_gateway_may_see_is_not_asked(name, closed_port, changes, code):
    with pytest.raises(GatewayRefused) as refused:
        open_gateway(name, twin_keys(name, "acme"), f"http://127.0.0.1:{closed_port}").create_order(order(**changes))
    assert refused.value.code == code


def test_phonepe_takes_rupees_alone(closed_port):
    with pytest.raises(GatewayRefused, match="EUR"):
        open_gateway("phonepe", twin_keys("phonepe", "acme"), f"http://127.0.0.1:{closed_port}").create_order(order(currency="EUR"))


def test_a_token_that_phonepe_took_back_is_asked_for_anew(base):
    gateway = open_gateway("phonepe", twin_keys("phonepe", "acme"), f"{base}/phonepe")
    made = gateway.create_order(order())
    (place, (ends, _)), = phonepe._TOKENS.items()
    phonepe._TOKENS[place] = (ends, "acme.9999999999.taken-back")
    assert gateway.fetch("ref-1", made.gateway_id).state is PaymentState.PENDING


@pytest.mark.parametrize(("gateway", "tokens"), [
    ("https://phonepe.example/apis/pg", "https://phonepe.example/apis/identity-manager/v1/oauth/token"),
    ("https://phonepe.example/apis/pg-sandbox", "https://phonepe.example/apis/pg-sandbox/v1/oauth/token")])
def test_phonepes_tokens_come_from_beside_the_gateway(gateway, tokens, monkeypatch):
    phonepe._TOKENS.clear()
    asked = []
    answer = b'{"access_token": "t", "expires_at": 9999999999, "orderId": "id-1", "state": "PENDING", "amount": 1}'
    monkeypatch.setattr(requests.Session, "request", lambda _, method, url, **__: asked.append((method, url)) or answered(200, answer))
    open_gateway("phonepe", twin_keys("phonepe", "acme"), gateway).fetch("ref-1", "id-1")
    assert asked == [("POST", tokens), ("GET", f"{gateway}/checkout/v2/order/ref-1/status")]


def test_merchants_do_not_see_each_other(base, name, gateway):
    made = gateway.create_order(order())
    other = open_gateway(name, twin_keys(name, "other"), f"{base}/{name}")
    with pytest.raises(GatewayRefused):
        other.fetch("ref-1", made.gateway_id)


def test_the_official_clients_understand_the_stand_ins(base):
    keys = twin_keys("razorpay", "acme")
    client = razorpay.Client(auth=(keys.key_id, keys.secret), base_url=f"{base}/razorpay")
    link = client.payment_link.create({"amount": 500_00, "currency": "INR", "reference_id": "theirs", "callback_url": BACK,
                                       "expire_by": int(order().expires_at.timestamp())})
    ours = open_gateway("razorpay", keys, f"{base}/razorpay")
    assert ours.fetch("theirs", link["id"]).amount_paise == 500_00
    assert client.payment_link.fetch(ours.create_order(order()).gateway_id)["reference_id"] == "ref-1"

    keys = twin_keys("stripe", "acme")
    theirs = stripe.StripeClient(keys.secret, base_addresses={"api": f"{base}/stripe"})
    ours = open_gateway("stripe", keys, f"{base}/stripe")
    made = ours.create_order(order())
    session = theirs.v1.checkout.sessions.retrieve(made.gateway_id)
    assert (session.client_reference_id, session.amount_total, session.currency) == ("ref-1", 500_00, "inr")
    press(made, "pay")
    back = theirs.v1.refunds.create({"payment_intent": ours.fetch("ref-1", made.gateway_id).payment_id, "amount": 100,
                                     "metadata": {"key": "theirs"}})
    assert ours.fetch_refund(back.id, "theirs").state is RefundState.DONE


def test_what_they_know_outlives_a_restart(gateway, known):
    made = gateway.create_order(order())
    press(made, "pay")
    requests.post(made.checkout_url.partition("/pay/")[0], timeout=5, data={"gateway": "stripe", "label": "acme", "url": "http://127.0.0.1:1/hook"})
    again = State(known.file)
    assert again.orders == known.orders
    assert again.address("stripe", "acme") == "http://127.0.0.1:1/hook"
    assert again.orders[made.gateway_id].state == "paid"
