"""Which tasks have come to an end: one short list, however many run.

A crash on another node is told by no event of this engine's, and to list all tasks every second
would take a core where there are ten thousand.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from swarmhub_operator.engine.port import Engine


class Ends:
    """Tells each end once. For one thread.

    Attributes:
        cost: seconds that the last list took.
    """

    def __init__(
        self, engine: Engine, store: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the engine to ask, and the uid of the store whose notebooks count."""
        self._engine = engine
        self._store = store
        self._clock = clock
        self._known: frozenset[tuple[str, str]] = frozenset()
        self.cost = 0.0

    def news(self) -> frozenset[str]:
        """Return the names of the notebooks of which a task ends, or has ended, since last time.

        Raises:
            EngineError: the engine does not answer.
        """
        began = self._clock()
        ending = self._engine.ending_tasks(self._store)
        self.cost = self._clock() - began
        found = {(task.id, task.state.value): task.notebook for task in ending}
        names = frozenset(name for key, name in found.items() if key not in self._known)
        self._known = frozenset(found)
        return names - {""}
