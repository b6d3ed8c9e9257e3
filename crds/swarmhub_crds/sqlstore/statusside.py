"""The status side: what the operator writes, fenced and compared. It never names a spec column."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete

from swarmhub_crds.errors import Conflict, NotFound
from swarmhub_crds.home import HomeStatus
from swarmhub_crds.notebook import NotebookStatus
from swarmhub_crds.sqlstore.clock import to_text, utc_now
from swarmhub_crds.sqlstore.codec import (
    NAME,
    NOTEBOOK,
    Broken,
    Kind,
    RecordT,
    decode,
    encode,
    readable_count,
    readable_time,
    readable_uid,
)
from swarmhub_crds.sqlstore.lease import check_fence
from swarmhub_crds.sqlstore.read import get_row
from swarmhub_crds.sqlstore.revisions import bury, take_revision
from swarmhub_crds.sqlstore.tables import secret_environments


def put_status(
    connection: Connection,
    kind: Kind[RecordT],
    name: str,
    expected: tuple[str | None, int | None],
    status: NotebookStatus | HomeStatus,
) -> RecordT | Broken:
    """Replace the status of the record, readable or not, that was read as `expected`.

    Raises:
        NotFound: there is no such record.
        Conflict: its uid or its resource version is no longer the expected one.
    """
    _expect(connection, kind, name, expected)
    values = {
        "status": encode(status),
        "resource_version": take_revision(connection),
        "updated_at": to_text(utc_now()),
    }
    connection.execute(kind.change, {NAME: name, **values})
    row = get_row(connection, kind, name)
    if row is None:
        raise NotFound(f"{kind.name} {name!r} is gone; look again")
    return decode(kind, row)


def remove(
    connection: Connection, kind: Kind[Any], name: str, expected: tuple[str | None, int | None]
) -> None:
    """Remove the record that was read as `expected`, and a notebook's secrets with it.

    Raises:
        NotFound, Conflict: as `put_status`; a notebook must also be marked for deletion.
    """
    row = _expect(connection, kind, name, expected)
    if kind is NOTEBOOK:
        if readable_time(row.deletion_requested_at) is None:
            raise Conflict(
                f"Notebook {name!r} is not marked for deletion; delete the server in the hub first"
            )
        _erase(connection, row.uid)
    connection.execute(delete(kind.table).where(kind.table.c.name == name))
    bury(connection, kind.name, name, readable_uid(row.uid), take_revision(connection))


def erase_secrets(connection: Connection, uid: str, generation: int) -> None:
    """Forget the notebook's secrets, unless its spec has been written again since `generation`."""
    table = NOTEBOOK.table
    query = table.select().where(table.c.uid == uid).with_only_columns(table.c.generation)
    if connection.execute(query).scalar() in {None, generation}:
        _erase(connection, uid)


def fence(connection: Connection, token: int) -> None:
    """Refuse a holder whose lease was taken over.

    Raises:
        LeaseLost: `token` is no longer the current one.
    """
    check_fence(connection, token)


def _expect(
    connection: Connection, kind: Kind[Any], name: str, expected: tuple[str | None, int | None]
) -> Row[Any]:
    """Return the row if it is the one that was read; compared under the write lock."""
    row = get_row(connection, kind, name)
    if row is None:
        raise NotFound(f"There is no {kind.name.lower()} {name!r} any more; look again")
    if (readable_uid(row.uid), readable_count(row.resource_version)) != expected:
        raise Conflict(f"{kind.name} {name!r} has changed since it was read; read it again")
    return row


def _erase(connection: Connection, uid: object) -> None:
    same = secret_environments.c.uid == uid
    connection.execute(delete(secret_environments).where(same))
