"""What the process knows of its own health."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

STALE = 60.0  # seconds; the longest engine call is bounded well below


class Pulse:
    """Heartbeats of the threads and the last trouble of each part. Thread-safe.

    Attributes:
        ready: whether the store has been opened, so that the process can lead.
        leading: whether it does.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._beats: dict[str, float] = {}
        self._dead: set[str] = set()
        self._trouble: dict[str, str] = {}
        self.ready = False
        self.leading = False

    def beat(self, thread: str) -> None:
        """Say that a thread is alive."""
        with self._lock:
            self._beats[thread] = self._clock()

    def died(self, thread: str) -> None:
        """Say that a thread has ended by an error."""
        with self._lock:
            self._dead.add(thread)

    def report(self, part: str, trouble: str | None) -> None:
        """Note what is wrong with a part (store, engine, sweep), or None when it is well."""
        with self._lock:
            if trouble is None:
                self._trouble.pop(part, None)
            else:
                self._trouble[part] = trouble

    def reset(self) -> None:
        """Forget the heartbeats: the threads have been stopped on purpose."""
        with self._lock:
            self._beats.clear()

    def alive(self) -> bool:
        """Return whether the process does its work; trouble outside it does not count."""
        with self._lock:
            late = self._clock() - STALE
            return not self._dead and all(at >= late for at in self._beats.values())

    def summary(self) -> dict[str, object]:
        """Return what the health endpoint shows."""
        alive = self.alive()
        with self._lock:
            return {
                "alive": alive,
                "ready": self.ready,
                "leading": self.leading,
                "trouble": dict(self._trouble),
                "dead": sorted(self._dead),
            }
