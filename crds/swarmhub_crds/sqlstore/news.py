"""What has changed since a revision, in one query, as every watch asks it after every commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Select,
    bindparam,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement

from swarmhub_crds.sqlstore.codec import HOME, NOTEBOOK, SINCE, Kind
from swarmhub_crds.sqlstore.read import to_revision
from swarmhub_crds.sqlstore.tables import meta, node_orders, tombstones

NODE: Final = "Node"
_REVISION: Final = "revision"


def _tagged(tag: str, column: ColumnElement[Any]) -> Select[Any]:
    return select(literal_column(f"'{tag}'"), column)


def _written(kind: Kind[Any]) -> Select[Any]:
    table = kind.table
    return _tagged(kind.name, table.c.name).where(table.c.resource_version > bindparam(SINCE))


_NEWS: Final[CompoundSelect[Any]] = union_all(
    _tagged(_REVISION, meta.c.revision),
    _written(NOTEBOOK),
    _written(HOME),
    select(tombstones.c.kind, tombstones.c.name).where(
        tombstones.c.resource_version > bindparam(SINCE)
    ),
    _tagged(NODE, node_orders.c.node_id).where(node_orders.c.resource_version > bindparam(SINCE)),
)


def news(connection: Connection, since: int) -> tuple[int, Mapping[str, frozenset[str]]]:
    """Return the store's revision and, by kind, the names of what was written or removed.

    The names of kind `NODE` are the ids of the nodes about which something was ordered.

    Args:
        connection: to the store.
        since: the revision after which it was.

    Raises:
        StoreUnavailable: the store has no revision.
    """
    found: defaultdict[str, set[Any]] = defaultdict(set)
    for tag, name in connection.execute(_NEWS, {SINCE: since}):
        found[tag].add(name)
    now = to_revision(next(iter(found.pop(_REVISION, ())), None))
    return now, {tag: frozenset(map(str, names)) for tag, names in found.items()}
