"""Images that the nodes are to have: those that the hub announces, and how the nodes stand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two tables, empty."""
    op.create_table(
        "announced_images",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_announced_images")),
    )
    op.create_table(
        "images",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_images")),
    )
