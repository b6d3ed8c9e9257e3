"""Changes a node as the engine wants it: by its version, looked up anew if that has moved on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from swarmhub_operator.decide.cordoning import Aim
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.port import Engine

ATTEMPTS: Final = 5  # another manager or an engine may change the node at the same moment


def change(engine: Engine, node_id: str, aim: Callable[[Node], Aim]) -> bool:
    """Bring a node to what `aim` makes of it; False if it is so already.

    Raises:
        EngineError: it is gone, or cannot be changed.
        LeaseLost: the engine's guard says that another operator acts now.
    """
    for attempt in range(1, ATTEMPTS + 1):
        node = next((one for one in engine.nodes() if one.id == node_id), None)
        if node is None:
            raise EngineError(Kind.GONE, f"The node {node_id} has left the Swarm.")
        wanted = aim(node)
        if wanted.is_met(node):
            return False
        try:
            engine.update_node(node.id, node.version, wanted.availability, wanted.labels)
        except EngineError as error:
            if error.kind is not Kind.STALE or attempt == ATTEMPTS:
                raise
        else:
            return True
    return False
