"""The first domains: organizations, people, permissions, rooms, maintenance, files, imports, work, audit.

The statements are frozen in 0001_the_first_domains.sql, one after a line `--;;` each: they were written from the
declarations by `python -m migrations.freeze` and are not read from the models again.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything, as the owner."""
    connection = op.get_bind().execution_options(no_parameters=True)
    source = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    for statement in source.split("\n--;;\n"):
        connection.exec_driver_sql(statement)
    # Alembic's own table: no portal has a grant on it, and the wall stands all the same. app.readiness reads it.
    connection.exec_driver_sql("ALTER TABLE alembic_version ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    connection.exec_driver_sql("GRANT SELECT ON alembic_version TO viramah_definer")


def downgrade() -> None:
    """The first migration has nothing to go back to: drop the database instead."""
    raise NotImplementedError("drop the database instead")
