"""Looks at the Swarm: three lists for all notebooks, shared by everyone who wants one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node, Snapshot, index
from swarmhub_operator.engine.port import Engine

NODES_EVERY = 5.0  # seconds; nodes change rarely, and their events ask for a fresh list


class Observer:
    """Takes one look at a time and hands it to all who can use it. Thread-safe."""

    def __init__(
        self, engine: Engine, store: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._last: Snapshot | None = None
        self._failed: tuple[float, EngineError] | None = None  # when, and how, the last look did
        self._nodes: tuple[Node, ...] = ()
        self._nodes_at = float("-inf")
        self.cost = 0.0  # seconds that the last look took

    def look(self, not_before: float) -> Snapshot:
        """Return a look that began at `not_before` (monotonic seconds) or later.

        Raises:
            EngineError: when the engine does not answer. Never REFUSED: that says something of the
                engine, and nothing of any notebook.
        """
        asked = self._clock()
        with self._lock:
            if self._last is not None and self._last.started >= not_before:
                return self._last
            if self._failed is not None and self._failed[0] >= asked:
                raise self._failed[1]  # while we waited; to wait as long once more helps nobody
            try:
                self._last = self._take()
            except EngineError as error:
                kind = Kind.UNAVAILABLE if error.kind is Kind.REFUSED else error.kind
                self._failed = self._clock(), EngineError(kind, error.sentence)
                raise self._failed[1] from error
            return self._last

    def refresh_nodes(self) -> None:
        """Ask for the nodes anew at the next look."""
        self._nodes_at = float("-inf")

    def _take(self) -> Snapshot:
        started = self._clock()
        if started - self._nodes_at > NODES_EVERY:
            self._nodes, self._nodes_at = self._engine.nodes(), started
        # Services last: a service newer than its tasks only means that a task is still to come,
        # while a task newer than its service could be blamed for what the service no longer asks.
        secrets = self._engine.secrets(self._store)
        tasks = self._engine.tasks(self._store)
        services = self._engine.services(self._store)
        self.cost = self._clock() - started
        return index(started, services, tasks, secrets, self._nodes)
