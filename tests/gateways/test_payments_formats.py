"""Forms as Stripe nests them, amounts as statements write them, and files that are others (W5)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.gateways.payments import NAMES, GatewayRefused, open_gateway
from app.gateways.payments.razorpay import COLUMNS
from app.gateways.payments.sandbox import twin_keys
from app.gateways.payments.stripe import form
from app.gateways.payments.wire import hundredths
from app.local.payment_twins.settling import rupees
from app.local.payment_twins.stripe import unform

NAME = st.sampled_from(["a", "b", "c_d", "metadata"])
NESTED = st.recursive(st.text(max_size=3), lambda inner: st.dictionaries(NAME, inner, min_size=1, max_size=4) | st.lists(inner, min_size=1, max_size=11),
                      max_leaves=8)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAME, NESTED, min_size=1))
def test_what_is_nested_comes_back(values):
    assert unform(form(values)) == values


def test_stripe_reads_these_names():
    assert form({"a": {"b": [1, True]}, "items": [{"c": "x"}], "left_out": None}) == [
        ("a[b][0]", "1"), ("a[b][1]", "true"), ("items[0][c]", "x")]


@given(st.integers(-(10**15), 10**15))
def test_amounts_lose_nothing(paise):
    assert hundredths(rupees(paise)) == paise


@pytest.mark.parametrize("text", ["1.005", "1_0", "１", ",", "1.", ".5", "--1", "nan", "inf", "1e400", "ten", "1.2.3", "9" * 20])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="amount"):
        hundredths(text)


def row(**changes):
    values = dict.fromkeys(COLUMNS, "") | {
        "transaction_entity": "payment", "entity_id": "pay_1", "amount": "500.00", "currency": "INR", "fee (exclusive tax)": "10",
        "tax": "1.8", "debit": "0", "credit": "488.2", "settled_at": "01/12/2026 10:00:00", "settlement_utr": "U1"} | changes
    return ",".join(f'"{values[name]}"' for name in COLUMNS)


HEAD = ",".join(COLUMNS)


def read(*rows, head=HEAD, name="razorpay"):
    return open_gateway(name, twin_keys(name, "acme"), "http://127.0.0.1:1").parse_settlement_csv("\n".join([head, *rows]).encode("utf-8-sig"))


def test_a_file_as_spreadsheets_save_it_is_read():
    line, = read(row(credit="1,488.20"), "", ",,,", head=HEAD.upper())
    assert (line.amount_paise, line.fee_paise, line.tax_paise, line.net_paise) == (150000, 1000, 180, 148820)
    assert str(line.settled_on) == "2026-12-01"


def test_a_refund_takes_away_however_its_sign_is_written():
    rows = [f"REFUND,key-1,P{number},UPI,02-12-2026,03-12-2026,U1,{amount},0,0,0,0" for number, amount in enumerate(("-200.00", "200.00"))]
    head = "PaymentType,MerchantReferenceId,PhonePeReferenceId,Instrument,TransactionDate,SettlementDate,BankReferenceNo,Amount,Fee,IGST,CGST,SGST"
    lines = read(*rows, head=head, name="phonepe")
    assert [(line.amount_paise, line.refund_id, line.reference) for line in lines] == [(-200_00, "P0", "key-1"), (-200_00, "P1", "key-1")]


@pytest.mark.parametrize(("changes", "said"), [
    ({"settled_at": "yesterday"}, "Row 3"), ({"credit": "ten"}, "Row 3"), ({"entity_id": ""}, "Row 3"), ({"settled_at": "31/02/2026"}, "Row 3"),
    ({"entity_id": "p" * 201}, "Row 3"), ({"currency": "=1+1"}, "Row 3"), ({"settled_at": "01/01/0001"}, "Row 3"), ({"credit": "9" * 18}, "Row 3")])
def test_a_row_that_cannot_be_read_is_named(changes, said):
    with pytest.raises(GatewayRefused, match=said):
        read(row(), row(**changes))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe", b'"', b"\x00", b"%PDF-1.7"])
def test_another_file_is_refused(name, content):
    with pytest.raises(GatewayRefused):
        open_gateway(name, twin_keys(name, "acme"), "http://127.0.0.1:1").parse_settlement_csv(content)


def test_a_row_with_too_few_columns_is_named():
    with pytest.raises(GatewayRefused, match="Row 2"):
        read("payment,pay_1")
