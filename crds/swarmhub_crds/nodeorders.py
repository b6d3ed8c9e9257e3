"""The store's part in orders about nodes: the hub writes them down, the operator acts."""

from __future__ import annotations

from swarmhub_crds.node import NodeOrder, NodeVerb
from swarmhub_crds.sqlstore import ordering, statusside
from swarmhub_crds.sqlstore.database import Database


class NodeOrders:
    """What administrators have ordered about nodes and nobody has carried out yet.

    A part of `Store`. An order takes a revision, so it wakes who watches the store; its removal
    does not.
    """

    _database: Database

    def order_node(self, node_id: str, verb: NodeVerb, by: str) -> NodeOrder:
        """Write down what is to be done about a node; it takes the place of an earlier order.

        Raises:
            NotFound: no operator has told of such a node.
        """
        with self._database.write() as connection:
            return ordering.order(connection, node_id, verb, by)

    def list_node_orders(self) -> list[NodeOrder]:
        """Return what is still to be done, the oldest first."""
        with self._database.read() as connection:
            return ordering.ordered(connection)

    def remove_node_order(self, order: NodeOrder, *, fence: int) -> None:
        """Forget an order that was dealt with; one that has taken its place stays.

        Raises:
            LeaseLost: another operator acts now.
        """
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            ordering.remove(connection, order.node_id, order.version)
