"""Reference data that code declares and the database reads: roles, capabilities, plans, lifecycles, targets.

Run at each deploy, as the owner: rows that code no longer declares go, so that the database never allows what the
code has forgotten.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, literal_column, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from app.lifecycle import MACHINES
from app.models.base import Model
from app.models.lifecycles import BindingKey, Clock, LifecycleMachine, LifecycleTransition
from app.models.maintenance import SlaTargetRow
from app.models.organizations import PlanLimit
from app.models.people import AccessCache
from app.models.permissions import RolePermission, RoleRow
from app.permissions import ROLE_CAPABILITIES, ROLE_PORTAL, Role, rank
from app.rules.maintenance import CATEGORIES, SLA_TARGETS
from app.rules.organizations import PLAN_LIMITS

# Where each machine keeps its state, and the function beside its moves.
_PLACES = {"maintenance_request": ("maintenance_requests", "on_request_move"), "import_run": ("import_runs", None),
           "inquiry": ("inquiries", "on_inquiry_move"), "task": ("tasks", None), "bed_hold": ("bed_holds", None), "stay": ("stays", None), "resident": ("residents", None),
           "onboarding_submission": ("onboarding_submissions", None),
           "move_out": ("move_outs", None), "ledger_proposal": ("ledger_proposals", None),
           "payment_intent": ("payment_intents", None), "payment_refund": ("payment_refunds", None), "reconciliation_break": ("reconciliation_breaks", None), "canteen_order": ("canteen_orders", "on_order_move"),
           "amenity_booking": ("amenity_bookings", None), "amenity_wait": ("amenity_waits", None), "hostel_event": ("hostel_events", None)}


def _sync(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Make the table hold exactly these rows."""
    given = list(rows)
    keys = list(table.primary_key.columns)
    connection.execute(delete(table).where(
        tuple_(*keys).not_in([tuple(row[k.name] for k in keys) for row in given])))
    statement = upsert(table)
    changed = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key}
    statement = (statement.on_conflict_do_update(index_elements=keys, set_=changed) if changed
                 else statement.on_conflict_do_nothing())
    connection.execute(statement, given)


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)


def sync_reference_data(connection: Connection) -> None:
    """Write all reference data; safe to repeat."""
    _sync(connection, LifecycleMachine.__table__, [
        {"machine": m.name, "table_name": _PLACES[m.name][0], "initial": m.initial.value, "hook": _PLACES[m.name][1]}
        for m in MACHINES.values()])
    _sync(connection, LifecycleTransition.__table__, [row for m in MACHINES.values() for row in m.rows()])
    _sync(connection, RoleRow.__table__, [
        {"role": role.value, "rank": rank(role), "portal": ROLE_PORTAL[role].value} for role in Role])
    _sync(connection, RolePermission.__table__, [
        {"role": role.value, "resource": resource.value, "action": action.value}
        for role, capabilities in ROLE_CAPABILITIES.items() for resource, action in sorted(capabilities)])
    _sync(connection, PlanLimit.__table__, [
        {"plan": plan.value, "metric": limit.value.removesuffix("_bytes").removesuffix("_per_month"), "most": most}
        for plan, limits in PLAN_LIMITS.items() for limit, most in limits.items()])
    _sync(connection, SlaTargetRow.__table__, [
        {"priority": priority.value, "resolve_minutes": _minutes(target.resolve),
         "escalate_minutes": _minutes(target.escalate)} for priority, target in SLA_TARGETS.items()])
    connection.execute(upsert(Clock).values(id=1, shift=timedelta(0)).on_conflict_do_nothing())
    connection.execute(upsert(BindingKey).values(id=1, key=secrets.token_hex(32)).on_conflict_do_nothing())
    connection.execute(delete(AccessCache))  # the matrix may have changed
    _sync_framework_tables(connection)


def _sync_framework_tables(connection: Connection) -> None:
    """Flask-AppBuilder's own permission tables say what the matrix says, for whoever reads them."""
    tables = Model.metadata.tables
    role, permission, view, pair, link = (
        tables[name] for name in ("ab_role", "ab_permission", "ab_view_menu", "ab_permission_view", "ab_permission_view_role"))
    for table, names in (
        (role, {r.value for r in Role}),
        (permission, {f"can_{action}" for caps in ROLE_CAPABILITIES.values() for _, action in caps}),
        (view, {resource.value for caps in ROLE_CAPABILITIES.values() for resource, _ in caps}),
    ):
        held = set(connection.scalars(select(table.c.name)))
        for name in sorted(names - held):
            connection.execute(insert(table).values(id=text(f"nextval('{table.name}_id_seq')"), name=name))
    connection.execute(delete(link))
    connection.execute(delete(pair))
    ids: dict[str, dict[str, int]] = {table.name: dict(iter(connection.execute(select(table.c.name, table.c.id))))
           for table in (role, permission, view)}
    pairs: dict[tuple[str, str], Any] = {}
    for caps in ROLE_CAPABILITIES.values():
        for resource, action in sorted(caps):
            if (resource, action) not in pairs:
                pairs[resource, action] = connection.scalar(insert(pair).values(
                    id=text("nextval('ab_permission_view_id_seq')"), permission_id=ids["ab_permission"][f"can_{action}"],
                    view_menu_id=ids["ab_view_menu"][resource]).returning(literal_column("id")))
    connection.execute(insert(link).values(id=text("nextval('ab_permission_view_role_id_seq')")), [
        {"role_id": ids["ab_role"][found], "permission_view_id": pairs[capability]}
        for found, caps in ROLE_CAPABILITIES.items() for capability in sorted(caps)])


def category_document() -> list[dict[str, Any]]:
    """The eight categories as app.create_organization wants them: [{code, name, icon, issues: [name]}]."""
    return [{"code": c.code.value, "name": c.label, "icon": c.icon, "issues": [i.label for i in c.issue_types]}
            for c in CATEGORIES]
