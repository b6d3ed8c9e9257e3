"""What changes in the Swarm without our doing, and whom it concerns.

Where there are few notebooks, all are looked at about once a second and after each event, and each
look is compared with the last. Where there are many, that would take a core: events name whom they
concern, a short list tells whose tasks have ended, and the periodic pass finds what both missed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from swarmhub_crds.errors import LeaseLost, StoreError

from swarmhub_operator.engine.ends import Ends
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.engine.news import News
from swarmhub_operator.engine.observed import Node, TaskState
from swarmhub_operator.engine.observer import pause
from swarmhub_operator.engine.snapshot import Snapshot
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.nodereport import NodeReport
from swarmhub_operator.loop.parts import Parts
from swarmhub_operator.loop.pulse import Pulse
from swarmhub_operator.loop.workqueue import WorkQueue

STEADY = 1.0  # seconds between two looks while nothing is going on
BURST = 0.02  # seconds from an event to a look, if looking costs little
HINTED_SHARE = 0.1  # of one core that looks after events may cost
LONGEST_HINTED = 5.0  # seconds from an event to a look, however long it takes
BUSY_SHARE = 0.05  # of one core that looking may cost
LONGEST = 15.0  # seconds between two looks, however long they take
EVENTS_FOR = 60.0  # seconds that one event stream lasts
log = get_logger()


class EngineWatch:
    """Queues the notebooks of which something has changed in the Swarm."""

    def __init__(self, parts: Parts, queue: WorkQueue, pulse: Pulse, stop: threading.Event) -> None:
        """Take `stop`, which ends both threads once `wake` is called as well."""
        self._parts = parts
        self._observer = parts.observer
        self._queue = queue
        self._pulse = pulse
        self._stop = stop
        self._hint = threading.Event()
        self._hinted = float("-inf")  # when the last event came
        self._ends = Ends(parts.engine, parts.store.uid, parts.clock)
        self._known: dict[str, tuple[object, ...]] = {}  # by name, what the last look told
        self._nodes: Mapping[str, tuple[object, ...]] = {}  # as they were then
        self._report = NodeReport(parts.store, parts.leadership, parts.own_memory.used)

    def wake(self) -> None:
        """End a wait."""
        self._hint.set()

    def look(self) -> None:
        """Look again and again; a thread of its own."""
        oldest = self._parts.clock()
        while not self._stop.is_set():
            self._pulse.beat("engine-watch")
            self._parts.events.write()
            try:
                self._notice(oldest)
            except EngineError as error:
                self._pulse.report("engine", str(error))
                self._stop.wait(STEADY)
                continue
            self._pulse.report("engine", None)
            oldest = self._await_news()
        self._parts.events.write(at_once=True)

    def _notice(self, oldest: float) -> None:
        """Queue whoever is concerned by what has changed.

        Args:
            oldest: when a look has to have begun.
        """
        if self._observer.is_large and _states(self._observer.nodes()) == self._nodes:
            for name in self._ends.news():
                self._queue.add(name)
            self._tell_nodes(self._observer.known())
            return
        snapshot = self._observer.look(oldest)
        self._tell_nodes(snapshot)
        self._compare(snapshot)

    def _compare(self, snapshot: Snapshot) -> None:
        """Queue the notebooks that are not as the last look showed them.

        The first look shows nothing new of those that run; who starts does not wait for them.
        """
        known, first = self._known, not self._nodes
        there = {*snapshot.services, *snapshot.secrets}
        seen = {name: snapshot.fingerprint(name) for name in {*there, *known}}
        for name, fingerprint in seen.items():
            if first and _runs(snapshot, name):
                self._queue.add_idle(name, snapshot.started)
            elif known.get(name) != fingerprint:
                self._queue.add(name, snapshot.started)
        self._known = {name: seen[name] for name in there}
        self._nodes = _states(snapshot.nodes)

    def _await_news(self) -> float:
        """Wait until another look is due, and return how old it may be: when it has to begin."""
        cost = self._ends.cost if self._observer.is_large else self._observer.cost
        if not self._hint.wait(pause(cost, BUSY_SHARE, STEADY, LONGEST)):
            return self._parts.clock()
        # Events come in bursts; one look serves them all.
        self._stop.wait(pause(cost, HINTED_SHARE, BURST, LONGEST_HINTED))
        self._hint.clear()
        return self._hinted

    def _tell_nodes(self, snapshot: Snapshot) -> None:
        """Tell of the nodes; a store that cannot be written is told of elsewhere."""
        try:
            self._report.publish(snapshot)
        except LeaseLost:
            raise
        except StoreError as error:
            log.warning("nodes", outcome="postponed", error=str(error))

    def listen(self) -> None:
        """Turn the engine's events into hints; a thread of its own."""
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                for news in self._parts.engine.events(EVENTS_FOR):
                    self._hear(news)
                    if self._stop.is_set():
                        return
            except EngineError as error:
                self._pulse.report("engine", str(error))
            if time.monotonic() - began < STEADY:  # an engine that is down, or of another time
                self._stop.wait(STEADY)

    def _hear(self, news: News) -> None:
        if news.kind == "node":
            self._observer.refresh_nodes()
        elif self._observer.is_large:
            self._queue_concerned(news)
            return
        self._hinted = self._parts.clock()
        self._hint.set()

    def _queue_concerned(self, news: News) -> None:
        """Queue the notebook that an event is about, unless that is followed already.

        A service that nobody has looked at is one of our own making, as a rule; and whoever starts
        is looked at until it answers.
        """
        name = news.notebook or self._observer.notebook_of(news.id)
        if name and (news.kind, news.action) != ("container", "create"):
            self._queue.add(name)


def _runs(snapshot: Snapshot, name: str) -> bool:
    service = snapshot.services.get(name)
    task = snapshot.current_task(service) if service else None
    return task is not None and task.state is TaskState.RUNNING


def _states(nodes: Mapping[str, Node]) -> dict[str, tuple[object, ...]]:
    return {ident: node.standing for ident, node in nodes.items()}
