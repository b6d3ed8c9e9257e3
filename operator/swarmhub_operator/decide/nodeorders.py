"""What becomes of an administrator's order about a node, which came by way of the hub. Pure.

It is carried out once. What stands then is the node's own state, which anybody may change again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from swarmhub_crds.event import Concerned, Event, EventType
from swarmhub_crds.node import NodeOrder, NodeVerb

from swarmhub_operator.decide.cordoning import ACTIVE, Aim, drained, undrained
from swarmhub_operator.decide.events import made
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Node

LAPSES: Final = timedelta(hours=1)  # who asked is no longer there to see what comes of it


def aim(order: NodeOrder, node: Node) -> Aim:
    """Return how the order wants the node to be."""
    return drained(node) if order.verb is NodeVerb.DRAIN else undrained(node)


def hindrance(order: NodeOrder, policy: Policy, now: datetime) -> Event | None:
    """Return what is told of an order that is not to be carried out, None of any other."""
    if not policy.node_orders:
        return dropped(
            order,
            "The operator's policy takes no orders about nodes from the hub (node_orders); "
            f"`swarmhub {order.verb} {order.node}` on a manager does it.",
            now,
        )
    if now - order.asked_at > LAPSES:
        return dropped(order, "It had waited for more than an hour; ask again.", now)
    return None


def gone(order: NodeOrder, now: datetime) -> Event:
    """Return what is told of an order about a node that is no more."""
    return dropped(order, "The node has left the Swarm.", now)


def dropped(order: NodeOrder, why: str, now: datetime) -> Event:
    """Return what is told of an order that is not carried out; `why` is a sentence."""
    message = f"{order.asked_by} asked to {order.verb} it, which is not done. {why}"
    return made((Concerned.NODE, order.node), EventType.WARNING, "OrderDropped", message, now)


def done(order: NodeOrder, node: Node, now: datetime) -> Event:
    """Return what is told of an order that was carried out; `node` is as it was before.

    It says the same of one that was carried out already, as after a crash.
    """
    about, by = (Concerned.NODE, node.hostname), order.asked_by
    if order.verb is NodeVerb.DRAIN:
        message = (
            f"It is drained, as {by} asked: it takes no new servers, and what is not tied to it "
            "moves to other nodes."
        )
        return made(about, EventType.NORMAL, "Drained", message, now)
    still = undrained(node).availability
    if still == ACTIVE:
        message = f"It takes servers, as {by} asked."
        return made(about, EventType.NORMAL, "Uncordoned", message, now)
    ended = "its drain has ended" if labels.DRAIN in node.labels else "no drain was under way"
    message = (
        f"{by} asked to uncordon it: {ended}, but it takes no servers, as its availability is "
        f"{still}; `swarmhub uncordon {node.hostname}` on a manager has it take them."
    )
    return made(about, EventType.WARNING, "NotUncordoned", message, now)
