"""What the log writes down by itself: every tenant table, who and why, and nothing personal in clear."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.masking import is_secret_name
from app.models.declare import PROTECTED
from app.tenancy import give_reason, tenant_scope

# Tables of tenants that leave no entries; each declares its reason, and a new one has to be thought about here.
UNAUDITED = {
    "access_cache", "access_versions", "amenity_slots", "audit_log", "bed_hold_events", "canteen_order_items", "device_fingerprints", "import_rows",
    "inquiry_dedup_index", "inquiry_stage_history", "inventory_counts", "inventory_moves", "invoice_allocations", "invoice_lines", "invoice_payments",
    "ledger_accounts", "ledger_batches", "ledger_checks", "ledger_entries", "ledger_transactions", "maintenance_status_history",
    "notification_deliveries", "number_counters", "onboarding_drafts", "outbox", "payment_confirmations", "saved_views", "settlement_lines",
    "settlement_statements", "tasks", "telegram_health_events", "telegram_messages", "telegram_updates", "usage_counters", "wallet_balance_cache",
    "webhook_deliveries",
}
# Names that sound personal, of things that are not: a house, a category, the machines of a gateway.
# A value's token is kept on purpose: encrypted under its person's key, with which it goes.
NOT_PERSONAL = {("personal_values", "token"), ("hostels", "code"), ("hostels", "address"), ("maintenance_categories", "code"),
                ("gateway_accounts", "addresses")}
PEOPLE = {"members", "team_members"}


def test_every_table_of_a_tenant_is_audited_or_known_not_to_be() -> None:
    tenants = {name: table for name, table in PROTECTED.items() if "org_id" in table.table.columns}
    assert {name for name, table in tenants.items() if table.unaudited} <= UNAUDITED
    assert "organizations" not in {name for name, table in PROTECTED.items() if table.unaudited}


def test_the_triggers_fire_for_every_kind_of_change(superuser: Engine) -> None:
    with superuser.connect() as connection:
        firing = set(connection.scalars(text("""
            SELECT tgrelid::regclass::text FROM pg_trigger
            WHERE tgname = 'z_audit' AND tgenabled = 'O' AND tgtype::int & 1 = 1
              AND tgtype::int & 28 = 28""")))  # for each row; insert, delete, update
        guarding = set(connection.scalars(text("""
            SELECT tgrelid::regclass::text FROM pg_trigger
            WHERE tgname = 'a_immutable' AND tgenabled = 'O' AND tgtype::int & 56 = 56""")))  # delete, update, truncate
    assert firing == {name for name, table in PROTECTED.items() if not table.unaudited}
    assert guarding == {name for name, table in PROTECTED.items() if table.immutable}
    assert {"audit_log", "audit_batches", "maintenance_status_history"} <= guarding


def test_secret_and_personal_columns_are_masked() -> None:
    wrong = [(name, column.name) for name, table in PROTECTED.items() if not table.unaudited for column in table.table.columns
             if (is_secret_name(column.name) or (name in PEOPLE and column.name == "name"))
             and column.name not in table.masked and (name, column.name) not in NOT_PERSONAL]
    assert wrong == []


@pytest.fixture
def entry(app: Any, world: Any, superuser: Engine) -> Any:
    """The entry that a statement of the owner's leaves; None if it leaves none."""
    def run(statement: str, reason: str | None = None, **values: Any) -> Any:
        with tenant_scope(world.a.org_id, as_user=world.owner.user_id, request_id="request-1") as session:
            if reason:
                give_reason(session, reason)
            session.execute(text("SELECT app.note_event('mark', 'x', NULL, NULL)"))
            session.execute(text(statement), values)
        with superuser.connect() as connection:
            found = connection.execute(text("SELECT * FROM audit_log ORDER BY seq DESC LIMIT 1")).one()
        return None if found.action == "mark" else found

    return run


def test_an_entry_tells_who_through_which_portal_in_which_request_and_why(entry: Any, world: Any) -> None:
    found = entry("UPDATE hostels SET name = 'Lake View' WHERE id = :id", reason="A new sign", id=world.a.places[0].hostel_id)
    assert (found.org_id, found.table_name, found.row_id) == (world.a.org_id, "hostels", str(world.a.places[0].hostel_id))
    assert (found.actor, found.actor_id, found.portal, found.request_id, found.reason) == (
        "user", world.owner.user_id, "portal_admin", "request-1", "A new sign")


def test_a_change_tells_the_columns_that_differ_and_no_others(entry: Any, world: Any) -> None:
    found = entry("UPDATE hostels SET name = 'Lake View', code = code WHERE id = :id", id=world.a.places[0].hostel_id)
    assert (found.before, found.after) == ({"name": "Asha Homes 1"}, {"name": "Lake View"})


def test_a_change_that_changes_nothing_leaves_no_entry(entry: Any) -> None:
    assert entry("UPDATE hostels SET name = name") is None


def test_what_comes_and_goes_is_written_whole_but_for_what_is_masked(superuser: Engine, world: Any) -> None:
    with superuser.begin() as connection:
        connection.execute(text("UPDATE members SET email = 'new@example.org', name = 'New Name' WHERE user_id = :id"),
                           {"id": world.staff.user_id})
        found = connection.execute(text("SELECT before, after FROM audit_log ORDER BY seq DESC LIMIT 1")).one()
        whole = connection.scalar(text("SELECT after FROM audit_log WHERE table_name = 'members' AND action = 'insert' LIMIT 1"))
    assert found.before == found.after == {"email": "•••", "name": "•••"}
    assert (whole["email"], whole["name"]) == ("•••", "•••")
    assert "user_id" in whole
