"""The tables, as the newest migration leaves them.

Times are text in UTC and documents are JSON text, so that a row with nonsense in it can still be
fetched and reported by name. Both record tables have the same columns: the spec side owns `spec`,
`generation` and `deletion_requested_at`, the status side owns `status`, and each write by either
stamps `resource_version` and `updated_at`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, Table, Text, text

SCHEMA_VERSION: Final = 1
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
        Index(None, "resource_version"),
    )


notebooks = _records("notebooks")
homes = _records("homes")

tombstones = Table(
    "tombstones",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("resource_version", Integer, nullable=False),
    Index(None, "resource_version"),
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
