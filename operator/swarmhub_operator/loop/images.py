"""Pins an image to the digest that its registry knows it by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from swarmhub_operator.engine.port import Engine

KEEP = 60.0  # seconds that an answer is good for: a class that starts at once asks once


class ImageResolver:
    """Resolves tags with a short memory. Thread-safe."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._asking: dict[str, threading.Lock] = {}
        self._known: dict[str, tuple[float, str]] = {}

    def resolve(self, image: str) -> str:
        """Return `image` with its digest, or as it is when no registry can be asked.

        An image that is only on the nodes then still starts, as with `docker service create`.
        """
        with self._lock:
            self._forget_old()
            asking = self._asking.setdefault(image, threading.Lock())
        with asking:  # one question at a time for one image; others need not wait for it
            at, pinned = self._known.get(image, (float("-inf"), ""))
            if self._clock() - at < KEEP:
                return pinned
            pinned = self._engine.resolve_image(image) or image
            self._known[image] = (self._clock(), pinned)
            return pinned

    def _forget_old(self) -> None:
        """Users may name images at will; what they named is not remembered for ever."""
        end = self._clock() - KEEP
        for image in [known for known, (at, _) in self._known.items() if at <= end]:
            del self._known[image]
            self._asking.pop(image, None)
