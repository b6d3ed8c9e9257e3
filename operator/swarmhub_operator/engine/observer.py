"""Looks at the Swarm: three lists for all notebooks, shared by everyone who wants one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import (
    Node,
    Reservation,
    Service,
    Snapshot,
    Spell,
    index,
)
from swarmhub_operator.engine.port import Engine

NODES_EVERY = 5.0  # seconds; nodes change rarely, and their events ask for a fresh list
RESERVATIONS_EVERY = 2.0  # seconds; our own are known better from the look itself


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
        self._known: dict[str, tuple[int, float]] = {}  # service id -> version, and since when
        self._failed: tuple[float, EngineError] | None = None  # when, and how, the last look did
        self._nodes: tuple[Node, ...] = ()
        self._nodes_at = float("-inf")
        self._spells: dict[str, Spell] = {}  # by node id
        self._ended: frozenset[str] = frozenset()  # ids of the tasks that the last look saw ended
        self._reserving = threading.Lock()
        self._reservations: tuple[Reservation, ...] = ()
        self._reservations_at = float("-inf")
        self._not_reserved: tuple[float, EngineError] | None = None  # as `_failed`
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
                self._failed = self._clock(), _of_the_engine(error)
                raise self._failed[1] from error
            return self._last

    def pause(self, share: float, least: float, most: float) -> float:
        """Return the seconds between two looks at which looking costs a share of one core.

        Args:
            share: of one core, by what the last look took.
            least: seconds, however little it took.
            most: seconds, however much it took.
        """
        return min(most, max(least, self.cost / share))

    def refresh_nodes(self) -> None:
        """Ask for the nodes anew at the next look."""
        self._nodes_at = float("-inf")

    def reservations(self) -> tuple[Reservation, ...]:
        """Return what the Swarm's tasks held of their nodes, at most two seconds ago.

        One more list of the engine, and so asked only for notebooks that need a place.

        Raises:
            EngineError: when the engine does not answer; REFUSED as by `look`.
        """
        asked = self._clock()
        with self._reserving:
            if self._not_reserved is not None and self._not_reserved[0] > asked:
                raise self._not_reserved[1]  # while we waited, as in `look`
            now = self._clock()
            if now - self._reservations_at > RESERVATIONS_EVERY:
                try:
                    self._reservations = self._engine.reservations()
                except EngineError as error:
                    self._not_reserved = self._clock(), _of_the_engine(error)
                    raise self._not_reserved[1] from error
                self._reservations_at = now
            return self._reservations

    def _take(self) -> Snapshot:
        started = self._clock()
        # Services last: a service newer than its tasks only means that a task is still to come,
        # while a task newer than its service could be blamed for what the service no longer asks.
        secrets = self._engine.secrets(self._store)
        tasks = self._engine.tasks(self._store)
        ended = frozenset(task.id for task in tasks if task.ended)
        # Why a task has ended may be seen from its node, as that was then or later.
        if started - self._nodes_at > NODES_EVERY or ended - self._ended:
            self._nodes, self._nodes_at = self._engine.nodes(), started
            self._spells = {node.id: self._spell(node, started) for node in self._nodes}
        self._ended = ended
        services = self._engine.services(self._store)
        self.cost = self._clock() - started
        self._known = {s.id: (s.version, self._since(s, started)) for s in services}
        since = {ident: moment for ident, (_, moment) in self._known.items()}
        seen = index(started, services, tasks, secrets, self._nodes)
        return replace(seen, since=since, spells=self._spells)

    def _since(self, service: Service, now: float) -> float:
        """Return since when, by our own clock, we know the service as it is."""
        version, since = self._known.get(service.id, (None, now))
        return since if version == service.version else now

    def _spell(self, node: Node, now: float) -> Spell:
        """Return since when a node is in its state; its labels may change meanwhile."""
        known = self._spells.get(node.id)
        if known is not None and known.state == node.state:
            return known
        return Spell(node.state, now, node.updated_at)


def _of_the_engine(error: EngineError) -> EngineError:
    """A list that is refused says something of the engine, and nothing of any notebook."""
    kind = Kind.UNAVAILABLE if error.kind is Kind.REFUSED else error.kind
    return EngineError(kind, error.sentence)
