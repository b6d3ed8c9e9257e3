"""Reading records; one query a call, or one for each 500 names."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, select

from swarmhub_crds.errors import Reason, StoreError, StoreUnavailable
from swarmhub_crds.sqlstore.codec import (
    NAME,
    NAMES,
    Broken,
    Kind,
    RecordT,
    decode,
    readable_uid,
)
from swarmhub_crds.sqlstore.tables import meta, secret_environments, tombstones

AT_ONCE = 500  # names in one query; an SQLite of old takes 999
_REVISION = select(meta.c.revision)


def revision(connection: Connection) -> int:
    """Return the store's revision, which every change of a record raises by one.

    Raises:
        StoreUnavailable: there is none.
    """
    return to_revision(connection.execute(_REVISION).scalar())


def to_revision(found: object) -> int:
    """Return a revision that was read.

    Raises:
        StoreUnavailable: it is none.
    """
    if not isinstance(found, int):
        raise StoreUnavailable(
            Reason.CORRUPT,
            "The state database has lost its revision counter; restore it from a backup",
        )
    return found


def get_row(connection: Connection, kind: Kind[Any], name: str) -> Row[Any] | None:
    """Return the row of the record `name`, undecoded."""
    return connection.execute(kind.one, {NAME: name}).first()


def get(connection: Connection, kind: Kind[RecordT], name: str) -> RecordT | Broken | None:
    """Return the record `name`, or None."""
    row = get_row(connection, kind, name)
    return None if row is None else decode(kind, row)


def get_some(
    connection: Connection, kind: Kind[RecordT], names: Collection[str]
) -> dict[str, RecordT | Broken]:
    """Return the records of these names, as far as there are any, by name."""
    wanted, found = [*names], dict[str, RecordT | Broken]()
    for start in range(0, len(wanted), AT_ONCE):
        chunk = wanted[start : start + AT_ONCE]
        rows = connection.execute(kind.some, {NAMES: chunk})
        found |= {row[0]: decode(kind, row) for row in rows}
    return found


def list_rows(connection: Connection, kind: Kind[Any]) -> list[Row[Any]]:
    """Return the rows of all records, undecoded, in the order of their names."""
    return list(connection.execute(kind.all))


def removed_uids(connection: Connection, kind: str) -> frozenset[str]:
    """Return the uids of the records of `kind` whose removal is remembered."""
    query = select(tombstones.c.uid).where(tombstones.c.kind == kind)
    found = map(readable_uid, connection.execute(query).scalars())
    return frozenset(uid for uid in found if uid is not None)


def secret_environment(connection: Connection, uid: str) -> dict[str, str]:
    """Return the secret variables of the notebook with `uid`; empty once they are erased.

    Raises:
        StoreError: what is stored is no set of variables.
    """
    column = secret_environments.c.environment
    stored = connection.execute(
        select(column).where(secret_environments.c.uid == uid)
    ).scalar_one_or_none()
    if stored is None:
        return {}
    try:
        found = json.loads(stored)
    except (ValueError, TypeError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise StoreError(
            f"The secret environment of the notebook with uid {uid} cannot be read; "
            "start the server again, which writes it anew"
        )
    return found


def secret_texts(connection: Connection) -> frozenset[str]:
    """Return every text of the secret environments, whoever's they are.

    Of one that cannot be read: all of it, and each quoted part.
    """
    found: set[str] = set()
    for stored in connection.execute(select(secret_environments.c.environment)).scalars():
        try:
            parsed = json.loads(stored)
        except (ValueError, TypeError, RecursionError):
            parsed = None
        if isinstance(parsed, dict):
            found |= {value for value in parsed.values() if isinstance(value, str)}
        if not isinstance(parsed, dict) or not all(isinstance(v, str) for v in parsed.values()):
            text = stored.decode("utf-8", "replace") if isinstance(stored, bytes) else str(stored)
            found |= {text, *text.split('"')[1::2]}
    return frozenset(found - {""})
