"""Whatever is killed while gateways tell of payments: each is posted once (W3, W4)."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import text

from app.permissions import Role
from tests.faults.storm import House, check, gateways, open_accounts, paid_orders, storm

pytestmark = pytest.mark.fault


def test_copies_out_of_order_and_kills_post_each_payment_once(world, faults, superuser):
    resident = world.a.people[Role.RESIDENT]
    with superuser.begin() as connection:
        connection.execute(text("INSERT INTO residents (org_id, hostel_id, number, user_id, moved_in_on) VALUES (:org, :hostel, 1, :user, '2026-01-01')"),
                           {"org": resident.org_id, "hostel": resident.hostel_id, "user": resident.user_id})
    with gateways() as (known, addresses):
        faults.settings = dataclasses.replace(faults.settings, **addresses)
        orders = paid_orders(superuser, known, open_accounts(world.owner), resident, 6)
        storm(House(faults), known, orders, copies=3, kills=2)
    check(superuser, orders, resident.user_id)
