"""One row of every table for each organization, so that every wall has something behind it on both sides.

`SAMPLES[table](organization)` gives rows as dicts; a table without an entry fails the walls' test. `NEW[table]`
gives a row that the portal's person may insert; it is asked for once per attempt and must be new each time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid5

from app.permissions import Portal, Role
from tests.world import Organization, Person

Row = dict[str, Any]
_SPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
_numbers = count(1)
_spares = count()
_SLOT = {"day": "2026-01-01", "starts_at": "2026-01-01T10:00Z", "ends_at": "2026-01-01T11:00Z"}
SPARE_FILES = 200  # an attachment takes a file for itself

# Whom each portal is tried as.
ACTORS: dict[Portal, Role] = {
    Portal.ADMIN: Role.OWNER, Portal.MANAGEMENT: Role.MAINTENANCE_STAFF, Portal.SALES: Role.SALES_AGENT,
    Portal.CANTEEN: Role.CANTEEN_STAFF, Portal.AMENITY: Role.AMENITY_MANAGER, Portal.RESIDENT: Role.RESIDENT,
}


def known(organization: Organization, what: str) -> UUID:
    """The id of the sample `what` of an organization, the same in every run."""
    return uuid5(_SPACE, f"{organization.slug}/{what}")


def _but_owners(person: Person) -> int | None:
    """A row of one's own, and for owners one of the organization's."""
    return None if person.role is Role.OWNER else person.user_id


def _hostel(organization: Organization) -> UUID:
    return organization.places[0].hostel_id


def actors(organization: Organization) -> list[Person]:
    """The people who try the walls."""
    return [organization.people[role] for role in ACTORS.values()]


def _tenant(organization: Organization, what: str, **values: Any) -> list[Row]:
    return [{"org_id": organization.org_id, "id": known(organization, what), **values}]


def _requests(o: Organization) -> list[Row]:
    return _tenant(o, "request", hostel_id=_hostel(o), number=9001, user_id=o.people[Role.RESIDENT].user_id,
                   category_id=known(o, "category"), external_id="sample")


def _files(o: Organization) -> list[Row]:
    return [{"org_id": o.org_id, "id": known(o, f"file {p.role}"), "hostel_id": _hostel(o), "user_id": p.user_id,
             "purpose": "dish" if p.role is Role.CANTEEN_STAFF else "maintenance", "name": "a.png", "media_type": "image/png", "size": 10, "sha256": "0" * 64,
             "storage_key": f"{o.slug}/{p.role}"} for p in actors(o)]


def _nothing(_: Organization) -> list[Row]:
    """Filled by the world, or shared by all organizations."""
    return []


SAMPLES: dict[str, Callable[[Organization], list[Row]]] = {
    **dict.fromkeys((
        "organizations", "hostels", "floors", "rooms", "beds", "members", "memberships", "team_members", "ab_user",
        "plan_limits", "roles", "role_permissions", "lifecycle_machines", "lifecycle_transitions", "clock", "binding_keys",
        "maintenance_sla_targets", "platform_roles", "alembic_version", "ab_permission", "ab_permission_view",
        "ab_permission_view_role", "ab_role", "ab_view_menu", "ab_api_key", "ab_group", "ab_group_role", "ab_register_user",
        "ab_user_group", "ab_user_role", "access_cache", "access_versions", "user_preferences",
        "kyc_completions",
    ), _nothing),
    "usage_counters": lambda o: [{"org_id": o.org_id, "metric": "storage", "shard": 99, "used": 1}],
    "number_counters": lambda o: [{"org_id": o.org_id, "series": "sample", "scope_id": o.org_id, "last": 1}],
    "rate_limit_counters": lambda o: [{"bucket": "sample", "key": str(o.org_id), "window_start": datetime.now(UTC), "hits": 1}],
    "invitations": lambda o: _tenant(o, "invitation", email=f"new@{o.slug}.example", name="New", role="viewer",
                                     expires_at=datetime(2099, 1, 1, tzinfo=UTC)),
    "permission_overrides": lambda o: _tenant(o, "override", role="viewer", resource="team", action="read", allowed=True),
    "user_credentials": lambda o: [{"user_id": p.user_id, "password_hash": "secret-hash"} for p in actors(o)],
    "login_attempts": lambda o: [{"account": f"owner@{o.slug}.example", "address": "127.0.0.1", "succeeded": True}],
    "user_sessions": _nothing,
    "mailed_proofs": lambda o: [{"purpose": "device-code", "user_id": p.user_id, "expires_at": datetime(2099, 1, 1, tzinfo=UTC)}
                                for p in actors(o)],
    "known_devices": lambda o: [{"user_id": p.user_id, "digest": b"d", "device": "Sample",
                                 "expires_at": datetime(2099, 1, 1, tzinfo=UTC)} for p in actors(o)],
    "provider_links": lambda o: [{"user_id": p.user_id, "provider": "google", "subject": f"{o.slug}-{p.user_id}"} for p in actors(o)],
    "outbox": lambda o: [{"org_id": o.org_id, "id": known(o, "work"), "kind": "sample", "state": "dead"}],
    "audit_log": lambda o: [{"org_id": o.org_id, "actor": "user", "portal": "x", "action": "sample", "table_name": "x"}],
    "audit_batches": lambda o: [{"number": 1 if o.slug == "asha" else 2, "first_seq": 1, "last_seq": 1, "row_count": 1,
                                 "digest": b"x", "head": b"x", "key_id": "k", "system_id": "s", "sealed_at": datetime.now(UTC), "seqs": [1], "seals": b"x"}],
    "files": _files,
    "notifications": lambda o: [
        {"org_id": o.org_id, "id": known(o, f"notification {p.role}"), "user_id": p.user_id, "kind": "sample",
         "title": "Sample", "key": f"sample {p.role}"} for p in actors(o)],
    "notification_preferences": lambda o: [
        {"org_id": o.org_id, "id": known(o, f"choice {p.role}"), "user_id": p.user_id, "kind": "sample", "channel": "email", "wanted": True}
        for p in actors(o)],
    "notification_settings": lambda o: [{"org_id": o.org_id, "id": known(o, f"quiet {p.role}"), "user_id": p.user_id} for p in actors(o)],
    "notification_deliveries": lambda o: _tenant(
        o, "notification delivery", notification_id=known(o, f"notification {Role.RESIDENT}"), user_id=o.people[Role.RESIDENT].user_id, kind="sample",
        channel="email"),
    "announcements": lambda o: _tenant(o, "announcement", hostel_id=_hostel(o), title="Sample"),
    "notification_templates": lambda o: _tenant(o, "template", channel="email", language="en", kind="", subject="", body="Sample"),
    "tasks": lambda o: [{"org_id": o.org_id, "id": known(o, f"task {p.role}"), "kind": "report", "user_id": p.user_id,
                         "portal": "portal_admin"} for p in actors(o)],
    "saved_views": lambda o: [
        {"org_id": o.org_id, "id": known(o, f"view {p.role}"), "user_id": p.user_id, "screen": "RequestView",
         "resource": "maintenance", "name": "Sample"} for p in actors(o)],
    "import_runs": lambda o: _tenant(o, "run", hostel_id=_hostel(o), kind="requests",
                                     file_id=known(o, f"file {Role.OWNER}"), filename="a.csv"),
    "import_rows": lambda o: _tenant(o, "import row", hostel_id=_hostel(o), run_id=known(o, "run"), number=2,
                                     outcome="created", source=json.dumps({})),
    "inquiries": lambda o: _tenant(o, "inquiry", hostel_id=_hostel(o), number=9001, full_name="Sample", phone_token="t", phone_index="i",
                                   phone_masked="+91 •••", source="sample"),
    "contacts": lambda o: _tenant(o, "contact", hostel_id=_hostel(o), full_name="Sample", external_id="c1", phone_token="t", phone_index="i",
                                  phone_masked="+91 •••"),
    "inquiry_dedup_index": lambda o: [{"org_id": o.org_id, "kind": "phone", "digest": "i", "inquiry_id": known(o, "inquiry")}],
    "inquiry_stage_history": lambda o: _tenant(o, "inquiry history", inquiry_id=known(o, "inquiry"), to_status="new",
                                               triggered_by="user", event_at=datetime.now(UTC)),
    "inquiry_notes": lambda o: _tenant(o, "inquiry note", inquiry_id=known(o, "inquiry"), user_id=o.people[Role.SALES_AGENT].user_id,
                                       body="Sample"),
    "device_fingerprints": lambda o: [{"org_id": o.org_id, "cookie": b"c", "inquiry_id": known(o, "inquiry")}],
    "inquiry_attempts": lambda o: [{"address": o.slug.encode(), "at": datetime.now(UTC)}],
    "person_keys": lambda o: [{"org_id": o.org_id, "id": known(o, f"key {p.role}"), "user_id": p.user_id, "token": "v1.k1.sample"}
                              for p in actors(o)],
    "personal_values": lambda o: [
        {"org_id": o.org_id, "id": known(o, f"value {p.role}"), "user_id": p.user_id, "name": "phone", "masked": "•••• 3210",
         "key_id": known(o, f"key {p.role}"), "token": "v1.p.sample"} for p in actors(o)],
    "documents": lambda o: [
        {"org_id": o.org_id, "id": known(o, f"document {p.role}"), "user_id": p.user_id, "kind": "identity",
         "file_id": known(o, f"file {p.role}")} for p in actors(o)],
    "document_requirements": lambda o: _tenant(o, "requirement", kind="student"),
    "room_types": lambda o: _tenant(o, "room type", hostel_id=_hostel(o), name="Sample", capacity=2),
    "tariffs": lambda o: _tenant(o, "tariff", hostel_id=_hostel(o), kind="rent", name="Sample", amount_paise=1, valid_from="2026-01-01"),
    "room_photos": lambda o: _tenant(o, "room photo", hostel_id=_hostel(o), room_id=o.places[0].rooms[0],
                                     file_id=known(o, f"file {Role.OWNER}")),
    "residents": lambda o: _tenant(o, "resident", hostel_id=_hostel(o), number=9001, user_id=o.people[Role.RESIDENT].user_id,
                                   moved_in_on="2026-01-01"),
    "stays": lambda o: _tenant(o, "stay", hostel_id=_hostel(o), resident_id=known(o, "resident"), user_id=o.people[Role.RESIDENT].user_id,
                               bed_id=o.places[0].beds[0], from_on="2026-01-01"),
    "bed_holds": lambda o: _tenant(o, "hold", hostel_id=_hostel(o), bed_id=o.places[0].beds[1], from_on="2026-01-01",
                                   user_id=o.people[Role.RESIDENT].user_id, queued_at=datetime.now(UTC)),
    "bed_hold_events": lambda o: _tenant(o, "hold event", hostel_id=_hostel(o), bed_id=o.places[0].beds[1], hold_id=known(o, "hold"),
                                         to_status="queued", event="queue", triggered_by="user", event_at=datetime.now(UTC)),
    "bed_allocations": lambda o: _tenant(o, "allocation", hostel_id=_hostel(o), bed_id=o.places[0].beds[0], period="[2026-01-01,)",
                                         kind="stay", stay_id=known(o, "stay"), user_id=o.people[Role.RESIDENT].user_id),
    "move_outs": lambda o: _tenant(o, "move-out", hostel_id=_hostel(o), resident_id=known(o, "resident"), stay_id=known(o, "stay"),
                                   user_id=o.people[Role.RESIDENT].user_id, noticed_on="2026-01-01", notice_days=30, leaves_on="2026-02-01"),
    "move_out_items": lambda o: _tenant(o, "move-out item", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id,
                                        move_out_id=known(o, "move-out"), position=1, name="Sample"),
    "move_out_photos": lambda o: _tenant(o, "move-out photo", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id,
                                         move_out_id=known(o, "move-out"), item_id=known(o, "move-out item"), file_id=known(o, f"file {Role.OWNER}")),
    "onboarding_progress": lambda o: _tenant(o, "onboarding", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id),
    "onboarding_drafts": lambda o: _tenant(o, "onboarding draft", user_id=o.people[Role.RESIDENT].user_id, step=1),
    "onboarding_submissions": lambda o: _tenant(o, "submission", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id,
                                                mess_plan="", submitted_at=datetime.now(UTC)),
    "submission_flags": lambda o: _tenant(o, "flag", hostel_id=_hostel(o), submission_id=known(o, "submission"),
                                          user_id=o.people[Role.RESIDENT].user_id, field="phone", reason="Sample"),
    "resident_preferences": lambda o: _tenant(o, "preferences", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id),
    "kyc_records": lambda o: _tenant(o, "kyc", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, kind="residential",
                                     full_name="Sample", submission_id=known(o, "submission")),
    "ledger_accounts": lambda o: _tenant(o, "wallet", hostel_id=_hostel(o), code="wallet", user_id=o.people[Role.RESIDENT].user_id, currency="INR"),
    "ledger_transactions": lambda o: _tenant(o, "ledger transaction", hostel_id=_hostel(o), key="sample", kind="opening",
                                             event_at=datetime.now(UTC)),
    "ledger_batches": lambda o: [{"org_id": o.org_id, "number": 1, "first_seq": 1, "last_seq": 1, "row_count": 1, "digest": b"x", "head": b"x",
                                  "key_id": "k", "system_id": "s", "sealed_at": datetime.now(UTC), "seqs": [1], "seals": b"x"}],
    "ledger_checks": lambda o: _tenant(o, "ledger check", batches=1, transactions=1, findings=0),
    "ledger_entries": lambda o: [
        {"org_id": o.org_id, "hostel_id": _hostel(o), "transaction_id": known(o, "ledger transaction"), "position": n, "account_id": known(o, "wallet"),
         "user_id": o.people[Role.RESIDENT].user_id, "kind": "opening", "amount_paise": amount, "currency": "INR", "event_at": datetime.now(UTC)}
        for n, amount in ((1, 5), (2, -5))],
    "wallet_balance_cache": lambda o: _tenant(o, "wallet", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, currency="INR"),
    "wallet_freezes": lambda o: _tenant(o, "freeze", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, wallet_id=known(o, "wallet"),
                                        reason="Sample"),
    "ledger_proposals": lambda o: _tenant(o, "proposal", hostel_id=_hostel(o), kind="adjustment", user_id=o.people[Role.RESIDENT].user_id,
                                          amount_paise=1, currency="INR", reason="Sample"),
    "hostel_events": lambda o: _tenant(o, "event", hostel_id=_hostel(o), title="Sample", starts_at=datetime(2099, 1, 1, tzinfo=UTC),
                                       ends_at=datetime(2099, 1, 2, tzinfo=UTC), timezone="UTC", status="published"),
    "event_replies": lambda o: _tenant(o, "event reply", hostel_id=_hostel(o), event_id=known(o, "event"), user_id=o.people[Role.RESIDENT].user_id,
                                       state="coming"),
    "event_feeds": lambda o: [{"org_id": o.org_id, "id": known(o, f"feed {p.role}"), "user_id": p.user_id, "digest": known(o, f"feed {p.role}").bytes * 2}
                              for p in actors(o) if p.role in {Role.OWNER, Role.AMENITY_MANAGER, Role.RESIDENT}],
    "canteen_settings": lambda o: _tenant(o, "canteen settings", hostel_id=_hostel(o)),
    "canteen_menu": lambda o: _tenant(o, "dish", hostel_id=_hostel(o), served_on="2026-01-01", meal="lunch", name="Sample", price_paise=1,
                                      portions=1, stock=1, order_until=datetime(2026, 1, 1, tzinfo=UTC)),
    "canteen_orders": lambda o: _tenant(o, "order", hostel_id=_hostel(o), number=9001, user_id=o.people[Role.RESIDENT].user_id,
                                        room_id=o.places[0].rooms[0], served_on="2026-01-01", meal="lunch", total_paise=1),
    "canteen_order_items": lambda o: _tenant(o, "order item", hostel_id=_hostel(o), order_id=known(o, "order"), dish_id=known(o, "dish"),
                                             user_id=o.people[Role.RESIDENT].user_id, name="Sample", quantity=1, price_paise=1),
    "amenities": lambda o: _tenant(o, "amenity", hostel_id=_hostel(o), name="Sample"),
    "amenity_templates": lambda o: _tenant(o, "amenity hours", hostel_id=_hostel(o), amenity_id=known(o, "amenity"), kind="weekly"),
    "amenity_slots": lambda o: _tenant(o, "slot", hostel_id=_hostel(o), amenity_id=known(o, "amenity"), **_SLOT, capacity=1),
    "amenity_bookings": lambda o: _tenant(o, "booking", hostel_id=_hostel(o), amenity_id=known(o, "amenity"), slot_id=known(o, "slot"), **_SLOT,
                                          user_id=o.people[Role.RESIDENT].user_id),
    "amenity_waits": lambda o: _tenant(o, "wait", hostel_id=_hostel(o), amenity_id=known(o, "amenity"), slot_id=known(o, "slot"),
                                       starts_at=_SLOT["starts_at"], ends_at=_SLOT["ends_at"], user_id=o.people[Role.RESIDENT].user_id),
    "meal_settings": lambda o: _tenant(o, "meal settings", hostel_id=_hostel(o)),
    "meal_plans": lambda o: _tenant(o, "meal plan", hostel_id=_hostel(o), name="Sample"),
    "meal_leaves": lambda o: _tenant(o, "leave", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, from_on="2026-01-01",
                                     until_on="2026-01-02", meals=["lunch"]),
    "meal_needs": lambda o: _tenant(o, "needs", user_id=o.people[Role.RESIDENT].user_id, allergens=["milk"]),
    "meal_attendance": lambda o: _tenant(o, "attendance", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, served_on="2026-01-01",
                                         meal="lunch", ate=True),
    "inventory_items": lambda o: _tenant(o, "stock item", hostel_id=_hostel(o), name="Sample", category="grains", unit="kg"),
    "inventory_moves": lambda o: _tenant(o, "stock move", hostel_id=_hostel(o), item_id=known(o, "stock item"), batch_id=known(o, "stock batch"),
                                         kind="opening", quantity=1, value_paise=1, stock_after=1, happened_on="2026-01-01"),
    "inventory_counts": lambda o: _tenant(o, "stock take", hostel_id=_hostel(o), counted_on="2026-01-01", items=1, differences=0, value_paise=0),
    "gateway_accounts": lambda o: _tenant(o, "gateway-account", hostel_id=_hostel(o), gateway="razorpay", name="Sample", key_id="k", secrets_token="s",
                                          webhook_path=f"path-{o.slug}"),
    "telegram_bots": lambda o: [
        {"org_id": o.org_id, "id": known(o, f"telegram bot {p.role}"), "user_id": _but_owners(p), "token": "sample", "number": p.user_id, "username": "sample_bot"}
        for p in actors(o)],
    "telegram_chats": lambda o: [
        {"org_id": o.org_id, "id": known(o, f"telegram chat {p.role}"), "user_id": _but_owners(p), "purpose": "alerts", "number": -7} for p in actors(o)],
    "telegram_messages": lambda o: _tenant(o, "telegram message", chat_id=known(o, f"telegram chat {Role.OWNER}"), key="sample", body="Sample", html=False),
    "telegram_updates": lambda o: _tenant(o, "telegram update", bot_id=known(o, f"telegram bot {Role.OWNER}"), update_id=1),
    "telegram_health_events": lambda o: _tenant(o, "telegram event", bot_id=known(o, f"telegram bot {Role.OWNER}"), kind="sent"),
    "payment_intents": lambda o: _tenant(
        o, "intent", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, account_id=known(o, "gateway-account"), gateway="razorpay",
        reference="sample", amount_paise=10_000, currency="INR", expires_at=datetime(2099, 1, 1, tzinfo=UTC)),
    "payment_confirmations": lambda o: _tenant(
        o, "confirmation", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, intent_id=known(o, "intent"), gateway="razorpay",
        payment_id="sample", amount_paise=10_000, currency="INR", source="webhook", paid_at=datetime.now(UTC)),
    "payment_refunds": lambda o: _tenant(o, "refund", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, intent_id=known(o, "intent"),
                                         amount_paise=1, currency="INR", key="sample", reason="Sample"),
    "webhook_deliveries": lambda o: _tenant(
        o, "delivery", hostel_id=_hostel(o), account_id=known(o, "gateway-account"), gateway="razorpay", received_at=datetime.now(UTC),
        address="127.0.0.1", headers=json.dumps({}), body=b"{}", size=2, verdict="accepted"),
    "payment_flags": lambda o: _tenant(o, "payment flag", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, kind="velocity", about="sample"),
    "settlement_statements": lambda o: _tenant(
        o, "statement", hostel_id=_hostel(o), account_id=known(o, "gateway-account"), gateway="razorpay", origin="api", digest="sample",
        first_on="2026-01-01", last_on="2026-01-01", lines=1, added=1, net_paise=1, currency="INR"),
    "settlement_lines": lambda o: _tenant(
        o, "settlement line", hostel_id=_hostel(o), account_id=known(o, "gateway-account"), statement_id=known(o, "statement"), gateway="razorpay",
        line_id="sample", kind="payment", payment_id="sample", reference="", gateway_refund_id="", amount_paise=1, fee_paise=0, tax_paise=0, currency="INR",
        utr="", settled_on="2026-01-01"),
    "reconciliation_breaks": lambda o: _tenant(o, "break", hostel_id=_hostel(o), gateway="razorpay", cause="late", about="sample", amount_paise=0,
                                               currency="INR"),
    "billing_settings": lambda o: _tenant(o, "billing settings", hostel_id=_hostel(o)),
    "billing_choices": lambda o: _tenant(o, "billing choice", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, from_wallet=True),
    "invoices": lambda o: _tenant(o, "invoice", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, resident_id=known(o, "resident"),
                                  kind="month", occasion="sample", series="S/", number=1, issued_on="2026-01-01", due_on="2026-01-08", currency="INR",
                                  net_paise=5, tax_paise=0),
    "invoice_lines": lambda o: _tenant(o, "invoice line", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, invoice_id=known(o, "invoice"),
                                       position=1, kind="rent", account="rent", description="", amount_paise=5),
    "invoice_payments": lambda o: _tenant(o, "invoice payment", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id, method="cash",
                                          series="S/R/", number=1, amount_paise=1, currency="INR", paid_on="2026-01-02"),
    "invoice_allocations": lambda o: _tenant(o, "invoice allocation", hostel_id=_hostel(o), user_id=o.people[Role.RESIDENT].user_id,
                                             payment_id=known(o, "invoice payment"), invoice_id=known(o, "invoice"), amount_paise=1),
    "submission_checks": lambda o: _tenant(o, "check", hostel_id=_hostel(o), submission_id=known(o, "submission"), name="age",
                                           outcome="fine", reason="Of age."),
    "maintenance_categories": lambda o: _tenant(o, "category", code="sample", name="Sample"),
    "maintenance_issue_types": lambda o: _tenant(o, "issue", category_id=known(o, "category"), name="Sample"),
    "maintenance_requests": _requests,
    "maintenance_assignments": lambda o: _tenant(o, "assignment", hostel_id=_hostel(o), request_id=known(o, "request"),
                                                 user_id=o.people[Role.MAINTENANCE_STAFF].user_id),
    "maintenance_status_history": lambda o: _tenant(o, "history", hostel_id=_hostel(o), request_id=known(o, "request"),
                                                    to_status="submitted", triggered_by="user", event_at=datetime.now(UTC)),
    "maintenance_comments": lambda o: _tenant(o, "comment", hostel_id=_hostel(o), request_id=known(o, "request"),
                                              user_id=o.people[Role.MAINTENANCE_STAFF].user_id, by_staff=True, body="Sample"),
    "maintenance_attachments": lambda o: _tenant(
        o, "attachment", hostel_id=_hostel(o), request_id=known(o, "request"), file_id=known(o, f"file {Role.OWNER}"),
        user_id=o.people[Role.MAINTENANCE_STAFF].user_id),
}

# Rows of one sign-in or account: foreign is what belongs to somebody of the other organization.
PERSONAL = {"ab_user": "id", "user_sessions": "user_id"}
# Without a tenant: everybody who may read them reads the same.
SHARED = {"plan_limits", "roles", "role_permissions"}


def _new(**values: Callable[[Organization], Any] | Any) -> Callable[[Organization], Row]:
    return lambda o: {name: value(o) if callable(value) else value for name, value in values.items()}


def _unique(prefix: str) -> Callable[[Organization], str]:
    return lambda _: f"{prefix}{next(_numbers)}"


NEW: dict[str, Callable[[Organization], Row]] = {
    "hostels": _new(name="New", code=_unique("N")),
    "floors": _new(hostel_id=_hostel, name="New", level=lambda _: 100 + next(_numbers)),
    "rooms": _new(hostel_id=_hostel, floor_id=lambda o: o.places[0].floor_id, number=_unique("N")),
    "beds": _new(hostel_id=_hostel, room_id=lambda o: o.places[0].rooms[0], label=_unique("N")),
    "room_types": _new(hostel_id=_hostel, name=_unique("New "), capacity=2),
    "room_photos": _new(hostel_id=_hostel, room_id=lambda o: o.places[0].rooms[0],
                        file_id=lambda o: known(o, f"spare {next(_spares) % SPARE_FILES}")),
    "tariffs": _new(hostel_id=_hostel, kind="mess", name=_unique("New "), amount_paise=1, valid_from="2026-01-01"),
    "team_members": _new(name="New", hostel_id=_hostel),
    "permission_overrides": _new(role="viewer", resource="team", action=_unique("sample"), allowed=False),
    "files": _new(purpose="dish", name="n.png", media_type="image/png", size=1, sha256="0" * 64,
                  storage_key=_unique("new/"), hostel_id=_hostel),
    "import_runs": _new(hostel_id=_hostel, kind="requests", file_id=lambda o: known(o, f"file {Role.OWNER}"), filename="n.csv"),
    "canteen_menu": _new(hostel_id=_hostel, served_on="2026-01-01", meal="lunch", name=_unique("New "), price_paise=1, portions=1, stock=1,
                         order_until=datetime(2026, 1, 1, tzinfo=UTC)),
    "amenities": _new(hostel_id=_hostel, name=_unique("New ")),
    "amenity_templates": _new(hostel_id=_hostel, kind="closed", first_on="2026-01-01", last_on="2026-01-01"),
    "inventory_items": _new(hostel_id=_hostel, name=_unique("New "), category="grains", unit="kg"),
    "announcements": _new(hostel_id=_hostel, title="New"),
    "hostel_events": _new(hostel_id=_hostel, title="New", starts_at=datetime(2099, 1, 1, tzinfo=UTC), ends_at=datetime(2099, 1, 2, tzinfo=UTC), timezone="UTC"),
    "notification_templates": _new(channel="sms", language="en", kind=_unique("new"), subject="", body="New"),
    "saved_views": _new(screen="RequestView", resource="maintenance", name=_unique("New ")),
    "import_rows": _new(hostel_id=_hostel, run_id=lambda o: known(o, "run"), number=lambda _: 100 + next(_numbers),
                        outcome="refused", source="{}"),
    "inquiry_notes": _new(inquiry_id=lambda o: known(o, "inquiry"), body="New"),
    "maintenance_categories": _new(code=_unique("new"), name="New"),
    "maintenance_issue_types": _new(category_id=lambda o: known(o, "category"), name=_unique("New ")),
    "maintenance_comments": _new(hostel_id=_hostel, request_id=lambda o: known(o, "request"), body="New"),
    "maintenance_attachments": _new(hostel_id=_hostel, request_id=lambda o: known(o, "request"),
                                    file_id=lambda o: known(o, f"spare {next(_spares) % SPARE_FILES}")),
}
