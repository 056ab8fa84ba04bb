"""What somebody with a right to ask may not get by asking oddly (W3, W11)."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.permissions import Role
from app.rules.wallet import ProposedKind
from app.services import wallet
from tests.billing import bill, living
from tests.maintenance import scope
from tests.wallet import HOSTEL, balance, one, residents
from tests.world import World


@pytest.fixture
def world(app, world):
    return world


def refused(sqlstate: str, role: Role, sql: str, **given: object) -> None:
    with pytest.raises(DBAPIError) as raised, scope(World.known().a.people[role]) as session:
        session.execute(text(sql), given)
    assert raised.value.orig.pgcode == sqlstate


def proposed(user: int, kind: ProposedKind = ProposedKind.ADJUSTMENT) -> object:
    with scope(World.known().a.people[Role.ACCOUNTANT]) as session:
        return wallet.propose(session, HOSTEL, kind, 100, "Sample", user_id=user)


def test_a_proposal_is_decided_by_a_known_word_and_its_id_stands_for_it_alone(world, superuser):
    (user,) = residents(superuser, world, 1)
    asked = proposed(user)
    for event in ("settle", None):
        refused("VR422", Role.HOSTEL_MANAGER, "SELECT app.decide_proposal(:id, :event)", id=asked, event=event)
    propose = "SELECT app.propose(:hostel, :kind, :user, :amount, 'Sample', :party, :id)"
    refused("VR409", Role.HOSTEL_MANAGER, propose, hostel=HOSTEL, kind="adjustment", user=user, amount=100, party="", id=asked)
    for party in ("razorpay", "anybody"):
        refused("VR422", Role.ACCOUNTANT, propose, hostel=HOSTEL, kind="payout", user=user, amount=100, party=party, id=None)
    assert one(superuser, "SELECT string_agg(status, ' ') FROM ledger_proposals") == "proposed"


def test_nobody_approves_what_is_for_themselves(world, superuser, browser):
    manager = world.a.people[Role.HOSTEL_MANAGER]
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO residents (org_id, hostel_id, number, user_id, moved_in_on) VALUES (:org, :hostel, 1, :user, '2026-01-01')"),
                           {"org": manager.org_id, "hostel": HOSTEL, "user": manager.user_id})
    asked = proposed(manager.user_id)
    refused("VR403", Role.HOSTEL_MANAGER, "SELECT app.decide_proposal(:id, 'approve')", id=asked)
    html = browser(manager).get(f"/wallet/proposals/show/{asked}").get_data(as_text=True)
    assert f"/wallet/proposals/approve/{asked}" not in html
    assert f"/wallet/proposals/reject/{asked}" in html
    assert manager.name not in html.partition("Who can approve it")[2].partition("</dd>")[0]
    with scope(world.owner) as session:
        wallet.decide(session, asked, "approve")
    assert balance(None, manager.user_id) == 100


def test_a_credit_note_gives_back_no_more_than_was_charged(world, superuser):
    living(superuser, world, 1)
    bill(world)
    line = one(superuser, "SELECT id FROM invoice_lines WHERE kind = 'rent'")
    invoice = one(superuser, "SELECT invoice_id FROM invoice_lines WHERE id = :id", id=line)
    whole = {"line": str(line), "amount": 9_000_00, "cgst": 0, "sgst": 0, "igst": 0}
    for lines in ([whole, whole], [{**whole, "sgst": 5_000_00}], [{**whole, "cgst": -1, "sgst": 1}]):
        refused("VR409", Role.ACCOUNTANT, "SELECT app.propose_credit(:id, :invoice, CAST(:lines AS jsonb), 'Sample')",
                id=uuid4(), invoice=invoice, lines=json.dumps(lines))
    key, forged = uuid4(), json.dumps([{**whole, "account": "bank"}])
    refused("VR403", Role.ACCOUNTANT, "SELECT app.credit_invoice(:id, :invoice, CAST(:lines AS jsonb), 'Sample', 'mine')",
            id=uuid4(), invoice=invoice, lines=forged)
    with scope(world.a.people[Role.ACCOUNTANT]) as session:
        session.execute(text("SELECT app.propose_credit(:id, :invoice, CAST(:lines AS jsonb), 'Sample')"),
                        {"id": key, "invoice": invoice, "lines": forged})
    with scope(world.owner) as session:
        wallet.decide(session, key, "approve")
    assert one(superuser, "SELECT account FROM invoice_lines WHERE corrects_id = :id", id=line) == "rent"
