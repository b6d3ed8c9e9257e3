"""How a spec is written, whichever kind of record it is of."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, insert

from swarmhub_crds.errors import Conflict, NotFound, StoreError
from swarmhub_crds.home import HomeSpec
from swarmhub_crds.notebook import NotebookSpec
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
    readable_observed_generation,
    readable_time,
    readable_uid,
    with_blank_status,
)
from swarmhub_crds.sqlstore.read import get_row
from swarmhub_crds.sqlstore.revisions import take_revision


def put_spec(
    connection: Connection, kind: Kind[RecordT], name: str, spec: NotebookSpec | HomeSpec
) -> RecordT:
    """Create the record or replace its spec, repairing metadata that cannot be read."""
    row = get_row(connection, kind, name)
    revision = take_revision(connection)
    values: dict[str, Any] = {"spec": encode(spec), **stamps(revision)}
    if row is None:
        _create(connection, kind, name, values)
    else:
        if kind is NOTEBOOK:
            refuse_if_marked(kind, name, row)
        values |= {
            "generation": next_generation(row, revision),
            "deletion_requested_at": None,
            "restart_of": None,
        } | _repairs(row)
        update_record(connection, kind, name, values)
    return seen(kind, existing(connection, kind, name))


def _create(connection: Connection, kind: Kind[Any], name: str, values: dict[str, Any]) -> None:
    if not kind.legal_name(name):
        raise ValueError(
            f"{name!r} is no name for a {kind.name.lower()}; "
            "let swarmhub_crds.names make one from the user and the server"
        )
    first = {
        "name": name,
        "uid": str(uuid4()),
        "generation": 1,
        "created_at": values["updated_at"],
    }
    connection.execute(insert(kind.table).values(first | values))


def _repairs(row: Row[Any]) -> dict[str, Any]:
    repairs = {}
    if readable_uid(row.uid) is None:
        repairs["uid"] = str(uuid4())
    if readable_time(row.created_at) is None:
        repairs["created_at"] = to_text(utc_now())
    return repairs


def next_generation(row: Row[Any], revision: int) -> int:
    """Return a generation above every earlier one; the revision is, where the old one is lost.

    In a store that was put back from a backup, the operator may have seen later ones than it holds.
    """
    old = readable_count(row.generation)
    return revision if old is None else max(old, readable_observed_generation(row.status)) + 1


def refuse_if_marked(kind: Kind[Any], name: str, row: Row[Any]) -> None:
    """Let nobody write what is being deleted.

    Raises:
        Conflict: it is.
    """
    if readable_time(row.deletion_requested_at) is not None:
        raise Conflict(f"{kind.name} {name!r} is being deleted; try again in a moment")


def stamps(revision: int) -> dict[str, Any]:
    """Return what each write of a spec notes."""
    now = to_text(utc_now())
    return {"resource_version": revision, "updated_at": now, "spec_written_at": now}


def update_record(
    connection: Connection, kind: Kind[Any], name: str, values: dict[str, Any]
) -> None:
    """Give columns of a record other values."""
    connection.execute(kind.change, {NAME: name, **values})


def existing(connection: Connection, kind: Kind[Any], name: str) -> Row[Any]:
    """Return the row of a record that there is.

    Raises:
        NotFound: there is none.
    """
    row = get_row(connection, kind, name)
    if row is None:  # written or read in this very transaction
        raise NotFound(f"{kind.name} {name!r} is gone; try again")
    return row


def seen(kind: Kind[RecordT], row: Row[Any]) -> RecordT:
    """Return the record; with no status yet if the operator's is unreadable, which is its to mend.

    Raises:
        StoreError: even so it cannot be read.
    """
    record = decode(kind, row)
    if isinstance(record, Broken):
        record = decode(kind, with_blank_status(row))
    if isinstance(record, Broken):
        raise StoreError(record.message)
    return record
