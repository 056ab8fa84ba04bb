"""How Alembic connects: as the owner, on the connection that `flask database upgrade` opened."""

from __future__ import annotations

from alembic import context
from alembic_utils.replaceable_entity import register_entities

import app.models  # noqa: F401  (declares everything)
from app.models.base import Model
from app.models.declare import entities

register_entities(entities(), schemas=["public", "app"])


def run() -> None:
    """Run the migrations, giving up rather than blocking a busy table for long."""
    connection = context.config.attributes.get("connection")
    if connection is None:
        raise SystemExit("Migrations run through `flask database upgrade`, which connects as the owner.")
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql("SET LOCAL statement_timeout = '10min'")
    context.configure(connection=connection, target_metadata=Model.metadata, compare_type=True,
                      transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()


run()
