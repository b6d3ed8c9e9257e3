"""How much memory is in use on the node of the engine that is asked: once a minute, at no request.

A manager knows nothing of the containers of other nodes, and of its own it would be asked one by
one. The operator runs beside its engine, so it reads what the kernel tells of the whole machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.hostmemory import HostMemory

EVERY: Final = 60.0  # seconds between two readings, each of which is a write into the store
STEP: Final = 16 * 2**20  # bytes; smaller changes are no news


class OwnMemory:
    """Knows what is in use on the engine's own node. For one thread.

    Args:
        read: tells of the machine that this process runs on; None: nothing can be told.
        own_node: returns the id of the engine's own node, or raises an `EngineError`.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        read: Callable[[], HostMemory | None],
        own_node: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        self._read = read
        self._own_node = own_node
        self._clock = clock
        self._read_at = float("-inf")
        self._known: Mapping[str, int] = {}

    def used(self, nodes: Mapping[str, Node]) -> Mapping[str, int]:
        """Return bytes in use by the node's id, of the one node that can be told of, or of none."""
        if self._clock() - self._read_at >= EVERY:
            self._read_at = self._clock()
            self._known = self._measured(nodes)
        return self._known

    def _measured(self, nodes: Mapping[str, Node]) -> Mapping[str, int]:
        memory = self._read()
        if memory is None:
            return {}
        try:
            own = nodes.get(self._own_node())
        except EngineError:  # who looks at the Swarm reports it
            return {}
        if own is None or own.memory != memory.total:  # this is another machine than the engine's
            return {}
        return {own.id: memory.used // STEP * STEP}


def of_nothing() -> None:
    """Tell of no machine: where the engine may be on another one, and in tests."""
