"""What services are about to take that are being made, and that no look shows yet."""

from __future__ import annotations

import threading
from collections.abc import Callable

from swarmhub_operator.decide.loads import Expected

KEEP = 120.0  # seconds; by then every look shows the service, or it was not made


class Expectations:
    """By notebook, so that starts that are decided side by side know of each other. Thread-safe.

    Attributes:
        choosing: held by whoever decides on a service, until it stands here.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.choosing = threading.Lock()
        self._clock = clock
        self._lock = threading.Lock()
        self._expected: dict[str, tuple[float, Expected]] = {}

    def put(self, name: str, expected: Expected) -> None:
        """Remember what is expected for a notebook."""
        with self._lock:
            self._expected[name] = (self._clock(), expected)

    def drop(self, name: str) -> None:
        """Expect nothing for a notebook any more."""
        with self._lock:
            self._expected.pop(name, None)

    def current(self) -> dict[str, Expected]:
        """Return what is expected, by notebook."""
        end = self._clock() - KEEP
        with self._lock:
            self._expected = {n: e for n, e in self._expected.items() if e[0] > end}
            return {name: expected for name, (_, expected) in self._expected.items()}
