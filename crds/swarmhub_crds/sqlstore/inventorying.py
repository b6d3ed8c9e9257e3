"""The inventories of the nodes, one row each; written by the operator under its lease."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import ValidationError
from sqlalchemy import Connection, delete, insert, select

from swarmhub_crds.inventory import Inventory
from swarmhub_crds.sqlstore.tables import inventories


def stored(connection: Connection) -> list[Inventory]:
    """Return the inventories, without what cannot be read: they are taken anew."""
    query = select(inventories.c.document).order_by(inventories.c.node_id)
    found = map(_decoded, connection.execute(query).scalars())
    return [one for one in found if one is not None]


def _decoded(document: object) -> Inventory | None:
    try:
        return Inventory.model_validate_json(document) if isinstance(document, str) else None
    except (ValidationError, RecursionError):
        return None


def put(connection: Connection, inventory: Inventory) -> None:
    """Replace the inventory of one node."""
    forget(connection, {inventory.node_id})
    row = {"node_id": inventory.node_id, "document": inventory.model_dump_json()}
    connection.execute(insert(inventories).values(row))


def forget(connection: Connection, nodes: Collection[str]) -> None:
    """Drop the inventories of nodes that are no more."""
    for node in nodes:
        connection.execute(delete(inventories).where(inventories.c.node_id == node))
