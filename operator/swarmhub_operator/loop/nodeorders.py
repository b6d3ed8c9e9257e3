"""Carries out what administrators order about nodes on the page: each order once.

First the node is changed, then the order is removed: after a crash between the two the same is done
again, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

from swarmhub_crds.errors import LeaseLost, StoreError
from swarmhub_crds.event import Event
from swarmhub_crds.node import NodeOrder

from swarmhub_operator.decide.nodeorders import aim, done, dropped, gone, hindrance
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.nodechange import change
from swarmhub_operator.loop.parts import Parts

AGAIN: Final = 5.0  # seconds before what failed is tried again
MOST: Final = 50  # orders in one go
log = get_logger()


class NodeOrders:
    """Carries orders out, for one thread; `note` may come from others."""

    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._engine = parts.engine
        self._observer = parts.observer
        self._leadership = parts.leadership
        self._events = parts.events
        self._policy = parts.policy
        self._wake = parts.inventories.stir.set
        self._now = parts.now
        self._clock = parts.clock
        self._asked = True  # something may have been ordered while nobody led
        self._not_before = float("-inf")

    def note(self, nodes: Collection[str]) -> None:
        """Be told that something was ordered about nodes; about which is not known if empty."""
        self._asked = True
        if nodes:
            self._not_before = float("-inf")
            self._wake()

    @property
    def due(self) -> bool:
        """Whether there may be something to carry out now."""
        return self._asked and self._clock() >= self._not_before

    def carry_out(self, beat: Callable[[], None]) -> None:
        """Carry out what is due; what fails is tried again later, and nothing fails because of it.

        Args:
            beat: called before each order; the engine may take a while.

        Raises:
            LeaseLost: another operator acts now.
        """
        if not self.due:
            return
        self._asked = False  # before the look: what is ordered meanwhile is looked at again
        try:
            orders = self._store.list_node_orders()
            if orders:
                self._carry_out_all(orders, beat)
        except LeaseLost:
            raise
        except (EngineError, StoreError) as error:
            self._postpone(error)

    def _carry_out_all(self, orders: Sequence[NodeOrder], beat: Callable[[], None]) -> None:
        """Carry out some, those about nodes that there are first: a hub can write any number."""
        nodes = {node.id: node for node in self._engine.nodes()}
        ordered = sorted(orders, key=lambda order: order.node_id not in nodes)
        self._asked = self._asked or len(ordered) > MOST
        for order in ordered[:MOST]:
            beat()
            if not self._carry_out(order, nodes.get(order.node_id)):
                return

    def _postpone(self, error: Exception) -> None:
        self._asked, self._not_before = True, self._clock() + AGAIN
        log.warning("node order", outcome="postponed", error=str(error))

    def _carry_out(self, order: NodeOrder, node: Node | None) -> bool:
        """Carry out one order; False if the engine does not answer, to the next one either.

        Raises:
            LeaseLost, StoreError: from the store, or the guard of the engine.
        """
        try:
            self._end(order, self._act(order, node))
        except EngineError as error:
            if error.kind is Kind.REFUSED:
                self._end(order, dropped(order, error.sentence, self._now()))
                return True
            self._postpone(error)
            return error.kind is not Kind.UNAVAILABLE
        return True

    def _act(self, order: NodeOrder, node: Node | None) -> Event:
        """Bring the node to what is ordered, unless something hinders it; return what to tell."""
        hindered = hindrance(order, self._policy, self._now())
        if hindered is not None:
            return hindered
        if node is None:
            return gone(order, self._now())
        if change(self._engine, node.id, partial(aim, order)):
            self._observer.refresh_nodes()
        return done(order, node, self._now())

    def _end(self, order: NodeOrder, event: Event) -> None:
        """Tell what has come of an order, and forget it."""
        self._events.node_order(event)
        self._events.write(at_once=True)
        self._store.remove_node_order(order, fence=self._leadership.fence)
        log.info("node order", node=event.name, verb=order.verb, outcome=event.reason)
