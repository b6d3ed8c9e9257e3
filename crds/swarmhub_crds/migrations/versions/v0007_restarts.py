"""Which task an administrator wants to have replaced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty; that of homes is never used, as both tables have the same."""
    for name in ("notebooks", "homes"):
        op.add_column(name, sa.Column("restart_of", sa.Text()))
