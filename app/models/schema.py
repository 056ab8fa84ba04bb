"""Writes the declared schema as SQL in an order in which it can be created: for the first migration, and for the
scratch database that the drift check compares the migrated one with.
"""

from __future__ import annotations

from sqlalchemy import MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateSequence, CreateTable

import app.models  # noqa: F401  (declares everything)
from app.models.base import Model
from app.models.declare import (
    DEFINER,
    FUNCTIONS,
    PROTECTED,
    SERVICE,
    TYPES,
    VIEWS,
    function_statements,
    grant_statements,
    policy_entities,
    publication_statements,
    trigger_entities,
    wall_statements,
)


def _sql(element: object) -> str:
    return str(element.compile(dialect=postgresql.dialect())).strip()  # type: ignore[attr-defined]


def table_statements(metadata: MetaData = Model.metadata) -> list[str]:
    """CREATE of sequences, tables and indexes, in the order of their foreign keys."""
    lines = [_sql(CreateSequence(sequence)) for sequence in metadata._sequences.values()]  # noqa: SLF001
    for table in metadata.sorted_tables:
        lines.append(_sql(CreateTable(table)))
        lines += [_sql(CreateIndex(index)) for index in sorted(table.indexes, key=lambda i: str(i.name))]
    return lines


def schema_statements() -> list[str]:
    """Everything but roles and reference data; run as the owner, with check_function_bodies off."""
    lines = ["SET LOCAL check_function_bodies = off", *TYPES]
    # Defaults of tables call functions, and functions read tables: bodies are checked when they are first run.
    # alembic-utils keeps bodies with colons escaped for text(); these statements are sent as they are.
    bodies = [(f.entity.signature, f.entity.definition.replace("\\:", ":")) for f in FUNCTIONS]
    lines += [f"CREATE FUNCTION app.{signature} {body}" for signature, body in bodies]
    lines += table_statements()
    lines += VIEWS
    for protection in PROTECTED.values():
        lines += wall_statements(protection)
        lines += grant_statements(protection)
    lines += [str(entity.to_sql_statement_create()) for entity in (*policy_entities(), *trigger_entities())]
    lines.append(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {DEFINER}")
    # Statistics at once after a load: without them the planner walks every policy for every pair of rows.
    lines.append(f"GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO {SERVICE}")
    for function in FUNCTIONS:
        lines += function_statements(function)
    return lines + publication_statements()


def undeclared_tables() -> set[str]:
    """Tables without `protect()`: there must be none."""
    return {table.name for table in Model.metadata.tables.values() if isinstance(table, Table)} - PROTECTED.keys()


__all__ = ["schema_statements", "table_statements", "undeclared_tables"]
