"""Looks at the Swarm: three lists for all notebooks, shared by everyone who wants one.

Where there are many notebooks, who is concerned with one asks for three short lists of it alone:
a close look. What it tells goes into what is known of all, so that nobody decides by less than
somebody else knows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from immutables import Map

from swarmhub_operator.engine import labels
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.merging import merged
from swarmhub_operator.engine.observed import Node, Reservation, Service, Task
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.engine.snapshot import Snapshot, Spell, index

NODES_EVERY = 5.0  # seconds; nodes change rarely, and their events ask for a fresh list
RESERVATIONS_EVERY = 2.0  # seconds at least; our own are known better from the look itself
RESERVATIONS_SELDOM = 30.0  # seconds at most, however long the list is
CLOSE_ABOVE = 100  # services; with fewer, a look that all share costs less than one for each
MAX_AGE = 0.05  # seconds that a look which others asked for may be old, if looking costs little
LONGEST_AGE = 1.0  # seconds
SEEN_FOR = 90.0  # seconds for which a look will do to whoever has been seen by it
LOOKING_SHARE = 0.1  # of one core that the looks of those who start may cost


class Observer:
    """Takes one look at a time and hands it to all who can use it. Thread-safe."""

    def __init__(
        self, engine: Engine, store: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._looking = threading.Lock()  # held by whoever takes a whole look
        self._state = threading.Lock()  # of all that follows; held while nothing is asked
        self._last: Snapshot | None = None
        self._parts: dict[str, Snapshot] = {}  # close looks since then, by notebook name
        self._known: dict[str, tuple[int, float]] = {}  # service id -> version, and since when
        self._failed: tuple[float, EngineError] | None = None  # when, and how, the last look did
        self._nodes: dict[str, Node] = {}
        self._nodes_at = float("-inf")  # when they were asked for last
        self._nodes_wanted = float("-inf")  # when something was heard of a node
        self._spells: dict[str, Spell] = {}  # by node id
        self._ended: frozenset[str] = frozenset()  # ids of tasks that were seen to have ended
        self._reserving = threading.Lock()
        self._reservations: tuple[Reservation, ...] = ()
        self._reservations_at = float("-inf")
        self._reservations_cost = 0.0  # seconds that the last list took
        self._not_reserved: tuple[float, EngineError] | None = None  # as `_failed`
        self.cost = 0.0  # seconds that the last whole look took

    def look(self, not_before: float) -> Snapshot:
        """Return a look that began at `not_before` (monotonic seconds) or later.

        Raises:
            EngineError: when the engine does not answer. Never REFUSED: that says something of the
                engine, and nothing of any notebook.
        """
        asked = self._clock()
        with self._looking:
            if self._last is not None and self._last.started >= not_before:
                return self._as_of(self._last.started)
            if self._failed is not None and self._failed[0] >= asked:
                raise self._failed[1]  # while we waited; to wait as long once more helps nobody
            try:
                return self._take()
            except EngineError as error:
                self._failed = self._clock(), _of_the_engine(error)
                raise self._failed[1] from error

    def look_at(self, name: str, not_before: float, seen: float | None = None) -> Snapshot:
        """Return a look that tells what one notebook is like.

        Where there are many, it tells of the others what is known already.

        Args:
            name: of the notebook.
            not_before: monotonic seconds; nothing older is told of it.
            seen: where there are many, a look that began then will do; None: it has to be as new
                as that of someone who starts.

        Raises:
            EngineError: as by `look`.
        """
        now = self._clock()
        if not self.is_large:
            age = pause(self.cost, LOOKING_SHARE, MAX_AGE, LONGEST_AGE)
            return self.look(max(not_before, now - age))
        not_before = max(not_before, now - MAX_AGE if seen is None else max(seen, now - SEEN_FOR))
        with self._state:
            known = self._parts.get(name, self._last)
            if known is not None and known.started >= not_before:
                return self._as_of(known.started)
        try:
            return self._take_close(name)
        except EngineError as error:
            raise _of_the_engine(error) from error

    @property
    def is_large(self) -> bool:
        """Whether there are so many notebooks that each is looked at alone."""
        return self._last is not None and len(self._last.services) > CLOSE_ABOVE

    def notebook_of(self, service_id: str) -> str:
        """Return the notebook of a service; "" if no look has seen that."""
        service = self._last.tally.services.get(service_id) if self._last else None
        return service.labels.get(labels.NOTEBOOK, "") if service else ""

    def known(self) -> Snapshot:
        """Return what is known, without a question and without a wait for one that is under way.

        There has to have been a look.
        """
        with self._state:
            if self._last is None:
                raise RuntimeError("Nothing is known before the first look.")
            return self._as_of(self._last.started)

    def nodes(self) -> Mapping[str, Node]:
        """Return the nodes by id, as they were some seconds ago at most.

        Raises:
            EngineError: as by `look`.
        """
        try:
            self._see_nodes(self._clock(), ())
        except EngineError as error:
            raise _of_the_engine(error) from error
        return self._nodes

    def refresh_nodes(self) -> None:
        """Ask for the nodes anew at the next look."""
        self._nodes_wanted = self._clock()

    def reservations(self) -> tuple[Reservation, ...]:
        """Return what the Swarm's tasks held of their nodes, a few seconds ago at most.

        One more list of the engine, and so asked only for notebooks that need a place.

        Raises:
            EngineError: when the engine does not answer; REFUSED as by `look`.
        """
        asked = self._clock()
        with self._reserving:
            if self._not_reserved is not None and self._not_reserved[0] > asked:
                raise self._not_reserved[1]  # while we waited, as in `look`
            now = self._clock()
            if now - self._reservations_at > self._reservations_for():
                try:
                    self._reservations = self._engine.reservations()
                except EngineError as error:
                    self._not_reserved = self._clock(), _of_the_engine(error)
                    raise self._not_reserved[1] from error
                self._reservations_at = now
                self._reservations_cost = self._clock() - now
            return self._reservations

    def _reservations_for(self) -> float:
        return pause(
            self._reservations_cost, LOOKING_SHARE, RESERVATIONS_EVERY, RESERVATIONS_SELDOM
        )

    def _take(self) -> Snapshot:
        started = self._clock()
        seen = self._ask(started)
        self.cost = self._clock() - started
        before = self._last
        with self._state:
            # What close looks told that began later is newer.
            self._parts = {n: p for n, p in self._parts.items() if p.started > started}
            for name, part in self._parts.items():
                seen = merged(seen, name, part)
            self._known = {s.id: (s.version, seen.since[s.id]) for s in seen.all_services()}
            self._ended &= {task.id for tasks in seen.tasks.values() for task in tasks}
            self._last = seen
            found = self._as_of(started)
        if before is not None:
            old = [*before.all_services(), *before.tasks.values()]
            del before
            _let_go(old)
        return found

    def _take_close(self, name: str) -> Snapshot:
        started = self._clock()
        part = self._ask(started, name)
        with self._state:
            if self._last is None or self._last.started > started:
                return self._as_of(started)  # a whole look that began later has told more
            self._last = merged(self._last, name, part)
            self._parts[name] = part
            self._known |= {s.id: (s.version, part.since[s.id]) for s in part.all_services()}
            return self._as_of(started)

    def _as_of(self, started: float) -> Snapshot:
        """Return what is known as a look that began at `started`."""
        if self._last is None:
            raise RuntimeError("A close look comes after a whole one.")
        started = max(started, self._last.started)
        return replace(self._last, started=started, nodes=self._nodes, spells=self._spells)

    def _ask(self, started: float, name: str = "") -> Snapshot:
        """Ask for everything of one notebook, or of all.

        Services last: a service newer than its tasks only means that a task is still to come,
        while a task newer than its service could be blamed for what the service no longer asks.
        """
        secrets = self._engine.secrets(self._store, name)
        tasks = self._engine.tasks(self._store, name)
        self._see_nodes(started, tasks)
        services = self._engine.services(self._store, name)
        seen = index(started, services, tasks, secrets, ())
        with self._state:
            return replace(seen, since=Map({s.id: self._since(s, started) for s in services}))

    def _see_nodes(self, started: float, tasks: tuple[Task, ...]) -> None:
        """List the nodes if they are not known well enough to judge by.

        Why a task has ended may be seen from its node, as that was then or later.
        """
        ended = frozenset(task.id for task in tasks if task.ended)
        news = ended - self._ended
        with self._state:
            self._ended |= ended
        asked = self._clock()
        fresh = self._nodes_wanted < self._nodes_at and started - self._nodes_at <= NODES_EVERY
        if fresh and not news:
            return
        nodes = self._engine.nodes()
        with self._state:
            if asked >= self._nodes_at:
                self._spells = {node.id: self._spell(node, started) for node in nodes}
                self._nodes, self._nodes_at = {node.id: node for node in nodes}, asked

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


def _let_go(old: list[object]) -> None:
    """Let go of what nobody needs any more, piece by piece.

    The interpreter runs nothing else while it takes apart what was held by one reference: of ten
    thousand services, for a tenth of a second.
    """
    while old:
        old.pop()


def pause(cost: float, share: float, least: float, most: float) -> float:
    """Return the seconds between two looks at which looking costs a share of one core.

    Args:
        cost: seconds that a look takes.
        share: of one core.
        least: seconds, however little it takes.
        most: seconds, however much it takes.
    """
    return min(most, max(least, cost / share))


def _of_the_engine(error: EngineError) -> EngineError:
    """A list that is refused says something of the engine, and nothing of any notebook."""
    kind = Kind.UNAVAILABLE if error.kind is Kind.REFUSED else error.kind
    return EngineError(kind, error.sentence)
