"""What a file must say of itself before it is used: our tables, our schema version, our uid."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, select, text

from swarmhub_crds.errors import Reason, StoreUnavailable
from swarmhub_crds.sqlstore.failures import unavailable
from swarmhub_crds.sqlstore.recovery import former_uids
from swarmhub_crds.sqlstore.tables import SCHEMA_VERSION, meta

_TABLES = "SELECT count(*) FROM sqlite_master WHERE type='table' AND name IN (:first, :second)"


def schema_version(connection: Connection, path: Path) -> int:
    """Return the number of the last migration that the file went through.

    Raises:
        StoreUnavailable: the file is a SQLite database, but not a store.
    """
    found = connection.execute(text(_TABLES), {"first": "alembic_version", "second": "meta"})
    if found.scalar_one() != len(("alembic_version", "meta")):
        raise StoreUnavailable(
            Reason.UNREADABLE,
            f"The file {path} is another program's database, not a swarmhub store; "
            "give the store a path of its own",
        )
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    try:
        return int(str(version))
    except ValueError:
        raise unavailable(
            Reason.CORRUPT, path, f"its schema version {str(version)[:40]!r} is no number"
        ) from None


def check_header(connection: Connection, path: Path, expected_uid: str = "") -> str:
    """Return the store's uid, after making sure that this code can use the file.

    Raises:
        StoreUnavailable: it cannot, or it is and was never the store of the expected uid.
    """
    version = schema_version(connection, path)
    if version > SCHEMA_VERSION:
        raise StoreUnavailable(
            Reason.SCHEMA_TOO_NEW,
            f"The state database {path} has schema version {version} and this swarmhub knows "
            f"{SCHEMA_VERSION}; use the newer swarmhub that migrated it",
        )
    if version < SCHEMA_VERSION:
        raise StoreUnavailable(
            Reason.SCHEMA_TOO_OLD,
            f"The state database {path} has schema version {version} and this swarmhub needs "
            f"{SCHEMA_VERSION}; start the operator of this version once, or run `swarmhub state "
            "migrate`",
        )
    row = connection.execute(select(meta.c.uid, meta.c.former_uids)).first()
    uid = row.uid if row else None
    if not isinstance(uid, str) or not uid:
        raise unavailable(Reason.CORRUPT, path, "it has no store uid")
    known = {"", uid, *former_uids(row.former_uids if row else None)}
    if expected_uid not in known:
        raise StoreUnavailable(
            Reason.ANOTHER,
            f"The state database {path} now holds another store (uid {uid[:64]}) than the one "
            f"that was opened (uid {expected_uid}); restart to use it, or put the old file back",
        )
    return uid


def check_integrity(connection: Connection, path: Path) -> None:
    """Look through a file that took the place of another, as a restored backup does.

    Raises:
        StoreUnavailable: it is damaged.
    """
    verdict = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    if verdict != "ok":
        raise unavailable(Reason.CORRUPT, path, verdict.splitlines()[0])
