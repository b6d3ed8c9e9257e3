"""Orders about nodes: one a node at most, so that however often somebody asks it stays a few rows.

The spec side writes them, and the status side removes those that it has carried out.
"""

from __future__ import annotations

from pydantic import ValidationError
from sqlalchemy import Connection, delete, insert, select

from swarmhub_crds.errors import NotFound
from swarmhub_crds.node import NodeOrder, NodeVerb
from swarmhub_crds.sqlstore.circumstances import nodes_now
from swarmhub_crds.sqlstore.clock import utc_now
from swarmhub_crds.sqlstore.revisions import take_revision
from swarmhub_crds.sqlstore.tables import node_orders


def ordered(connection: Connection) -> list[NodeOrder]:
    """Return the orders, the oldest first, without what cannot be read: it is asked for anew."""
    query = select(node_orders).order_by(node_orders.c.resource_version)
    found = (_decoded(*row) for row in connection.execute(query))
    return [one for one in found if one is not None]


def _decoded(node_id: object, version: object, document: object) -> NodeOrder | None:
    try:
        order = NodeOrder.model_validate_json(document) if isinstance(document, str) else None
    except (ValidationError, RecursionError):
        return None
    if order is None or order.node_id != node_id or not isinstance(version, int):
        return None
    return order.model_copy(update={"version": version})


def order(connection: Connection, node_id: str, verb: NodeVerb, by: str) -> NodeOrder:
    """Write an order about a node, in the place of one that still waits.

    Raises:
        NotFound: no operator has told of such a node.
    """
    node = next((one for one in nodes_now(connection) if one.id == node_id), None)
    if node is None:
        raise NotFound(f"There is no node {node_id!r} any more; `swarmhub nodes` lists them")
    made = NodeOrder(
        node_id=node_id,
        node=node.hostname[:255],
        verb=verb,
        asked_by=by[:255],
        asked_at=utc_now(),
        version=take_revision(connection),
    )
    connection.execute(delete(node_orders).where(node_orders.c.node_id == node_id))
    row = {
        "node_id": node_id,
        "resource_version": made.version,
        "document": made.model_dump_json(),
    }
    connection.execute(insert(node_orders).values(row))
    return made


def remove(connection: Connection, node_id: str, version: int) -> None:
    """Remove an order, unless another has taken its place."""
    same = (node_orders.c.node_id == node_id) & (node_orders.c.resource_version == version)
    connection.execute(delete(node_orders).where(same))
