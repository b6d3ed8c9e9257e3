"""A queue of names that deduplicates, delays and backs off.

The rules, as in Kubernetes' client-go:

- a name that waits already is not added twice;
- a name that is being worked on is never handed out a second time; if it is added meanwhile, it
  comes back once `done` is called;
- `add_after` keeps the earliest time asked for; an `add` now cancels the wait;
- `retry` adds with exponential back-off and jitter until `forget`.

Two rules are our own. Names of the periodic pass (`add_idle`) wait behind those for which something
has happened, so that a start does not queue behind thousands of records; but every fourth name
that is handed out is one of them, so that they come to their turn too. They never occupy more than
two workers: the others would be quicker to take up what happens, and share the interpreter with
them. And whoever adds a name may say that what is seen of it since some moment will do (`seen`).
"""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from swarmhub_operator.engine.observer import SEEN_FOR

BASE_DELAY = 0.2  # seconds
MAX_DELAY = 30.0
IDLE_TURN = 4  # of so many names handed out, one is idle if any is
IDLE_AT_ONCE = 2  # so many idle names are worked on at the same time


@dataclass(frozen=True, slots=True)
class Lane:
    """How many names wait for a worker, and for how many seconds the first of them has."""

    depth: int
    oldest: float


class WorkQueue:
    """Names to be looked at, for several workers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._ready: dict[str, float] = {}  # in the order in which they came, with the time
        self._idle: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._handed_out = 0
        self._delayed: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._working: set[str] = set()
        self._idling: set[str] = set()  # of these, the idle ones
        self._again: set[str] = set()
        self._failures: dict[str, int] = {}
        self._closed = False

    def add(self, name: str, seen: float | None = None) -> None:
        """Look at `name` as soon as a worker is free.

        Args:
            name: what to look at.
            seen: since when what is seen of it already is new enough; None: it is to be seen anew.
        """
        with self._condition:
            self._delayed.pop(name, None)
            self._put(name, seen)

    def add_asked(self, name: str) -> None:
        """Look at `name` as soon as a worker is free, for a reason that lies not in the Swarm.

        A person has asked for something, it is its turn, or it answers: nothing that a look
        would show, and the Swarm is watched as well.
        """
        self.add(name, self._clock() - SEEN_FOR)

    def _put(self, name: str, seen: float | None = None) -> None:
        if name in self._working:
            self._again.add(name)
            return
        self._note_seen(name, seen)
        if name not in self._ready:
            self._idle.pop(name, None)
            self._ready[name] = self._clock()
            self._condition.notify()

    def _note_seen(self, name: str, seen: float | None) -> None:
        """Note what will do to a name that comes; if it waits already, the stricter wish counts."""
        if name in self._ready or name in self._idle:
            known = self._seen.get(name)
            seen = None if seen is None or known is None else max(seen, known)
        self._seen.pop(name, None)
        if seen is not None:
            self._seen[name] = seen

    def add_idle(self, name: str, seen: float | None = None) -> None:
        """Look at `name` when there is time; see `add`."""
        with self._condition:
            if name not in self._ready and name not in self._working:
                self._note_seen(name, seen)
                self._idle.setdefault(name, self._clock())
                self._condition.notify()

    def seen(self, name: str) -> float | None:
        """Return what whoever added a name that is handed out said of it; see `add`."""
        with self._condition:
            return self._seen.get(name)

    def add_after(self, name: str, seconds: float) -> None:
        """Look at `name` after `seconds`, or earlier if that was asked for already."""
        if seconds <= 0:
            self.add(name)
            return
        due = self._clock() + seconds
        with self._condition:
            if self._delayed.get(name, due + 1) > due:
                self._delayed[name] = due
                heapq.heappush(self._heap, (due, name))
                self._condition.notify()

    def retry(self, name: str) -> float:
        """Look at `name` again after its back-off, and return that wait in seconds."""
        with self._condition:
            failures = self._failures.get(name, 0)
            self._failures[name] = failures + 1
        delay = min(MAX_DELAY, BASE_DELAY * 2.0 ** min(failures, 16))
        delay *= 1 - random.random() / 4  # noqa: S311 - jitter
        self.add_after(name, delay)
        return delay

    def forget(self, name: str) -> None:
        """Start the back-off of `name` from the beginning."""
        with self._condition:
            self._failures.pop(name, None)

    def get(self, timeout: float) -> str | None:
        """Return the next name, or None after `timeout` seconds or when closed and empty."""
        end = self._clock() + timeout
        with self._condition:
            while True:
                self._promote()
                name = None if self._closed else self._next()
                if name is not None:
                    return name
                left = end - self._clock()
                if left <= 0 or self._closed:
                    return None
                due = self._heap[0][0] - self._clock() if self._heap else left
                self._condition.wait(max(0.0, min(left, due)))

    def _next(self) -> str | None:
        """Take the next name out of its line; no lane keeps the other one waiting for ever."""
        idle_first = self._handed_out % IDLE_TURN == IDLE_TURN - 1
        idle = self._idle if len(self._idling) < IDLE_AT_ONCE else {}
        lanes = (idle, self._ready) if idle_first else (self._ready, idle)
        lane = next((lane for lane in lanes if lane), None)
        if lane is None:
            return None
        name = next(iter(lane))
        del lane[name]
        if lane is self._idle:
            self._idling.add(name)
        self._handed_out += 1
        self._working.add(name)
        return name

    def _promote(self) -> None:
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            due, name = heapq.heappop(self._heap)
            if self._delayed.get(name) == due:
                del self._delayed[name]
                self._put(name)

    def done(self, name: str) -> None:
        """Say that a worker has finished with `name`."""
        with self._condition:
            self._working.discard(name)
            self._seen.pop(name, None)
            if name in self._idling:
                self._idling.discard(name)
                self._condition.notify()
            if name in self._again:
                self._again.discard(name)
                self._put(name)

    def depth(self) -> int:
        """Return how many names wait for a worker now."""
        with self._condition:
            return len(self._ready) + len(self._idle)

    def lanes(self) -> dict[str, Lane]:
        """Return who waits: because something happened ("changed"), or for the periodic pass."""
        with self._condition:
            now = self._clock()
            lanes = {"changed": self._ready, "periodic": self._idle}
            return {
                name: Lane(len(lane), now - next(iter(lane.values()), now))
                for name, lane in lanes.items()
            }

    def close(self) -> None:
        """Hand out nothing more and wake every worker."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
