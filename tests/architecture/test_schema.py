"""Every table has its walls, every lifecycle is whole, every piece of work has somebody to do it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from app.lifecycle import MACHINES
from app.models.declare import FUNCTIONS, PROTECTED
from app.models.schema import undeclared_tables
from migrations.freeze import TARGET

ROOT = Path(__file__).resolve().parents[2]


def test_every_table_is_protected() -> None:
    assert undeclared_tables() == set()


def test_a_table_has_policies_or_a_reason_to_be_closed() -> None:
    wrong = [name for name, p in PROTECTED.items() if not p.policies and not p.closed]
    assert wrong == []


def test_every_table_forces_row_security(superuser: Engine) -> None:
    with superuser.connect() as c:
        bare = c.scalars(text(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND NOT (relrowsecurity AND relforcerowsecurity)")).all()
    assert bare == []


def test_every_key_between_tenant_tables_carries_the_tenant(superuser: Engine) -> None:
    with superuser.connect() as c:
        wrong = c.execute(text("""
            SELECT k.conrelid::regclass::text, k.conname FROM pg_constraint k
            WHERE k.contype = 'f'
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attname = 'org_id')
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attname = 'org_id')
              AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attname = 'org_id'
                              AND a.attnum = ANY (k.conkey))""")).all()
    assert wrong == []


def test_every_unique_key_of_a_tenant_table_contains_the_tenant(superuser: Engine) -> None:
    spans_all = {"outbox_pkey", "audit_log_pkey", "telegram_updates_pkey"}  # what is the installation's belongs to no organization
    with superuser.connect() as c:
        found = c.execute(text("""
            SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
            WHERE i.indisunique AND t.relnamespace = 'public'::regnamespace AND t.relkind = 'r'
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'org_id')
              AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'org_id'
                              AND a.attnum = ANY (i.indkey))""")).scalars().all()
    assert set(found) - spans_all == set()


def test_definer_functions_have_a_fixed_search_path_and_are_closed_to_the_public(superuser: Engine) -> None:
    with superuser.connect() as c:
        rows = c.execute(text("""
            SELECT p.proname, r.rolname, p.prosecdef, p.proconfig, has_function_privilege('public', p.oid, 'EXECUTE')
            FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE p.pronamespace = 'app'::regnamespace""")).all()
    assert len(rows) == len(FUNCTIONS)
    for name, owner, definer, config, public in rows:
        assert not public, name
        if definer:
            assert owner == "viramah_definer", name
            assert any(s.startswith("search_path=") for s in config or ()), name


def test_definer_declared_is_definer_written() -> None:
    wrong = [f.entity.signature for f in FUNCTIONS if f.definer != ("SECURITY DEFINER" in f.entity.definition)]
    assert wrong == []


@pytest.mark.parametrize("machine", MACHINES.values(), ids=lambda m: m.name)
def test_every_state_can_be_reached(machine: Any) -> None:
    assert machine.unreachable() == frozenset()


def test_there_is_one_migration_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_the_first_migration_is_what_the_models_declare() -> None:
    """Until the first release: `python -m migrations.freeze` writes it."""
    from app.models.schema import schema_statements

    frozen = TARGET.read_text(encoding="utf-8")
    assert frozen == "\n--;;\n".join(s.strip() for s in schema_statements()) + "\n"


def test_every_kind_of_work_has_a_handler() -> None:
    from jobs.registry import HANDLERS, load

    load()
    asked = set()
    for path in [*(ROOT / "app").rglob("*.py"), *(ROOT / "app").rglob("*.sql"), *(ROOT / "jobs").rglob("*.py")]:
        asked |= set(re.findall(r"""(?:enqueue\(\s*(?:\w+(?:\.\w+)*,\s*)?|app\.enqueue\()["']([a-z_]+\.[a-z_]+)["']""",
                                path.read_text(encoding="utf-8")))
    assert len(asked) > 2
    assert asked - set(HANDLERS) == set()
