"""Records made again from what runs, and the identity of a store that was lost."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from sqlalchemy import Connection, delete, insert, select, update

from swarmhub_crds.errors import Conflict, StoreError
from swarmhub_crds.sqlstore.clock import to_text, utc_now
from swarmhub_crds.sqlstore.codec import Kind, RecordT, encode, readable_count, readable_uid
from swarmhub_crds.sqlstore.read import get_row
from swarmhub_crds.sqlstore.revisions import take_revision
from swarmhub_crds.sqlstore.tables import lease, meta


@dataclass(frozen=True)
class PutBack(Generic[RecordT]):
    """A record to write whole, in place of the one that was read as `expected` (uid, version)."""

    record: RecordT
    expected: tuple[str | None, int | None] | None = None  # None: there was none


def put_back(connection: Connection, kind: Kind[RecordT], wanted: PutBack[RecordT]) -> None:
    """Write the record with its own uid, generation, spec, status and times.

    Raises:
        Conflict: what is stored under the name is not what was read.
    """
    record, name = wanted.record, wanted.record.metadata.name
    row = get_row(connection, kind, name)
    found = row and (readable_uid(row.uid), readable_count(row.resource_version))
    if found != wanted.expected:
        raise Conflict(f"{kind.name} {name!r} has changed since it was read; run the command again")
    connection.execute(delete(kind.table).where(kind.table.c.name == name))
    connection.execute(insert(kind.table).values(_values(connection, record)))


def _values(connection: Connection, record: Any) -> dict[str, Any]:
    written = record.metadata.spec_written_at
    return {
        "name": record.metadata.name,
        "uid": record.metadata.uid,
        "generation": record.metadata.generation,
        "resource_version": take_revision(connection),
        "created_at": to_text(record.metadata.created_at),
        "updated_at": to_text(utc_now()),
        "deletion_requested_at": None,
        "spec_written_at": None if written is None else to_text(written),
        "spec": encode(record.spec),
        "status": encode(record.status),
    }


def copy(connection: Connection, target: Path) -> None:
    """Copy the database into a new file.

    Raises:
        StoreError: it cannot be made, or is there already.
    """
    source: Any = connection.connection.driver_connection
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            with closing(sqlite3.connect(target)) as made:
                source.backup(made)
                made.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        except BaseException:
            target.unlink()  # a part of a store is no backup
            raise
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"The backup {target} cannot be written ({error}); "
            "name a new file in a folder that has room"
        ) from error


def adopt(connection: Connection, uid: str) -> None:
    """Take over the identity of the store that was lost, and send the operator to find it new.

    Its lease ends in the same transaction: what it decided as the other store is never written.
    """
    row = connection.execute(select(meta.c.uid, meta.c.former_uids)).one()
    former = json.dumps([*former_uids(row.former_uids), row.uid])
    connection.execute(update(meta).values(uid=uid, former_uids=former))
    connection.execute(update(lease).values(token=lease.c.token + 1, holder=None))


def former_uids(stored: object) -> Sequence[str]:
    """Return the uids that the store had before, however its row reads."""
    try:
        found = json.loads(stored) if isinstance(stored, str) else ()
    except (ValueError, RecursionError):
        return ()
    return [uid for uid in found if isinstance(uid, str)] if isinstance(found, list) else ()
