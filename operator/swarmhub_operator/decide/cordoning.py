"""How a node is that takes no new servers, is to be emptied, or takes servers again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Node

ACTIVE: Final = "active"
PAUSE: Final = "pause"
_OURS: Final = "true"  # value of the label where the drain has set the availability
_FOUND: Final = "cordoned"  # where the node took no servers before


@dataclass(frozen=True, slots=True)
class Aim:
    """How a node should be."""

    availability: str
    labels: Mapping[str, str]

    def is_met(self, node: Node) -> bool:
        """Whether a node is so."""
        return (node.availability, dict(node.labels)) == (self.availability, dict(self.labels))


def cordoned(node: Node) -> Aim:
    """Return how a node is that takes no new servers; one that Swarm drains stays so."""
    takes = node.availability == ACTIVE
    return Aim(PAUSE if takes else node.availability, node.labels)


def drained(node: Node) -> Aim:
    """Return how a node is that the operator empties."""
    found = node.labels.get(labels.DRAIN, _FOUND)
    how = _OURS if node.availability == ACTIVE else found
    return Aim(cordoned(node).availability, {**node.labels, labels.DRAIN: how})


def uncordoned(node: Node) -> Aim:
    """Return how a node is that takes servers."""
    return Aim(ACTIVE, _without_drain(node))


def undrained(node: Node) -> Aim:
    """Return how a node is whose drain has ended; what kept servers away before does so again.

    So an order that came by way of the hub undoes no more than another one has done: a hub that was
    taken over has nothing placed on a node that an administrator keeps free of servers.
    """
    ours = node.labels.get(labels.DRAIN) == _OURS and node.availability == PAUSE
    return Aim(ACTIVE if ours else node.availability, _without_drain(node))


def _without_drain(node: Node) -> Mapping[str, str]:
    return {key: value for key, value in node.labels.items() if key != labels.DRAIN}
