"""Alembic's entry: migrates the connection that the store hands over, in its transaction."""

from __future__ import annotations

from alembic import context
from swarmhub_crds.sqlstore.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
