"""What tells garbage from what a lost or older store has forgotten.

Tombstones keep the uid of what was removed, specs the time at which they were written; the
operator says what it holds back, and a person confirms its removal.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is new; what version 1 wrote stays, with what it did not know left empty."""
    for name in ("notebooks", "homes"):
        op.add_column(name, sa.Column("spec_written_at", sa.Text()))
    former = sa.Column("former_uids", sa.Text(), nullable=False, server_default=sa.text("'[]'"))
    op.add_column("meta", former)
    _key_tombstones_by_revision()
    op.create_table(
        "held",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held")),
    )
    op.create_table(
        "confirmed_removals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmed_removals")),
    )


def _key_tombstones_by_revision() -> None:
    """A name can be removed more than once, and each time it was another record."""
    op.drop_index(op.f("ix_tombstones_resource_version"), "tombstones")
    op.rename_table("tombstones", "tombstones_0001")
    op.create_table(
        "tombstones",
        sa.Column("resource_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text()),
        sa.PrimaryKeyConstraint("resource_version", name=op.f("pk_tombstones")),
    )
    op.execute(
        "INSERT OR IGNORE INTO tombstones (resource_version, kind, name) "
        "SELECT resource_version, kind, name FROM tombstones_0001"
    )
    op.drop_table("tombstones_0001")
