"""The nodes of the Swarm, found by what a person calls them."""

from __future__ import annotations

from collections.abc import Sequence

from swarmhub_crds.errors import NotFound

from swarmhub_operator.engine.observed import Node


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
