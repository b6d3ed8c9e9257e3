"""The store's revision counter, and the tombstones of what was removed.

They let watchers see removals, and tell garbage from what the store has forgotten: a uid is given
once, so whatever still carries that of a tombstone was deleted.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, insert, update

from swarmhub_crds.errors import Reason, StoreUnavailable
from swarmhub_crds.sqlstore.tables import meta, tombstones

# Watchers that fall behind by more than this are told to look at everything.
KEPT_REVISIONS: Final = 10_000

_RAISE: Final = update(meta).values(revision=meta.c.revision + 1).returning(meta.c.revision)


def take_revision(connection: Connection) -> int:
    """Raise the store's revision by one and return it.

    Raises:
        StoreUnavailable: the counter is gone or is no number.
    """
    revision = connection.execute(_RAISE).scalar()
    if not isinstance(revision, int):
        raise StoreUnavailable(
            Reason.CORRUPT,
            "The state database has lost its revision counter; restore it from a backup",
        )
    return revision


def bury(connection: Connection, kind: str, name: str, uid: str | None, revision: int) -> None:
    """Note that the record was removed at `revision`, and forget removals of long ago."""
    row = {"resource_version": revision, "kind": kind, "name": name, "uid": uid}
    connection.execute(insert(tombstones).values(row))
    old = tombstones.c.resource_version <= revision - KEPT_REVISIONS
    connection.execute(delete(tombstones).where(old))
