"""The nodes of the Swarm, found by what a person calls them, and changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from swarmhub_crds.errors import NotFound

from swarmhub_operator.engine import labels
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.port import Engine

ACTIVE: Final = "active"
PAUSE: Final = "pause"
_ATTEMPTS: Final = 5  # another manager or an engine may change the node at the same moment


@dataclass(frozen=True, slots=True)
class Aim:
    """How a node should be; None: as it is."""

    availability: str
    labels: Mapping[str, str]


def find_node(nodes: Sequence[Node], text: str) -> Node:
    """Return the node whose hostname or id is `text` or, if there is none, begins with it.

    Raises:
        NotFound: none does, or several do.
    """
    exact = [n for n in nodes if text in (n.id, n.hostname)]
    begun = [n for n in nodes if text and (n.id.startswith(text) or n.hostname.startswith(text))]
    found = exact or begun
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(f"{n.hostname} ({n.id[:12]})" for n in found or nodes))
    if found:
        raise NotFound(f"{len(found)} nodes are called {text!r}: {known}; give the id of one.")
    raise NotFound(f"There is no node {text!r}; there are {known}.")


def cordoned(node: Node) -> Aim:
    """Return how a node is that takes no new servers; one that Swarm drains stays so."""
    takes = node.availability == ACTIVE
    return Aim(PAUSE if takes else node.availability, node.labels)


def drained(node: Node) -> Aim:
    """Return how a node is that the operator empties."""
    return Aim(cordoned(node).availability, {**node.labels, labels.DRAIN: "true"})


def uncordoned(node: Node) -> Aim:
    """Return how a node is that takes servers."""
    return Aim(ACTIVE, {k: v for k, v in node.labels.items() if k != labels.DRAIN})


def change(engine: Engine, node_id: str, aim: Callable[[Node], Aim]) -> bool:
    """Bring a node to what `aim` makes of it; False if it is so already.

    Raises:
        EngineError: it is gone, or cannot be changed.
        NotFound: likewise.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        node = find_node(engine.nodes(), node_id)
        wanted = aim(node)
        if (node.availability, dict(node.labels)) == (wanted.availability, dict(wanted.labels)):
            return False
        try:
            engine.update_node(node.id, node.version, wanted.availability, wanted.labels)
        except EngineError as error:
            if error.kind is not Kind.STALE or attempt == _ATTEMPTS:
                raise
        else:
            return True
    return False
