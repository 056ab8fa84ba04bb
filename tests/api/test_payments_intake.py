"""A process remembers accounts and keeps a connection for webhooks: neither makes it believe, or lose, anything (W4)."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.services import payments
from app.tenancy import tenant_scope
from app.wiring import settings
from tests.payments import SECRETS, account, path_of, signed
from tests.wallet import one

BODY = b'{"event": "payment.dispute.created", "created_at": 1, "payload": {}}'


@pytest.fixture
def post(app, world, browser):
    """Delivers to one address, signed with a secret; the status of the answer."""
    door = account(world.owner)
    path, stranger = path_of(door), browser(None)

    def deliver(secret: str = SECRETS["razorpay"]) -> int:
        return stranger.post(path, data=BODY, headers=signed(BODY, secret)).status_code

    deliver.door = door
    return deliver


def test_another_secret_counts_from_the_next_delivery_on(world, post):
    assert (post(), post("another secret")) == (200, 401)
    with tenant_scope(world.a.org_id) as session:
        payments.put_account(session, payments.keeper_of(settings()).ring, post.door, payments.GivenAccount(
            "razorpay", "Changed", "key", webhook_secret="another secret"))
    assert (post(), post("another secret")) == (401, 200)


def test_addresses_that_are_taken_away_count_from_the_next_delivery_on(superuser, post):
    assert post() == 200
    with superuser.begin() as connection:
        connection.execute(text("UPDATE gateway_accounts SET addresses = '{203.0.113.0/24}'"))
    assert post() == 401
    with superuser.begin() as connection:
        connection.execute(text("DELETE FROM webhook_deliveries"))
        connection.execute(text("DELETE FROM gateway_accounts"))
    assert post() == 404


def test_a_connection_that_was_cut_is_made_anew(superuser, post):
    assert post() == 200
    with superuser.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'viramah_web' AND datname = current_database()"))
    assert post() == 200
    assert one(superuser, "SELECT count(*) FROM webhook_deliveries WHERE verdict = 'accepted'") == 2
