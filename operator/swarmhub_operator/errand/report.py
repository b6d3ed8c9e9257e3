"""What an errand that copies prints: one JSON document a line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from threading import Lock
from typing import TextIO

from swarmhub_operator.decide.copying import Outcome

EVERY = 1.0  # seconds between two lines about the progress


class Report:
    """Prints `{"progress": bytes}` at most once a second, and at the end the outcome."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._lock = Lock()
        self._told_at = float("-inf")
        self.done = 0  # bytes so far

    def advance(self, count: int) -> None:
        """Note that `count` more bytes were copied."""
        with self._lock:
            self.done += count
            now = self._clock()
            if now - self._told_at < EVERY:
                return
            self._told_at = now
            self._write({"progress": self.done})

    def end(self, outcome: Outcome) -> int:
        """Print the outcome and return the exit code."""
        with self._lock:
            self._write(outcome.document())
        return 1 if outcome.error else 0

    def _write(self, document: object) -> None:
        self._out.write(json.dumps(document) + "\n")
        self._out.flush()
