"""The gate through which starts pass: so many at once, first come first served.

A start is one or two seconds of pure CPU. All at once they share the cores and all finish last;
a few at a time, half of them are done in half the time and the last is no later.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from swarmhub_operator.engine.observed import Node


def places(nodes: Iterable[Node], per_core: float) -> int:
    """Return how many notebooks may be starting at once: by the cores of the usable nodes."""
    cores = sum(n.cpus for n in nodes if n.usable)
    return max(1, round(cores * per_core))


class StartGate:
    """Who is starting and who waits, by notebook name. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starting: set[str] = set()
        self._line: dict[str, None] = {}

    def ask(self, name: str, width: int) -> int:
        """Ask for a place; return 0 when `name` may start, else its number in the line."""
        with self._lock:
            if name in self._starting:
                return 0
            self._line.setdefault(name)
            number = list(self._line).index(name) + 1
            if number + len(self._starting) > width:
                return number
            del self._line[name]
            self._starting.add(name)
            return 0

    def hold(self, name: str) -> None:
        """Count `name` as starting: its service exists already."""
        with self._lock:
            self._line.pop(name, None)
            self._starting.add(name)

    def leave(self, name: str) -> str | None:
        """Give up the place of `name`; return who is next in line, if that made room."""
        with self._lock:
            self._line.pop(name, None)
            if name not in self._starting:
                return None
            self._starting.discard(name)
            return next(iter(self._line), None)

    def waiting(self) -> int:
        """Return the length of the line."""
        with self._lock:
            return len(self._line)
