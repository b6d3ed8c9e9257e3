"""The tables, as the newest migration leaves them.

Times are text in UTC and documents are JSON text, so that a row with nonsense in it can still be
fetched and reported by name. Both record tables have the same columns: the spec side owns `spec`,
`spec_written_at`, `generation`, `deletion_requested_at` and `restart_of`, the status side owns
`status`, and each write by either stamps `resource_version` and `updated_at`. `held`,
`inventories`, `nodes`, `images` and `events` are the status side's too, `activity`,
`announced_images`, `node_orders` and `confirmed_removals` the spec side's, but for what the status
side has dealt with.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, Table, Text, text

SCHEMA_VERSION: Final = 8
APPLICATION_ID: Final = 0x53574D48  # "SWMH" in the file's header, for file(1)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = Table(
    "meta",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("former_uids", Text, nullable=False, server_default=text("'[]'")),
    CheckConstraint("id = 1", name="single"),
)


def _records(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("name", Text, primary_key=True),
        Column("uid", Text, nullable=False),
        Column("generation", Integer, nullable=False),
        Column("resource_version", Integer, nullable=False),
        Column("created_at", Text, nullable=False),
        Column("updated_at", Text, nullable=False),
        Column("deletion_requested_at", Text),
        Column("spec", Text, nullable=False),
        Column("status", Text, nullable=False, server_default=text("'{}'")),
        Column("spec_written_at", Text),  # empty: not since version 1 of the schema
        Column("restart_of", Text),
        Index(None, "resource_version"),
    )


notebooks = _records("notebooks")
homes = _records("homes")

tombstones = Table(
    "tombstones",
    metadata,
    Column("resource_version", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("uid", Text),  # empty: removed under version 1 of the schema
)

held = Table(
    "held",
    metadata,
    Column("id", Text, primary_key=True),
    Column("document", Text, nullable=False),
)

confirmed_removals = Table(
    "confirmed_removals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("confirmed_at", Text, nullable=False),
)

inventories = Table(
    "inventories",
    metadata,
    Column("node_id", Text, primary_key=True),
    Column("document", Text, nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("document", Text, nullable=False),
)

node_orders = Table(
    "node_orders",
    metadata,
    Column("node_id", Text, primary_key=True),
    Column("resource_version", Integer, nullable=False),
    Column("document", Text, nullable=False),
)

activity = Table(
    "activity",
    metadata,
    Column("name", Text, primary_key=True),
    Column("last_activity_at", Text, nullable=False),
)

announced_images = Table(
    "announced_images",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("image", Text, nullable=False),
)

images = Table(
    "images",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("document", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("position", Integer, primary_key=True),  # the order in which they were last written
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_seen", Text, nullable=False),
    Column("last_seen", Text, nullable=False),
    Index(None, "kind", "name", "reason", "message", unique=True),
)

secret_environments = Table(
    "secret_environments",
    metadata,
    Column("uid", Text, primary_key=True),
    Column("environment", Text, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("holder", Text),
    Column("token", Integer, nullable=False),
    Column("acquired_at", Text, nullable=False),
    Column("renewed_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
